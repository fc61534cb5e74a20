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
from unit.lab.wire_world import DOMAIN, Served, serving
from unit.psrp_machine import act_as_machine

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
        if request.arguments["other"] == "nobody":
            request.sessions.here().invoke(command("Start-Sleep", Seconds=0))
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
                               "shades": [request.variable(one, "shade") for one in ("byps", "bywinrm", "mars")],
                               "delegates": request.sessions.here().delegates_credentials,
                               "leak": {request.arguments["key"] or "none": 1}})
"""

PROGRAM = """
from __future__ import annotations
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible import options as o
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import Secret

class ActionModule(HostAction):
    SPEC = {"script": o.text(), "stdin": o.secret(), "other": o.text(), "seconds": o.integer(), "put": o.text()}

    def operate(self, request):
        given, sessions = request.arguments, request.sessions
        data = Secret(given["stdin"]) if given["stdin"] else None
        if given["put"]:
            sessions.posix().put(given["put"], given["put"] + ".copy")
        if given["script"]:
            found = sessions.posix().run(given["script"], "O'Brien $x", "a b", stdin=data,
                                         timeout_seconds=given["seconds"])
        else:
            runner = sessions.programs_on(given["other"]) if given["other"] else sessions.programs()
            found = runner.run("cat", "x y", stdin=data)
        return Outcome(values={"kind": sessions.kind, "code": found.exit_code, "out": found.stdout,
                               "err": found.stderr})
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("lab")) as one:
        act_as_machine(one)
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
        "shade": {"of": ["{{ paint }}"]},
        "paint": "blue",
    }
    stranger = {name: psrp[name] for name in ("ansible_connection", "ansible_host", "ansible_port")}
    stranger["ansible_psrp_auth"] = "ntlm"
    hosts = {
        "byps": psrp,
        "bywinrm": winrm,
        "bylocal": {"ansible_connection": "local"},
        "wrong": {**psrp, "ansible_password": "nope", "ansible_psrp_auth": "ntlm"},
        "nobody": {**psrp, "ansible_port": 1},
        "stranger": stranger,
        "stranger2": stranger,
    }
    return {"all": {"hosts": hosts}}


CALLBACK = """
import json, os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "keep"

    def v2_runner_on_ok(self, result, failed=False):
        with open(os.environ["KEPT"], "a") as out:
            task = getattr(result, "task", None) or result._task
            found = getattr(result, "result", None) or result._result
            out.write(json.dumps([task.name, {**found, "failed": failed}]) + chr(10))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.v2_runner_on_ok(result, failed=True)

    v2_runner_on_unreachable = v2_runner_on_ok
"""

SECRET = "Tops3cret!"
TASKS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "whole": ("byps", {"name": "a", "other": "bywinrm", "key": SECRET}, {"diff": True}),
    "findings": ("bywinrm", {"name": "a", "fail": True}, {"check_mode": True}),
    "late": (
        "byps",
        {"name": "a", "late": True, "key": SECRET},
        {"retries": 2, "delay": 0, "until": "false", "register": "late"},
    ),
    "misspelt": ("byps", {"nam": "a"}, {}),
    "small": ("byps", {"name": "a", "count": 0}, {}),
    "mars": ("byps", {"name": "a", "other": "mars"}, {}),
    "other local": ("byps", {"name": "a", "other": "bylocal"}, {}),
    "local": ("bylocal", {"name": "a"}, {}),
    "wrong": ("wrong", {"name": "a"}, {}),
    "nobody": ("nobody", {"name": "a"}, {}),
    "program by psrp": ("byps", {"stdin": SECRET}, {}),
    "program by winrm": ("bywinrm", {}, {}),
    "program elsewhere": ("byps", {"other": "bywinrm"}, {}),
    "program on posix": ("bylocal", {}, {}),
    "program by nobody": ("nobody", {}, {}),
    "sh": ("bylocal", {"script": "cat; printf '%s|' \"$@\"; echo é >&2; exit 5"}, {}),
    "sh with input": ("bylocal", {"script": "tr a-z A-Z", "stdin": SECRET}, {}),
    "sh too long": ("bylocal", {"script": "sleep 20", "seconds": 1}, {}),
    "sh on windows": ("byps", {"script": "true"}, {}),
    "sh by su": ("bylocal", {"script": "true"}, {"become": True, "become_method": "su"}),
    "put": ("bylocal", {"script": "cat {{ playbook_dir }}/plain.copy", "put": "{{ playbook_dir }}/plain"}, {}),
    "put nothing": ("bylocal", {"script": "true", "put": "/no/such/file"}, {}),
    "delegated": ("bylocal", {"name": "a"}, {"delegate_to": "bywinrm"}),
    "other without credentials": ("byps", {"name": "a", "other": "stranger"}, {}),
    "the play's credentials": (
        "stranger",
        {"name": "a", "other": "stranger2"},
        {"remote_user": "LAB\\ops", "vars": {"ansible_password": DOMAIN.password}},
    ),
    "lost after a change": ("byps", {"name": "a", "other": "nobody"}, {}),
    "runas": ("byps", {"name": "a"}, {"become": True, "become_method": "runas", "become_user": "LAB\\other"}),
    "sudo": ("bywinrm", {"name": "a"}, {"become": True, "become_method": "sudo"}),
    "own variable": ("byps", {"name": "a"}, {"vars": {"shade": "{{ 'dark' ~ inventory_hostname }}"}}),
}


def _module(name: str) -> str:
    return "program" if name.startswith(("program", "sh", "put")) else "tiny"


def playbook() -> list[dict[str, Any]]:
    return [
        {
            "hosts": host,
            "gather_facts": False,
            "tasks": [
                {"name": name, _module(name): arguments, "ignore_errors": True, "ignore_unreachable": True, **keywords}
            ],
        }
        for name, (host, arguments, keywords) in TASKS.items()
    ]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, served: Served) -> dict[str, Any]:
    """One run of a real ansible-playbook with a play per case."""
    place = tmp_path_factory.mktemp("play")
    for folder, content in (("actions", ACTION), ("library", "#!/usr/bin/python\n"), ("callbacks", CALLBACK)):
        (place / folder).mkdir()
        (place / folder / ("keep.py" if folder == "callbacks" else "tiny.py")).write_text(content)
    (place / "actions" / "program.py").write_text(PROGRAM)
    (place / "library" / "program.py").write_text("#!/usr/bin/python\n")
    (place / "plain").write_text("to be copied")
    (place / "inventory.yml").write_text(yaml.safe_dump(inventory(served)))
    (place / "play.yml").write_text(yaml.safe_dump(playbook()))
    environment = {
        **os.environ,
        "ANSIBLE_ACTION_PLUGINS": str(place / "actions"),
        "ANSIBLE_LIBRARY": str(place / "library"),
        "ANSIBLE_CALLBACK_PLUGINS": str(place / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "keep",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "KEPT": str(place / "kept"),
    }
    python = os.environ.get("HYPERV_MOBILITY_ANSIBLE_PYTHON", sys.executable)
    command = [python, "-m", "ansible", "playbook", "-i", str(place / "inventory.yml"), str(place / "play.yml")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)
    assert (place / "kept").exists(), done.stdout + done.stderr
    found = dict(json.loads(line) for line in (place / "kept").read_text().splitlines())
    return {**found, "console": done.stdout + done.stderr}


def test_both_connections_in_one_task(results: dict[str, Any]) -> None:
    found = results["whole"]
    assert (found["seen"], found["twin"], found["there"]) == (["vm a"], ["vm twin"], ["vm x"])
    assert (found["host"], found["delegates"], found["check"], found["changed"]) == ("byps", True, False, True)
    assert found["id"] == "00000000-0000-0000-0000-000000000007"
    assert found["diff"]["before"] == {"a": 1}


def test_a_secret_shows_nowhere(results: dict[str, Any]) -> None:
    shown = {name: value for name, value in results.items() if name != "console"}
    for found in shown.values():
        found.pop("invocation", None)
    assert SECRET not in json.dumps(shown)
    assert SECRET not in results["console"]
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in results["late"]["msg"]


def test_no_shell_is_left_behind(results: dict[str, Any], served: Served) -> None:
    assert len(served.service.shells) == 0


def test_a_failure_with_findings_in_check_mode(results: dict[str, Any]) -> None:
    found = results["findings"]
    assert (found["failed"], found["changed"], found["error"]["kind"]) == (True, False, "not_possible")
    assert found["findings"][0]["id"] == "x"
    assert "unreachable" not in found


def test_a_late_failure_says_what_was_changed_and_is_tried_again(results: dict[str, Any]) -> None:
    found = results["late"]
    assert (found["failed"], found["changed"], found["attempts"]) == (True, True, 2)
    assert found["error"] == {"kind": "timed_out", "last_seen": "half"}


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("misspelt", "nam"),
        ("small", "count is 0; the smallest possible value is 1"),
        ("mars", "the inventory has no host 'mars'"),
        ("other local", "bylocal is reached by connection 'local'"),
        ("local", "set ansible_connection to psrp or winrm"),
    ],
)
def test_bad_input_is_one_line(results: dict[str, Any], task: str, words: str) -> None:
    found = results[task]
    assert words in found["msg"]
    assert "\n" not in found["msg"]
    assert found["error"]["kind"] == "invalid_request"


@pytest.mark.parametrize(("task", "kind"), [("wrong", "authentication_failed"), ("nobody", "connection_lost")])
def test_a_link_that_never_was_is_unreachable(results: dict[str, Any], task: str, kind: str) -> None:
    assert results[task]["unreachable"] is True
    assert results[task]["error"]["kind"] == kind


def test_a_host_s_credentials_are_not_shown_to_another(results: dict[str, Any]) -> None:
    found = results["other without credentials"]
    assert found["failed"] is True, found
    assert found["error"]["kind"] == "authentication_failed"


def test_what_the_play_says_holds_for_other_hosts_too(results: dict[str, Any]) -> None:
    assert results["the play's credentials"]["there"] == ["vm x"], results["the play's credentials"]


def test_a_link_lost_after_a_change_was_sent_has_changed_something(results: dict[str, Any]) -> None:
    found = results["lost after a change"]
    assert (found["failed"], found["changed"], found["error"]["kind"]) == (True, True, "connection_lost")
    assert "unreachable" not in found


def test_become_is_never_left_out_silently(results: dict[str, Any]) -> None:
    assert "bywinrm: become (method sudo) has no effect" in " ".join(results["console"].split())
    assert results["sudo"]["seen"] == ["vm a"]
    assert results["runas"]["error"]["kind"] == "invalid_request"
    assert "byps: become_method runas can't be honoured" in results["runas"]["msg"]


def test_a_delegated_task_runs_on_the_delegated_host(results: dict[str, Any]) -> None:
    found = results["delegated"]
    assert (found["host"], found["seen"], found["delegates"]) == ("bywinrm", ["vm a"], False)


def test_variables_of_hosts_are_templated_and_plain(results: dict[str, Any]) -> None:
    assert results["whole"]["shades"] == [None, {"of": ["blue"]}, None]
    assert results["delegated"]["shades"] == [None, {"of": ["blue"]}, None]
    assert results["own variable"]["shades"] == ["darkbyps", {"of": ["blue"]}, None]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("program by psrp", 'C:\\Windows\\System32\\cat.exe "x y"'),
        ("program by winrm", 'C:\\Windows\\System32\\cat.exe "x y"'),
        ("program elsewhere", 'C:\\Windows\\System32\\cat.exe "x y"'),
    ],
)
def test_programs_run_on_both_connections_and_elsewhere(results: dict[str, Any], name: str, expected: str) -> None:
    assert (results[name]["kind"], results[name]["code"], results[name]["err"]) == ("windows", 0, expected)


def test_sh_gets_its_arguments_and_no_input_that_is_not_its_own(results: dict[str, Any]) -> None:
    found = results["sh"]
    assert (found["kind"], found["code"], found["out"]) == ("posix", 5, "O'Brien $x|a b|")
    assert found["err"].strip() == "é"
    assert SECRET.upper() in results["sh with input"]["out"]


def test_sh_is_left_at_its_deadline(results: dict[str, Any]) -> None:
    assert results["sh too long"]["error"]["kind"] == "timed_out"


def test_each_system_refuses_the_other_one_s_programs(results: dict[str, Any]) -> None:
    assert "set ansible_connection to psrp or winrm" in results["program on posix"]["msg"]
    assert "has no sh" in results["sh on windows"]["msg"]
    assert "become_method 'su' needs a terminal" in results["sh by su"]["msg"]


def test_a_machine_that_runs_no_program_for_us_is_unreachable(results: dict[str, Any]) -> None:
    assert results["program by nobody"]["unreachable"] is True


def test_files_are_put(results: dict[str, Any]) -> None:
    assert results["put"]["out"] == "to be copied"
    assert "the controller has no file '/no/such/file'" in results["put nothing"]["msg"]
