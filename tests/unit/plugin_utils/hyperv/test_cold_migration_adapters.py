# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the adapters of a VM that is migrated come to, and which of them need an address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotFound
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration import marks
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration.adapters import (
    Wanted,
    Wiring,
    judge_wiring,
    parse_entries,
    wire,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import VmDetails
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.exchange import Exchange
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model import Adapter, Vlan, Vm
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.model_guest import Service
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.findings import (
    MacPool,
    Neighbour,
    SwitchPort,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.named import networks_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.network.reading import HostNetworks

ID = "11111111-1111-1111-1111-111111111111"
FIRST = Adapter(
    vm_id=ID, id=f"Microsoft:{ID}\\A", adapter_id="A", name="Network Adapter", switch_name="LAN", connected=True,
    mac_address="00155D000001", dynamic_mac_address=False,
)  # fmt: skip
SECOND = replace(FIRST, id=f"Microsoft:{ID}\\B", adapter_id="B", switch_name="Backup", mac_address="00155D000002")
HERE = networks_of(
    {"lan": {"switch": "LAN", "vlan": 10, "subnet": "10.1.0.0/24"}, "backup": {"switch": "Backup"}}, host="hv01"
)
THERE = networks_of(
    {
        "lan": {"switch": "Production", "vlan": 20, "subnet": "10.2.0.0/24", "gateway": "10.2.0.1"},
        "backup": {"switch": "Save"},
    },
    host="hv02",
)
SAME = networks_of({"lan": {"switch": "Production", "vlan": 10, "subnet": "10.1.0.0/24"}}, host="hv02")
AROUND = HostNetworks(
    host="hv02",
    switches={"production": SwitchPort(name="Production", uplinks=("X710",)), "lan": SwitchPort(name="LAN")},
    uplinks_up={"x710": True},
    pool=MacPool(minimum="", maximum=""),
)
EXCHANGE = {ID: Exchange(vm_id=ID, items={"OSName": "Windows Server 2019", "OSVersion": "10.0.17763"})}
KVP = Service(
    vm_id=ID, service_id="2a34b1c2-fd73-4043-8a5b-dd2159bc743f", enabled=True, primary_operational_status="Ok"
)


def details(*adapters: Adapter, state: str = "Running") -> VmDetails:
    return in_vlans(
        Vlan(adapter=FIRST.id, operation_mode="Access", access_vlan_id=10),
        Vlan(adapter=SECOND.id, operation_mode="Untagged"),
        adapters=adapters,
        state=state,
    )


def in_vlans(*vlans: Vlan, adapters: tuple[Adapter, ...] = (), state: str = "Running") -> VmDetails:
    return VmDetails(vm=Vm(id=ID, name="web", state=state), adapters=adapters or (FIRST,), vlans=vlans, services=(KVP,))


def noted(notes: str) -> VmDetails:
    found = details(state="Off")
    return replace(found, vm=replace(found.vm, notes=notes))


def entry(**more: Any) -> Any:
    return parse_entries([{"vm": "web", **more}], THERE)


def ids(wiring: Wiring) -> list[str]:
    return [one.id for one in wiring.findings]


def test_without_names_an_adapter_comes_to_the_mapped_switch_or_to_its_own() -> None:
    (wish,) = wire(details(), Wanted()).wishes
    assert (wish.switch, wish.vlan, wish.id) == ("LAN", None, "A")
    found = wire(details(), Wanted(switch_map={"lan": "Production"}))
    assert found.wishes[0].switch == "Production"
    assert not found.readdresses


def test_the_same_network_under_another_switch_needs_no_address() -> None:
    found = wire(details(), Wanted(source=HERE, destination=SAME))
    assert found.findings == ()
    assert found.wishes[0].switch == "Production"
    assert found.wishes[0].vlan is not None
    assert found.wishes[0].vlan.access_id == 10
    assert found.switch_map == {"LAN": "Production"}


def test_another_network_needs_an_address_for_each_adapter_in_it() -> None:
    found = wire(details(FIRST, SECOND), Wanted(source=HERE, destination=THERE))
    assert ids(found) == ["address_needed"], "the backup network is the same on both hosts"
    assert "10.2.0.0/24" in found.findings[0].remedy
    assert [wish.switch for wish in found.wishes] == ["Production", "Save"]
    given = entry(match_mac_address="00:15:5D:00:00:01", network="lan", ipv4={"address": "10.2.0.15"})
    found = wire(details(FIRST, SECOND), Wanted(entries=given, source=HERE, destination=THERE))
    assert found.findings == ()
    assert found.readdresses
    assert found.wishes[0].ipv4 is not None
    assert found.wishes[0].ipv4.address == "10.2.0.15/24"
    assert all(wish.ipv4 is None for wish in found.ports)


def test_an_entry_about_a_vm_that_is_not_chosen_is_left_alone_and_one_about_no_adapter_is_an_error() -> None:
    other = parse_entries([{"vm": "db", "network": "lan"}], THERE)
    assert ids(wire(details(), Wanted(entries=other, source=HERE, destination=THERE))) == ["address_needed"]
    with pytest.raises(NotFound, match="Nobody"):
        wire(details(), Wanted(entries=entry(name="Nobody", network="lan"), source=HERE, destination=THERE))


def test_an_adapter_that_is_connected_to_nothing_stays_so() -> None:
    assert wire(details(replace(FIRST, switch_name=None, connected=False)), Wanted()).wishes == ()
    (wish,) = wire(details(), Wanted(entries=entry(connected=False), source=HERE, destination=SAME)).wishes
    assert (wish.connected, wish.switch) == (False, None)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ([{"network": "lan"}], "vm is missing"),
        (["web"], "vm is missing"),
        ([{"vm": "web", "network": "dmz"}], "'dmz'"),
        ([{"vm": "web", "network": "lan", "ipv4": {"address": "10.9.0.5/24"}}], "10.9.0.5"),
        ([{"vm": "web", "colour": 1}], "colour"),
        ([{"vm": "web", "mac_address": "01:00:00:00:00:00"}], "010000000000"),
        (
            [{"vm": "web", "name": "A", "network": "lan"}, {"vm": "Web", "name": "a", "switch": "LAN"}],
            r"adapters\[0\] and adapters\[1\] mean the same adapter",
        ),
    ],
)
def test_bad_entries_are_refused_before_anything_is_sent(given: list[Any], word: str) -> None:
    with pytest.raises(InvalidRequest, match=word):
        parse_entries(given, THERE)


def test_an_entry_about_another_vm_may_be_meant_for_another_destination() -> None:
    elsewhere = {"vm": "erp", "network": "dmz", "ipv4": {"address": "10.3.0.15"}}
    entries = parse_entries([elsewhere, {"vm": "web", "network": "lan"}], THERE, chosen=["web"])
    wanted = Wanted(entries=entries, source=HERE, destination=THERE)
    assert wire(details(), wanted).wishes[0].network == THERE["lan"]
    with pytest.raises(InvalidRequest, match=r"adapters\[0\].*'dmz'"):
        wanted.of("1", "ERP")
    with pytest.raises(InvalidRequest, match="'dmz'"):
        parse_entries([elsewhere], THERE, chosen=["Erp"])


def judged(wiring: Wiring, machine: VmDetails, around: HostNetworks = AROUND, exchange: Any = None) -> list[str]:
    here = HostNetworks(host="hv01")
    found = judge_wiring(
        {ID: machine}, {ID: wiring}, around, here, EXCHANGE if exchange is None else exchange, THERE
    )  # fmt: skip
    return [one.id for one in found[ID]]


def test_switches_and_their_uplinks_are_judged_though_the_name_is_the_same() -> None:
    assert judged(wire(details(), Wanted()), details()) == []
    assert judged(wire(details(SECOND), Wanted()), details(SECOND)) == ["switch_missing"]
    found = judge_wiring({ID: details(SECOND)}, {ID: wire(details(SECOND), Wanted())}, AROUND, AROUND, EXCHANGE, THERE)
    assert "switch_map" in found[ID][0].remedy
    down = replace(AROUND, uplinks_up={"x710": False})
    there = wire(details(), Wanted(source=HERE, destination=SAME))
    assert judged(there, details(), down) == ["switch_uplink_down"]


def test_what_an_adapter_brings_along_and_another_vm_has_there_is_warned_of() -> None:
    card = replace(FIRST, ip_addresses=("10.1.0.9", "fe80::1"))
    twin = Neighbour(
        host="hv02", vm_id="2", vm_name="db", adapter_id="X", mac=card.mac_address, addresses=("fe80::1", "10.1.0.9")
    )
    around, kept = replace(AROUND, neighbours=(twin,)), Wanted(source=HERE, destination=SAME)
    assert judged(wire(details(card), kept), details(card), around) == ["mac_address_taken", "ip_address_taken"]
    found = judge_wiring(
        {ID: details(card)}, {ID: wire(details(card), kept)}, around, HostNetworks(host="hv01"), EXCHANGE, SAME
    )
    assert {one.severity.value for one in found[ID]} == {"warning"}
    own = replace(AROUND, neighbours=(replace(twin, vm_id=ID, adapter_id=card.id),))
    assert judged(wire(details(card), kept), details(card), own) == [], "its own copy of an earlier try"
    moved = replace(kept, entries=entry(network="lan", mac_address="00155D00FFFF", ipv4={"address": "10.2.0.15"}))
    changed = wire(details(card), replace(moved, destination=THERE))
    assert judged(changed, details(card), around) == []


def test_whether_a_guest_takes_an_address_is_judged_from_what_it_says_now() -> None:
    given = entry(network="lan", ipv4={"address": "10.2.0.15"})
    found = wire(details(), Wanted(entries=given, source=HERE, destination=THERE))
    assert judged(found, details()) == []
    assert judged(found, details(), exchange={}) == ["key_value_exchange_silent"]
    assert judged(found, details(state="Off"), exchange={}) == ["address_after_start"]


@pytest.mark.parametrize(
    "vlan",
    [
        Vlan(adapter=FIRST.id, operation_mode="Trunk", native_vlan_id=0, allowed_vlan_ids="10-20"),
        Vlan(adapter=FIRST.id, operation_mode="Private"),
        Vlan(adapter=FIRST.id, operation_mode=""),
        Vlan(adapter=FIRST.id, operation_mode="Access"),
        Vlan(adapter="another", operation_mode="Untagged"),
    ],
)
def test_an_adapter_in_no_single_vlan_keeps_its_setting_and_comes_to_the_mapped_switch(vlan: Vlan) -> None:
    plain_here = networks_of({"lan": {"switch": "LAN", "subnet": "10.1.0.0/24"}}, host="hv01")
    plain_there = networks_of({"lan": {"switch": "Production", "subnet": "10.2.0.0/24"}}, host="hv02")
    for switch_map in ({"lan": "Production"}, {}):
        wanted = Wanted(source=plain_here, destination=plain_there, switch_map=switch_map)
        found = wire(in_vlans(vlan), wanted)
        assert [(wish.switch, wish.vlan, wish.network) for wish in found.wishes] == [("Production", None, None)]
        assert ids(found) == ["network_unknown"], "another switch, and nobody can say what it reaches"


SHARED_HERE = networks_of(
    {
        "office": {"switch": "LAN", "vlan": 10, "subnet": "10.1.0.0/24"},
        "phones": {"switch": "LAN", "vlan": 10, "subnet": "10.7.0.0/24"},
    },
    host="hv01",
)
APART = networks_of(
    {
        "office": {"switch": "LAN", "vlan": 10, "subnet": "10.1.0.0/24"},
        "phones": {"switch": "Voice", "vlan": 70, "subnet": "10.7.1.0/24", "gateway": "10.7.1.1", "dns": ["10.7.1.2"]},
    },
    host="hv02",
)


def test_an_address_of_the_guest_tells_subnets_of_one_vlan_apart() -> None:
    wanted = Wanted(source=SHARED_HERE, destination=APART)
    phone = replace(FIRST, ip_addresses=("fe80::1", "10.7.0.9"))
    found = wire(details(phone), wanted)
    assert (ids(found), found.wishes[0].switch) == (["address_needed"], "Voice")
    assert "phones" in found.findings[0].evidence
    found = wire(details(replace(FIRST, ip_addresses=("10.1.0.9",))), wanted)
    assert (ids(found), found.wishes[0].switch) == ([], "LAN")
    both = wire(details(replace(FIRST, ip_addresses=("10.1.0.9", "10.7.0.9"))), wanted)
    assert ids(both) == ["network_ambiguous"], "its two subnets are in two VLANs there"


def test_subnets_of_one_vlan_that_nothing_tells_apart_are_asked_for() -> None:
    wanted = Wanted(source=SHARED_HERE, destination=APART)
    found = wire(details(state="Off"), wanted)
    assert [(one.id, one.severity.value) for one in found.findings] == [("network_ambiguous", "blocking")]
    assert "office, phones" in found.findings[0].evidence
    assert "network: office or phones" in found.findings[0].remedy
    same = wire(details(state="Off"), replace(wanted, destination=SHARED_HERE))
    assert ids(same) == [], "all of them are the same there"
    named = parse_entries([{"vm": "web", "network": "office"}], APART)
    assert ids(wire(details(state="Off"), replace(wanted, entries=named))) == []
    addressed = parse_entries([{"vm": "web", "ipv4": {"address": "10.7.1.5/24"}}], APART)
    found = wire(details(state="Off"), replace(wanted, entries=addressed))
    assert (ids(found), found.wishes[0].switch) == ([], "Voice"), "the new address says it, too"


def test_an_unclear_network_holds_up_nothing_that_has_arrived_and_its_adapter_stays_as_it_is() -> None:
    found = wire(details(state="Off"), Wanted(source=SHARED_HERE, destination=APART), arrived=True)
    assert [(one.id, one.severity.value) for one in found.findings] == [("network_ambiguous", "warning")]
    assert found.wishes == ()


def test_what_the_guest_reported_before_it_was_stopped_tells_the_next_run() -> None:
    wanted = Wanted(source=SHARED_HERE, destination=APART)
    running = wire(details(replace(FIRST, ip_addresses=("fe80::1", "strange", "10.1.0.9", "192.168.7.7"))), wanted)
    assert running.reported == {"A": ("10.1.0.9",)}, "what none of the networks holds tells nothing"
    mark = marks.Mark(host="HV02", was="Running", start_action="Nothing", addresses=running.reported)
    begun = noted(marks.put("mine", mark))
    later = wire(begun, wanted)
    assert (ids(later), later.wishes[0].switch) == ([], "LAN")
    assert later.reported == running.reported, "and the run after that"
    moved = replace(begun, adapters=(replace(FIRST, ip_addresses=("10.7.0.9",)),))
    assert wire(moved, wanted).wishes[0].switch == "Voice", "what it reports now is newer"
    done = noted(marks.put("mine", replace(mark, kind=marks.Kind.DONE)))
    assert (ids(wire(done, wanted)), wire(done, wanted).wishes[0].switch) == ([], "LAN")
    braced = details(replace(FIRST, adapter_id="{0A-1B}", ip_addresses=("10.1.0.9",)))
    assert wire(braced, wanted).reported == {"0A-1B": ("10.1.0.9",)}, "a mark holds no braces"
    back = noted(marks.put("mine", replace(mark, kind=marks.Kind.ROLLED_BACK)))
    assert ids(wire(back, wanted)) == ["network_ambiguous"], "a migration that was turned back tells nothing any more"


def test_a_network_that_is_found_gives_its_gateway_and_its_dns_servers() -> None:
    there = networks_of(
        {
            "lan": {
                "switch": "P", "vlan": 20, "subnet": "10.2.0.0/24", "gateway": "10.2.0.1",
                "dns": ["10.2.0.2", "fd00::2"],
            },
            "lan6": {"switch": "P", "vlan": 20, "subnet": "fd00:2::/64", "gateway": "fd00:2::1"},
        },
        host="hv02",
    )  # fmt: skip
    given = entry(ipv4={"address": "10.2.0.15/24"}, ipv6={"address": "fd00:2::15/64"})
    found = wire(details(), Wanted(entries=given, source=HERE, destination=there))
    assert found.findings == ()
    ipv4, ipv6 = found.wishes[0].families
    assert (ipv4.gateway, ipv4.dns) == ("10.2.0.1", ("10.2.0.2",))
    assert (ipv6.gateway, ipv6.dns) == ("fd00:2::1", None)
    own = entry(ipv4={"address": "10.2.0.15/24", "gateway": "10.2.0.254", "dns": []})
    (ipv4,) = wire(details(), Wanted(entries=own, source=HERE, destination=there)).wishes[0].families
    assert (ipv4.gateway, ipv4.dns) == ("10.2.0.254", ())
    wrong = entry(ipv4={"address": "10.5.0.15/24"})
    found = wire(details(), Wanted(entries=wrong, source=HERE, destination=there))
    assert "ip_address_outside_subnet" in ids(found)


def test_two_entries_for_one_adapter_are_refused_and_both_are_named() -> None:
    for first, second in (
        ({"vm": "web", "name": "Network Adapter"}, {"vm": "WEB", "match_mac_address": "00:15:5D:00:00:01"}),
        ({"vm": "web"}, {"vm": ID, "id": "A"}),
    ):
        given = parse_entries([{**first, "network": "lan"}, {**second, "switch": "LAN"}], THERE)
        with pytest.raises(InvalidRequest) as refused:
            wire(details(), Wanted(entries=given))
        assert "adapters[0]" in refused.value.msg
        assert "adapters[1]" in refused.value.msg
        assert second["vm"] in refused.value.msg
    apart = [{"vm": "web", "id": "A", "switch": "X"}, {"vm": "web", "id": "B", "switch": "Y"}]
    found = wire(details(FIRST, SECOND), Wanted(entries=parse_entries(apart, THERE)))
    assert [wish.switch for wish in found.wishes] == ["X", "Y"]


def test_a_change_of_network_that_nobody_can_judge_is_a_warning() -> None:
    mapped = Wanted(switch_map={"LAN": "Production"})
    for wanted in (mapped, replace(mapped, source=HERE), replace(mapped, destination=SAME)):
        names = Wanted(source=wanted.source, destination={}, switch_map=mapped.switch_map)
        found = wire(details(), names)
        assert [(one.id, one.severity.value) for one in found.findings] == [("network_unknown", "warning")]
        assert "hyperv_networks" in found.findings[0].remedy
    one_sided = Wanted(entries=parse_entries([{"vm": "web", "network": "lan"}], THERE), destination=THERE)
    assert ids(wire(details(), one_sided)) == ["network_unknown"]
    tagged = parse_entries([{"vm": "web", "vlan_id": 20}], {})
    assert ids(wire(details(), Wanted(entries=tagged))) == ["network_unknown"]


@pytest.mark.parametrize(
    "more",
    [
        {"switch": "LAN"},
        {"vlan_id": 10},
        {"connected": False},
        {"switch": "Production", "ipv4": {"dhcp": True}},
        {"switch": "Production", "vlan_id": 20, "ipv4": {"address": "10.2.0.5/24"}},
    ],
)
def test_nothing_is_said_where_the_place_stays_or_the_guest_is_given_an_address(more: dict[str, Any]) -> None:
    given = parse_entries([{"vm": "web", **more}], {})
    assert ids(wire(details(), Wanted(entries=given))) == []
    assert ids(wire(details(), Wanted())) == []


def test_a_switch_that_an_entry_says_is_judged_by_the_network_there() -> None:
    given = parse_entries([{"vm": "web", "switch": "Production"}], SAME)
    assert ids(wire(details(), Wanted(entries=given, source=HERE, destination=SAME))) == []
    given = parse_entries([{"vm": "web", "switch": "Production", "vlan_id": 20}], THERE)
    assert ids(wire(details(), Wanted(entries=given, source=HERE, destination=THERE))) == ["address_needed"]
    off = parse_entries([{"vm": "web", "connected": False}], THERE)
    assert ids(wire(details(), Wanted(entries=off, source=HERE, destination=THERE))) == []
