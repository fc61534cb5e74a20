# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_host_feature."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import Spec, boolean, choice, integer
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import feature


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "state": choice("present", default="present"),
        "hyper_v": boolean(default=True),
        "management_tools": boolean(default=True),
        "active_directory_tools": boolean(default=False),
        "reboot": boolean(default=False),
        "reboot_timeout_seconds": integer(default=900, minimum=1),
    }

    def operate(self, request: Request) -> Outcome:
        return feature.operate(request)
