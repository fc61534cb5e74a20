# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.asr_registration."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    integer,
    path,
    secret,
    secret_json,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import registration


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "state": choice("present", "absent", default="present"),
        "configuration_server": text(),
        "server_port": integer(minimum=1),
        "passphrase": secret(),
        "passphrase_path": path(),
        "config": secret_json(),
        "config_file": path(),
        "replace": boolean(default=False),
        "external_ip": text(),
        "credential_less_discovery": boolean(),
        "timeout_seconds": integer(default=600, minimum=60),
    }

    def operate(self, request: Request) -> Outcome:
        return registration.operate(request)
