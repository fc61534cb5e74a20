# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say which virtual machines go where, and how."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
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
      - Folders, room and memory are judged for each task by itself; tasks of several sources with one destination don't
        know of each other. The role C(hyperv.mobility.migrate) judges them together before anything moves, by the
        filter P(hyperv.mobility.lacking_together#filter). Two VMs of one name would get one folder there, so give one
        of them a path.
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
      - Names are compared without case. All pairs hold at once, so two switches may take each other's place.
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
"""
