#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asr_agent
short_description: Install, upgrade or remove the Mobility service agent
version_added: 0.1.0
description:
  - Brings the installer to the machine, verifies it, unpacks it, runs it silently, reads its exit code, its errors as
    JSON and its log, and holds the machine's state against what was to be reached.
  - A newer agent is never replaced by an older one. An upgrade goes over four versions at most; for a longer way the
    failure names the version to go to first.
  - An installation that stopped half-way is taken up again. Another installation at work is waited for.
  - Nothing is restarted. RV(reboot_required) and RV(reboot_advised) tell.
  - Everything that was brought lies in one folder, which is removed in every outcome, save while setup goes on without
    us. What a killed run left is removed by the next one.
options:
  state:
    description:
      - With V(present) an agent of any version is enough, unless O(version) is given. An agent older than O(version) is
        upgraded, a newer one is enough.
      - With V(latest) the agent is as new as the installer.
      - With V(absent) there is no agent. It is uninstalled by C(MsiExec) or C(uninstall.sh).
    type: str
    choices: [present, latest, absent]
    default: present
  source:
    description:
      - Where the machine finds the installer. An absolute path on it, an C(http) or C(https) address, or on Windows a
        UNC path.
      - Only needed where there is something to install.
    type: str
  local_path:
    description: Installer on the controller, for Linux. It is copied by SFTP.
    type: str
  source_username:
    description:
      - User for the share of a UNC path. Without it the machine's own sign-in has to be enough, which needs a
        connection that delegates credentials. Windows 6.1 and older can't use it.
    type: str
  source_password:
    description: Password of O(source_username).
    type: str
  version:
    description:
      - Version of the agent, like V(9.55.6765.1). Read from the name of the file where that is the vendor's; if both
        are there they have to agree.
    type: str
  sha256:
    description:
      - SHA-256 of the installer. Needed on Windows 6.1 and older, where signatures of today can't be read.
      - Later ones always check the signature, and the hash too where it is given.
    type: str
  install_directory:
    description:
      - Folder for a first installation. C(C:\Program Files (x86)\Microsoft Azure Site Recovery) or C(/usr/local/ASR)
        where it is not set. It can't be changed later.
    type: str
  platform:
    description:
      - V(VmWare) is also for physical machines, and for machines of Azure that are treated as such.
      - V(Azure) is refused on a machine whose chassis asset tag is not that of Azure.
      - An installed agent keeps its own. Another one is refused where setup would have to run.
    type: str
    choices: [VmWare, Azure]
    default: VmWare
  stack:
    description:
      - V(classic) for a configuration server, V(modernized) for a replication appliance. Where it is not set, the one
        that is installed; for a first installation V(modernized) from 9.55 on, else V(classic).
      - An agent that does not tell its stack has its version's default. To upgrade one of 9.55 or later this has to be
        set.
      - V(modernized) on a classic agent changes its stack in place, with an installer of 9.55 or later. The way back is
        to remove the agent.
      - Below 9.55 setup is told its stack only where this is set or a modernized agent is installed. Which version
        first knew the option is not known.
    type: str
    choices: [classic, modernized]
  vss:
    description:
      - What a missing VSS provider is. From 9.23 on setup goes on without it; earlier versions fail.
    type: str
    choices: [warn, require]
    default: warn
  timeout_seconds:
    description:
      - How long bringing, waiting for others and the setup may take, all together. Setup is waited for ten minutes at
        least on Windows, however late it began.
      - On Windows neither this nor a broken link ends setup. It goes on, and the next run waits for it.
    type: int
    default: 1800
extends_documentation_fragment:
  - hyperv.mobility.asr_machine
attributes:
  check_mode:
    description: Says what would be done, and refuses what would be refused before setup is run.
    support: full
  diff_mode:
    description: Shows version and stack before and after.
    support: full
seealso:
  - module: hyperv.mobility.asr_agent_info
  - module: hyperv.mobility.asr_registration
  - name: Mobility service
    description: The section on installing in the guide.
    link: https://github.com/hyperv-mobility/hyperv.mobility/blob/main/docs/mobility-service.md
"""

EXAMPLES = r"""
- name: The agent is installed on Windows, from a share
  hyperv.mobility.asr_agent:
    source: \\files01\asr\Microsoft-ASR_UA_9.55.6765.1_Windows_GA_15Aug2023_release.exe
    source_username: CORP\installer
    source_password: "{{ vault_installer_password }}"
    stack: classic

- name: The agent is as new as this file on Linux
  hyperv.mobility.asr_agent:
    state: latest
    local_path: files/Microsoft-ASR_UA_9.66.7567.1_UBUNTU-20.04-64_GA_20Sep2025_release.tar.gz
    stack: modernized
  become: true

- name: No agent
  hyperv.mobility.asr_agent:
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be in check mode.
  type: str
  returned: success
  sample: upgrade
  choices: [none, install, upgrade, finish, convert, remove]
agent:
  description:
    - The agent as the machine has it after the task, before it in check mode. As
      M(hyperv.mobility.asr_agent_info) returns it.
  type: dict
  returned: success
exit_code:
  description: Exit code of the vendor's program.
  type: int
  returned: when one was run
log_path:
  description: Log of the vendor's program on the machine.
  type: str
  returned: when one was run
reboot_required:
  description: Whether setup asks for a restart before the agent works.
  type: bool
  returned: success
reboot_advised:
  description: Whether setup advises a restart.
  type: bool
  returned: success
findings:
  description:
    - Errors of Site Recovery that were recognised, and preconditions that do not hold. Each has C(id), C(severity),
      C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: always
error:
  description:
    - Why it failed. C(kind); where a program of the vendor failed also C(exit_code), C(reason), C(remedy), C(log_path),
      C(log_tail) and C(output_tail) (the last 30 lines of this attempt), C(before) and C(after) (the agent's state),
      and C(reboot_required), true where a restart of the machine and one more run are the remedy.
  type: dict
  returned: failure
"""
