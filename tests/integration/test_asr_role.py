# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The push_install role: a mixed inventory, one machine that fails, a second run unchanged, check mode, the report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from hyperv_lab.guests.linux import packages
from integration.harness import Lab, Run, serve
from integration.packages import served
from integration.scenario import changes, shells

SECRET = "Lab-Passphrase-1"
SERVER, WEB = "127.68.9.1", "127.68.9.200"
FLEET: dict[str, Any] = {
    "asr": {
        "configuration_servers": [
            {"name": "cs01", "address": SERVER, "port": 4443, "data_port": 4444, "passphrase": SECRET}
        ]
    },
    "windows_machines": [
        {"name": "FINE", "os": "2016"},
        {"name": "FRENCH", "os": "2012R2", "language": "fr"},
        {"name": "CURABLE", "os": "2019", "defects": ["vss_disabled"]},
        {"name": "MANUAL", "os": "2016", "defects": ["system_drive_full"]},
        {"name": "RESTART", "os": "2019", "defects": ["restart_pending_servicing"]},
        {"name": "DRIVER", "os": "2019", "defects": ["driver_left"]},
        {"name": "GONE", "os": "2019", "faults": [{"probability": 1.0, "action": "drop", "times": 100000}]},
    ],
    "linux_machines": [
        {"name": "ubuntu", "os": "ubuntu-18.04", "become": "sudo"},
        {"name": "grub", "os": "rhel-7.9", "defects": ["grub_device_names"]},
    ],
}
ALL = "fine:french:curable:manual:restart:ubuntu:grub"
GOOD = ("fine", "french", "curable", "ubuntu", "grub")
VERSION = "9.55.6765.1"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A web server with the packages, which the controller has as files too; the role's variables by group."""
    folder = tmp_path_factory.mktemp("packages")
    files = packages.write(folder, [VERSION], ["Windows", "UBUNTU-18.04-64", "RHEL7-64"])
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    with served(folder, WEB) as web:
        yield {
            "all": {"push_install_checksums": sums, "push_install_passphrase": SECRET},
            "windows_machines": {"push_install_repository": [f"{web}/{path.name}" for path in files]},
            "linux_machines": {"push_install_repository": [str(folder)], "push_install_repository_on": "controller"},
        }


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, repository: dict[str, Any]) -> Iterator[Lab]:
    """The fleet, with variables of its groups in files, as people keep them."""
    for found in serve(FLEET, tmp_path_factory.mktemp("lab")):
        (found.workdir / "group_vars").mkdir(exist_ok=True)
        for group, variables in repository.items():
            (found.workdir / "group_vars" / f"{group}.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
        yield found


def install(lab: Lab, *arguments: str, playbook: str = "push_install.yml", **more: Any) -> Run:
    """Run the playbook; return the run, whose report is beside the inventory."""
    variables = {
        "push_install_hosts": ALL,
        "push_install_stack": "classic",
        "push_install_configuration_server": SERVER,
        "push_install_server_port": 4443,
        "push_install_servers": [{"address": SERVER, "port": 4443}],
        "push_install_report_path": str(lab.workdir / "report.json"),
    }
    run = lab.play(playbook, *arguments, extra={**variables, **more}, timeout=300)
    assert SECRET not in run.output
    return run


def report(lab: Lab) -> dict[str, Any]:
    """Return the report of the last run, and take it away."""
    path = lab.workdir / "report.json"
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text(encoding="utf-8")
    path.unlink()
    assert SECRET not in text
    found: dict[str, Any] = json.loads(text)
    return found


def outcomes(lab: Lab) -> dict[str, str]:
    """Return the outcome of each machine as the report has it."""
    return {name: machine["outcome"] for name, machine in report(lab)["machines"].items()}


def agents(lab: Lab) -> dict[str, Any]:
    """Return what the lab knows of each machine's agent."""
    state = lab.state()
    machines = {**state["windows_machines"], **state.get("linux_machines", {})}
    return {name.lower(): machine["agent"] for name, machine in machines.items()}


def test_the_first_half_alone_reports_and_changes_nothing(lab: Lab) -> None:
    mark = len(lab.journal())
    # Extra variables beat every other one, so they must not make it cure either.
    run = install(lab, playbook="push_preflight.yml", push_install_remediate=["safe", "95320"])
    assert run.code == 2, run.output
    found = report(lab)
    assert {name: machine["outcome"] for name, machine in found["machines"].items()} == {
        "fine": "ready",
        "french": "ready",
        "curable": "ready",
        "manual": "blocked",
        "restart": "reboot pending",
        "ubuntu": "ready",
        "grub": "blocked",
    }
    assert changes(lab, mark) == []
    assert max(shells(lab, mark).values()) <= 2
    assert "1 left: restart" in run.output


def test_check_mode_foretells(lab: Lab) -> None:
    before = agents(lab)
    run = install(lab, "--check")
    assert outcomes(lab) == {
        "fine": "changed",
        "french": "changed",
        "curable": "changed",
        "manual": "blocked",
        "restart": "reboot pending",
        "ubuntu": "changed",
        "grub": "changed",
    }, run.output
    assert agents(lab) == before


def test_the_good_ones_are_installed_and_the_others_told(lab: Lab) -> None:
    run = install(lab)
    assert run.code == 2, run.output
    found = report(lab)
    assert {name: machine["outcome"] for name, machine in found["machines"].items()} == {
        "fine": "changed",
        "french": "changed",
        "curable": "changed",
        "manual": "blocked",
        "restart": "reboot pending",
        "ubuntu": "changed",
        "grub": "changed",
    }, run.output
    state = agents(lab)
    for name in GOOD:
        assert state[name]["installed"], name
        assert state[name]["registered_with"] in ("cs01", SERVER), name
        assert (state[name]["times_installed"], state[name]["times_registered"]) == (1, 1)
        assert state[name].get("passphrase_files", []) == []
    assert {name: machine["leftovers"] for name, machine in lab.state()["linux_machines"].items()} == {
        "ubuntu": [],
        "grub": [],
    }
    assert not state["manual"]["installed"]
    assert not state["restart"]["installed"]
    manual = found["machines"]["manual"]
    (left,) = [each for each in manual["findings"] if each["severity"] == "blocking"]
    assert left["evidence"]
    assert left["remedy"]
    assert left["id"] in run.output
    assert found["machines"]["curable"]["cured"]
    assert found["machines"]["grub"]["cured"] == ["95320"]
    failed = {each["_host"] for each in run.of("The machine is as it was to be") if each["_status"] == "failed"}
    assert failed == {"manual", "restart"}


def test_a_second_run_does_only_what_is_missing(lab: Lab) -> None:
    mark = len(lab.journal())
    install(lab, push_install_hosts=":".join(GOOD))
    assert outcomes(lab) == dict.fromkeys(GOOD, "unchanged")
    assert changes(lab, mark) == []
    assert {agents(lab)[name]["times_installed"] for name in GOOD} == {1}


def test_a_restart_where_it_is_allowed(lab: Lab) -> None:
    run = install(lab, push_install_hosts="restart", push_install_reboot="allowed")
    assert run.code == 0, run.output
    assert report(lab)["machines"]["restart"]["rebooted"] is True
    assert agents(lab)["restart"]["registered_with"] == "cs01"


def test_a_setup_that_has_to_be_run_again_after_a_restart(lab: Lab) -> None:
    """Exit code 97: nothing is installed before the restart, so nothing but that is in the way."""
    run = install(lab, push_install_hosts="driver")
    assert run.code == 2, run.output
    waits = report(lab)["machines"]["driver"]
    assert (waits["outcome"], waits["reboot_pending"], waits["rebooted"]) == ("reboot pending", True, False)
    assert "97" in waits["reason"]
    assert "push_install_reboot" in waits["reason"]
    run = install(lab, push_install_hosts="driver", push_install_reboot="allowed", push_install_register=False)
    assert run.code == 0, run.output
    done = report(lab)["machines"]["driver"]
    assert (done["outcome"], done["rebooted"], done["agent"]["installed"]) == ("changed", True, True)
    assert done["agent"]["version"] == VERSION
    assert agents(lab)["driver"]["times_installed"] == 1


def test_serial_goes_on_behind_a_batch_that_failed(lab: Lab) -> None:
    run = install(lab, push_install_hosts="manual:fine", push_install_serial=1)
    assert run.code == 2, run.output
    assert outcomes(lab) == {"manual": "blocked", "fine": "unchanged"}


def test_serial_goes_on_behind_a_batch_that_was_lost(lab: Lab) -> None:
    """Ids come as a survey gives them, too."""
    run = install(lab, push_install_hosts="gone:fine", push_install_serial=1, push_install_accept="95524,95320")
    assert run.code == 2, run.output
    assert outcomes(lab) == {"gone": "unreachable", "fine": "unchanged"}


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["run", "check"])
def test_a_registration_that_can_not_be_made_begins_nothing(lab: Lab, arguments: tuple[str, ...]) -> None:
    mark = len(lab.journal())
    run = install(lab, *arguments, push_install_hosts="fine:ubuntu", push_install_stack="modernized")
    assert outcomes(lab) == {"fine": "failed", "ubuntu": "failed"}, run.output
    assert "the stack is modernized, and configuration_server" in run.output.replace("\n", " ")
    assert changes(lab, mark) == []
    assert not run.of("Check and cure"), "it was told before the machine was looked at"


@pytest.mark.parametrize("playbook", ["push_preflight.yml", "push_install.yml"])
def test_a_lost_machine_is_told_and_stops_nobody(lab: Lab, playbook: str) -> None:
    run = install(lab, playbook=playbook, push_install_hosts="gone:fine")
    assert run.code != 0, run.output
    assert outcomes(lab) == {"gone": "unreachable", "fine": "ready" if "preflight" in playbook else "unchanged"}


def test_tags(lab: Lab) -> None:
    run = install(lab, "--tags", "preflight", push_install_hosts="manual:fine")
    assert outcomes(lab) == {"manual": "blocked", "fine": "ready"}, run.output
    assert not run.of("Install or upgrade the agent")


def test_a_wrong_passphrase_is_told_with_the_log(lab: Lab) -> None:
    run = install(lab, push_install_hosts="fine:french", push_install_configuration_server="127.68.9.77")
    found = report(lab)["machines"]["fine"]
    assert found["outcome"] == "failed", run.output
    assert "cs01" in found["error"]["msg"] or SERVER in found["error"]["msg"]
    assert agents(lab)["fine"]["registered_with"] == "cs01"


def test_asr_reboot_waits_for_the_next_start(lab: Lab) -> None:
    reboot = {"name": "reboot", "hyperv.mobility.asr_reboot": {"timeout_seconds": 120}}
    checked = lab.tasks("fine:ubuntu", reboot, arguments=("--check",))
    assert {name: checked.one("reboot", name)["rebooted"] for name in ("fine", "ubuntu")} == {
        "fine": False,
        "ubuntu": False,
    }
    before = lab.state()["linux_machines"]["ubuntu"]["reboots"]
    run = lab.tasks("fine:ubuntu", reboot)
    for name in ("fine", "ubuntu"):
        assert run.one("reboot", name)["rebooted"] is True, run.output
    assert lab.state()["linux_machines"]["ubuntu"]["reboots"] == before + 1


def test_what_was_weakened_is_given_back_where_it_is_asked_for(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab({"windows_machines": [{"name": "GUARDED", "os": "2016", "defects": ["token_filter_absent"]}]})
    policy = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"
    asked = {
        "push_install_hosts": "windows_machines",
        "push_install_scopes": ["push"],
        "push_install_push_account": "asrpush",
        "push_install_remediate": ["safe", "95107"],
    }

    def run(**more: Any) -> tuple[Run, bool]:
        done = lab.play("push_install.yml", "--tags", "preflight", extra={**asked, **more}, timeout=120)
        changed = {
            key.lower(): values for key, values in lab.state()["windows_machines"]["GUARDED"]["registry"].items()
        }
        # A machine that is ready for a push has the value; only a key that differs from it is shown.
        return done, "LocalAccountTokenFilterPolicy" not in changed.get(
            policy.lower(), {"LocalAccountTokenFilterPolicy"}
        )

    cured, guarded = run(push_install_undo=True)
    assert cured.one("Check and cure")["cured"] == ["95107"], cured.output
    assert cured.one("Give back what was weakened")["changed"] is True, cured.output
    assert guarded
    kept, guarded = run()
    assert kept.one("Give back what was weakened")["_status"] == "skipped"
    assert not guarded
