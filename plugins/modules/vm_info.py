#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_info
short_description: Read virtual machines of a Hyper-V host
version_added: 0.1.0
description:
  - Reads VMs with processor, disks and their files, adapters, checkpoints, integration services, security and
    replication.
  - The number of requests does not grow with the number of VMs.
  - Without options, all VMs of the host are returned.
options:
  parts:
    description:
      - What is read beside the values of the VM itself. Everything where this is not set; C([]) reads no parts, which
        is the cheapest way to learn the names, states and memory of all VMs.
      - Parts that are not read are missing from the result, so O(select) can't use them.
    type: list
    elements: str
    choices:
      - processor
      - hard_disk_drives
      - dvd_drives
      - network_adapters
      - checkpoints
      - integration_services
      - replication
      - security
extends_documentation_fragment:
  - hyperv.mobility.host
  - hyperv.mobility.selection
attributes:
  check_mode:
    description: Reads in check mode as well.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
seealso:
  - module: hyperv.mobility.vm_host_info
  - module: hyperv.mobility.vm_migration
"""

EXAMPLES = r"""
- name: Read all VMs
  hyperv.mobility.vm_info:
  register: all

- name: Read the VMs that run and have a checkpoint
  hyperv.mobility.vm_info:
    select: "[?state=='Running' && checkpoints]"

- name: Read two VMs by name
  hyperv.mobility.vm_info:
    names: [web01, web02]

- name: Read names and states only
  hyperv.mobility.vm_info:
    parts: []
"""

RETURN = r"""
vms:
  description: One entry per VM, in the order of the selection.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id in lower case, which a VM keeps when it moves.
      type: str
      returned: always
    name:
      description: Name; not unique on a host.
      type: str
      returned: always
    state:
      description: Name of the state, for example V(Running), V(Off), V(Saved), V(OffCritical).
      type: str
      returned: always
    operational_status:
      description: Names of the operational statuses.
      type: list
      elements: str
      returned: always
    primary_operational_status:
      description: V(Ok), or V(InService) while something is done to the VM.
      type: str
      returned: always
    secondary_operational_status:
      description: What is done, for example V(MigratingVirtualMachine).
      type: str
      returned: always
    heartbeat:
      description: What the guest's heartbeat says, for example V(OkApplicationsHealthy); null while off.
      type: str
      returned: always
    generation:
      description: Generation 1 or 2.
      type: int
      returned: always
    version:
      description: Configuration version.
      type: str
      returned: always
    uptime_seconds:
      description: Seconds since the start.
      type: float
      returned: always
    creation_time:
      description: When it was created.
      type: str
      returned: always
    is_clustered:
      description: Whether it belongs to a failover cluster.
      type: bool
      returned: always
    path:
      description: Folder of the VM.
      type: str
      returned: always
    configuration_location:
      description: Folder of the configuration.
      type: str
      returned: always
    snapshot_file_location:
      description: Folder of checkpoints.
      type: str
      returned: always
    smart_paging_file_path:
      description: Folder of smart paging.
      type: str
      returned: always
    size_of_system_files:
      description: Bytes of configuration and state files.
      type: int
      returned: always
    processor_count:
      description: Virtual processors.
      type: int
      returned: always
    memory_assigned:
      description: Bytes assigned now.
      type: int
      returned: always
    memory_startup:
      description: Bytes at start.
      type: int
      returned: always
    memory_minimum:
      description: Least bytes of dynamic memory.
      type: int
      returned: always
    memory_maximum:
      description: Most bytes of dynamic memory.
      type: int
      returned: always
    dynamic_memory_enabled:
      description: Whether memory is dynamic.
      type: bool
      returned: always
    automatic_start_action:
      description: V(Nothing), V(StartIfRunning) or V(Start).
      type: str
      returned: always
    automatic_stop_action:
      description: V(TurnOff), V(Save) or V(ShutDown).
      type: str
      returned: always
    checkpoint_type:
      description: Kind of new checkpoints; null on Windows Server 2012 R2.
      type: str
      returned: always
    parent_snapshot_id:
      description: Id of the checkpoint it runs on.
      type: str
      returned: always
    notes:
      description: Notes.
      type: str
      returned: always
    processor:
      description: Processor settings, by the option names of M(hyperv.mobility.vm_processor); null for what the
        edition lacks.
      type: dict
      returned: unless O(parts) leaves it out
    hard_disk_drives:
      description: Drives with path, place on the controller, C(disk_number) of a pass-through disk, C(shared), the
        file C(vhd) with sizes in bytes, and C(parents).
      type: list
      elements: dict
      returned: unless O(parts) leaves it out
    dvd_drives:
      description: DVD drives; C(path) is null for an empty one.
      type: list
      elements: dict
      returned: unless O(parts) leaves it out
    network_adapters:
      description: Adapters with switch, MAC address, IP addresses and C(vlan).
      type: list
      elements: dict
      returned: unless O(parts) leaves it out
    checkpoints:
      description: Checkpoints; C(has_memory) tells whether one keeps processor features of its day.
      type: list
      elements: dict
      returned: unless O(parts) leaves it out
    integration_services:
      description: Services by V(heartbeat), V(shutdown), V(time_synchronization), V(key_value_pair_exchange), V(vss)
        and V(guest_service_interface), whatever the language of the host.
      type: dict
      returned: unless O(parts) leaves it out
    security:
      description: Virtual TPM, shielding, encryption of migration traffic; null on Windows Server 2012 R2.
      type: dict
      returned: unless O(parts) leaves it out
    replication:
      description: Replication relationships.
      type: list
      elements: dict
      returned: unless O(parts) leaves it out
"""
