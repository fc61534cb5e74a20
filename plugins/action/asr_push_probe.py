# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.asr_push_probe."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.address import address_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    choice,
    integer,
    mapping,
    secret,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.push import probe


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "os": choice("windows", "linux"),
        "address": text(),
        "ports": mapping({name: integer(minimum=1) for name in probe.PORTS}),
        "username": text(),
        "password": secret(),
        "share": text(default="C$"),
        "host_key": choice("known", "any", default="known"),
        "known_hosts": text(),
        "from": text(),
        "timeout_seconds": integer(default=10, minimum=1),
    }
    RULES: ClassVar[dict[str, Any]] = {"required_together": [["username", "password"]]}

    def operate(self, request: Request) -> Outcome:
        return probe.operate(request, address_of(self._connection, request.host))
