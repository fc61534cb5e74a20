#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asr_registration
short_description: Register the Mobility service agent with its server
version_added: 0.1.0
description:
  - Runs the agent's configurator and then reads the registration itself. The exit code alone is not believed; the Linux
    configurator ends with 0 after wrong options too.
  - The passphrase, or the config file's content, goes by standard input into a file that only administrators (root) can
    read. The file is removed in every outcome.
  - On a machine that was failed over to Azure the configurator does nothing. Such a machine is recognised and left.
options:
  state:
    description:
      - With V(present) the agent is registered with the given server.
      - With V(absent) it is with none. A modernized agent is unregistered by its configurator (that option is not
        published). For a classic one no way is published, so it is a failure that says what to do.
    type: str
    choices: [present, absent]
    default: present
  configuration_server:
    description: IPv4 address or host name of the configuration server (classic). The agent does not support IPv6.
    type: str
  server_port:
    description: Port of the configuration server, where it is not 443.
    type: int
  passphrase:
    description: Passphrase of the configuration server.
    type: str
  passphrase_path:
    description: Path of a file with the passphrase that is on the machine already, on Windows also UNC. It stays there.
    type: str
  config:
    description: Content of the config file that the appliance makes (modernized). Treated as a secret.
    type: jsonarg
  config_file:
    description: Path of that file, where it is on the machine already.
    type: str
  replace:
    description:
      - Whether an agent that is registered with another server may leave it. Without it that is a failure which names
        the present server.
      - A classic agent can't leave its server in place. It has to be removed and installed again.
    type: bool
    default: false
  external_ip:
    description: Address by which a physical machine behind NAT is reached (classic).
    type: str
  credential_less_discovery:
    description:
      - Registers a modernized agent for discovery without stored credentials. It can't be changed back later. Left to
        the configurator where it is not set.
    type: bool
  timeout_seconds:
    description:
      - How long it may take. The configurator is waited for ten minutes at least on Windows, where neither this nor a
        broken link ends it.
    type: int
    default: 600
extends_documentation_fragment:
  - hyperv.mobility.asr_machine
attributes:
  check_mode:
    description: Says whether the agent would be registered.
    support: full
  diff_mode:
    description: Shows the server before and after.
    support: full
seealso:
  - module: hyperv.mobility.asr_agent
  - module: hyperv.mobility.asr_agent_info
"""

EXAMPLES = r"""
- name: The agent is registered with its configuration server
  hyperv.mobility.asr_registration:
    configuration_server: 10.0.4.11
    passphrase: "{{ vault_asr_passphrase }}"

- name: The agent is registered with its appliance
  hyperv.mobility.asr_registration:
    config: "{{ lookup('ansible.builtin.file', 'files/config.json') }}"
  become: true

- name: The agent has no server any more
  hyperv.mobility.asr_registration:
    state: absent
"""

RETURN = r"""
action:
  description:
    - What was done, or would be in check mode. V(failed_over) means that nothing was run, since the configurator does
      nothing on such a machine.
  type: str
  returned: success
  sample: register
  choices: [none, register, replace, unregister, failed_over]
agent:
  description:
    - The agent as the machine has it after the task, before it in check mode. As
      M(hyperv.mobility.asr_agent_info) returns it.
  type: dict
  returned: success
exit_code:
  description: Exit code of the configurator.
  type: int
  returned: when it was run
log_path:
  description: Log of the configurator on the machine.
  type: str
  returned: when it was run
findings:
  description:
    - Errors of Site Recovery that were recognised, and preconditions that do not hold. Each has C(id), C(severity),
      C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: always
error:
  description:
    - Why it failed. C(kind); where the configurator failed also C(exit_code), C(reason), C(remedy), C(log_path),
      C(log_tail) and C(output_tail) (the last 30 lines of this attempt), C(before) and C(after) (the agent's state).
  type: dict
  returned: failure
"""
