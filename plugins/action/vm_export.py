# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_export."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.move_options import CHOICE
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    integer,
    path,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import export_task
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.export_findings import CAPTURES


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        **CHOICE,
        "path": path(required=True),
        "capture": choice(*CAPTURES, default="off"),
        "force_new": boolean(default=False),
        "timeout_seconds": integer(default=0, minimum=0),
        "state": choice("present", "absent", default="present"),
    }

    def operate(self, request: Request) -> Outcome:
        return export_task.operate(request)
