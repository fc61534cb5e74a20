# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_failover_ip."""

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
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest import failover

_COMMON: Spec = {"address": text(required=True), "gateway": text(), "dns": listing()}
_COPY: Spec = {
    "ipv4": mapping({**_COMMON, "subnet_mask": text(), "prefix": integer()}),
    "ipv6": mapping({**_COMMON, "prefix": integer(required=True)}),
    "clear": choice("ipv4", "ipv6", "both"),
    "test_switch": text(),
}
_ADAPTER: Spec = {"name": text(), "mac_address": text(), "id": text(), **_COPY, "failback": mapping(_COPY)}


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "vms": listing(
            mapping(
                {
                    "name": text(),
                    "id": text(),
                    "replica_host": text(),
                    "adapters": listing(mapping(_ADAPTER), required=True),
                }
            ),
            default=[],
        ),
        "test_switch": text(),
        "replica_side": boolean(default=False),
        "replica_host": text(),
        "skip_blocked": boolean(default=False),
    }

    def operate(self, request: Request) -> Outcome:
        return failover.operate(request)
