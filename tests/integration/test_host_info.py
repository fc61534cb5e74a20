# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_host_info reads every edition and language in the same shape, with the same neutral values."""

from __future__ import annotations

from typing import Any

import pytest
from integration.harness import Lab, Run
from integration.scenario import changes, fleet, sent, shells, task

EDITIONS = ("2012R2", "2016", "2019", "2022", "2025")
HOSTS = [f"{language}{edition}".upper() for edition in EDITIONS for language in ("en", "fr")]
ALL = [name.lower() for name in HOSTS]

FLEET = fleet(
    [
        {
            "name": name,
            "edition": name[2:],
            "language": name[:2].lower(),
            "migration": {"enabled": True, "networks": [{"subnet": "10.0.0.0/8", "priority": 3}]},
        }
        for name in HOSTS
    ]
    + [
        {"name": "BARE", "features": {"Hyper-V": "Available", "Hyper-V-PowerShell": "Available"}},
        {"name": "STOPPED", "services": {"vmms": "Stopped"}},
        {"name": "LIMITED", "winrm": {"connection": "psrp", "scheme": "http", "auth": "ntlm", "user": "LAB\\reader"}},
        {"name": "RIGHTS", "winrm": {"connection": "psrp", "scheme": "http", "auth": "ntlm", "user": "LAB\\hvadmin"}},
        {"name": "OLD", "winrm": {"connection": "winrm", "scheme": "http", "auth": "ntlm", "user": "LAB\\admin"}},
    ]
)


@pytest.fixture(scope="module")
def read(module_lab: Lab) -> Run:
    """One play that reads every host."""
    return module_lab.tasks("hyperv", task("read", "vm_host_info"))


def shape(value: Any, path: str = "") -> set[str]:
    """Return the paths of keys in a result."""
    if isinstance(value, dict):
        return {part for key, item in value.items() for part in shape(item, f"{path}.{key}")}
    if isinstance(value, list):
        return {part for item in value for part in shape(item, f"{path}[]")} or {f"{path}[]"}
    return {path}


NEUTRAL = ("settings", "services", "migration_networks", "processors", "supported_versions", "default_version")


OWN = {"name", "mac_address_minimum", "mac_address_maximum"}
"""What every host has for itself: Windows makes the range of MAC addresses of the host's own address."""


@pytest.mark.parametrize("edition", EDITIONS)
def test_languages_give_the_same_shape_and_values(read: Run, edition: str) -> None:
    english, french = (read.one("read", f"{language}{edition.lower()}")["host"] for language in ("en", "fr"))
    assert shape(english) == shape(french)
    for key in NEUTRAL:
        one, other = (
            {k: v for k, v in host[key].items() if k not in OWN} if key == "settings" else host[key]
            for host in (english, french)
        )
        assert one == other, key
    for key, neutral in (("features", "install_state"), ("firewall_rules", "enabled")):
        assert {k: v[neutral] for k, v in english[key].items()} == {k: v[neutral] for k, v in french[key].items()}
    assert english["operating_system"]["language"] != french["operating_system"]["language"]
    assert english["rights"]["is_administrator"] is french["rights"]["is_administrator"] is True
    assert english["listener_addresses"]
    assert english["migration_networks"] == [{"subnet": "10.0.0.0/8", "priority": 3}]


def test_editions_give_the_same_shape(read: Run) -> None:
    newest = shape(read.one("read", "en2025")["host"])
    for name in ALL:
        found = read.one("read", name)["host"]
        left_out = {".unread[]", ".supported_versions[]", ".supported_versions"}
        assert shape(found) - left_out == newest - left_out, name
    r2 = read.one("read", "en2012r2")["host"]
    assert r2["supported_versions"] is None
    assert [line.partition(":")[0] for line in r2["unread"]] == ["supported_versions"]
    assert read.one("read", "fr2025")["host"]["unread"] == []


def test_what_is_read_is_what_the_host_has(module_lab: Lab, read: Run) -> None:
    state = module_lab.state()["hosts"]
    for name in HOSTS:
        found, host = read.one("read", name.lower())["host"], state[name]
        assert found["name"] == name
        assert found["fully_qualified_domain_name"] == f"{name.lower()}.lab.test"
        assert found["listener_addresses"] == host["migration"]["listening"]
        assert found["settings"]["virtual_machine_migration_enabled"] is host["migration"]["enabled"]
        assert found["settings"]["authentication_type"] == host["migration"]["authentication"]
        assert found["settings"]["maximum_virtual_machine_migrations"] == host["migration"]["slots"]
        assert found["settings"]["virtual_machine_path"] == host["paths"]["vm"]
        assert found["settings"]["memory_capacity"] == host["memory"]
        assert {v["drive_letter"]: v["free_space"] for v in found["volumes"]} == {
            letter: volume["free"] for letter, volume in host["volumes"].items()
        }
        assert [switch["name"] for switch in found["switches"]] == host["switches"]


def test_a_host_without_the_role_says_what_it_has(read: Run) -> None:
    found = read.one("read", "bare")["host"]
    assert found["name"] == "BARE"
    assert found["settings"] is found["switches"] is found["listener_addresses"] is found["supported_versions"] is None
    assert found["features"]["Hyper-V"] | {"display_name": ""} == {
        "display_name": "",
        "install_state": "Available",
        "installed": False,
    }
    assert "vmms" not in found["services"]
    assert found["firewall_rules"] == {}
    assert found["operating_system"]["build"] == 20348
    why = dict(line.split(": ") for line in found["unread"])
    assert set(why) == {"settings", "migration_networks", "switches", "listener", "supported_versions"}
    assert not [reason for reason in why.values() if "Lab" in reason], why


def test_a_stopped_service_is_named(read: Run) -> None:
    found = read.one("read", "stopped")["host"]
    assert found["services"]["vmms"]["status"] == "Stopped"
    assert found["settings"] is None
    assert found["listener_addresses"] is None
    assert {"settings", "switches", "listener"} <= {line.partition(":")[0] for line in found["unread"]}


def test_rights_come_from_the_token(read: Run) -> None:
    reader = read.one("read", "limited")["host"]
    assert reader["rights"]["is_administrator"] is reader["rights"]["is_hyper_v_administrator"] is False
    assert reader["settings"] is None
    assert reader["unread"]
    operator = read.one("read", "rights")["host"]
    assert operator["rights"]["is_administrator"] is False
    assert operator["rights"]["is_hyper_v_administrator"] is True
    assert operator["settings"] is not None


def test_both_connections_read_the_same(read: Run) -> None:
    psrp, winrm = (read.one("read", name)["host"] for name in ("en2022", "old"))
    assert shape(winrm) - {".migration_networks[]", ".listener_addresses[]"} == shape(psrp) - {
        ".migration_networks[].subnet",
        ".migration_networks[].priority",
        ".listener_addresses[]",
    }


def test_one_session_and_nothing_changed(module_lab: Lab, read: Run) -> None:
    assert read.code == 0
    assert set(shells(module_lab).values()) == {1}
    assert changes(module_lab) == []
    requests = sum(1 for line in module_lab.journal() if line["event"] == "pipeline" and line["host"] == "EN2022")
    assert requests == 1, "all facts of a host come in one request"
    assert sent(module_lab)["Get-VMHost"] == len(HOSTS) + 5
