#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asr_push_repository
short_description: Place installers of the Mobility service on the servers that push them
version_added: 0.1.0
description:
  - Some systems' installers don't come with the servers any more. From agent 9.36 on these are RHEL 5 and CentOS 5,
    SLES 11 SP3 and Debian 7, from 9.42 on Ubuntu 14.04, from 9.52 on Debian 9; newer tables name SLES 11 SP4, Debian 8
    and Oracle 6 too. The portal can push to such machines only where the newest installer was placed by hand, on
    the configuration server and on every scale-out process server.
  - This task does that. It brings the files to the server, verifies them, moves them into the push repository, and
    restarts the service C(InMage PushInstall) where something was placed.
  - It is for the classic stack, and for the portal's push. M(hyperv.mobility.asr_agent) needs no such repository.
options:
  files:
    description: The installers.
    type: list
    elements: dict
    required: true
    suboptions:
      source:
        description: The file, by a path on the server, a UNC path, or an http(s) address. Its name is the vendor's.
        type: str
        required: true
      sha256:
        description: What it has to be. A file of that name with another sum is replaced.
        type: str
        required: true
  source_username:
    description: Who reads the share of UNC paths. Needed where the connection delegates no credentials.
    type: str
  source_password:
    description: The password of O(source_username).
    type: str
  directory:
    description: The push repository, where the server has it elsewhere.
    type: str
    default: C:\ProgramData\ASR\home\svsystems\pushinstallsvc\repository
  all_systems:
    description:
      - Whether files of systems whose installers the servers bring themselves are placed too. Else they are left out
        and returned as RV(left_out).
    type: bool
    default: false
  timeout_seconds:
    description: How long bringing all files and restarting the service may take.
    type: int
    default: 1800
extends_documentation_fragment:
  - hyperv.mobility.asr_machine
attributes:
  platform:
    description: Target systems.
    support: full
    platforms: windows
  check_mode:
    description: Says which files would be placed, without bringing any.
    support: full
  diff_mode:
    description: Shows the sums of the wanted files in the repository before and after, and the restart.
    support: full
notes:
  - Where a run was killed after it had placed a file, the next one does the restart that is missing.
seealso:
  - module: hyperv.mobility.asr_installer
"""

EXAMPLES = r"""
- name: Installers of special distributions are in every push repository
  hyperv.mobility.asr_push_repository:
    files:
      - source: https://files.example.com/asr/Microsoft-ASR_UA_9.55.6765.1_RHEL5-64_GA_15Aug2023_release.tar.gz
        sha256: 0f4a5d2c7e9b1a3c5d7e9f0b2a4c6e8d0f4a5d2c7e9b1a3c5d7e9f0b2a4c6e8d
      - source: D:\asr\Microsoft-ASR_UA_9.55.6765.1_DEBIAN7-64_GA_15Aug2023_release.tar.gz
        sha256: 1f4a5d2c7e9b1a3c5d7e9f0b2a4c6e8d0f4a5d2c7e9b1a3c5d7e9f0b2a4c6e8d
"""

RETURN = r"""
directory:
  description: The push repository.
  type: str
  returned: success
placed:
  description: Names of files that were placed, or would be in check mode.
  type: list
  elements: str
  returned: success
left_out:
  description: Names of files that were left out, since the servers of their version bring them.
  type: list
  elements: str
  returned: success
restarted:
  description: Whether the service was restarted, or would be in check mode.
  type: bool
  returned: success
findings:
  description: What is in the way, C(no_push_server) or C(installer_checksum).
  type: list
  elements: dict
  returned: when a precondition does not hold
"""
