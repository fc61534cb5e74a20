#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asr_agent_info
short_description: Show the Mobility service agent of a machine
version_added: 0.1.0
description:
  - Reads whether the agent of Azure Site Recovery is installed, its version and stack, with which server it is
    registered, and how its services are.
  - A machine without the agent is no failure.
extends_documentation_fragment:
  - hyperv.mobility.asr_machine
attributes:
  check_mode:
    description: Reads only.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
seealso:
  - module: hyperv.mobility.asr_agent
  - module: hyperv.mobility.asr_registration
"""

EXAMPLES = r"""
- name: The agent is there and knows its server
  hyperv.mobility.asr_agent_info:
  register: found

- name: It is registered
  ansible.builtin.assert:
    that: found.agent.registered
"""

RETURN = r"""
agent:
  description:
    - The agent as the machine has it. C(installed), C(version), C(role), C(platform), C(stack) (V(classic) or
      V(modernized)), C(install_directory), C(post_install_finished), C(registered), C(configuration_status), C(server)
      (C(address) and C(port)), C(services) (each with C(name), C(state), C(start)), C(vss_provider) (state of its
      service), C(pending_reboot) with C(pending_reboot_reasons), C(in_azure), C(system). What the machine does not say
      is null.
    - The places of C(install_directory) on Windows and of the address in C(SourceConfig.json) are not published;
      they are read on a best effort.
  type: dict
  returned: success
"""
