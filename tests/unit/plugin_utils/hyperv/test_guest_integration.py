# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Integration services: what is switched on the host, what the guest answers, and the remedy for that guest."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotPossible, TimedOut
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest import integration
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.exchange import Exchange, GuestSystem
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.linux import DISTRIBUTIONS, distribution
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.guest.sides import LINUX_PARTS, SERVICE_GUIDS
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_session import FakeClock, FakeSession, Refused, request
from unit.plugin_utils.hyperv.fake_guests import DEBIAN, UBUNTU, WINDOWS, GuestHost, guest_vm, item, switch
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB

KVP = "key_value_pair_exchange"
DISC = "C:\\Windows\\system32\\vmguest.iso"
DRIVE = {"VMId": WEB, "Id": f"Microsoft:{WEB.upper()}\\83F8638B\\0\\1\\D", "Path": None}


def run(
    host: GuestHost, *guests: FakeSession, check_mode: bool = False, clock: FakeClock | None = None, **arguments: Any
) -> Outcome:
    asked = request(host.session, *guests, check_mode=check_mode, **arguments)
    return integration.operate(asked, clock=clock or FakeClock())


def one(outcome: Outcome) -> dict[str, Any]:
    (found,) = outcome.values["vms"]
    return dict(found)


def ids(result: dict[str, Any]) -> list[str]:
    return [finding["id"] for finding in result["findings"]]


def test_a_service_is_enabled_by_its_guid_once() -> None:
    host = GuestHost(guest_vm(WEB, HOSTILE))
    wanted = {"guest_service_interface": True, "vss": False, "heartbeat": True}
    first = run(host, names=[HOSTILE], services=wanted)
    assert first.changed
    assert first.diff is not None
    assert list(first.diff.after.values()) == [{"guest_service_interface": True, "vss": False}]
    assert one(first)["services"]["guest_service_interface"] == {
        "enabled": True,
        "guest": "ok",
        "primary_operational_status": "Ok",
        "secondary_operational_status": None,
    }
    assert one(first)["services"]["vss"]["enabled"] is False
    sent = [statement for statements in host.session.invocations for statement in statements]
    assert not [item for statement in sent for item in statement.commands if "Name" in dict(item.parameters)
                and item.name.endswith("VMIntegrationService")]  # fmt: skip
    again = run(host, names=[HOSTILE], services=wanted)
    assert not again.changed
    assert len(host.session.sent("Enable-VMIntegrationService")) == 1


def test_check_mode_foresees_and_changes_nothing() -> None:
    host = GuestHost(guest_vm(WEB, "web"))
    checked = run(host, check_mode=True, names=["web"], services={"guest_service_interface": True}, wait_seconds=60)
    assert checked.changed
    assert one(checked)["services"]["guest_service_interface"]["enabled"] is True
    assert not host.session.sent("Enable-VMIntegrationService")
    real = run(host, names=["web"], services={"guest_service_interface": True})
    assert checked.diff == real.diff


@pytest.mark.parametrize(
    ("status", "second", "pairs", "side"),
    [
        ("Ok", None, WINDOWS, "ok"),
        ("Degraded", None, UBUNTU, "ok"),
        ("Degraded", "ProtocolMismatch", UBUNTU, "outdated"),
        ("Ok", "ProtocolMismatch", WINDOWS, "outdated"),
        ("NoContact", None, {}, "no_contact"),
        ("LostCommunication", None, {}, "no_contact"),
        ("Ok", None, {}, "no_contact"),
        (None, None, WINDOWS, "ok"),
        (None, None, {}, "unknown"),
        (40000, None, {}, "unknown"),
        (2, 32775, WINDOWS, "outdated"),
        (12, None, WINDOWS, "no_contact"),
    ],
)
def test_the_guest_side_is_read_from_the_status_and_the_pairs(status: Any, second: Any, pairs: Any, side: str) -> None:
    machine = guest_vm(WEB, "web")
    machine["pairs"] = pairs
    switch(machine, KVP, PrimaryOperationalStatus=status, SecondaryOperationalStatus=second)
    assert one(run(GuestHost(machine)))["services"][KVP]["guest"] == side


def test_without_the_exchange_the_status_alone_counts() -> None:
    host = GuestHost(guest_vm(WEB, "web"))
    host.hides_exchange = True
    result = one(run(host))
    assert result["services"][KVP]["guest"] == "ok"
    assert (result["guest"]["exchange_read"], result["guest"]["system"]) == (False, "unknown")


@pytest.mark.parametrize("state", ["Off", "Saved", "Paused"])
def test_a_machine_that_does_not_run_is_not_judged(state: str) -> None:
    result = one(run(GuestHost(guest_vm(WEB, "web", state))))
    assert {value["guest"] for value in result["services"].values()} == {"off"}
    assert result["findings"] == []


def test_a_disabled_service_is_no_finding_whatever_its_status() -> None:
    machine = guest_vm(WEB, "web")
    switch(machine, "time_synchronization", Enabled=False, PrimaryOperationalStatus="Ok")
    result = one(run(GuestHost(machine)))
    assert result["services"]["time_synchronization"]["guest"] == "unknown"
    assert result["findings"] == []


def test_what_a_guest_tells() -> None:
    linux = guest_vm(DB, "db")
    linux["pairs"] = UBUNTU
    web, db = run(GuestHost(guest_vm(WEB, "web"), linux)).values["vms"]
    assert (web["guest"]["system"], web["guest"]["os_version"], web["guest"]["kernel"]) == (
        "windows",
        "10.0.20348",
        None,
    )
    assert (db["guest"]["system"], db["guest"]["os_version"], db["guest"]["kernel"]) == (
        "linux",
        "22.04",
        "5.15.0-91-generic",
    )


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (item("OSName", "a & b <c>"), {"OSName": "a & b <c>"}),
        ("no XML", {}),
        ("", {}),
        ('<!DOCTYPE x [<!ENTITY a "b">]><INSTANCE/>', {}),
        ("<INSTANCE><PROPERTY NAME='Name'/></INSTANCE>", {}),
    ],
)
def test_items_are_taken_apart_and_nothing_else_is(text: str, items: dict[str, str]) -> None:
    assert Exchange.from_wire({"SystemName": WEB.upper(), "GuestIntrinsicExchangeItems": [text]}).items == items


@pytest.mark.parametrize(
    ("pairs", "system"),
    [
        ({"OSPlatformId": "2", "OSName": "Hyper-V Server"}, GuestSystem.WINDOWS),
        ({"OSName": "Windows Server 2012 R2 Standard"}, GuestSystem.WINDOWS),
        ({"OSName": "FreeBSD"}, GuestSystem.FREEBSD),
        ({"OSName": "Debian GNU/Linux"}, GuestSystem.LINUX),
        ({"FullyQualifiedDomainName": "x"}, GuestSystem.UNKNOWN),
    ],
)
def test_the_kind_of_system(pairs: dict[str, str], system: GuestSystem) -> None:
    assert Exchange(vm_id=WEB, items=pairs).system is system


def silent(pairs: dict[str, str], name: str = KVP, **values: Any) -> dict[str, Any]:
    machine = guest_vm(WEB, "web")
    machine["pairs"] = pairs
    switch(machine, name, **{"PrimaryOperationalStatus": "NoContact", **values})
    return machine


@pytest.mark.parametrize(
    ("build", "arguments", "words", "absent"),
    [
        (20348, {"guest_system": "windows"}, ["vmickvpexchange", "update service"], ["setup.exe", "hv_kvp_daemon"]),
        (14393, {"guest_system": "windows"}, ["update service"], ["insert_services_disc"]),
        (9600, {"guest_system": "windows"}, ["insert_services_disc: true", "setup.exe"], ["update service"]),
        (9600, {"guest_system": "linux"}, ["hv_kvp_daemon", "Ubuntu 14.04"], ["setup.exe"]),
        (20348, {}, ["guest_system", "vmickvpexchange", "hv_kvp_daemon"], []),
    ],
)
def test_the_remedy_is_the_one_for_that_guest(
    build: int, arguments: dict[str, Any], words: list[str], absent: list[str]
) -> None:
    result = one(run(GuestHost(silent({}), build=build), **arguments))
    assert ids(result) == ["guest_service_silent"]
    remedy = result["findings"][0]["remedy"]
    assert [word for word in words if word not in remedy] == []
    assert [word for word in absent if word in remedy] == []


def test_an_outdated_service_of_a_windows_guest() -> None:
    machine = silent(WINDOWS, PrimaryOperationalStatus="Ok", SecondaryOperationalStatus="ProtocolMismatch")
    new, old = (one(run(GuestHost(machine, build=build))) for build in (20348, 9600))
    assert ids(new) == ids(old) == ["guest_service_outdated"]
    assert "updates" in new["findings"][0]["remedy"]
    assert "services disc" in old["findings"][0]["remedy"]


def test_a_linux_guest_that_speaks_an_old_protocol_is_told_so_and_that_it_often_works() -> None:
    machine = silent(UBUNTU, PrimaryOperationalStatus="Degraded", SecondaryOperationalStatus="ProtocolMismatch")
    result = one(run(GuestHost(machine)))
    assert "works all the same" in result["findings"][0]["remedy"]


@pytest.mark.parametrize(
    ("pairs", "key"),
    [
        (UBUNTU, "ubuntu"),
        (DEBIAN, "debian"),
        ({"OSName": "Rocky Linux"}, "rhel"),
        ({"OSName": "SLES"}, "sles"),
        ({"OSName": "Oracle Linux Server"}, "oracle"),
    ],
)
def test_distributions_of_the_published_list(pairs: dict[str, str], key: str) -> None:
    known = distribution(Exchange(vm_id=WEB, items=pairs))
    assert known is not None
    assert known.key == key
    result = one(run(GuestHost(silent(pairs, "vss"))))
    assert "hv_vss_daemon" in result["findings"][0]["remedy"]
    assert known.package in result["findings"][0]["remedy"]


def test_the_list_is_complete() -> None:
    assert set(LINUX_PARTS) == set(SERVICE_GUIDS.values())
    assert [known.key for known in DISTRIBUTIONS if not known.takes_addresses] == ["debian"]
    assert distribution(Exchange(vm_id=WEB, items={"OSName": "Arch Linux"})) is None


def in_guest(**services: tuple[str, str | None]) -> FakeSession:
    shown = [{"Name": name, "Status": status, "StartType": start} for name, (status, start) in services.items()]
    return FakeSession({"Get-Service": lambda p, o: shown}, host="web-guest")


def test_an_update_service_is_called_off_only_when_the_guest_shows_it() -> None:
    off = in_guest(wuauserv=("Stopped", "Disabled"), vmickvpexchange=("Stopped", "Manual"))
    result = one(run(GuestHost(silent({})), off, names=["web"], guest_hosts={"WEB": "web-guest"}))
    assert ids(result) == ["guest_service_silent", "guest_update_service_off"]
    assert "vmickvpexchange in the guest is Stopped, start type Manual" in result["findings"][0]["evidence"]
    assert "web-guest" in result["findings"][1]["evidence"]
    assert result["guest"]["system"] == "windows"
    usual = in_guest(wuauserv=("Stopped", "Manual"))
    result = one(run(GuestHost(silent({})), usual, names=["web"], guest_hosts={"web": "web-guest"}))
    assert ids(result) == ["guest_service_silent"]
    assert "the guest has no service vmickvpexchange" in result["findings"][0]["evidence"]


def test_a_guest_that_can_not_be_read_is_said_and_does_not_stop_the_rest() -> None:
    result = one(run(GuestHost(silent({})), names=["web"], guest_hosts={WEB: "nowhere"}))
    assert ids(result) == ["guest_host_unread", "guest_service_silent"]


def test_the_disc_is_inserted_once_and_taken_out() -> None:
    host = GuestHost(guest_vm(WEB, "web", dvds=[dict(DRIVE)]), build=9600)
    first = run(host, names=["web"], insert_services_disc=True)
    assert (first.changed, one(first)["services_disc_inserted"]) == (True, True)
    assert host.vms[0]["dvds"][0]["Path"] == DISC
    assert not run(host, names=["web"], insert_services_disc=True).changed
    out = run(host, names=["web"], insert_services_disc=False)
    assert (out.changed, one(out)["services_disc_inserted"]) == (True, False)
    assert host.vms[0]["dvds"][0]["Path"] is None
    assert not run(host, names=["web"], insert_services_disc=False).changed


def test_nobodys_disc_is_taken_out() -> None:
    host = GuestHost(guest_vm(WEB, "web", dvds=[{**DRIVE, "Path": "D:\\iso\\sql.iso"}]), build=9600)
    assert not run(host, names=["web"], insert_services_disc=False).changed
    with pytest.raises(NotPossible, match=r"sql\.iso") as caught:
        run(host, names=["web"], insert_services_disc=True)
    assert [finding.id for finding in caught.value.findings] == ["services_disc_needs_drive"]
    assert not host.session.sent("Set-VMDvdDrive")


@pytest.mark.parametrize(
    ("build", "drives", "finding"),
    [(9600, [], "services_disc_needs_drive"), (20348, [DRIVE], "services_disc_not_on_host")],
)
def test_a_disc_that_can_not_be_inserted_is_refused_before_anything_changes(
    build: int, drives: list[dict[str, Any]], finding: str
) -> None:
    host = GuestHost(guest_vm(DB, "db"), guest_vm(WEB, "web", dvds=drives), build=build)
    for check_mode in (True, False):
        with pytest.raises(NotPossible) as caught:
            run(host, check_mode=check_mode, names=["web"], insert_services_disc=True, services={"vss": False})
        assert [one.id for one in caught.value.findings] == [finding]
    assert not host.session.sent("Disable-VMIntegrationService")


def test_a_linux_guest_gets_no_disc() -> None:
    machine = guest_vm(WEB, "web", dvds=[dict(DRIVE)])
    machine["pairs"] = UBUNTU
    outcome = run(GuestHost(machine, build=9600), names=["web"], insert_services_disc=True)
    assert not outcome.changed
    assert ids(one(outcome)) == ["services_disc_not_for_guest"]


def test_waiting_ends_when_the_guest_answers() -> None:
    machine = guest_vm(WEB, "web")
    switch(machine, KVP, Enabled=False, PrimaryOperationalStatus="Disabled")
    host = GuestHost(machine)
    host.answers_at_once = False

    def answers(now: float) -> None:
        if now >= 10:
            switch(machine, KVP, PrimaryOperationalStatus="Ok")

    clock = FakeClock(on_sleep=answers)
    outcome = run(host, clock=clock, names=["web"], services={KVP: True}, wait_seconds=60)
    assert outcome.failure is None
    assert one(outcome)["services"][KVP]["guest"] == "ok"
    assert 10 <= clock.now < 20


def test_waiting_in_vain_is_a_failure_with_everything_else_returned() -> None:
    outcome = run(GuestHost(silent({})), names=["web"], services={KVP: True}, wait_seconds=30)
    assert isinstance(outcome.failure, TimedOut)
    assert "key_value_pair_exchange of web (no_contact)" in outcome.failure.msg
    assert outcome.changed is False
    assert ids(one(outcome)) == ["guest_service_silent"]


def test_a_guest_that_answers_only_now_tells_what_it_is() -> None:
    machine = guest_vm(WEB, "web")
    switch(machine, KVP, Enabled=False)
    machine["pairs"] = {}
    host = GuestHost(machine)
    clock = FakeClock(on_sleep=lambda _now: machine["pairs"].update(UBUNTU))
    outcome = run(host, clock=clock, names=["web"], services={KVP: True}, wait_seconds=30)
    assert outcome.failure is None
    assert one(outcome)["guest"]["system"] == "linux"


def test_check_mode_waits_as_the_real_run_does_where_nothing_would_change() -> None:
    outcome = run(GuestHost(silent({})), check_mode=True, names=["web"], services={KVP: True}, wait_seconds=30)
    assert isinstance(outcome.failure, TimedOut)


def test_nobody_waits_for_what_waiting_does_not_change() -> None:
    old = silent(WINDOWS, PrimaryOperationalStatus="Ok", SecondaryOperationalStatus="ProtocolMismatch")
    clock = FakeClock()
    outcome = run(GuestHost(old, guest_vm(DB, "db", "Off")), clock=clock, wait_seconds=30)
    assert (outcome.failure, clock.now) == (None, 0.0)


def test_one_machines_failure_does_not_stop_the_others() -> None:
    host = GuestHost(guest_vm(WEB, "web"), guest_vm(DB, "db"))
    host.refused[WEB] = Refused("OperationFailed,x", "non")
    outcome = run(host, names=["web", "db"], services={"vss": False})
    assert outcome.failure is not None
    assert outcome.changed
    assert [item["changed"] for item in outcome.values["vms"]] == [False, True]
    assert [bool(item["error"]) for item in outcome.values["vms"]] == [True, False]


def test_a_service_the_host_does_not_list_is_refused() -> None:
    machine = guest_vm(WEB, "web")
    machine["services"] = machine["services"][1:]
    with pytest.raises(NotPossible) as caught:
        run(GuestHost(machine), names=["web"], services={"guest_service_interface": True})
    assert caught.value.findings[0].id == "integration_service_not_offered"


@pytest.mark.parametrize("arguments", [{"services": {"vss": True}}, {"insert_services_disc": False}])
def test_changing_every_machine_of_a_host_has_to_be_said(arguments: dict[str, Any]) -> None:
    host = GuestHost(guest_vm(WEB, "web"))
    with pytest.raises(InvalidRequest, match="names"):
        run(host, **arguments)
    assert not host.session.invocations
