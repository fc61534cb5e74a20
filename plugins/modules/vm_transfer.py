#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_transfer
short_description: Bring exported virtual machines to a host, and verify every file
version_added: 0.1.0
description:
  - Runs on the destination, and pulls what M(hyperv.mobility.vm_export) has made to C(<path>\<Id>) there. Files come
    from a share or a web server, or people bring them.
  - The way is opened for real first, with the given credentials. What is in the way comes as a finding.
  - What lies at the destination is held against the manifest by size and SHA-256, which the destination computes.
    Right files are kept. Only what is missing, short or damaged is fetched, if it fits on the volume.
  - Each file is fetched under a name of its own, hashed, and put in place when it is right. A killed run leaves only
    such parts, which the next one removes. The manifest comes last.
  - A file that comes wrong three times is a failure that names it, with both hashes.
  - A tree that was imported in place is a VM. It is left as it is.
  - One VM's failure does not stop the others.
options:
  names:
    description: Names of VMs, as in the manifests, compared without case. Not for O(method=http), which shows no
      folders.
    type: list
    elements: str
  ids:
    description: Ids (GUIDs) of VMs. Without O(names) and O(ids), every export at the source is meant.
    type: list
    elements: str
  method:
    description:
      - V(smb) copies from a share, V(http) downloads.
      - V(external) fetches nothing. People bring the tree to O(path), on a disk, by FTP or through a redirected drive.
        The task verifies every file, and says which are missing, short or damaged.
    type: str
    choices: [smb, http, external]
    default: smb
  source:
    description: The folder that holds the exports, as C(\\host\share\folder) or C(https://host/folder). Required
      unless O(method=external).
    type: str
  username:
    description: Account for the source, like C(DOMAIN\name). Without it, the connection has to delegate credentials to
      open a share.
    type: str
  password:
    description: Its password. It travels as PSCredential, and shows nowhere.
    type: str
  path:
    description: Folder on the destination; it is made if it is not there. Brackets are refused, since PowerShell reads
      them as a pattern.
    type: str
    required: true
  timeout_seconds:
    description: How long one VM's transfer may take; V(0) sets no limit. What has come is kept.
    type: int
    default: 0
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Opens the way and takes the hashes of what is there, and fetches nothing.
    support: full
  diff_mode:
    description: Shows what is wrong in each tree, before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_export
"""

EXAMPLES = r"""
- name: Fetch an export from the source's share
  hyperv.mobility.vm_transfer:
    names: [web01]
    source: \\hv01\exports
    username: HV01\mover
    password: "{{ mover_password }}"
    path: D:\Imports

- name: Fetch an export from a web server
  hyperv.mobility.vm_transfer:
    ids: [0c0f0e00-0000-4000-8000-000000000001]
    method: http
    source: https://files.example.com/exports
    path: D:\Imports

- name: Verify what was brought on a disk
  hyperv.mobility.vm_transfer:
    method: external
    path: D:\Imports
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
      description: Name of the VM, as in the manifest.
      type: str
      returned: always
    outcome:
      description: V(transferred), V(already_there) (every hash is right), V(already_imported) (a VM of that Id lives in
        the folder) or V(failed). In check mode, what would be.
      type: str
      returned: always
    path:
      description: Folder of the VM's tree at the destination.
      type: str
      returned: always
    manifest:
      description: Path of the manifest there.
      type: str
      returned: always
    configuration_file:
      description: Path of the configuration file that an import names; null without a manifest.
      type: str
      returned: always
    files_fetched:
      description: Number of files that were fetched; null where the transfer broke off.
      type: int
      returned: always
    files_kept:
      description: Number of files that were right already; null where the transfer broke off.
      type: int
      returned: always
    bytes:
      description: Bytes that were fetched; null where the transfer broke off.
      type: int
      returned: always
    seconds:
      description: How long it took; null where nothing was fetched.
      type: float
      returned: always
    findings:
      description: Findings, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
      type: list
      elements: dict
      returned: always
    error:
      description: Why it failed, with C(kind) and C(msg); for a file that stays wrong also C(path), C(expected) and
        C(found). Null otherwise.
      type: dict
      returned: always
findings:
  description: Why the source could not be opened, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: when a precondition does not hold
"""
