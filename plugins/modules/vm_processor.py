#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_processor
short_description: Set processor settings of virtual machines
version_added: 0.1.0
description:
  - Sets what is given on every chosen VM, and leaves other settings as they are.
  - Most settings need the VM off. O(power) says whether a running VM may be shut down for them.
  - One VM's failure does not stop the others.
options:
  compatibility_for_migration_enabled:
    description: Whether newer processor features are hidden, so that the VM can move between generations of one
      vendor. Needs the VM off.
    type: bool
  compatibility_for_migration_mode:
    description: Which features stay, on Windows Server 2025. Stand-alone hosts use V(MinimumFeatureSet). Needs the VM
      off.
    type: str
    choices: [MinimumFeatureSet, CommonClusterFeatureSet]
  compatibility_for_older_operating_systems_enabled:
    description: Whether features are limited for very old guests. Needs the VM off.
    type: bool
  count:
    description: Number of virtual processors. Needs the VM off.
    type: int
  hw_thread_count_per_core:
    description: Virtual threads per core; V(0) follows the host. Needs the VM off.
    type: int
  expose_virtualization_extensions:
    description: Whether the guest may run a hypervisor. Needs the VM off.
    type: bool
  enable_host_resource_protection:
    description: Whether excessive use of host resources is limited. Needs the VM off.
    type: bool
  maximum:
    description: Limit in percent of the processors.
    type: int
  reserve:
    description: Reserved percent of the processors.
    type: int
  relative_weight:
    description: Weight, 1 to 10000.
    type: int
  maximum_count_per_numa_node:
    description: Most processors per virtual NUMA node. Needs the VM off.
    type: int
  maximum_count_per_numa_socket:
    description: Most virtual NUMA nodes per socket. Needs the VM off.
    type: int
  resource_pool_name:
    description: Processor resource pool. Needs the VM off.
    type: str
  power:
    description:
      - What to do with a running VM when a setting needs it off.
      - V(require_off) refuses, before anything is changed on any VM.
      - V(restart) shuts the VM down through its integration services, sets, starts it, and waits for its heartbeat.
        When setting fails, the VM is started all the same.
      - Meanwhile a line in the VM's notes says that it is to be started again, so that a run after a killed one with
        V(restart) starts it. For O(select) such a VM is V(Running), as it was.
    type: str
    choices: [require_off, restart]
    default: require_off
  force:
    description:
      - With O(power=restart), whether a VM's shutdown is forced, against a locked session or unsaved data in its guest.
        One that is not down in time is turned off.
    type: bool
    default: false
  shutdown_timeout_seconds:
    description: How long a guest may take to shut down.
    type: int
    default: 300
  heartbeat_timeout_seconds:
    description: How long a guest may take until its heartbeat is back.
    type: int
    default: 300
extends_documentation_fragment:
  - hyperv.mobility.host
  - hyperv.mobility.selection
attributes:
  check_mode:
    description: Says what would change, without changing it.
    support: full
  diff_mode:
    description: Shows the settings that differ, by VM, before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_compatibility
  - module: hyperv.mobility.vm_migration
"""

EXAMPLES = r"""
- name: A VM can move between processor generations
  hyperv.mobility.vm_processor:
    names: [db01]
    compatibility_for_migration_enabled: true
    power: restart

- name: All VMs that are off get a weight
  hyperv.mobility.vm_processor:
    select: "[?state=='Off']"
    relative_weight: 200
"""

RETURN = r"""
vms:
  description: One entry per chosen VM.
  type: list
  elements: dict
  returned: success or failure of single VMs
  contains:
    id:
      description: Id of the VM.
      type: str
      returned: always
    name:
      description: Name of the VM.
      type: str
      returned: always
    changed:
      description: Whether it was changed, or would be in check mode.
      type: bool
      returned: always
    needs_off:
      description: Whether a differing setting needs the VM off.
      type: bool
      returned: always
    restarted:
      description: Whether the VM was shut down and started.
      type: bool
      returned: always
    before:
      description: Differing settings before.
      type: dict
      returned: always
    after:
      description: The same settings afterwards.
      type: dict
      returned: always
    error:
      description: Why it failed, with C(kind) and C(msg); null otherwise.
      type: dict
      returned: always
findings:
  description: Which precondition does not hold, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: when a precondition does not hold
"""
