# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_integration_service."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.move_options import CHOICE
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    integer,
    mapping,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest import integration
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.sides import SERVICE_GUIDS


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        **CHOICE,
        "services": mapping({name: boolean() for name in SERVICE_GUIDS}, default={}),
        "insert_services_disc": boolean(),
        "guest_system": choice("auto", "windows", "linux", default="auto"),
        "guest_hosts": mapping(default={}),
        "wait_seconds": integer(default=0, minimum=0),
    }

    def operate(self, request: Request) -> Outcome:
        return integration.operate(request)
