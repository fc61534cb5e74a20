# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_host_audit."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    choice,
    integer,
    listing,
    mapping,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit import operation


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "best_practices": choice("last", "scan", "none", default="last"),
        "timeout_seconds": integer(default=1800, minimum=1),
        "exclude": listing(),
        "rule_ids": mapping(),
        "fail_on": choice("error", "warning"),
    }

    def operate(self, request: Request) -> Outcome:
        return operation.operate(request)
