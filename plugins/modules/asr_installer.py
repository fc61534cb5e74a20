#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asr_installer
short_description: Pick and verify the Mobility service's installer for a machine
version_added: 0.1.0
description:
  - Reads which system the machine is, as the vendor's own detection does, and picks the installer for it from a
    repository by the names of its files. That is the newest one, or the newest of a version that is asked for.
  - RHEL 5 and CentOS 5, SLES 11 SP3 and SP4, and Debian 7 have installers of their own. Where the repository has only
    an old one of a system whose installer the servers don't bring any more, a warning says so.
  - Verifies size and SHA-256 where they are told and, on Windows, the vendor's signature. Changes nothing.
  - What it returns is what M(hyperv.mobility.asr_agent) takes as its source.
options:
  repository:
    description:
      - Names, paths or addresses of installer files, or one folder that holds them. The files of a web server are
        listed one by one.
      - A file whose name is not of the vendor's grammar is passed over.
      - What is given shows in results and logs, so put no secret into an address.
    type: list
    elements: str
    required: true
  repository_on:
    description:
      - Where paths are. On V(machine) a folder may also be a share, which needs O(source_username), or a connection
        that delegates credentials. On V(controller) they are files of the controller.
    type: str
    choices: [machine, controller]
    default: machine
  source_username:
    description:
      - User for the share of UNC paths, on Windows newer than 6.1. A file there is then verified by its size and
        signature. What its SHA-256 has to be is handed on in RV(installer.sha256) for M(hyperv.mobility.asr_agent).
    type: str
  source_password:
    description: Password of O(source_username).
    type: str
  version:
    description: The wanted version, whole or its first parts, V(9.55.6765.1) or V(9.55). Without it, the newest.
    type: str
  checksums:
    description:
      - What files have to be, by their names. A value is a SHA-256, or a dictionary with C(sha256) and C(size).
      - The file that is picked has to be among them.
    type: dict
  checksums_file:
    description: A file on the controller with the same, as C(sha256sum) writes it. Not together with O(checksums).
    type: str
  verify_signature:
    description:
      - Whether the signature of an installer for Windows has to be valid and Microsoft's, where the file is on the
        machine or on a share. Windows 2008 R2 and 7 can't verify the signatures of today, so it is not tried there.
      - Installers for Linux carry no signature.
    type: bool
    default: true
extends_documentation_fragment:
  - hyperv.mobility.asr_machine
attributes:
  check_mode:
    description: Changes nothing in any case.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
seealso:
  - module: hyperv.mobility.asr_push_repository
"""

EXAMPLES = r"""
- name: The newest installer of a share, verified
  hyperv.mobility.asr_installer:
    repository: ['\\files.example.com\asr']
    checksums_file: files/asr.sha256
  register: picked

- name: One of a web server's files, in version 9.55
  hyperv.mobility.asr_installer:
    repository:
      - https://files.example.com/asr/Microsoft-ASR_UA_9.55.6765.1_Windows_GA_15Aug2023_release.exe
      - https://files.example.com/asr/Microsoft-ASR_UA_9.55.6765.1_RHEL7-64_GA_15Aug2023_release.tar.gz
    version: "9.55"

- name: From a folder of the controller
  hyperv.mobility.asr_installer:
    repository: [/srv/asr]
    repository_on: controller
"""

RETURN = r"""
installer:
  description: The file for the machine.
  type: dict
  returned: success
  contains:
    name:
      description: Its name.
      type: str
    path:
      description: Where it is, as the repository has it.
      type: str
    version:
      description: The agent's version.
      type: str
    os_id:
      description: The vendor's id of the system it is for.
      type: str
    date:
      description: The date in its name.
      type: str
    size:
      description: Its size in bytes, where it is known.
      type: int
    sha256:
      description: Its SHA-256 where it was read, or what O(checksums) tells.
      type: str
system:
  description: What the machine is.
  type: dict
  returned: success
  contains:
    name:
      description: The release.
      type: str
    os_id:
      description: The vendor's id of the system.
      type: str
verified:
  description:
    - What was verified on the file itself, C(size), C(sha256) and C(signature). Empty for files behind an address
      and for bare names, which nobody has looked at yet.
  type: list
  elements: str
  returned: success
findings:
  description: Why there is no installer for the machine, or what is wrong with the file.
  type: list
  elements: dict
  returned: when the system is not supported, or the file is not what it has to be
"""
