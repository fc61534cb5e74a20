# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before a move: which adapters need an address at the destination, and whether what is given can be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.findings import Finding, Severity
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.decide import Seen
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.placement import Placement
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.request import parse
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.findings import Neighbour
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight import network
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.facts import (
    AdapterFacts,
    HostFacts,
    MoveFacts,
    VmFacts,
)

HOSTILE = 'O\'Brien – "prod" $x 测试 [a-z]'
WEB = "11111111-1111-1111-1111-111111111111"
HERE = {
    "lan": {"switch": "LAN", "vlan": 10, "subnet": "10.1.0.0/24"},
    "backup": {"switch": "Back", "subnet": "10.9.0.0/24"},
}
THERE = {
    "lan": {"switch": "Prod", "vlan": 20, "subnet": "10.2.0.0/24", "gateway": "10.2.0.1"},
    "backup": {"switch": "Back", "subnet": "10.9.0.0/24"},
    "old": {"switch": "Old", "vlan": 10, "subnet": "10.1.0.0/24"},
}
SILENT = Finding(id="key_value_exchange_silent", severity=Severity.BLOCKING, subject=HOSTILE, evidence="e", remedy="r")


def host(name: str) -> HostFacts:
    return HostFacts(
        inventory_name=name, computer_name=name, windows_name=name, migration_enabled=True,
        authentication_type="CredSSP", listeners=(), maximum_moves=2, maximum_storage_moves=2, supported_versions=(),
    )  # fmt: skip


def adapters(*switches: tuple[str | None, int | None], checkpoint: str | None = None) -> tuple[AdapterFacts, ...]:
    return tuple(
        AdapterFacts(id=f"Microsoft:V\\{n}", name=f"net{n}", switch=switch, vlan=vlan, checkpoint=checkpoint)
        for n, (switch, vlan) in enumerate(switches)
    )  # fmt: skip


def found(
    *cards: AdapterFacts,
    addresses: Any = None,
    state: str = "Running",
    networks: Any = (HERE, THERE),
    doubts: Any = (),
    neighbours: tuple[Neighbour, ...] = (),
) -> list[tuple[str, str]]:
    """Return (id, severity) of what the predicates find for a machine with these adapters."""
    variables = dict(zip(("hv01", "hv02"), networks, strict=True))
    asked = parse(
        {"destination_host": "hv02", "addresses": addresses or {}},
        host="hv01",
        inventory_hosts=("hv01", "hv02"),
        variable=lambda name, _variable: variables[name],
    )
    vm = VmFacts(
        id=WEB,
        name=HOSTILE,
        seen=Seen(state=state),
        version="9.0",
        memory_bytes=1,
        adapters=cards,
        address_doubts=doubts,
    )
    move = MoveFacts(
        vm=vm, source=host("hv01"), destination=host("hv02"), placement=Placement(),
        switch_map=asked.switch_map, eject_iso=False, enable_compatibility=False, may_power_off=False,
        delegates_credentials=False,
        readdressing=asked.readdressing(WEB, HOSTILE, neighbours),
    )  # fmt: skip
    return [(one.id, one.severity.value) for predicate in network.PREDICATES for one in predicate(move)]


NEEDED = ("address_needed", "blocking")


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        (adapters(("LAN", 10)), [NEEDED]),
        (adapters(("lan", 10), ("LAN", 10)), [NEEDED, NEEDED]),
        (adapters(("Back", None)), []),
        (adapters(("LAN", 11)), []),  # nobody says which network this is
        (adapters((None, 10)), []),
        (adapters(("LAN", 10), checkpoint="before"), []),
    ],
)
def test_which_adapters_need_an_address(cards: Any, expected: Any) -> None:
    assert found(*cards) == expected


@pytest.mark.parametrize("networks", [(None, None), (HERE, None), (None, THERE)])
def test_hosts_without_names_for_their_networks_ask_nothing(networks: Any) -> None:
    assert found(*adapters(("LAN", 10)), networks=networks) == []


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"network": "lan", "ipv4": {"address": "10.2.0.5"}}, []),
        ({"ipv4": {"dhcp": True}}, []),
        ({"switch": "Prod", "vlan_id": 20}, [NEEDED]),
        ({"ipv4": {"address": "10.2.0.5/24"}}, [("vlan_differs_from_network", "blocking")]),
        ({"vlan_id": 21}, []),  # nobody says which network this is
        ({"network": "old"}, []),  # the network it comes from, under another name
        ({"switch": "Old"}, []),
        ({"connected": False}, []),
        ({"network": "lan", "ipv4": {"address": "10.2.0.0"}}, [("ip_address_not_usable", "blocking")]),
        ({"name": "other", "ipv4": {"dhcp": True}}, [NEEDED, ("adapter_unclear", "blocking")]),
    ],
)
def test_what_a_wish_makes_of_it(wish: Any, expected: Any) -> None:
    assert found(*adapters(("LAN", 10)), addresses={HOSTILE.lower(): [wish]}) == expected
    assert found(*adapters(("LAN", 10)), addresses={WEB.upper(): wish}) == expected
    assert found(*adapters(("LAN", 10)), addresses={"another machine": [wish]}) == [NEEDED]


def test_a_guest_that_could_not_be_told_is_found_before_the_move() -> None:
    wishes = {WEB: [{"network": "lan", "ipv4": {"address": "10.2.0.5"}}]}
    assert found(*adapters(("LAN", 10)), addresses=wishes, doubts=(SILENT,)) == [
        ("key_value_exchange_silent", "blocking")
    ]
    assert found(*adapters(("LAN", 10)), addresses=wishes, state="Off") == [("guest_not_running", "warning")]
    assert found(*adapters(("Back", None)), doubts=(SILENT,)) == []


def test_addresses_that_another_machine_has_there() -> None:
    there = Neighbour(host="hv02", vm_id="2", vm_name="db", adapter_id="x", mac="00155D000101", addresses=("10.2.0.5",))
    copy = replace(there, vm_id=WEB)
    (card,) = adapters(("LAN", 10))
    wishes = {WEB: [{"network": "lan", "ipv4": {"address": "10.2.0.5"}}]}
    taken = [("ip_address_taken", "blocking"), ("mac_address_taken", "warning")]
    assert found(replace(card, mac="00155D000101"), addresses=wishes, neighbours=(there, copy)) == taken
    assert found(replace(card, mac="00155D000101"), addresses=wishes, neighbours=(copy,)) == []
    assert found(card, addresses=wishes, neighbours=(replace(there, addresses=("10.2.0.6",)),)) == []


def test_names_of_networks_lead_to_switches() -> None:
    def mapped(switch_map: dict[str, str], here: Any, there: Any) -> dict[str, str]:
        variables = {"a": here, "b": there}
        asked = parse(
            {"destination_host": "b", "switch_map": switch_map},
            host="a",
            inventory_hosts=("a", "b"),
            variable=lambda name, _variable: variables[name],
        )
        return dict(asked.switch_map)

    assert mapped({}, HERE, THERE) == {"LAN": "Prod"}
    assert mapped({"lan": "Own"}, HERE, THERE) == {"lan": "Own"}
    both = {**HERE, "more": {"switch": "LAN", "vlan": 30}}
    assert mapped({}, both, {**THERE, "more": {"switch": "Third"}}) == {}
    assert mapped({}, HERE, None) == {}


def test_what_can_not_be_is_refused_before_the_first_change() -> None:
    with pytest.raises(InvalidRequest, match="wan"):
        found(*adapters(("LAN", 10)), addresses={WEB: [{"network": "wan"}]})
    variables = {"hv01": HERE, "hv02": THERE}
    impossible: tuple[Any, ...] = ({"ipv4": {"dhcp": "maybe"}}, 3, [], {"vlan_id": 5000})
    for entry in impossible:
        with pytest.raises(InvalidRequest, match="addresses: nobody"):
            parse(
                {"destination_host": "hv02", "addresses": {"nobody": entry}},
                host="hv01",
                inventory_hosts=("hv01", "hv02"),
                variable=lambda name, _variable: variables[name],
            )
    assert found(*adapters(("Back", None)), addresses={"of another move": [{"network": "elsewhere"}]}) == []
    with pytest.raises(InvalidRequest, match="hyperv_networks of hv02"):
        found(*adapters(("LAN", 10)), networks=(HERE, {"lan": 3}))


def test_subnets_of_one_vlan_are_told_apart() -> None:
    both = {**HERE, "portable": {"switch": "LAN", "vlan": 10, "subnet": "10.50.0.0/28"}}
    there = {**THERE, "portable": {"switch": "Prod", "vlan": 10, "subnet": "10.50.0.0/28"}}
    (card,) = adapters(("LAN", 10))
    assert found(replace(card, addresses=("10.50.0.3",)), networks=(both, there)) == []
    assert found(replace(card, addresses=("10.1.0.3",)), networks=(both, there)) == [NEEDED]
