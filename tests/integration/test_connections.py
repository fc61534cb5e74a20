# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way of connecting works, every way of failing to is one line that names the host, and no secret is seen."""

from __future__ import annotations

import threading
from typing import Any

import certifi
import pytest
import yaml
from integration.harness import Lab, Run
from integration.scenario import PASSWORDS, assert_no_secret, fleet, keep_passwords, shells, task
from pypsrp.powershell import RunspacePool
from pypsrp.wsman import WSMan

LOCAL, DOMAIN, OPERATOR = "Administrator", "LAB\\admin", "LAB\\hvadmin"


def way(connection: str, scheme: str, auth: str, user: str) -> dict[str, Any]:
    """Return how a host is reached."""
    return {"connection": connection, "scheme": scheme, "auth": auth, "user": user, "http": True, "https": True}


def host(name: str, winrm: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a host that moves could reach."""
    return {"name": name, "winrm": winrm, "migration": {"enabled": True, "any_network": True}, **more}


WAYS = {
    f"{connection[0]}-{auth}-{scheme}": way(connection, scheme, auth, user)
    for connection in ("psrp", "winrm")
    for scheme, auth, user in (
        ("https", "basic", LOCAL),
        ("http", "ntlm", DOMAIN),
        ("https", "ntlm", LOCAL),
        ("http", "credssp", DOMAIN),
        ("https", "credssp", OPERATOR),
    )
}
FLEET = fleet(
    [
        *(host(name.upper(), winrm) for name, winrm in WAYS.items()),
        host("FULL", {**way("psrp", "http", "ntlm", DOMAIN), "limits": {"shells_per_user": 1}}),
        host("SOURCE", way("psrp", "http", "credssp", DOMAIN)),
        host("TARGET", way("winrm", "https", "ntlm", OPERATOR)),
    ],
    [{"name": "web01", "host": "SOURCE", "state": "Running"}],
    groups={"ways": [name.upper() for name in WAYS]},
)
CREDENTIALS = {"ignore_unreachable": True}


def with_vars(name: str, **variables: Any) -> Any:
    """Return a reading task with connection variables of its own."""
    return task(name, "vm_host_info", keywords={"vars": variables, **CREDENTIALS})


@pytest.fixture(scope="module")
def read(module_lab: Lab) -> Run:
    """One play that reads every host by its own way, with the most talkative output."""
    keep_passwords(module_lab)
    return module_lab.tasks("ways", task("read", "vm_host_info"), arguments=("-vvvv",))


@pytest.mark.parametrize("name", WAYS)
def test_every_way_of_connecting_works(module_lab: Lab, read: Run, name: str) -> None:
    result = read.one("read", name)
    assert result["_status"] == "ok", result
    assert result["host"]["name"] == name.upper()
    user = {line["user"] for line in module_lab.journal() if line["host"] == name.upper() and line.get("user")}
    assert {each.rpartition("\\")[2].lower() for each in user} == {WAYS[name]["user"].rpartition("\\")[2].lower()}
    assert shells(module_lab)[name.upper()] == 1


def test_talkative_output_shows_no_secret(module_lab: Lab, read: Run) -> None:
    assert_no_secret(module_lab, read.output, repr(read.results))


@pytest.fixture(scope="module")
def failing(module_lab: Lab, read: Run) -> Run:
    """One run of everything that can't connect."""
    wrong = {"ansible_password": "{{ passwords.wrong }}"}
    leaver = {"ansible_user": "LAB\\leaver", "ansible_password": "{{ passwords.leaver }}"}
    plays: list[tuple[str, list[Any]]] = [
        ("p-ntlm-http", [with_vars("wrong password psrp", **wrong), with_vars("disabled psrp", **leaver)]),
        ("w-ntlm-http", [with_vars("wrong password winrm", **wrong), with_vars("disabled winrm", **leaver)]),
        ("p-credssp-http", [with_vars("wrong password credssp", **wrong)]),
        ("w-credssp-https", [with_vars("wrong password winrm credssp", **wrong)]),
        ("p-basic-https", [with_vars("wrong password basic", **wrong)]),
        ("p-ntlm-https", [with_vars("wrong authority psrp", ansible_psrp_ca_cert=certifi.where())]),
        ("w-ntlm-https", [with_vars("wrong authority winrm", ansible_winrm_ca_trust_path=certifi.where())]),
        ("p-ntlm-http", [with_vars("nobody there psrp", ansible_port=1)]),
        ("w-ntlm-http", [with_vars("nobody there winrm", ansible_port=1)]),
        ("p-ntlm-http", [with_vars("ssh", ansible_connection="ssh"), with_vars("local", ansible_connection="local")]),
    ]
    return module_lab.play([{"hosts": hosts, "gather_facts": False, "tasks": tasks} for hosts, tasks in plays], "-vvvv")


@pytest.mark.parametrize(
    ("name", "host", "kind", "words"),
    [
        ("wrong password psrp", "p-ntlm-http", "authentication_failed", ["credentials"]),
        ("wrong password winrm", "w-ntlm-http", "authentication_failed", ["credentials"]),
        ("wrong password credssp", "p-credssp-http", "authentication_failed", ["credentials"]),
        ("wrong password winrm credssp", "w-credssp-https", "authentication_failed", ["credentials"]),
        ("wrong password basic", "p-basic-https", "authentication_failed", ["credentials"]),
        ("disabled psrp", "p-ntlm-http", "authentication_failed", ["credentials"]),
        ("disabled winrm", "w-ntlm-http", "authentication_failed", ["credentials"]),
        ("wrong authority psrp", "p-ntlm-https", "connection_lost", ["certificate"]),
        ("wrong authority winrm", "w-ntlm-https", "connection_lost", ["certificate"]),
        ("nobody there psrp", "p-ntlm-http", "connection_lost", ["reached"]),
        ("nobody there winrm", "w-ntlm-http", "connection_lost", ["reached"]),
        ("ssh", "p-ntlm-http", "invalid_request", ["psrp", "winrm", "ssh"]),
        ("local", "p-ntlm-http", "invalid_request", ["psrp", "winrm", "local"]),
    ],
)
def test_failing_to_connect_is_one_line(failing: Run, name: str, host: str, kind: str, words: list[str]) -> None:
    result = failing.one(name)
    assert result["_status"] == ("ignored" if kind == "invalid_request" else "unreachable"), result
    assert result["error"]["kind"] == kind, result
    assert "\n" not in result["msg"]
    assert host in result["msg"]
    assert not [word for word in words if word not in result["msg"]], result["msg"]


def test_failures_show_no_secret(module_lab: Lab, failing: Run) -> None:
    assert_no_secret(module_lab, failing.output, repr(failing.results))


def test_a_destination_is_reached_by_its_own_variables(module_lab: Lab, read: Run) -> None:
    start = len(module_lab.journal())
    arguments = {"destination_host": "target", "destination_storage_path": "D:\\VMs"}
    compare = task("compare", "vm_compatibility", names=["web01"], **arguments)
    run = module_lab.tasks("source", compare, arguments=("-vvvv",))
    assert run.one("compare")["_status"] == "ok", run.one("compare")
    users = {
        line["host"]: line["user"].rpartition("\\")[2] for line in module_lab.journal()[start:] if line.get("user")
    }
    assert users == {"SOURCE": "admin", "TARGET": "hvadmin"}
    assert_no_secret(module_lab, run.output, repr(run.results))


def test_a_full_quota_is_waited_for(module_lab: Lab) -> None:
    variables = yaml.safe_load(module_lab.inventory.read_text(encoding="utf-8"))["all"]["hosts"]["full"]
    client = WSMan(
        variables["ansible_host"], port=variables["ansible_port"], ssl=False, auth="ntlm",
        username=DOMAIN, password=PASSWORDS["admin"],
    )  # fmt: skip
    with client:
        pool = RunspacePool(client)
        pool.open()
        timer = threading.Timer(6, pool.close)
        timer.start()
        run = module_lab.tasks("full", task("read", "vm_host_info"))
        timer.join()
    result = run.one("read")
    assert result["_status"] == "ok", result
    assert result["host"]["name"] == "FULL"
