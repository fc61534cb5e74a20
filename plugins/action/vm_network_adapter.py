# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_network_adapter."""

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
    mapping,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network import operation

_FAMILY: Spec = {"dhcp": boolean(), "address": text(), "gateway": text(), "dns": listing()}
_ADAPTER: Spec = {
    "name": text(),
    "id": text(),
    "match_mac_address": text(),
    "connected": boolean(),
    "switch": text(),
    "network": text(),
    "vlan_mode": choice("untagged", "access", "trunk"),
    "vlan_id": integer(),
    "native_vlan_id": integer(),
    "allowed_vlan_ids": text(),
    "mac_address": text(),
    "dynamic_mac_address": boolean(),
    "ipv4": mapping(_FAMILY),
    "ipv6": mapping(_FAMILY),
}


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        **CHOICE,
        "adapters": listing(mapping(_ADAPTER), required=True),
        "wait_seconds": integer(default=120, minimum=0),
        "conflict_hosts": listing(default=[]),
        "guest_not_running": choice("fail", "skip", default="fail"),
    }

    def operate(self, request: Request) -> Outcome:
        return operation.operate(request)
