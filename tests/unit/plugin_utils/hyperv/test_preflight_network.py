# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before a move: which adapters need an address at the destination, and whether what is given can be told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import VmDetails
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.exchange import Exchange
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.decide import Seen
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.placement import Placement
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.migration.request import parse
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model import Adapter, Vlan, Vm
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model_guest import Service
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.findings import Neighbour, SwitchPort
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.guest_configuration import (
    GuestConfiguration,
    key_of,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.reading import HostNetworks
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
KVP = Service(
    vm_id=WEB, service_id="2a34b1c2-fd73-4043-8a5b-dd2159bc743f", enabled=True, primary_operational_status="Ok"
)
WINDOWS = Exchange(vm_id=WEB, items={"OSName": "Windows Server 2022", "OSVersion": "10.0.20348"})
AROUND = HostNetworks(
    host="hv02",
    switches={name.lower(): SwitchPort(name=name, uplinks=(name,)) for name in ("Prod", "Back", "Old", "LAN", "Dark")},
    uplinks_up={"dark": False},
)


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


def details(cards: tuple[AdapterFacts, ...], state: str, service: Service, *, legacy: bool) -> VmDetails:
    own = tuple(
        Adapter(
            vm_id=WEB, id=card.id, adapter_id=card.id.rpartition("\\")[2], name=card.name, switch_name=card.switch,
            connected=card.switch is not None, mac_address=card.mac, dynamic_mac_address=False, is_legacy=legacy,
            ip_addresses=card.addresses,
        )
        for card in cards if card.checkpoint is None
    )  # fmt: skip
    vlans = tuple(
        Vlan(adapter=card.id, operation_mode="Access" if card.vlan else "Untagged", access_vlan_id=card.vlan)
        for card in cards
        if card.is_placed
    )
    return VmDetails(vm=Vm(id=WEB, name=HOSTILE, state=state), adapters=own, vlans=vlans, services=(service,))


def reports(cards: tuple[AdapterFacts, ...]) -> dict[str, GuestConfiguration]:
    keys = [key_of(card.id) for card in cards]
    return {
        key.lower(): GuestConfiguration(key=key, addresses=("10.1.0.3/24",), gateways=("10.1.0.1",)) for key in keys
    }


def found(
    *cards: AdapterFacts,
    addresses: Any = None,
    state: str = "Running",
    networks: Any = (HERE, THERE),
    exchange: Exchange | None = WINDOWS,
    service: Service = KVP,
    neighbours: tuple[Neighbour, ...] = (),
    around: HostNetworks = AROUND,
    legacy: bool = False,
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
        machine=details(cards, state, service, legacy=legacy),
    )
    readdressing = replace(
        asked.readdressing(WEB, HOSTILE),
        around=replace(around, neighbours=neighbours),
        neighbours=neighbours,
        exchanges={} if exchange is None else {WEB: exchange},
        configurations=reports(cards),
    )
    move = MoveFacts(
        vm=vm, source=host("hv01"), destination=host("hv02"), placement=Placement(),
        switch_map=asked.switch_map, eject_iso=False, enable_compatibility=False, may_power_off=False,
        delegates_credentials=False,
        readdressing=readdressing,
    )  # fmt: skip
    return [(one.id, one.severity.value) for predicate in network.PREDICATES for one in predicate(move)]


NEEDED = ("address_needed", "blocking")
STAYS = ("vlan_differs_from_network", "blocking")
NEEDS_OFF = ("mac_change_needs_off", "blocking")


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
        ({"ipv4": {"dhcp": True}}, [STAYS]),
        ({"switch": "Prod", "ipv4": {"dhcp": True}}, [STAYS]),
        ({"switch": "Old", "ipv4": {"dhcp": True}}, []),
        ({"network": "lan", "ipv4": {"dhcp": True}}, []),
        ({"switch": "Prod", "vlan_id": 20, "ipv4": {"dhcp": True}}, []),
        ({"ipv4": {"address": "10.7.0.5/24", "gateway": "10.7.0.1"}}, [STAYS]),
        ({"network": "lan", "mac_address": "01005D010203"}, [NEEDED, ("mac_address_invalid", "blocking"), NEEDS_OFF]),
        ({"network": "lan", "mac_address": "02005D010203", "ipv4": {"dhcp": True}}, [NEEDS_OFF]),
        ({"switch": "Gone", "vlan_id": 9}, [("switch_missing", "blocking")]),
        ({"switch": "Dark", "vlan_id": 9}, [("switch_uplink_down", "blocking")]),
        ({"switch": "Prod", "vlan_id": 20}, [NEEDED]),
        ({"ipv4": {"address": "10.2.0.5/24", "gateway": "10.2.0.1"}}, [STAYS]),
        ({"ipv4": {"address": "10.2.0.5/24"}}, [STAYS, ("gateway_unknown", "blocking")]),
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
    silent = [("key_value_exchange_silent", "blocking")]
    assert found(*adapters(("LAN", 10)), addresses=wishes) == []
    assert found(*adapters(("LAN", 10)), addresses=wishes, exchange=None) == silent, "Ok, and no pairs"
    lost = replace(KVP, primary_operational_status="NoContact")
    assert found(*adapters(("LAN", 10)), addresses=wishes, service=lost) == silent
    old = replace(KVP, primary_operational_status="ProtocolMismatch")
    assert found(*adapters(("LAN", 10)), addresses=wishes, service=old) == [("key_value_exchange_outdated", "blocking")]
    linux = Exchange(vm_id=WEB, items={"OSName": "Debian GNU/Linux", "OSMajorVersion": "12"})
    softer = found(*adapters(("LAN", 10)), addresses=wishes, service=old, exchange=linux)
    assert ("key_value_exchange_outdated", "warning") in softer
    assert {severity for _id, severity in softer} == {"warning"}
    legacy = found(*adapters(("LAN", 10)), addresses=wishes, legacy=True)
    assert legacy == [("legacy_adapter_takes_no_address", "blocking")]
    assert found(*adapters(("LAN", 10)), addresses=wishes, state="Off") == [("guest_not_running", "warning")]
    assert found(*adapters(("Back", None)), exchange=None) == []


def test_two_entries_for_one_adapter_are_found_before_the_move() -> None:
    wishes = {WEB: [{"network": "lan", "ipv4": {"dhcp": True}}, {"name": "net0", "vlan_id": 20}]}
    assert found(*adapters(("LAN", 10)), addresses=wishes) == [("adapter_unclear", "blocking")]


def test_an_adapter_whose_vlan_is_not_known_is_not_judged_by_it() -> None:
    (card,) = adapters(("LAN", None))
    untagged = {"lan": {"switch": "LAN", "subnet": "10.1.0.0/24"}}
    assert found(card, networks=(untagged, THERE)) == [NEEDED]
    assert found(replace(card, is_placed=False), networks=(untagged, THERE)) == []


def test_addresses_that_another_machine_has_there() -> None:
    there = Neighbour(
        host="hv02", vm_id="2", vm_name="db", adapter_id="Microsoft:V\\0", mac="00155D000101", addresses=("10.2.0.5",)
    )
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
