#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: asr_reboot
short_description: Restart a machine and wait until it has started anew
version_added: 0.1.0
description:
  - Restarts the machine in any case. Call it only where a restart is needed and allowed.
  - Waits until the machine answers and says that it was started anew. Windows is asked when it was started, Linux for
    the id that the kernel gives each start.
  - For machines without Python, and without script text on Windows, where Ansible's own reboot tasks can't be used.
options:
  timeout_seconds:
    description: How long the machine may take to be back.
    type: int
    default: 900
extends_documentation_fragment:
  - hyperv.mobility.asr_machine
attributes:
  check_mode:
    description: Says that the machine would be restarted.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
seealso:
  - module: hyperv.mobility.asr_agent
"""

EXAMPLES = r"""
- name: Restart where the agent waits for it
  hyperv.mobility.asr_reboot:
  when: agent.reboot_required
"""

RETURN = r"""
rebooted:
  description: Whether the machine was restarted; false in check mode.
  type: bool
  returned: success
seconds:
  description: How long it took.
  type: int
  returned: success
"""
