# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

from ansible_collections.hyperv.mobility.plugins.filter.addresses import arrived

WISH = [{"ipv4": {"dhcp": True}}]


def moved(name: str, outcome: str = "moved", vm_id: str = "1") -> dict[str, Any]:
    return {"id": vm_id, "name": name, "destination": "hv02", "outcome": outcome}


def test_vms_at_their_destination_get_what_their_name_or_id_says() -> None:
    results: list[dict[str, Any]] = [
        {"vms": [moved("Web"), moved("db", vm_id="AB"), moved("none", vm_id="3")], "item": {}},
        {"skipped": True},
    ]
    found = arrived(results, {"web": WISH, "{ab}": {"vlan_id": 3}})
    assert found == [
        {"id": "1", "name": "Web", "host": "hv02", "adapters": WISH},
        {"id": "AB", "name": "db", "host": "hv02", "adapters": [{"vlan_id": 3}]},
    ]


def test_what_did_not_arrive_gets_nothing() -> None:
    outcomes = ("failed", "skipped", "attached", "already_there")
    results = [{"vms": [moved(one, one, one) for one in outcomes], "item": {}}]
    found = arrived(results, dict.fromkeys(outcomes, WISH))
    assert [one["name"] for one in found] == ["attached", "already_there"]


def test_an_entry_of_its_own_wins() -> None:
    results = [{"vms": [moved("web")], "item": {"addresses": {"web": [{"vlan_id": 4}]}}}]
    assert arrived(results, {"web": WISH})[0]["adapters"] == [{"vlan_id": 4}]
    assert arrived(results, {}) != []


def test_addresses_may_come_as_text() -> None:
    results = [{"vms": [moved("web")], "item": {}}]
    assert arrived(results, json.dumps({"web": WISH}))[0]["adapters"] == WISH
    assert arrived(results, "") == []


def test_in_check_mode_only_what_is_there_already_gets_anything() -> None:
    results = [{"vms": [moved("web"), moved("db", "already_there", "2")], "item": {}}]
    assert [one["name"] for one in arrived(results, {"web": WISH, "db": WISH}, True)] == ["db"]
