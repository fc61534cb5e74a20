#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_version
short_description: Plan a VM's hops between configuration versions, and upgrade it when asked
version_added: 0.1.0
description:
  - Says by which hosts and upgrades a VM gets to a host that does not run its configuration version, for example from
    Windows Server 2012 R2 over 2019 to 2025. What the hosts run is read from them; experimental and prerelease versions
    don't count. Reads only, unless O(upgrade=true).
  - A move never changes a VM's version. An upgrade has no way back, so it is a task of its own.
  - Without O(destination_host) and O(target_version) the aim is the newest version of the host that the VM is on.
options:
  destination_host:
    description: Inventory name of the host that the VM is to get to; its own list of versions counts.
    type: str
  target_version:
    description: Configuration version that the VM is to have in the end, for example V(9.0).
    type: str
  via:
    description: Inventory names of hosts that the VM may pass through. Those named first are taken rather than later
      ones; one that does not answer is a warning among RV(findings).
    type: list
    elements: str
    default: []
  upgrade:
    description:
      - Whether the upgrade that is due on this host is carried out. What is due on other hosts is done by a task there,
        after the move. B(There is no way back.)
      - Windows Server 2016 and 2019 upgrade to their newest version only; 2022 and later to any that they run.
    type: bool
    default: false
  power:
    description:
      - What to do with a running VM that is to be upgraded, which needs it off.
      - V(require_off) refuses, before anything is changed on any VM.
      - V(restart) shuts the VM down through its integration services, upgrades it, starts it, and waits for its
        heartbeat. When the upgrade fails, the VM is started all the same.
      - A VM that is saved or paused is always refused.
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
    description: Says what would be upgraded, without upgrading it.
    support: full
  diff_mode:
    description: Shows the versions before and after, by VM.
    support: full
seealso:
  - module: hyperv.mobility.vm_compatibility
  - module: hyperv.mobility.vm_host_info
"""

EXAMPLES = r"""
- name: How do these VMs get to Windows Server 2025?
  hyperv.mobility.vm_version:
    names: [erp01, erp02]
    destination_host: hv2025
    via: "{{ groups['hyperv'] }}"
  register: way

- name: Upgrade a VM on the host in between, when it has arrived there
  hyperv.mobility.vm_version:
    names: [erp01]
    destination_host: hv2025
    upgrade: true
    power: restart
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
    version:
      description: Its configuration version before the task.
      type: str
      returned: always
    target_version:
      description: Its version at the end of the hops; null where there is no way.
      type: str
      returned: always
    possible:
      description: Whether there is a way. Otherwise the findings say why, and which edition of Windows Server helps.
      type: bool
      returned: always
    hops:
      description: Steps in order, fewest moves first; empty when the VM fits as it is.
      type: list
      elements: dict
      returned: always
      contains:
        action:
          description: V(move) to the host, or V(upgrade) there.
          type: str
          returned: always
        host:
          description: Inventory name of the host.
          type: str
          returned: always
        from_version:
          description: Version before the step.
          type: str
          returned: always
        version:
          description: Version after the step.
          type: str
          returned: always
        one_way:
          description: Whether the step can't be taken back (an upgrade).
          type: bool
          returned: always
        reason:
          description: Why this step.
          type: str
          returned: always
    upgraded_to:
      description: Version that the VM was upgraded to on this host, or would be in check mode; null otherwise.
      type: str
      returned: always
    changed:
      description: Whether it was changed, or would be in check mode.
      type: bool
      returned: always
    restarted:
      description: Whether the VM was shut down and started.
      type: bool
      returned: always
    findings:
      description: What to know about it, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
      type: list
      elements: dict
      returned: always
    error:
      description: Why it failed, with C(kind) and C(msg); null otherwise.
      type: dict
      returned: always
hosts:
  description: What the hosts run, the one of the task first.
  type: list
  elements: dict
  returned: success
  contains:
    host:
      description: Inventory name.
      type: str
      returned: always
    versions:
      description: Configuration versions that it runs.
      type: list
      elements: str
      returned: always
    newest:
      description: Version to which an upgrade leads there; null where the host can't upgrade (2012 R2).
      type: str
      returned: always
    chooses:
      description: Whether an upgrade there may stop at an older version.
      type: bool
      returned: always
findings:
  description: Hosts of O(via) that did not answer; when the task stops, which preconditions do not hold. Each has
    C(id), C(severity), C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: success or when a precondition does not hold
"""
