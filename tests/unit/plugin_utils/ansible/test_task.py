# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny action on the real base, run by a real ansible-playbook over the lab's real wire."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

sys.path[:0] = [str(Path(__file__).parents[2] / "lab"), str(Path(__file__).parents[1] / "session")]
from test_psrp import _act_as_machine  # noqa: E402
from wire_world import DOMAIN, Served, serving  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[4]
ACTION = """
from __future__ import annotations
import uuid
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import Diff, HostAction, Outcome
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible import options as o
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotPossible, TimedOut
from ansible_collections.hyperv.mobility.plugins.plugin_utils.findings import Finding, Severity
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import command

class ActionModule(HostAction):
    SPEC = {"name": o.text(required=True), "other": o.text(), "key": o.secret(), "count": o.integer(minimum=1),
            "fail": o.boolean(default=False), "late": o.boolean(default=False)}

    def operate(self, request):
        name = request.arguments["name"]
        seen = request.sessions.here().invoke(command("Get-VM", Name=name)).check()[0].objects
        twin = request.sessions.another_here().invoke(command("Get-VM", Name="twin")).check()[0].objects
        there = ()
        if request.arguments["other"]:
            there = request.sessions.to(request.arguments["other"]).invoke(command("Get-VM", Name="x"))[0].objects
        if request.arguments["late"]:
            raise TimedOut(f"waited with {request.arguments['key']}", changed=True, last_seen="half")
        if request.arguments["fail"]:
            raise NotPossible("no", findings=[Finding(id="x", severity=Severity.BLOCKING, subject="s", evidence="e",
                                                      remedy="r")])
        return Outcome(changed=True, diff=Diff(before={"a": 1}, after={"a": request.arguments["key"]}),
                       warnings=(f"key {request.arguments['key']}",),
                       values={"seen": seen, "twin": twin, "there": there, "check": request.check_mode,
                               "id": uuid.UUID(int=7), "host": request.host,
                               "delegates": request.sessions.here().delegates_credentials,
                               "leak": {request.arguments["key"] or "none": 1}})
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("lab")) as one:
        _act_as_machine(one)
        yield one


def inventory(served: Served) -> dict[str, Any]:
    psrp = {
        "ansible_connection": "psrp",
        "ansible_host": served.machine.address,
        "ansible_port": 5985,
        "ansible_psrp_auth": "credssp",
        "ansible_user": "LAB\\ops",
        "ansible_password": DOMAIN.password,
    }
    winrm = {
        "ansible_connection": "winrm",
        "ansible_host": served.machine.address,
        "ansible_port": 5986,
        "ansible_winrm_transport": ["ntlm"],
        "ansible_winrm_ca_trust_path": str(served.ca),
        "ansible_user": "LAB\\ops",
        "ansible_password": "{{ vaulted }}",
        "vaulted": DOMAIN.password,
    }
    hosts = {
        "byps": psrp,
        "bywinrm": winrm,
        "bylocal": {"ansible_connection": "local"},
        "wrong": {**psrp, "ansible_password": "nope", "ansible_psrp_auth": "ntlm"},
        "nobody": {**psrp, "ansible_port": 1},
    }
    return {"all": {"hosts": hosts}}


def play(
    tmp_path: Path, served: Served, host: str, arguments: dict[str, Any], *flags: str, **keywords: Any
) -> dict[str, Any]:
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "tiny.py").write_text(ACTION)
    modules = tmp_path / "library"
    modules.mkdir()
    (modules / "tiny.py").write_text("#!/usr/bin/python\n")
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory(served)))
    task = {"name": "Try", "tiny": arguments, "register": "result", "ignore_errors": True, **keywords}
    task["ignore_unreachable"] = True
    tell = {
        "name": "Tell",
        "ansible.builtin.copy": {"content": "{{ result | to_json }}", "dest": str(tmp_path / "out")},
    }
    tell |= {"delegate_to": "bylocal", "check_mode": False, "diff": False}
    tell["vars"] = {"ansible_python_interpreter": sys.executable}
    book = [{"hosts": host, "gather_facts": False, "tasks": [task, tell]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(book))
    environment = {
        **os.environ,
        "ANSIBLE_ACTION_PLUGINS": str(tmp_path / "actions"),
        "ANSIBLE_LIBRARY": str(modules),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(tmp_path / "inventory.yml"), *flags]
    done = subprocess.run(
        [*command, str(tmp_path / "play.yml")], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (tmp_path / "out").exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads((tmp_path / "out").read_text())
    found["console"] = done.stdout + done.stderr
    return found


def test_both_connections_and_a_secret_that_never_shows(tmp_path: Path, served: Served) -> None:
    found = play(tmp_path, served, "byps", {"name": "a", "other": "bywinrm", "key": "Tops3cret!"}, "--diff", "-vvv")
    assert found["seen"] == ["vm a"]
    assert found["twin"] == ["vm twin"]
    assert found["there"] == ["vm x"]
    assert found["delegates"] is True
    assert found["id"] == "00000000-0000-0000-0000-000000000007"
    assert found["changed"] is True
    without_invocation = {key: value for key, value in found.items() if key not in ("invocation", "console")}
    assert "Tops3cret!" not in json.dumps(without_invocation)
    assert "Tops3cret!" not in found["console"]
    assert len(served.service.shells) == 0


def test_winrm_check_mode_and_a_failure_with_findings(tmp_path: Path, served: Served) -> None:
    found = play(tmp_path, served, "bywinrm", {"name": "a", "fail": True}, "--check")
    assert found["failed"] is True
    assert found["error"]["kind"] == "not_possible"
    assert found["findings"][0]["id"] == "x"
    assert found["changed"] is False
    assert "unreachable" not in found
    assert len(served.service.shells) == 0


def test_a_late_failure_says_what_was_changed(tmp_path: Path, served: Served) -> None:
    found = play(
        tmp_path,
        served,
        "byps",
        {"name": "a", "late": True, "key": "Tops3cret!"},
        retries=2,
        delay=0,
        until="result is success",
    )
    assert (found["failed"], found["changed"], found["attempts"]) == (True, True, 2)
    assert "Tops3cret!" not in found["msg"]
    assert found["error"] == {"kind": "timed_out", "last_seen": "half"}


@pytest.mark.parametrize(
    ("host", "arguments", "words"),
    [
        ("byps", {"nam": "a"}, "nam"),
        ("byps", {"name": "a", "count": 0}, "count is 0; the smallest possible value is 1"),
        ("byps", {"name": "a", "other": "mars"}, "the inventory has no host 'mars'"),
        ("byps", {"name": "a", "other": "bylocal"}, "bylocal is reached by connection 'local'"),
        ("bylocal", {"name": "a"}, "set ansible_connection to psrp or winrm"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, served: Served, host: str, arguments: dict[str, Any], words: str
) -> None:
    found = play(tmp_path, served, host, arguments)
    assert words in found["msg"]
    assert found["error"]["kind"] == "invalid_request"
    assert "\n" not in found["msg"]


@pytest.mark.parametrize(("host", "kind"), [("wrong", "authentication_failed"), ("nobody", "connection_lost")])
def test_a_link_that_never_was_is_unreachable(tmp_path: Path, served: Served, host: str, kind: str) -> None:
    found = play(tmp_path, served, host, {"name": "a"})
    assert found["unreachable"] is True
    assert found["error"]["kind"] == kind


def test_a_delegated_task_runs_on_the_delegated_host(tmp_path: Path, served: Served) -> None:
    found = play(tmp_path, served, "bylocal", {"name": "a"}, delegate_to="bywinrm")
    assert found["host"] == "bywinrm"
    assert found["seen"] == ["vm a"]
    assert found["delegates"] is False
