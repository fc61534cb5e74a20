# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_host_delegation."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    listing,
    mapping,
    secret,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import delegation


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "state": choice("present", "absent", default="present"),
        "hosts": listing(),
        "pairs": listing(mapping({"source": text(required=True), "destination": text(required=True)})),
        "include_smb": boolean(default=True),
        "domain_username": text(),
        "domain_password": secret(),
        "domain_server": text(),
    }

    def operate(self, request: Request) -> Outcome:
        return delegation.operate(request)
