#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asr_preflight
short_description: Find and cure what would make the Mobility service's installation fail
version_added: 0.1.0
description:
  - Reads a Windows or Linux machine in one session, and reports each known cause of a failed push, installation
    or registration
    by the id that Azure Site Recovery would show after the attempt. A machine with findings is no failed task.
  - Errors that share their evidence can't be told apart before an attempt; they are reported once, with all their
    ids in RV(findings[].ids).
  - With O(remediate), cures what it may, reads again, and says what is really gone. Another run changes nothing.
  - Windows Server 2012 and later are read by cmdlets, Windows Server 2008 R2 by the system's own programs over
    WinRS, Linux by C(sh).
options:
  scopes:
    description:
      - What the machine is looked at for. V(push) is what the portal's push or update needs of it (SMB, WMI,
        SSH, its account), which an
        installation over Ansible's own connection does not; V(agent) is needed by any installation;
        V(register) by the registration.
    type: list
    elements: str
    choices: [push, agent, register]
    default: [agent, register]
  remediate:
    description:
      - V(none), or what may be cured. V(safe) is every cure that restores a documented default or adds only
        what the agent needs.
      - Ids of errors allow their cure as well. A cure that lowers the machine's guard (V(95107) on Windows
        sets C(LocalAccountTokenFilterPolicy), V(95519) enables the push account, V(95520) unlocks it; V(95108)
        on Linux lets root sign in with a password) is carried out only where its id is named. What can't be
        cured by a program is refused.
    type: list
    elements: str
    default: [none]
  undo:
    description:
      - What an earlier run returned as RV(undo), as it stands. Each setting that the run weakened gets its
        earlier value again; nothing is judged or cured.
      - A lock that V(95520) took from an account can't be set again.
    type: list
    elements: dict
  agent_version:
    description:
      - The version that is to be installed, for example V(9.55.6765.1). Some rules depend on it; without it
        the newest is meant.
    type: str
  install_directory:
    description: The folder that the agent is to be installed to, where it isn't the default one.
    type: str
  push_account:
    description:
      - The account that the portal pushes with, C(DOMAIN\user), C(user@domain) or a bare name. Its local
        account is looked at with O(scopes=push).
    type: str
  servers:
    description:
      - Servers and TCP ports that the machine has to reach, tried with O(scopes=register). Windows before
        2012 R2 has nothing that could try them.
    type: list
    elements: dict
    suboptions:
      address:
        description: Name or address of the configuration server, process server or appliance.
        type: str
        required: true
      port:
        description: The TCP port, usually 443 and 9443.
        type: int
        required: true
  server_names:
    description: Names that have to resolve on the machine, tried with O(scopes=register).
    type: list
    elements: str
  supported_kernels:
    description:
      - Kernels that the agent's package lists for the distribution. On Linux, another kernel is a finding
        then.
    type: list
    elements: str
  platform:
    description: What the agent is installed for. V(VmWare) is for physical machines too.
    type: str
    choices: [VmWare, Azure]
    default: VmWare
attributes:
  platform:
    description: Target systems.
    support: full
    platforms: windows, posix
  action_group:
    description: Use C(group/hyperv.mobility.all) in C(module_defaults) to set defaults for these tasks.
    support: full
    membership:
      - hyperv.mobility.all
  check_mode:
    description: Reads, and predicts which findings would be cured.
    support: full
  diff_mode:
    description: Shows the settings that cures change, before and after.
    support: full
notes:
  - Linux machines are read as root, set C(become) where the connection signs in as somebody else. Files that
    a cure changes are kept beside the new ones with the ending C(.asr-) and the time. Nothing is restarted but
    the SSH server.
  - Windows' policy against sharing is read for the connection's user. The registry values of that policy and of
    administrative shares, the test for C(cscript), the limits for UEFI and the floor for free memory are unverified.
author:
  - hyperv.mobility contributors (@hyperv-mobility)
"""

EXAMPLES = r"""
- name: Look at a machine before the agent is installed over Ansible
  hyperv.mobility.asr_preflight:
    agent_version: 9.66.7567.1
    servers:
      - {address: 10.1.0.10, port: 443}
      - {address: 10.1.0.11, port: 9443}
  register: preflight

- name: Stop where something is left that would make it fail
  ansible.builtin.assert:
    that: not preflight.blocked
    fail_msg: "{{ preflight.findings | rejectattr('cured') | map(attribute='remedy') | list }}"

- name: Prepare a machine for a push by the portal, remote UAC included
  hyperv.mobility.asr_preflight:
    scopes: [push, agent, register]
    push_account: asrpush
    remediate: [safe, "95107"]
  register: prepared

- name: Give the machine its guard back after the push
  hyperv.mobility.asr_preflight:
    undo: "{{ prepared.undo }}"
  when: prepared.undo
"""

RETURN = r"""
findings:
  description: What was found, cured or not.
  type: list
  elements: dict
  returned: always
  contains:
    id:
      description:
        - Id of the error in the catalogue; C(exit:16) and C(exit:65) are exit codes of setup that have no
          other id.
      type: str
      returned: always
    ids:
      description: The id and those that share its evidence.
      type: list
      elements: str
      returned: always
    severity:
      description: V(blocking) where the attempt would fail, V(warning) where it goes on.
      type: str
      returned: always
    scope:
      description: V(push), V(agent) or V(register).
      type: str
      returned: always
    subject:
      description: The thing that it is about.
      type: str
      returned: always
    evidence:
      description: What was read.
      type: str
      returned: always
    remedy:
      description: What to do.
      type: str
      returned: always
    cure:
      description: V(safe), V(weakening) or V(manual).
      type: str
      returned: always
    cured:
      description: Whether it is gone. In check mode, whether its cure would be carried out.
      type: bool
      returned: always
    cure_problem:
      description: Why the cure didn't help.
      type: str
      returned: when a cure was tried and the finding stays
cured:
  description: Ids that were cured.
  type: list
  elements: str
  returned: always
manual:
  description: Ids that stay.
  type: list
  elements: str
  returned: always
blocked:
  description: Whether a blocking finding is left.
  type: bool
  returned: always
undo:
  description:
    - What was weakened, for the option O(undo) of a later run. A task that fails after it began, since the link was
      lost or the machine could not be read again, returns it too, with what may have been weakened.
  type: list
  elements: dict
  returned: always
facts:
  description: What the machine is.
  type: dict
  returned: always
  contains:
    system:
      description: Name of the system.
      type: str
      returned: always
    version:
      description: Version of the system.
      type: str
      returned: always
    service_pack:
      description: Number of the service pack.
      type: int
      returned: on Windows
    installation_type:
      description: Kind of the installation, C(Server) or C(Server Core).
      type: str
      returned: on Windows
    domain:
      description: The domain it is a member of, null where it is of none.
      type: str
      returned: on Windows
    host_name:
      description: Its own name.
      type: str
      returned: on Linux
    architecture:
      description: Architecture, as the system itself calls it.
      type: str
      returned: always
    memory_mb:
      description: Memory of the machine; null where it could not be read.
      type: int
      returned: always
    os_id:
      description: The system's name in the agent's packages, such as V(RHEL7-64); null for an unknown one.
      type: str
      returned: on Linux
    kernel:
      description: The running kernel.
      type: str
      returned: on Linux
    read_by:
      description: V(cmdlets) or V(programs).
      type: str
      returned: on Windows
    agent_version:
      description: Version of the agent that is installed; null without one.
      type: str
      returned: on Windows
    unread:
      description: What could not be read, so that its rules say nothing.
      type: list
      elements: str
      returned: always
"""
