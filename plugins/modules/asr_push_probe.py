#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asr_push_probe
short_description: See what a push of the Mobility service by the portal would meet
version_added: 0.1.0
description:
  - Looks at a machine as the configuration server, process server or appliance does when the portal pushes the agent
    to it. For Windows that is TCP 135 and 445 (or 139), a sign-in to file sharing and the share C(C$); for Linux TCP
    22, a sign-in by password and SFTP.
  - What is in the way comes back under the error ids of Site Recovery, before anybody starts the push.
  - Not needed for machines that get the agent by this collection. They are reached over their own connection.
  - There is exactly one sign-in in a run, or none where a step before it fails. It is never repeated, so a wrong
    password counts once for the lockout of the account. RV(login_attempts) tells.
  - The own connection of the machine is not opened, and nothing is written anywhere.
options:
  os:
    description:
      - What the machine is. Where it is not set, what answers decides. RPC means Windows, SSH means Linux; where
        nothing answers, or both SSH and file sharing do without RPC, the kind of the inventory's connection decides.
    type: str
    choices: [windows, linux]
  address:
    description:
      - Address or name that the push would use. C(ansible_host) of the machine where it is not set.
    type: str
  ports:
    description:
      - Ports in the place of the usual ones, for machines behind a forwarding.
    type: dict
    suboptions:
      rpc:
        description: RPC endpoint mapper, 135 where it is not set. WMI needs it.
        type: int
      smb:
        description: File sharing, 445 where it is not set.
        type: int
      netbios:
        description: File sharing over NetBIOS, 139 where it is not set.
        type: int
      ssh:
        description: SSH, 22 where it is not set.
        type: int
  username:
    description:
      - The push account, as it is stored on the server. C(DOMAIN\user), C(user@domain) or a bare name of the machine.
      - Without it only ports are looked at.
    type: str
  password:
    description:
      - Its password. By SMB it is used for one NTLM sign-in and does not cross the network; by SSH it is sent to the
        machine, see O(host_key).
    type: str
  share:
    description:
      - The share that the agent would be copied to.
    type: str
    default: C$
  host_key:
    description:
      - Whether the password goes to a Linux machine whose host key is not known. With V(known), the key has to be in
        O(known_hosts), else the task fails and the password is not sent. With V(any), it is sent to whoever answers.
    type: str
    choices: [known, any]
    default: known
  known_hosts:
    description:
      - File of known host keys on the controller. Where it is not set, the user's own and that of the system.
    type: str
  from:
    description:
      - Inventory host that looks in the place of the controller, over its own C(psrp) or C(winrm) connection. Name the
        configuration server or process server, Windows Server 2012 R2 or newer.
      - It runs C(Test-NetConnection) and connects a PowerShell drive without a letter, which is removed again. For
        Linux machines it can look at the port only.
    type: str
  timeout_seconds:
    description:
      - How long the controller waits, for the ports and once more for the sign-in. A server named by O(from) has its
        own limits.
    type: int
    default: 10
requirements:
  - smbprotocol for Windows machines, paramiko (3.4 or newer, below 5) for Linux machines, both on the controller
notes:
  - Which error id stands behind which code of Windows follows from the published causes of the errors. No published
    table says so.
  - NTLM is the only way of signing in to file sharing that is tried from the controller. In a domain where NTLM is off,
    look by O(from).
  - Versions 5 and newer of paramiko no longer know the host keys of the oldest systems in the support table
    (RHEL 5 and 6, SLES 11), so they are not used.
attributes:
  check_mode:
    description: Looks in check mode as well, with the same single sign-in.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
  platform:
    description: Target systems.
    support: full
    platforms: windows, linux
  action_group:
    description: Use C(group/hyperv.mobility.all) in C(module_defaults) to set defaults for these tasks.
    support: full
    membership:
      - hyperv.mobility.all
author:
  - hyperv.mobility contributors (@hyperv-mobility)
"""

EXAMPLES = r"""
- name: Look at the ports that the push needs
  hyperv.mobility.asr_push_probe:

- name: Sign in once as the portal would
  hyperv.mobility.asr_push_probe:
    username: CONTOSO\push
    password: "{{ vault_push_password }}"
  register: probe

- name: Look from the process server
  hyperv.mobility.asr_push_probe:
    from: ps01
    username: push@contoso.com
    password: "{{ vault_push_password }}"

- name: Look at a Linux machine with root's password
  hyperv.mobility.asr_push_probe:
    os: linux
    username: root
    password: "{{ vault_root_password }}"
    known_hosts: /etc/ssh/ssh_known_hosts
"""

RETURN = r"""
os:
  description: What the machine was taken for, V(windows) or V(linux).
  type: str
  returned: when the machine could be looked at
address:
  description: The address that was looked at.
  type: str
  returned: when the machine could be looked at
probed_from:
  description: V(controller), or the inventory host that looked.
  type: str
  returned: when the machine could be looked at
ports:
  description: What each port said.
  type: list
  elements: dict
  returned: when the machine could be looked at
  contains:
    name:
      description: V(rpc), V(smb), V(netbios) or V(ssh).
      type: str
      returned: always
    port:
      description: Its number.
      type: int
      returned: always
    state:
      description: >-
        V(open); V(refused) by the machine or a firewall; V(silent) until the time was over; V(no_route); V(no_name) for
        a name that does not resolve; V(closed) where the server that looked can't say more.
      type: str
      returned: always
login_attempts:
  description: How many sign-ins the run made, V(0) or V(1).
  type: int
  returned: when the machine could be looked at
login:
  description: How the sign-in ended.
  type: dict
  returned: when the machine could be looked at
  contains: &step
    done:
      description: Whether it succeeded.
      type: bool
      returned: always
    code:
      description: What Windows answered, as V(0xC000006D (LOGON_FAILURE)) or V(Win32 error 1326 (ERROR_LOGON_FAILURE)).
      type: str
      returned: always
    problem:
      description: >-
        Where there is no code: V(not_asked), V(not_reached), V(not_available), V(no_agreement), V(connection_ended),
        V(timed_out), V(host_key_unknown), V(host_key_changed), V(guest), V(refused), V(method_not_offered),
        V(other_credentials_in_use).
      type: str
      returned: always
    detail:
      description: The fingerprint of the host key, or the methods that the machine offers.
      type: str
      returned: always
share:
  description: How opening the share ended.
  type: dict
  returned: for Windows machines
  contains:
    <<: *step
    name:
      description: The name of the share.
      type: str
      returned: always
    free_bytes:
      description: Free room on its volume; null where it could not be read.
      type: int
      returned: always
sftp:
  description: How opening SFTP ended.
  type: dict
  returned: for Linux machines
  contains: *step
uid:
  description: The number of the account on a Linux machine; null where it could not be read.
  type: int
  returned: for Linux machines
findings:
  description: What would stop the push.
  type: list
  elements: dict
  returned: when the machine could be looked at
  contains:
    id:
      description: Id of the error that the portal would show.
      type: str
      returned: always
    ids:
      description: The id, and those that have the same evidence.
      type: list
      elements: str
      returned: always
    severity:
      description: V(blocking) or V(warning).
      type: str
      returned: always
    subject:
      description: What it is about.
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
    scope:
      description: V(push), the finding matters only where the portal pushes or updates the agent.
      type: str
      returned: always
    cure:
      description: V(safe), V(weakening) or V(manual), see M(hyperv.mobility.asr_preflight).
      type: str
      returned: always
blocked:
  description: Whether a finding would stop the push.
  type: bool
  returned: when the machine could be looked at
undetermined:
  description: A sentence for each question that had no answer, with the reason.
  type: list
  elements: str
  returned: when the machine could be looked at
"""
