# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.asr_agent_info."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import Spec
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import install


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {}

    def operate(self, request: Request) -> Outcome:
        return install.show(request)
