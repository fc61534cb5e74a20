#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_storage_migration
short_description: Move the storage of virtual machines on their Hyper-V host
version_added: 0.1.0
description:
  - Makes sure that the files of VMs lie where they are wanted on the host they are on, all under one folder or part by
    part. Running VMs go on running. Wraps Move-VMStorage.
  - Decides by where each file is. What is in place is left alone, and only the rest is moved. A migration that runs
    already, whoever started it, is waited for. So the task can be killed at any moment and run again.
  - Everything is checked before the first change. Migrations run beside each other up to the host's free storage slots,
    counting those that others started.
options:
  destination_storage_path:
    description:
      - Folder for all files of each VM. A file anywhere below it is in place.
      - Several VMs go into the same folder, unless O(folder_per_vm=true).
    type: str
  folder_per_vm:
    description:
      - Whether each VM gets a folder of its own below O(destination_storage_path), named after it. Where the host has
        VMs of the same name, chosen or not, their folders have a part of their Ids behind it.
    type: bool
    default: false
  virtual_machine_path:
    description: Folder for the configuration. Excludes O(destination_storage_path). Parts that are not given stay.
    type: str
  snapshot_file_path:
    description: Folder for checkpoints. Excludes O(destination_storage_path).
    type: str
  smart_paging_file_path:
    description: Folder for smart paging. Excludes O(destination_storage_path).
    type: str
  vhds:
    description:
      - Target of each virtual hard disk that is to move. Excludes O(destination_storage_path).
      - A disk that is at its target already is in place.
    type: list
    elements: dict
    default: []
    suboptions:
      source_file_path:
        description: The disk's path before the migration.
        type: str
        required: true
      destination_file_path:
        description: The path it gets; the file name must stay the same.
        type: str
        required: true
  resource_pool_name:
    description: Storage resource pool, handed to Move-VMStorage.
    type: str
  retain_vhd_copies_on_source:
    description: Whether parent disks of a differencing chain stay at the old place too.
    type: bool
    default: false
  remove_source_unmanaged_vhds:
    description:
      - Whether parent disks at the old place are removed. Excludes O(retain_vhd_copies_on_source). Needs 2016.
      - A VM is not moved so where another VM of the host, even one of the same task, uses one of them, or where that
        can't be told.
    type: bool
    default: false
  allow_unverified_paths:
    description: Whether Hyper-V skips its check of the path, which it makes for clustered VMs.
    type: bool
    default: false
attributes:
  check_mode:
    description: Makes all checks and tells what would move.
    support: full
  diff_mode:
    description: Shows where each file and folder that moves was and will be.
    support: full
seealso:
  - module: hyperv.mobility.vm_migration
extends_documentation_fragment:
  - hyperv.mobility.rounds
  - hyperv.mobility.selection
  - hyperv.mobility.host
"""

EXAMPLES = r"""
- name: Everything lies on the drive E
  hyperv.mobility.vm_storage_migration:
    select: "[*]"
    destination_storage_path: E:\VMs
    folder_per_vm: true
    remove_empty_source_folders: true

- name: Only the database's disk goes to the fast drive
  hyperv.mobility.vm_storage_migration:
    names: [db01]
    vhds:
      - source_file_path: D:\VMs\db01\Virtual Hard Disks\data.vhdx
        destination_file_path: F:\Fast\data.vhdx
"""

RETURN = r"""
vms:
  description: One entry per VM.
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
    outcome:
      description:
        - V(moved), V(already_there), V(attached) (a migration that somebody else had started brought everything there),
          V(failed), or V(skipped) (only checked, or blocked with O(skip_blocked=true)).
        - In check mode V(moved) means that it would be moved.
      type: str
      returned: always
    started:
      description: When its migration began, UTC, by the controller's clock.
      type: str
      returned: when it moved
    seconds:
      description: How long it took.
      type: float
      returned: when it moved
    bytes:
      description: Bytes of the disk files that were to be copied.
      type: int
      returned: when it moved
    moved:
      description:
        - What was not in place, C(before) and C(after). Both map file names, or parts like V(virtual_machine_path), to
          paths.
      type: dict
      returned: always
    findings:
      description: What was found about the VM and the host.
      type: list
      elements: dict
      returned: always
      contains:
        id:
          description: Stable word, for example V(space_insufficient).
          type: str
          returned: always
        severity:
          description: V(blocking), V(warning) or V(info). With a blocking one nothing of the VM moves.
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
    error:
      description: Why it failed, with C(kind), C(msg) and what is known beside.
      type: dict
      returned: when it failed
summary:
  description: Number of VMs by outcome.
  type: dict
  returned: success or failure of single VMs
blocked:
  description: Whether any VM has a blocking finding.
  type: bool
  returned: success or failure of single VMs
"""
