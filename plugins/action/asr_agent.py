# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.asr_agent."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    choice,
    integer,
    path,
    secret,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import install


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "state": choice("present", "latest", "absent", default="present"),
        "source": path(),
        "local_path": path(),
        "source_username": text(),
        "source_password": secret(),
        "version": text(),
        "sha256": text(),
        "install_directory": path(),
        "platform": choice("VmWare", "Azure", default="VmWare"),
        "stack": choice("classic", "modernized"),
        "vss": choice("warn", "require", default="warn"),
        "timeout_seconds": integer(default=1800, minimum=60),
    }

    def operate(self, request: Request) -> Outcome:
        return install.operate(request)
