#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_compatibility
short_description: Find what would stop virtual machines from moving to another host
version_added: 0.1.0
description:
  - Makes all checks that M(hyperv.mobility.vm_migration) makes before the first change, Compare-VM's own report
    included.
  - Reads only. The planned VM that a comparison makes at the destination is removed again.
options:
  names:
    description:
      - Names of VMs. A name that fits several VMs is an error that lists their Ids.
      - At least one of O(names), O(ids) and O(select) is needed.
    type: list
    elements: str
  ids:
    description: Ids (GUIDs) of VMs.
    type: list
    elements: str
  select:
    description:
      - JMESPath expression over what M(hyperv.mobility.vm_info) returns for the host's VMs, that keeps some of them.
      - Where it selects nothing on the source host, it is evaluated over the destination's VMs, so that a second run on
        a finished fleet finds them there.
    type: str
  destination_host:
    description:
      - Inventory name of the host the VMs shall be on. It is reached with that host's own connection variables.
      - Windows is told the host's name as the host itself knows it, not the name in the inventory.
    type: str
    required: true
  include_storage:
    description:
      - Whether files move with the VM. Without, all files must be on a share that both hosts reach.
    type: bool
    default: true
  destination_storage_path:
    description:
      - Folder on the destination that takes all files of the VM.
      - Left out, each VM gets a folder of its own under the destination's default path for VMs. It is named after the
        VM, with a part of the VM's Id where a folder of that name already holds files.
    type: str
  virtual_machine_path:
    description: Folder for the configuration. Excludes O(destination_storage_path).
    type: str
  snapshot_file_path:
    description: Folder for checkpoints. Excludes O(destination_storage_path).
    type: str
  smart_paging_file_path:
    description: Folder for smart paging. Excludes O(destination_storage_path).
    type: str
  vhds:
    description: Target of each virtual hard disk. Excludes O(destination_storage_path).
    type: list
    elements: dict
    default: []
    suboptions:
      source_file_path:
        description: Path on the source host.
        type: str
        required: true
      destination_file_path:
        description: Path on the destination host. The file name must stay the same.
        type: str
        required: true
  switch_map:
    description:
      - Virtual switches by name on the source, and the switch at the destination that takes their place.
      - A switch that is neither mapped nor there under its own name blocks the VM.
    type: dict
    default: {}
  resource_pool_name:
    description: Processor resource pool on the destination.
    type: str
  retain_vhd_copies_on_source:
    description: Whether parent disks of differencing disks stay on the source.
    type: bool
    default: false
  eject_iso:
    description: Whether ISO files in DVD drives are ejected. Without, an ISO that the destination lacks blocks the VM.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reads only, in check mode as well.
    support: full
  diff_mode:
    description: Nothing changes.
    support: none
seealso:
  - module: hyperv.mobility.vm_migration
notes:
  - Runs on the controller and sends typed commands only; nothing is written on the hosts.
  - The connection of every host involved is C(psrp) or C(winrm).
author:
  - hyperv.mobility contributors (@hyperv-mobility)
"""

EXAMPLES = r"""
- name: See whether web01 can go to hv02
  hyperv.mobility.vm_compatibility:
    names: [web01]
    destination_host: hv02
  register: found
"""

RETURN = r"""
vms:
  description: One entry per VM.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id of the VM.
      type: str
      returned: always
    name:
      description: Name of the VM.
      type: str
      returned: always
    compatible:
      description: Whether nothing blocks it.
      type: bool
      returned: always
    already_there:
      description: Whether it is on the destination already.
      type: bool
      returned: always
    findings:
      description: What was found about the VM and the two hosts.
      type: list
      elements: dict
      returned: always
      contains:
        id:
          description: Stable word, for example V(switch_missing).
          type: str
          returned: always
        severity:
          description: V(blocking), V(warning) or V(info). With a blocking one the VM does not move.
          type: str
          returned: always
        subject:
          description: The VM or host it is about.
          type: str
          returned: always
        evidence:
          description: What was seen.
          type: str
          returned: always
        remedy:
          description: What to do.
          type: str
          returned: always
compatible:
  description: Whether nothing blocks any of them.
  type: bool
  returned: success
"""
