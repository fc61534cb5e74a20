# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asr_agent and asr_registration on Linux machines: real playbooks over OpenSSH and sh against the lab."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hyperv_lab.guests.linux import packages
from hyperv_lab.guests.linux.rows import ROWS
from integration.harness import Lab, Run, kill, serve

SECRET = "Lab-Passphrase-1"
WRONG = "Not-The-Passphrase-2"
VERSION = "9.55.6765.1"
SERVER: dict[str, Any] = {"configuration_server": "127.66.8.1", "server_port": 4443}
PORTS = {"port": 4443, "data_port": 4444}
ASR = {
    "configuration_servers": [
        {"name": "cs01", "address": "127.66.8.1", "passphrase": SECRET, **PORTS},
        {"name": "cs02", "address": "127.66.8.2", "passphrase": SECRET, **PORTS},
        {"name": "cs03", "address": "127.66.8.3", "passphrase": SECRET, "certificate": "expired", **PORTS},
    ],
    "appliances": [{"name": "app01", "address": "127.66.8.4", **PORTS}],
}
LIVES = {"life-a": "ubuntu-18.04", "life-b": "rhel-6.10", "life-c": "sles-12.5", "life-d": "debian-9"}
MACHINES = [
    *({"name": name, "os": os, **({"become": "sudo"} if name != "life-b" else {})} for name, os in LIVES.items()),
    {"name": "newer", "os": "ubuntu-18.04", "agent": {"version": "9.60.6956.1"}},
    {"name": "aged", "os": "ubuntu-18.04", "agent": {"version": "9.48.1.1"}},
    {"name": "older", "os": "ubuntu-18.04", "agent": {"version": "9.53.1.1"}},
    {"name": "free", "os": "ubuntu-18.04", "agent": {"version": VERSION}, "become": "sudo"},
    {"name": "bound", "os": "ubuntu-18.04", "agent": {"version": VERSION, "registered_with": "cs02"}},
    {"name": "modern", "os": "ubuntu-18.04", "agent": {"version": VERSION, "stack": "modernized"}},
    {"name": "bare", "os": "ubuntu-18.04", "become": "sudo"},
    {"name": "full", "os": "ubuntu-18.04", "defects": ["root_full"]},
    {"name": "pending", "os": "ubuntu-18.04", "defects": ["restart_pending"]},
    {"name": "names", "os": "ubuntu-18.04", "defects": ["grub_device_names"]},
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from serve({"asr": ASR, "linux_machines": MACHINES}, tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


def package(folder: Path, os: str, version: str = VERSION) -> str:
    osid = ROWS[os].osid
    path = folder / packages.file_name(version, osid)
    path.write_bytes(packages.content(version, osid, seconds_per_step=0.05))
    return str(path)


def machine(lab: Lab, name: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.state()["linux_machines"][name]
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


def assert_nothing_of_ours(lab: Lab, *secrets: str) -> None:
    """No folder of ours on any machine, and no secret in a log, the journal, or what Ansible wrote."""
    for name, found in lab.state()["linux_machines"].items():
        assert not [path for path in found["leftovers"] if "hyperv-mobility" in path], name
    for path in (path for path in lab.workdir.rglob("*") if path.is_file()):
        if path.name.startswith(("play-", "fleet")) or path.name == "connection.passphrase":
            continue  # the playbook that gave the secret; where the vendor's program keeps it
        assert not [secret for secret in secrets if secret.encode() in path.read_bytes()], path


def test_machines_get_their_agent_and_their_server(lab: Lab, folder: Path) -> None:
    options: dict[str, Any] = {"local_path": "{{ packages[inventory_hostname] }}", "stack": "classic"}
    server: dict[str, Any] = {**SERVER, "passphrase": SECRET}
    run = lab.tasks(
        ":".join(LIVES),
        agent("install predicted", check=True, **options),
        agent("install", **options),
        agent("install again", **options),
        register("register predicted", check=True, **server),
        register("register", **server),
        register("register again", **server),
        {"name": "info", "hyperv.mobility.asr_agent_info": {}},
        arguments=("-vvv",),
        packages={name: package(folder, os) for name, os in LIVES.items()},
    )
    assert run.code == 0, run.output
    assert SECRET not in run.output
    for host in LIVES:
        for task in ("install", "register"):
            assert changed(run, f"{task} predicted", host), task
            assert changed(run, task, host), task
            assert not changed(run, f"{task} again", host), task
            assert run.one(task, host)["diff"] == run.one(f"{task} predicted", host)["diff"]
        info = run.one("info", host)["agent"]
        assert (info["version"], info["stack"], info["registered"]) == (VERSION, "classic", True)
        assert info["server"] == {"address": "127.66.8.1", "port": 4443}
        assert {item["name"]: item["state"] for item in info["services"]} == {
            "vxagent": "running",
            "uarespawnd": "running",
            "involflt": "running",
        }
        seen = machine(lab, host)["agent"]
        assert (seen["times_installed"], seen["times_registered"], seen["registered_with"]) == (1, 1, "127.66.8.1")
    assert_nothing_of_ours(lab, SECRET)

    run = lab.tasks(
        ":".join(LIVES),
        agent("removal predicted", check=True, state="absent"),
        agent("removal", state="absent"),
        agent("removal again", state="absent"),
    )
    for host in LIVES:
        tasks = ("removal predicted", "removal", "removal again")
        assert [changed(run, task, host) for task in tasks] == [True, True, False]
        seen = machine(lab, host)
        assert (seen["agent"]["installed"], seen["passphrase_files"]) == (False, [])


@pytest.mark.exhaustive
def test_registrations_that_fail(lab: Lab) -> None:
    cases = {
        "wrong passphrase": ("127.66.8.1", WRONG, 14),
        "wrong server": ("127.66.8.99", SECRET, 14),
        "expired certificate": ("127.66.8.3", SECRET, None),
    }
    run = lab.tasks(
        "free",
        *(
            register(name, **{**SERVER, "configuration_server": server, "passphrase": passphrase})
            for name, (server, passphrase, _code) in cases.items()
        ),
    )
    for name, (_server, _passphrase, code) in cases.items():
        result = failure(run, name, "free")
        assert code in (None, result["error"]["exit_code"])
        assert result["error"]["after"]["registered"] is False
        assert result["error"]["log_path"] == "/var/log/ua_install.log"
        assert result["error"]["log_tail"]
    assert machine(lab, "free")["agent"]["times_registered"] == 0
    assert_nothing_of_ours(lab, SECRET, WRONG)


@pytest.mark.exhaustive
def test_an_agent_of_another_server_stays_there(lab: Lab) -> None:
    run = lab.tasks("bound", register(**SERVER, passphrase=SECRET))
    result = failure(run, "register", "bound")
    assert result["findings"][0]["id"] == "registered_elsewhere"
    assert "127.66.8.2" in result["msg"]
    assert machine(lab, "bound")["agent"]["registered_with"] == "127.66.8.2"


@pytest.mark.exhaustive
def test_versions(lab: Lab, folder: Path) -> None:
    options: dict[str, Any] = {"local_path": package(folder, "ubuntu-18.04"), "state": "latest"}
    run = lab.tasks("newer:aged:older", agent("latest", **options), agent("again", **options))
    assert failure(run, "latest", "newer")["findings"][0]["id"] == "agent_downgrade"
    assert "9.52" in failure(run, "latest", "aged")["findings"][0]["remedy"]
    result = run.one("latest", "older")
    assert (result["changed"], result["action"], result["reboot_advised"]) == (True, "upgrade", True), run.output
    assert [item["id"] for item in result["findings"]] == ["95265"]
    assert not changed(run, "again", "older")
    assert machine(lab, "older")["agent"]["version"] == VERSION


def test_what_is_not_the_installer_is_not_run(lab: Lab, folder: Path, tmp_path: Path) -> None:
    sound = Path(package(folder, "ubuntu-18.04"))
    damaged = tmp_path / sound.name
    damaged.write_bytes(sound.read_bytes()[:1000])
    run = lab.tasks(
        "bare",
        agent("other hash", local_path=str(sound), sha256="0" * 64),
        agent("damaged", local_path=str(damaged)),
        agent("other system", local_path=package(folder, "debian-9")),
        agent("not there", source="/opt/" + sound.name),
    )
    assert "SHA-256" in failure(run, "other hash", "bare")["msg"]
    assert failure(run, "damaged", "bare")["error"]["reason"] == "not_unpacked"
    assert failure(run, "other system", "bare")["findings"][0]["id"] == "installer_for_another_system"
    assert failure(run, "not there", "bare")["error"]["reason"] == "no_source"
    assert machine(lab, "bare")["agent"]["installed"] is False
    assert_nothing_of_ours(lab)


@pytest.mark.exhaustive
def test_machines_that_can_not_have_it(lab: Lab, folder: Path) -> None:
    run = lab.tasks("pending:full:names", agent(local_path=package(folder, "ubuntu-18.04"), stack="classic"))
    result = failure(run, "agent", "pending")
    assert result["error"]["exit_code"] == 62, run.output
    assert failure(run, "agent", "names")["findings"][0]["id"] == "95320"
    result = failure(run, "agent", "full")
    assert 0 < len(result["error"]["log_tail"]) <= 30
    for host in ("pending", "full", "names"):
        assert machine(lab, host)["agent"]["installed"] is False
    assert_nothing_of_ours(lab)


@pytest.mark.exhaustive
def test_another_setup_is_waited_for(lab: Lab, folder: Path) -> None:
    lock = "mkdir /usr/local/.asr-lock; nohup sleep 15 >/dev/null 2>&1 & echo $! >/usr/local/.asr-lock/pid"
    run = lab.tasks(
        "bare",
        {"name": "lock", "raw": lock, "become": True},
        agent(local_path=package(folder, "ubuntu-18.04"), stack="classic"),
        agent("off", state="absent"),
    )
    assert changed(run, "agent", "bare"), run.output
    assert changed(run, "off", "bare"), run.output


def test_a_modernized_agent_comes_and_goes(lab: Lab) -> None:
    config = json.dumps(lab.state()["asr_servers"]["app01"]["source_config"])
    run = lab.tasks(
        "modern",
        register("bad config", config=config.replace("app01", "app02")),
        register("register", config=config),
        register("again", config=config),
        register("predicted", check=True, state="absent"),
        register("off", state="absent"),
        register("off twice", state="absent"),
    )
    failure(run, "bad config", "modern")
    tasks = ("register", "again", "predicted", "off", "off twice")
    assert [changed(run, task, "modern") for task in tasks] == [True, False, True, True, False], run.output


@pytest.mark.exhaustive
@pytest.mark.parametrize("seconds", [3.0, 4.5, 6.0, 9.0])
def test_a_killed_run_is_taken_up_by_the_next(lab: Lab, folder: Path, seconds: float) -> None:
    host = "life-a"
    play = [
        {
            "hosts": host,
            "gather_facts": False,
            "tasks": [
                agent(local_path=package(folder, "ubuntu-18.04"), stack="classic"),
                register(**SERVER, passphrase=SECRET),
            ],
        }
    ]
    before = machine(lab, host)["agent"]
    process = lab.start(lab.playbook(play))
    time.sleep(seconds)
    kill(process)
    run = lab.play(play)
    assert run.code == 0, run.output
    for task in ("agent", "register"):
        changed(run, task, host)
    seen = machine(lab, host)["agent"]
    assert (seen["installed"], seen["registered_with"]) == (True, "127.66.8.1")
    assert seen["times_installed"] - before["times_installed"] == 1
    assert_nothing_of_ours(lab, SECRET)
    assert changed(lab.tasks(host, agent(state="absent")), "agent", host)
