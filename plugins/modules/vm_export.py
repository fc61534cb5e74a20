#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_export
short_description: Export virtual machines, with a manifest of every file
version_added: 0.1.0
description:
  - Exports each chosen VM into a folder of its own below O(path), named by the VM's Id, so that VMs of the same name
    don't meet. Beside the tree that Hyper-V makes lies C(manifest.json) with path, size and SHA-256 of every file.
  - The VMs are exported one after another. Nothing is stopped; see O(capture).
  - An export that is complete and still of the VM as it is now is left as it is. Compared are length and time of last
    write of each virtual disk, memory, processors, adapters, drives, checkpoints and configuration version. Notes and
    automatic start are not.
  - The host does the work. A run that is killed, or loses its link, ends nothing. The next run waits for the export
    that goes on, and takes the hashes. A torn export (one that did not come to its end) is removed and made again. It
    is never taken for a finished one.
  - A folder without a manifest of this collection is never touched.
  - One VM's failure does not stop the others.
  - Exports stay until O(state=absent) is asked for.
options:
  path:
    description:
      - Folder on the host, on a drive or on a share. It is made if it is not there.
      - To a share, the host writes as its own computer account (C(HOST$)), which needs rights on the share and on the
        folder. Your account needs them too, for the manifest and the hashes, over a connection that delegates
        credentials.
      - Brackets are refused, since PowerShell reads them as a pattern.
    type: str
    required: true
  capture:
    description:
      - What is captured of a VM that runs. V(off) exports VMs that are off, and refuses others.
      - V(CaptureCrashConsistentState) takes the disks as they are, without memory.
      - V(CaptureSavedState) takes the memory too; the imported VM is in saved state, so the rules on processors hold.
      - V(CaptureDataConsistentState) takes the disks as a production checkpoint does.
      - The last three need Windows Server 2016 or later. An export of a running VM is of its moment. It is left as it
        is until O(force_new) asks for a new one. A VM that is off is exported as with V(off).
    type: str
    choices: ['off', CaptureCrashConsistentState, CaptureSavedState, CaptureDataConsistentState]
    default: 'off'
  force_new:
    description: Whether a complete export that still holds is removed and made again.
    type: bool
    default: false
  timeout_seconds:
    description: How long one VM's export may take; V(0) sets no limit. At the limit the host goes on, and the next run
      waits for it.
    type: int
    default: 0
  state:
    description:
      - V(present) makes exports. V(absent) removes them, also those of VMs that the host does not have any more. They
        are chosen by O(names) (as in the manifests) or O(ids).
      - Removed is only a folder with a manifest of that VM, in which no VM lives (of the host, or of
        another one that M(hyperv.mobility.vm_import) has imported it on in place), and which nobody writes.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - hyperv.mobility.host
  - hyperv.mobility.selection
attributes:
  check_mode:
    description: Says what would be exported or removed, without doing it.
    support: full
  diff_mode:
    description: Shows the state of each export, before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_transfer
"""

EXAMPLES = r"""
- name: A VM that is off is exported
  hyperv.mobility.vm_export:
    names: [web01]
    path: D:\Exports

- name: All VMs are exported as they run, with their memory
  hyperv.mobility.vm_export:
    select: "[?state=='Running']"
    path: D:\Exports
    capture: CaptureSavedState

- name: An export is not wanted any more
  hyperv.mobility.vm_export:
    names: [web01]
    path: D:\Exports
    state: absent
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
    outcome:
      description: V(exported), V(already_exported), V(attached) (another run or the host alone had begun it, and it was
        waited for) or V(failed). In check mode, what would be. With O(state=absent) V(removed), V(already_absent) or
        V(failed).
      type: str
      returned: always
    path:
      description: Folder of the export.
      type: str
      returned: always
    manifest:
      description: Path of the manifest.
      type: str
      returned: when state is present
    configuration_file:
      description: Path of the configuration file that an import names; null without an export.
      type: str
      returned: when state is present
    files:
      description: Number of files; null without an export.
      type: int
      returned: when state is present
    bytes:
      description: Bytes of all files; null without an export.
      type: int
      returned: when state is present
    capture:
      description: What was captured, V(off) for a VM that was off; null without an export.
      type: str
      returned: when state is present
    seconds:
      description: How long it took; null where nothing was done.
      type: float
      returned: when state is present
    reasons:
      description: Why a complete export did not hold any more; empty otherwise.
      type: list
      elements: str
      returned: when state is present
    findings:
      description: Findings, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
      type: list
      elements: dict
      returned: always
    error:
      description: Why it failed, with C(kind) and C(msg); null otherwise.
      type: dict
      returned: always
"""
