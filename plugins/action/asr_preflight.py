# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.asr_preflight."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    choice,
    integer,
    listing,
    mapping,
    path,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import preflight

SERVER: Spec = {"address": text(required=True), "port": integer(required=True, minimum=1)}


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "scopes": listing(default=["agent", "register"], choices=("push", "agent", "register")),
        "remediate": listing(default=["none"]),
        "undo": listing("dict"),
        "agent_version": text(),
        "install_directory": path(),
        "push_account": text(),
        "servers": listing(mapping(SERVER)),
        "server_names": listing(),
        "supported_kernels": listing(),
        "platform": choice("VmWare", "Azure", default="VmWare"),
    }

    def operate(self, request: Request) -> Outcome:
        return preflight.operate(request)
