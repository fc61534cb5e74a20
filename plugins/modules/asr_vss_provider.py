#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asr_vss_provider
short_description: Install, repair or remove the Mobility service's VSS provider
version_added: 0.1.0
description:
  - Runs the scripts that came with the agent, reads how they ended, and verifies that the provider's service is there
    and that C(vssadmin list providers) names it.
  - Installs first. Only where that fails, removes the provider and installs it again.
  - Without the provider there are no application-consistent recovery points. Crash-consistent ones need none.
  - The vendor's files are never edited. The published way round a failing provider, for agents before 9.23, does that.
options:
  state:
    description:
      - V(present) installs the provider where it is missing, and gives a disabled service its start type back.
      - V(repaired) runs the scripts whatever the provider looks like, so it always changes something.
      - V(absent) removes the provider.
    type: str
    choices: [present, absent, repaired]
    default: present
  timeout_seconds:
    description: How long all scripts together may take.
    type: int
    default: 600
extends_documentation_fragment:
  - hyperv.mobility.asr_machine
attributes:
  platform:
    description: Target systems.
    support: full
    platforms: windows
  check_mode:
    description: Says whether scripts would be run, without running them.
    support: full
  diff_mode:
    description: Shows whether the provider is installed and disabled, before and after.
    support: full
notes:
  - A failure carries the script's exit code, the error's id by HRESULT or code, and the last lines of setup's log.
seealso:
  - module: hyperv.mobility.asr_agent
"""

EXAMPLES = r"""
- name: The provider is installed
  hyperv.mobility.asr_vss_provider:

- name: The provider is installed anew
  hyperv.mobility.asr_vss_provider:
    state: repaired
"""

RETURN = r"""
provider:
  description: The provider, after the task where it changed something.
  type: dict
  returned: success
  contains:
    service:
      description: The state of its service, none where there is no such service.
      type: str
    start:
      description: The start type of its service.
      type: str
    listed:
      description: Whether the system's list of providers names it.
      type: bool
attempts:
  description: The scripts that were run, each with C(script), C(exit_code), C(outcome) and C(reason).
  type: list
  elements: dict
  returned: success
findings:
  description:
    - What C(vacp.log) says about application-consistent points that failed before the task, under the ids of
      Site Recovery. When a script fails, what that is.
  type: list
  elements: dict
  returned: always
"""
