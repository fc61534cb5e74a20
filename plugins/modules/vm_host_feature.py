#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_host_feature
short_description: Install the Hyper-V role and its tools
version_added: 0.1.0
description:
  - Makes sure that the Hyper-V role, its PowerShell module and, if asked, the ActiveDirectory module are installed.
  - Restarts the host only where O(reboot) allows it, and waits for its return. A restart that is needed and not
    allowed is a
    failure that says so.
options:
  state:
    description: The features are present.
    type: str
    choices: [present]
    default: present
  hyper_v:
    description: Whether the Hyper-V role is wanted. Turn it off for a host that only administers others.
    type: bool
    default: true
  management_tools:
    description: Whether the Hyper-V module of Windows PowerShell is wanted.
    type: bool
    default: true
  active_directory_tools:
    description: Whether the ActiveDirectory module of Windows PowerShell is wanted, as
      M(hyperv.mobility.vm_host_delegation)
      needs it.
    type: bool
    default: false
  reboot:
    description: Whether the host may be restarted when the installation asks for it. Its VMs go down as their
      settings say.
    type: bool
    default: false
  reboot_timeout_seconds:
    description: How long to wait for the host's return.
    type: int
    default: 900
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Says what would change, without changing it.
    support: full
  diff_mode:
    description: Shows the install state of each feature before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_host_migration
"""

EXAMPLES = r"""
- name: Hyper-V is installed, with a restart if it needs one
  hyperv.mobility.vm_host_feature:
    reboot: true

- name: The AD module is installed on the administrators' machine
  hyperv.mobility.vm_host_feature:
    hyper_v: false
    management_tools: false
    active_directory_tools: true
"""

RETURN = r"""
installed:
  description: Features that were installed, or would be in check mode.
  type: list
  elements: str
  returned: success
reboot_required:
  description: Whether a restart is still needed, or would be in check mode.
  type: bool
  returned: success
rebooted:
  description: Whether the host was restarted, or would be in check mode.
  type: bool
  returned: success
findings:
  description: Which precondition does not hold, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: when a precondition does not hold
"""
