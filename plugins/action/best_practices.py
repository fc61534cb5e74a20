# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.best_practices."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    integer,
    listing,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit import best_practices


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "model_id": text(default="Microsoft/Windows/Hyper-V"),
        "scan": boolean(default=True),
        "timeout_seconds": integer(default=1800, minimum=1),
        "filter": choice("all", "compliant", "noncompliant", default="all"),
        "exclude": listing(),
        "store_exclusions": boolean(default=False),
        "fail_on": choice("error", "warning"),
    }

    def operate(self, request: Request) -> Outcome:
        return best_practices.operate(request)
