#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_import
short_description: Import an exported VM on this host
version_added: 0.1.0
description:
  - Imports a VM whose files are on the host of the task, or on a share that the host reaches. The host compares first;
    what was asked to be corrected is corrected in its report, it compares again, and only a report without entries is
    imported. An entry that is not known blocks, with its number and text.
  - Decided by the VM's Id. One that is registered here and lies where the import would put it is left as it is; one
    whose files are others is refused.
  - The VM is never started, and its configuration version is never changed.
options:
  path:
    description:
      - The configuration file (C(.vmcx), or C(.xml) from Windows Server 2012 R2), or a folder.
      - In a folder the file is found by the manifest of M(hyperv.mobility.vm_export) or M(hyperv.mobility.vm_transfer),
        or it is the only one in a folder C(Virtual Machines) below.
    type: str
    required: true
  mode:
    description:
      - V(register) makes the files themselves the VM, where they lie; on a share too, from which it runs then.
      - With V(register) a tree of M(hyperv.mobility.vm_export) is marked first (C(manifest.json.imported)), so that no
        task of another host removes or writes it.
      - V(restore) and V(copy) copy them first; the VM keeps its Id unless O(generate_new_id=true), which takes V(copy).
    type: str
    choices: [register, restore, copy]
    default: register
  generate_new_id:
    description: Whether a copy gets a new Id. Needs O(virtual_machine_path), a folder of its own, by which a second run
      knows the copy.
    type: bool
    default: false
  vhd_destination_path:
    description: Folder that virtual hard disks are copied to. Left out, it is the host's default folder, where disks of
      the same name meet. Not with O(mode=register).
    type: str
  virtual_machine_path:
    description: Folder for the configuration. Left out, files stay where they are (O(mode=register)), or go to the
      host's default folder.
    type: str
  snapshot_file_path:
    description: Folder that checkpoints are copied to. Not with O(mode=register).
    type: str
  smart_paging_file_path:
    description: Folder for smart paging.
    type: str
  vhd_source_path:
    description: Folder with the virtual hard disks where they are not beside the configuration. With O(mode=register)
      they are used where they lie.
    type: str
  snapshot_source_path:
    description: Folder that holds the checkpoints' own files where they are not in C(Snapshots) beside the
      configuration.
    type: str
  switch_map:
    description: Virtual switches by name on the host that the VM comes from, and the switch here that takes their
      place.
    type: dict
    default: {}
  disconnect_missing_switches:
    description: Whether an adapter whose switch is neither mapped nor here arrives disconnected, with a warning.
      Otherwise it blocks the import.
    type: bool
    default: true
  eject_iso:
    description: Whether DVD drives whose image is not here are emptied. Otherwise they block the import.
    type: bool
    default: false
  limit_processors:
    description: Whether a VM with more virtual processors than the host has logical ones gets as many as the host has.
      Otherwise it is refused.
    type: bool
    default: false
  remove_saved_state:
    description: Whether the saved state of a VM that arrives saved is discarded. What was in its memory is lost.
    type: bool
    default: false
  timeout_seconds:
    description: How long an import that an earlier run began is waited for; V(0) is four hours. The import of this run
      has no limit, since one that is broken off leaves half of its disks.
    type: int
    default: 0
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Compares as the real run does, and removes the planned VM that the comparison makes. Where a planned VM
      of an earlier try is in the way, it is left and nothing is compared.
    support: full
  diff_mode:
    description: Shows where the VM's configuration will lie.
    support: full
seealso:
  - module: hyperv.mobility.vm_version
  - module: hyperv.mobility.vm_compatibility
"""

EXAMPLES = r"""
- name: The transferred files become the VM
  hyperv.mobility.vm_import:
    path: D:\Incoming\2c1f1f1a-2a52-4f6e-9d6e-0f7a4bb1c001
    switch_map: {LAN: Production}

- name: Restore from a backup of the export, with disks in a folder of their own
  hyperv.mobility.vm_import:
    path: E:\Exports\erp01
    mode: restore
    virtual_machine_path: D:\VMs\erp01
    vhd_destination_path: D:\VMs\erp01\Virtual Hard Disks

- name: A second VM from the same export
  hyperv.mobility.vm_import:
    path: E:\Exports\erp01
    mode: copy
    generate_new_id: true
    virtual_machine_path: D:\VMs\erp01-test
    vhd_destination_path: D:\VMs\erp01-test\Virtual Hard Disks
"""

RETURN = r"""
outcome:
  description: V(imported) (also what check mode foretells), V(already_there) or V(failed).
  type: str
  returned: when the files and the host could be read
id:
  description: Id of the VM; null in check mode for a copy with a new Id that was not compared.
  type: str
  returned: when the files and the host could be read
name:
  description: Name of the VM.
  type: str
  returned: when the files and the host could be read
version:
  description: Configuration version.
  type: str
  returned: when the files and the host could be read
state:
  description: State of the VM, V(Off) or V(Saved) after an import; null where the host did not compare.
  type: str
  returned: when the files and the host could be read
path:
  description: Folder that holds the configuration.
  type: str
  returned: when the files and the host could be read
configuration_file:
  description: The file that was imported.
  type: str
  returned: when the files and the host could be read
disks:
  description: Virtual hard disk files of the VM.
  type: list
  elements: str
  returned: when the files and the host could be read
adapters:
  description: Network adapters as they arrived.
  type: list
  elements: dict
  returned: when the files and the host could be read
  contains:
    name:
      description: Name of the adapter.
      type: str
      returned: always
    switch:
      description: Switch that it is connected to; null when it is disconnected.
      type: str
      returned: always
    connected:
      description: Whether it is connected.
      type: bool
      returned: always
    mac_address:
      description: MAC address, 12 hexadecimal digits.
      type: str
      returned: always
    dynamic_mac_address:
      description: Whether the host gives the MAC address.
      type: bool
      returned: always
fixes:
  description: Corrections that were made in the report.
  type: list
  elements: dict
  returned: when the files and the host could be read
  contains:
    fix:
      description: V(switch_mapped), V(adapter_disconnected), V(iso_ejected), V(disk_found_elsewhere),
        V(processors_limited) or V(saved_state_removed).
      type: str
      returned: always
    about:
      description: Name of the adapter, the drive or the VM.
      type: str
      returned: always
    from:
      description: What was there.
      type: raw
      returned: always
    to:
      description: What is there instead; null for nothing.
      type: raw
      returned: always
findings:
  description: What to know, and what blocks, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: when the files and the host could be read
"""
