# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asr_agent and asr_registration on Windows machines: real playbooks, WinRS and PSRP against the lab."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hyperv_lab.guests.windows.package import Package
from integration.harness import Lab, Run, kill, serve
from integration.packages import served

SECRET = "Lab-Passphrase-1"
WRONG = "Not-The-Passphrase-2"
SERVER: dict[str, Any] = {"configuration_server": "127.66.9.1", "server_port": 4443}
ASR = {
    "configuration_servers": [
        {"name": "cs01", "address": "127.66.9.1", "port": 4443, "data_port": 4444, "passphrase": SECRET},
        {"name": "cs02", "address": "127.66.9.2", "port": 4443, "data_port": 4444, "passphrase": SECRET},
        {
            "name": "cs03",
            "address": "127.66.9.3",
            "port": 4443,
            "data_port": 4444,
            "passphrase": SECRET,
            "certificate": "expired",
        },
    ],
    "appliances": [{"name": "app01", "address": "127.66.9.4", "port": 4443, "data_port": 4444}],
}
CLASSIC = {"version": "9.55.6765.1", "stack": "classic"}
BROKEN_LINK = {"action": "drop", "operation": "receive", "program": "*UnifiedAgent.exe*", "request": 1, "times": 2}
MACHINES = [
    {"name": "OLD", "os": "2008R2SP1", "language": "fr"},
    {"name": "W12", "os": "2012R2"},
    {"name": "W16", "os": "2016", "language": "fr", "winrm": {"connection": "winrm"}},
    {"name": "W22", "os": "2022"},
    {"name": "BARE", "os": "2022"},
    {"name": "BLIP", "os": "2019", "faults": [BROKEN_LINK]},
    {"name": "NEWER", "os": "2019", "agent": {"version": "9.60.6956.1", "stack": "classic"}},
    {"name": "BOUND", "os": "2019", "agent": {**CLASSIC, "registered_with": "cs02"}},
    {"name": "FREE", "os": "2019", "agent": CLASSIC},
    {"name": "OLDER", "os": "2019", "language": "fr", "agent": {"version": "9.53.1.1", "stack": "classic"}},
    {"name": "AGED", "os": "2019", "agent": {"version": "9.48.1.1", "stack": "classic"}},
    {"name": "PENDING", "os": "2019", "defects": ["restart_pending_servicing"]},
    {"name": "FULL", "os": "2019", "language": "fr", "defects": ["system_drive_full"]},
    {"name": "SERVER", "os": "2019", "defects": ["is_configuration_server"]},
    {"name": "MODERN", "os": "2019", "agent": {"version": "9.55.6765.1", "stack": "modernized"}},
    {
        "name": "AZURE",
        "os": "2019",
        "asset_tag": "7783-7084-3265-9085-8269-3286-77",
        "agent": {"version": "9.55.6765.1", "stack": "modernized"},
    },
]
FLEET = {"asr": ASR, "windows_machines": MACHINES}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from serve(FLEET, tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., dict[str, Any]]]:
    """A web server with stand-in packages; the function makes one and returns the options that name it."""
    folder = tmp_path_factory.mktemp("packages")
    with served(folder, "127.66.9.200") as web:

        def package(version: str = "9.55.6765.1", **values: str) -> dict[str, Any]:
            made = Package(version=version, **values)
            (folder / made.file_name).write_bytes(made.content())
            return {
                "source": f"{web}/{made.file_name}",
                "sha256": hashlib.sha256(made.content()).hexdigest(),
            }

        yield package


def agent_of(lab: Lab, name: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.state()["windows_machines"][name.upper()]["agent"]
    return found


def agent(name: str = "agent", *, check: bool = False, **options: Any) -> dict[str, Any]:
    return _task(name, "asr_agent", options, check=check)


def register(name: str = "register", *, check: bool = False, **options: Any) -> dict[str, Any]:
    return _task(name, "asr_registration", options, check=check)


def _task(name: str, module: str, options: dict[str, Any], *, check: bool) -> dict[str, Any]:
    return {
        "name": name,
        f"hyperv.mobility.{module}": options,
        "check_mode": check,
        "diff": True,
        "ignore_errors": True,
    }


def assert_nothing_of_ours(lab: Lab, *secrets: str) -> None:
    """No folder or file of ours on any machine, and no secret in a log, the journal, or what Ansible wrote."""
    for name, machine in lab.state()["windows_machines"].items():
        assert machine["agent"]["passphrase_files"] == [], name
        assert not [path for path in machine["files"] if "hyperv-mobility" in path.lower()], name
    written = [path for path in lab.workdir.rglob("*") if path.is_file() and path.name != "fleet.yml"]
    for path in written:
        if path.name.startswith("play-"):
            continue  # the playbook that gave the secret
        assert not [secret for secret in secrets if secret.encode() in path.read_bytes()], path


def changed(run: Run, task: str, host: str) -> bool:
    result = run.one(task, host)
    assert result["_status"] not in ("failed", "ignored"), run.output
    return bool(result["changed"])


def failure(run: Run, task: str, host: str) -> dict[str, Any]:
    result = run.one(task, host)
    assert result["_status"] in ("failed", "ignored"), run.output
    assert WRONG not in run.output
    assert SECRET not in run.output
    return result


def test_machines_get_their_agent_and_their_server(lab: Lab, packages: Callable[..., dict[str, Any]]) -> None:
    hosts = ("old", "w12", "w16", "w22")
    options = {**packages(), "stack": "classic"}
    server = {**SERVER, "passphrase": SECRET}
    run = lab.tasks(
        ":".join(hosts),
        agent("install predicted", check=True, **options),
        agent("install", **options),
        agent("install again", **options),
        register("register predicted", check=True, **server),
        register("register", **server),
        register("register again", **server),
        {"name": "info", "hyperv.mobility.asr_agent_info": {}},
        arguments=("-vvv",),
    )
    assert run.code == 0, run.output
    assert SECRET not in run.output
    for host in hosts:
        for task in ("install", "register"):
            assert changed(run, f"{task} predicted", host), task
            assert changed(run, task, host), task
            assert not changed(run, f"{task} again", host), task
            assert run.one(task, host)["diff"] == run.one(f"{task} predicted", host)["diff"]
        info = run.one("info", host)["agent"]
        assert (info["version"], info["stack"], info["registered"]) == ("9.55.6765.1", "classic", True)
        assert info["server"] == {"address": "127.66.9.1", "port": 4443}
        assert {item["name"] for item in info["services"]} >= {"svagents", "InMage Scout Application Service"}
        seen = agent_of(lab, host)
        assert (seen["times_installed"], seen["times_registered"], seen["known_to"]) == (1, 1, ["cs01"])
    assert_nothing_of_ours(lab, SECRET)

    run = lab.tasks(
        ":".join(hosts),
        agent("removal predicted", check=True, state="absent"),
        agent("removal", state="absent"),
        agent("removal again", state="absent"),
    )
    for host in hosts:
        assert [changed(run, task, host) for task in ("removal predicted", "removal", "removal again")] == [
            True,
            True,
            False,
        ]
        assert agent_of(lab, host)["installed"] is False


@pytest.mark.exhaustive
def test_registrations_that_fail(lab: Lab) -> None:
    cases = {
        "wrong passphrase": ("127.66.9.1", WRONG, 14, []),
        "wrong server": ("127.66.9.99", SECRET, 14, ["register:curl-7"]),
        "expired certificate": ("127.66.9.3", SECRET, 17, ["register:curl-60"]),
    }
    run = lab.tasks(
        "free",
        *(
            register(name, **{**SERVER, "configuration_server": server, "passphrase": passphrase})
            for name, (server, passphrase, _code, _ids) in cases.items()
        ),
    )
    for name, (_server, _passphrase, code, ids) in cases.items():
        result = failure(run, name, "free")
        assert result["error"]["exit_code"] == code
        assert [each["id"] for each in result.get("findings", [])] == ids
        assert result["error"]["after"]["registered"] is False
        assert "not registered" in result["msg"] or "as it was" in result["msg"]
        assert result["error"]["log_tail"]
    assert agent_of(lab, "free")["times_registered"] == 0
    assert_nothing_of_ours(lab, SECRET, WRONG)


@pytest.mark.exhaustive
def test_an_agent_of_another_server_stays_there(lab: Lab) -> None:
    run = lab.tasks(
        "bound",
        register("kept", **SERVER, passphrase=SECRET),
        register("replaced", **SERVER, passphrase=SECRET, replace=True),
    )
    for task in ("kept", "replaced"):
        result = failure(run, task, "bound")
        assert result["findings"][0]["id"] == "registered_elsewhere"
        assert "127.66.9.2" in result["msg"]
    seen = agent_of(lab, "bound")
    assert (seen["known_to"], seen["times_registered"]) == (["cs02"], 0)


@pytest.mark.exhaustive
def test_versions(lab: Lab, packages: Callable[..., dict[str, Any]]) -> None:
    options = {**packages(), "state": "latest"}
    run = lab.tasks("newer:aged:older", agent("latest", **options), agent("again", **options))
    assert failure(run, "latest", "newer")["findings"][0]["id"] == "agent_downgrade"
    assert "9.52" in failure(run, "latest", "aged")["findings"][0]["remedy"]
    assert agent_of(lab, "aged")["version"] == "9.48.1.1"
    result = run.one("latest", "older")
    assert (result["changed"], result["action"], result["reboot_advised"]) == (True, "upgrade", True), run.output
    assert [item["id"] for item in result["findings"]] == ["95265"]
    assert not changed(run, "again", "older")
    seen = agent_of(lab, "older")
    assert (seen["version"], seen["times_upgraded"]) == ("9.55.6765.1", 1)


def test_what_is_not_the_installer_is_not_run(lab: Lab, packages: Callable[..., dict[str, Any]]) -> None:
    sound = packages()
    linux = "http://127.66.9.200:1/Microsoft-ASR_UA_9.55.6765.1_RHEL7-64_GA_15Aug2023_release.tar.gz"
    run = lab.tasks(
        "bare",
        agent("other_digest", **{**sound, "sha256": "0" * 64}),
        agent("unsigned", **packages("9.57.6911.1", signature="none")),
        agent("untrusted", **packages("9.60.6956.1", signature="untrusted")),
        agent("other system", **{**sound, "source": linux}),
    )
    assert failure(run, "other_digest", "bare")["error"]["reason"] == "other_digest"
    assert failure(run, "unsigned", "bare")["error"]["reason"] == "signature"
    assert failure(run, "untrusted", "bare")["error"]["reason"] == "signature"
    assert failure(run, "other system", "bare")["findings"][0]["id"] == "installer_for_another_system"
    run = lab.tasks("old", agent("no hash", source=sound["source"]))
    assert "sha256" in failure(run, "no hash", "old")["msg"]
    assert agent_of(lab, "bare")["installed"] is False
    assert_nothing_of_ours(lab)


@pytest.mark.exhaustive
def test_machines_that_can_not_have_it(lab: Lab, packages: Callable[..., dict[str, Any]]) -> None:
    run = lab.tasks("pending:server:full", agent(**packages(), stack="classic"))
    result = failure(run, "agent", "pending")
    assert (result["error"]["exit_code"], result["findings"][0]["id"], result["changed"]) == (62, "95224", False)
    result = failure(run, "agent", "server")
    assert result["error"]["exit_code"] == 65
    assert 0 < len(result["error"]["log_tail"]) <= 30
    assert failure(run, "agent", "full")["error"]["reason"] == "disk_full", run.output
    for host in ("pending", "server", "full"):
        assert agent_of(lab, host)["installed"] is False
    assert_nothing_of_ours(lab)


def test_a_modernized_agent_comes_and_goes(lab: Lab) -> None:
    config = json.dumps(lab.state()["asr_servers"]["app01"]["source_config"])
    run = lab.tasks(
        "modern:azure",
        register("bad config", config=config.replace("app01", "app02")),
        register("register", config=config),
        register("again", config=config),
    )
    assert failure(run, "bad config", "modern")["error"]["exit_code"] == 19
    assert changed(run, "register", "modern"), run.output
    assert not changed(run, "again", "modern")
    failed_over = run.one("register", "azure")
    assert (failed_over["changed"], failed_over["action"]) == (False, "failed_over")
    assert agent_of(lab, "modern")["known_to"] == ["app01"]
    run = lab.tasks(
        "modern",
        register("predicted", check=True, state="absent"),
        register("off", state="absent"),
        register("off again", state="absent"),
    )
    assert [changed(run, task, "modern") for task in ("predicted", "off", "off again")] == [True, True, False]
    assert agent_of(lab, "modern")["known_to"] == []


@pytest.mark.exhaustive
def test_setup_outlives_a_link_that_breaks(lab: Lab, packages: Callable[..., dict[str, Any]]) -> None:
    run = lab.tasks("blip", agent(**packages(), stack="classic"))
    assert changed(run, "agent", "blip"), run.output
    seen = agent_of(lab, "blip")
    assert (seen["post_install"], seen["times_installed"]) == ("Succeeded", 1)
    journal = [line for line in lab.journal() if line["host"].lower() == "blip" and line.get("endpoint") == "cmd"]
    events = [line["event"] for line in journal]
    assert events.count("shell_opened") == events.count("shell_closed") == 2
    assert_nothing_of_ours(lab)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seconds", [3.0, 5.0, 8.0, 12.0])
def test_a_killed_run_is_taken_up_by_the_next(
    lab: Lab, packages: Callable[..., dict[str, Any]], seconds: float
) -> None:
    host = "w12"
    options = {**packages(), "stack": "classic"}
    play = [
        {
            "hosts": host,
            "gather_facts": False,
            "tasks": [
                {"name": "agent", "hyperv.mobility.asr_agent": options},
                {"name": "register", "hyperv.mobility.asr_registration": {**SERVER, "passphrase": SECRET}},
            ],
        }
    ]
    before = agent_of(lab, host)
    path: Path = lab.playbook(play)
    process = lab.start(path)
    time.sleep(seconds)
    kill(process)
    run = lab.play(play)
    assert run.code == 0, run.output
    seen = agent_of(lab, host)
    assert (seen["installed"], seen["post_install"], seen["registered"]) == (True, "Succeeded", True)
    assert seen["times_installed"] - before["times_installed"] == 1
    assert seen["known_to"] == ["cs01"]
    assert_nothing_of_ours(lab, SECRET)
    assert lab.tasks(host, agent(state="absent")).code == 0
