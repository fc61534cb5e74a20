# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_host_migration."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    integer,
    listing,
    mapping,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import host_migration


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "state": choice("enabled", "disabled", default="enabled"),
        "authentication_type": choice("Kerberos", "CredSSP"),
        "performance_option": choice("Compression", "TCPIP", "SMB"),
        "maximum_virtual_machine_migrations": integer(minimum=0),
        "maximum_storage_migrations": integer(minimum=0),
        "networks": listing(mapping({"subnet": text(required=True), "priority": integer(minimum=0)}), default=[]),
        "purge_networks": boolean(default=False),
        "use_any_network": boolean(),
        "firewall_rule": boolean(default=True),
        "ready_timeout_seconds": integer(default=60, minimum=0),
    }

    def operate(self, request: Request) -> Outcome:
        return host_migration.operate(request)
