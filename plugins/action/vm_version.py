# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_version."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.move_options import CHOICE
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    integer,
    listing,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import version


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        **CHOICE,
        "destination_host": text(),
        "target_version": text(),
        "via": listing(default=[]),
        "upgrade": boolean(default=False),
        "power": choice("require_off", "restart", default="require_off"),
        "force": boolean(default=False),
        "shutdown_timeout_seconds": integer(default=300, minimum=1),
        "heartbeat_timeout_seconds": integer(default=300, minimum=1),
    }

    def operate(self, request: Request) -> Outcome:
        return version.operate(request)
