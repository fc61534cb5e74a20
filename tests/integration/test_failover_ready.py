# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""failover_ready: before it guests come up with their primary's address, after it with their own, as the report says.

Failovers are made here by an administrator's own commands. What a guest comes up with is decided by the lab from what
runs in it, whatever the collection found.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from integration import failing_over
from integration.commanding import shell_on
from integration.failing_over import (
    HOSTILE,
    NUMBERS,
    SUMMARY,
    by_test,
    guide,
    ids,
    ready,
    there_and_back,
    three,
)
from integration.harness import Lab, Run
from integration.scenario import assert_cycle, cycle, task

FLEET = failing_over.FLEET


@pytest.fixture(scope="module")
def told(module_lab: Lab) -> dict[str, Any]:
    """Failovers before; the role in check mode, for real, and again, now strictly; failovers after."""
    (variables,) = guide("Failover readiness")
    for name, number in NUMBERS.items():
        address = {"address": f"10.2.0.{number}", "prefix": 24, "gateway": "10.2.0.1"}
        more = {"test_switch": "Nowhere"} if name == "stale01" else {}
        variables["failover_ready_addresses"].append({"name": name, "adapters": [{"ipv4": address, **more}]})
    folder = module_lab.workdir / "host_vars"
    folder.mkdir()
    (folder / "hv1.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    found: dict[str, Any] = {"before": three(module_lab)}
    report = {"failover_ready_report_path": str(module_lab.workdir / "failover.json"), "failover_ready_wait_seconds": 1}
    found["check"] = ready(module_lab, "--check", "--diff", "--limit", "hv1", "--tags", "addresses,report", **report)
    found["first"] = ready(module_lab, failover_ready_best_practices=True, **report)
    found["second"] = ready(module_lab, failover_ready_strict=True, **report)
    found["after"] = three(module_lab)
    found["way back"] = there_and_back(module_lab, "web01")
    return found


def verdicts(report: Any) -> dict[str, str]:
    return {vm["name"]: vm["adapters"][0]["verdict"] for vm in report["vms"]}


def test_before_every_failover_keeps_the_primarys_address(told: dict[str, Any]) -> None:
    assert told["before"] == {
        "web01": ("primary, none kept", ["10.1.0.11"]),
        HOSTILE: ("primary", ["10.1.0.12"]),
        "linux01": ("primary, none kept", ["10.1.0.13"]),
    }


def test_after_it_every_failover_has_the_alternate_address(told: dict[str, Any]) -> None:
    assert told["after"] == {
        "web01": ("alternate", ["10.2.0.11"]),
        HOSTILE: ("alternate", ["10.2.0.12"]),
        "linux01": ("alternate", ["10.2.0.13"]),
    }


def test_on_the_way_back_it_has_its_home_address(told: dict[str, Any]) -> None:
    assert told["way back"] == {"HV2": ("alternate", ["10.2.0.11"]), "HV1": ("alternate", ["10.1.0.11"])}


def test_check_mode_changes_nothing_and_reports(told: dict[str, Any]) -> None:
    check = told["check"]
    assert check["run"].code == 0, check["run"].output
    assert check["changes"] == []
    found = verdicts(check["report"])
    assert (found.pop("stale01"), set(found.values()), len(found)) == ("not_set", {"keeps"}, 8)


def test_a_second_run_changes_nothing(told: dict[str, Any]) -> None:
    assert told["first"]["run"].code == 0, told["first"]["run"].output
    assert {line["command"].rpartition("\\")[2] for line in told["first"]["changes"]} >= {
        "Enable-VMIntegrationService",
        "Set-VMNetworkAdapterFailoverConfiguration",
        "Set-VMNetworkAdapter",
    }
    assert told["second"]["changes"] == []
    assert told["second"]["report"]["vms"] == told["first"]["report"]["vms"]


def test_who_would_keep_its_address_is_named_with_the_reason(told: dict[str, Any]) -> None:
    report = told["first"]["report"]
    why = {vm["name"]: [one["id"] for one in vm["adapters"][0]["why"]] for vm in report["vms"]}
    assert verdicts(report) == {
        "web01": "ready",
        HOSTILE: "ready",
        "linux01": "ready",
        "mute01": "keeps",
        "outdated01": "keeps",
        "legacy01": "keeps",
        "off01": "unknown",
        "unasked01": "keeps",
        "stale01": "not_set",
    }
    assert why["stale01"] == ["test_switch_missing"], "an older address stands there, and is no answer"
    assert why["mute01"] == ["key_value_exchange_silent"]
    assert why["outdated01"] == ["failover_address_missing", "key_value_exchange_outdated"]
    assert why["legacy01"] == ["failover_address_missing", "legacy_adapter_takes_no_address"]
    assert why["off01"] == ["guest_not_judged"]
    assert why["unasked01"] == ["failover_address_missing"]
    guests = {vm["name"]: [one["id"] for one in vm["guest"]] for vm in report["vms"]}
    assert (guests["mute01"], guests["outdated01"]) == (["guest_service_silent"], ["guest_service_outdated"])
    assert guests["web01"] == []


def test_the_summary_is_read_at_the_end(told: dict[str, Any]) -> None:
    run: Run = told["first"]["run"]
    lines = run.one(SUMMARY)["msg"]
    assert lines[0].startswith("keeps ")
    assert any(line.startswith("ready") and "10.1.0.11 to 10.2.0.11" in line for line in lines)
    strict: Run = told["second"]["run"]
    assert strict.code != 0
    assert any("mute01" in line for line in strict.one("Every VM would come up with an address of its own")["msg"])


def test_the_analyzers_answers_on_failover_addresses_stand_beside(told: dict[str, Any]) -> None:
    report = told["first"]["report"]
    heads = {"integration-services-must-be-installed-before", "configure-the-failover-tcpip-settings"}
    answers = [(one["computer_name"], one["slug"], one["compliant"]) for one in report["best_practices"]]
    assert {computer for computer, _slug, _compliant in answers} == {"HV1", "HV2"}
    assert {next(head for head in heads if slug.startswith(head)) for _computer, slug, _compliant in answers} == heads
    assert False in {compliant for _computer, slug, compliant in answers if slug.startswith("integration-services")}
    assert any(line.startswith("analyzer") for line in told["first"]["run"].one(SUMMARY)["msg"])
    assert told["second"]["report"]["best_practices"] == []


def test_an_option_that_is_wrong_fails_and_an_analyzer_that_is_missing_is_told(
    module_lab: Lab, told: dict[str, Any]
) -> None:
    wrong = ready(
        module_lab,
        failover_ready_hosts="old1",
        failover_ready_select="[*]",
        failover_ready_services={"nonsense": True},
        failover_ready_best_practices=True,
        failover_ready_report_path=str(module_lab.workdir / "failover.json"),
    )
    assert (wrong["run"].code != 0, wrong["changes"]) == (True, [])
    assert wrong["run"].one("Guests can talk to their hosts")["error"]["kind"] == "invalid_request"
    assert list(wrong["report"]["best_practices_failed"]) == ["old1"]
    assert any(line.startswith("analyzer  old1  no answer: ") for line in wrong["run"].one(SUMMARY)["msg"])
    assert told["first"]["report"]["best_practices_failed"] == {}


def test_each_copy_has_the_address_of_its_site(module_lab: Lab, told: dict[str, Any]) -> None:
    assert told
    vm_id = ids(module_lab)["web01"]
    for host, switch, net in (("hv1", "", "10.1.0"), ("hv2", "Test", "10.2.0")):
        with shell_on(module_lab, host) as shell:
            (setting,) = shell.run(vm_id, "Get-VMNetworkAdapterFailoverConfiguration")
            (adapter,) = shell.run(vm_id, "Get-VMNetworkAdapter")
        assert setting.adapted_properties["IPv4Address"] == f"{net}.11"
        assert setting.adapted_properties["IPv4DefaultGateway"] == f"{net}.1"
        assert (adapter.adapted_properties["TestReplicaSwitchName"] or "") == switch


def test_the_report_is_what_guests_do(module_lab: Lab, told: dict[str, Any]) -> None:
    judged = {
        name: verdict for name, verdict in verdicts(told["second"]["report"]).items() if verdict in ("ready", "keeps")
    }
    assert len(judged) == 7
    for name, (came_up_with, addresses) in by_test(module_lab, judged).items():
        assert (came_up_with == "alternate") is (judged[name] == "ready"), name
        assert addresses[0].startswith("10.2.0." if judged[name] == "ready" else "10.1.0."), name


UNASKED = {
    "name": "unasked01",
    "adapters": [
        {
            "name": "Network Adapter",
            "ipv4": {"address": "10.2.0.18", "subnet_mask": "255.255.255.0", "dns": ["10.2.0.2", "10.2.0.3"]},
            "ipv6": {"address": "2001:db8:2::18", "prefix": 64, "gateway": "2001:db8:2::1"},
        }
    ],
}


def asked(name: str, **adapter: Any) -> dict[str, Any]:
    return {"vms": [{"name": name, "adapters": [adapter]}], "replica_side": True}


@pytest.fixture(scope="module")
def single(module_lab: Lab, told: dict[str, Any]) -> Run:
    """The guide's tasks, and single tasks on a French host and an old one, in one run."""
    assert told
    services, disc = guide("Integration services")
    (addresses,) = guide("Failover addresses")
    switched = {"names": [HOSTILE], "services": {"guest_service_interface": True, "time_synchronization": False}}
    address = {"address": "10.2.0.14", "prefix": 24}
    guests = {"mute01": "mute01-guest"}
    french = [
        *cycle("services", "vm_integration_service", **switched),
        *cycle("address", "vm_failover_ip", vms=[UNASKED], replica_side=True, test_switch="Test"),
        *cycle("clear", "vm_failover_ip", **asked("unasked01", clear="both")),
        task("mute", "vm_failover_ip", **asked("mute01", ipv4=address)),
        task("broadcast", "vm_failover_ip", **asked("web01", ipv4={"address": "10.2.0.255", "prefix": 24})),
        task("nobody", "vm_failover_ip", **asked("nobody", ipv4=address)),
        task("no disc", "vm_integration_service", names=["web01"], insert_services_disc=True),
        task("in vain", "vm_integration_service", names=["mute01"], wait_seconds=1, guest_hosts=guests),
    ]
    old = [
        task("installed", "vm_integration_service", names=["old01"], wait_seconds=30),
        *cycle("disc out", "vm_integration_service", names=["old01"], insert_services_disc=False),
    ]
    plays = [
        {"hosts": "hv1", "gather_facts": False, "tasks": french},
        {
            "hosts": "hv2",
            "gather_facts": False,
            "tasks": [task("other side", "vm_failover_ip", **asked("web01", clear="both"))],
        },
        {"hosts": "old1", "gather_facts": False, "tasks": old},
    ]
    return module_lab.play([*services, *addresses, *disc, *plays])


def test_the_guides_tasks(single: Run) -> None:
    assert single.code == 0, single.output
    found = single.one("Offer the services, and wait until they are answered")
    (web,) = found["vms"]
    assert (found["changed"], web["services"]["key_value_pair_exchange"]["guest"]) == (False, "ok")
    assert web["guest"]["system"] == "windows"
    (vm,) = single.one("Set the addresses for a failover")["vms"]
    assert vm["adapters"][0]["comes_up_with"]["ipv4"] == "10.2.0.11"


def test_services_of_a_french_host(single: Run) -> None:
    (vm,) = assert_cycle(single, "services", "hv1", but=("vms",))["vms"]
    services = {name: (one["enabled"], one["guest"]) for name, one in vm["services"].items()}
    assert services["guest_service_interface"] == (True, "ok")
    assert services["time_synchronization"] == (False, "unknown")
    late = single.one("in vain")
    assert (late["_status"], late["error"]["kind"]) == ("ignored", "timed_out")
    (mute,) = late["vms"]
    assert mute["services"]["key_value_pair_exchange"]["guest"] == "no_contact"
    assert mute["guest"]["system"] == "windows", "read in the guest itself"
    assert [one["id"] for one in mute["findings"]] == ["guest_service_silent", "guest_update_service_off"]


def test_addresses_of_both_families_and_none(single: Run) -> None:
    (vm,) = assert_cycle(single, "address", "hv1")["vms"]
    assert vm["adapters"][0]["comes_up_with"] == {"ipv4": "10.2.0.18", "ipv6": "2001:db8:2::18"}
    assert vm["replica_host"] == "hv2"
    (vm,) = assert_cycle(single, "clear", "hv1")["vms"]
    assert vm["adapters"][0]["keeps_primary_address"] is True


def test_the_services_disc_of_an_old_host(single: Run) -> None:
    (old,) = single.one("Insert the services disc")["vms"]
    assert (old["changed"], old["services_disc_inserted"]) == (True, True)
    assert [one["id"] for one in old["findings"]] == ["guest_service_silent"]
    assert "setup.exe" in old["findings"][0]["remedy"]
    (old,) = single.one("installed")["vms"]
    assert (old["services"]["key_value_pair_exchange"]["guest"], old["findings"]) == ("ok", [])
    (old,) = assert_cycle(single, "disc out", "old1")["vms"]
    assert old["services_disc_inserted"] is False


@pytest.mark.parametrize(
    ("name", "kind", "findings", "word"),
    [
        ("mute", "not_possible", ["key_value_exchange_silent"], "mute01"),
        ("broadcast", "invalid_request", [], "10.2.0.255"),
        ("nobody", "not_found", [], "nobody"),
        ("no disc", "not_possible", ["services_disc_not_on_host"], "web01"),
        ("other side", "not_possible", ["replication_role_differs"], "web01"),
    ],
)
def test_refused_in_one_line(single: Run, name: str, kind: str, findings: list[str], word: str) -> None:
    result = single.one(name)
    assert (result["_status"], result["changed"], result["error"]["kind"]) == ("ignored", False, kind)
    assert [one["id"] for one in result.get("findings", [])] == findings
    assert word in result["msg"]
    assert "\n" not in result["msg"]
