# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.asr_vss_provider."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import Spec, choice, integer
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import vss_provider


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "state": choice("present", "absent", "repaired", default="present"),
        "timeout_seconds": integer(default=600, minimum=1),
    }

    def operate(self, request: Request) -> Outcome:
        return vss_provider.operate(request)
