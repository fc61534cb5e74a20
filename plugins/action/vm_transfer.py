# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_transfer."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    choice,
    integer,
    listing,
    path,
    secret,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import transfer_task


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "names": listing(),
        "ids": listing(),
        "method": choice("smb", "http", "external", default="smb"),
        "source": text(),
        "username": text(),
        "password": secret(),
        "path": path(required=True),
        "timeout_seconds": integer(default=0, minimum=0),
    }

    def operate(self, request: Request) -> Outcome:
        return transfer_task.operate(request)
