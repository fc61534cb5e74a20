# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two failures everybody meets, each from its real cause to its cure: 0x8009030E, and processor generations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from integration.harness import Lab, Run
from integration.moving import READY, by_name, finding_ids, ready, residents, show
from integration.scenario import sent, task

pytestmark = pytest.mark.exhaustive

KERBEROS = {**READY["migration"], "authentication": "Kerberos"}
NTLM = {**READY["winrm"], "auth": "ntlm"}
NO_CREDENTIALS = "0x8009030E"
MOVE: dict[str, Any] = {"names": ["vm01"], "destination_host": "hv02"}
RAW_MOVE: dict[str, Any] = {**MOVE, "retries": 0}


def kerberos_fleet() -> dict[str, Any]:
    """Return two hosts in Kerberos mode, without delegation, reached by NTLM."""
    return ready(
        [{"name": "HV01"}, {"name": "HV02"}],
        [{"name": "vm01", "host": "HV01", "state": "Running"}],
        defaults={"migration": KERBEROS, "winrm": NTLM},
        directory={"ad_hosts": ["HV02"], "delegation_lag_seconds": 900},
        speed=5,  # the lag has to outlast a play
    )


DELEGATE = task(
    "delegate",
    "vm_host_delegation",
    hosts=["hv01", "hv02"],
    domain_username="LAB\\admin",
    domain_password="Lab-Admin-1!",
)


def predicted(run: Run) -> None:
    """Assert that a check found that the source can't prove itself, and nothing else."""
    row = by_name(run.one("check"))["vm01"]
    assert finding_ids(row, "blocking") == {"second_hop_impossible"}, row
    remedies = " ".join(found["remedy"] for found in row["findings"])
    assert "msDS-AllowedToDelegateTo" in remedies or "CredSSP" in remedies


def test_kerberos_without_delegation_is_predicted_and_cured_by_delegation(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab(kerberos_fleet())
    run = lab.tasks("hv01", task("check", "vm_compatibility", **MOVE), task("move", "vm_migration", **RAW_MOVE))
    predicted(run)
    row = by_name(run.one("move"))["vm01"]
    assert row["outcome"] == "failed"
    assert NO_CREDENTIALS in row["error"]["msg"], row
    assert not sent(lab)["Move-VM"], "preflight has to keep what can't succeed from being tried"
    assert "vm01" in residents(lab.state(), "HV01")

    cure = lab.tasks("hv02", DELEGATE)
    assert cure.one("delegate")["_status"] == "ok", show(cure)
    assert cure.one("delegate")["changed"] is True

    lag = lab.tasks("hv01", task("check", "vm_compatibility", **MOVE))
    predicted(lag)
    assert any("15 minutes" in f["remedy"] for f in by_name(lag.one("check"))["vm01"]["findings"])

    lab.control("advance", "1000")
    after = lab.tasks("hv01", task("check", "vm_compatibility", **MOVE), task("move", "vm_migration", **MOVE))
    assert not finding_ids(by_name(after.one("check"))["vm01"]), show(after)
    assert by_name(after.one("move"))["vm01"]["outcome"] == "moved", show(after)
    back = lab.tasks("hv02", task("back", "vm_migration", names=["vm01"], destination_host="hv01"))
    assert by_name(back.one("back"))["vm01"]["outcome"] == "moved", "both directions are delegated"


def test_delegation_written_before_the_first_try_takes_its_time_too(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab(kerberos_fleet())
    lab.tasks("hv02", DELEGATE)
    predicted(lab.tasks("hv01", task("check", "vm_compatibility", **MOVE)))
    lab.control("advance", "1000")
    run = lab.tasks("hv01", task("check", "vm_compatibility", **MOVE), task("move", "vm_migration", **MOVE))
    assert not finding_ids(by_name(run.one("check"))["vm01"]), show(run)
    assert by_name(run.one("move"))["vm01"]["outcome"] == "moved"


def test_credssp_mode_without_credentials_is_predicted_and_cured_by_a_credssp_session(
    start_lab: Callable[..., Lab],
) -> None:
    lab = start_lab(
        ready([{"name": "HV01"}, {"name": "HV02"}], [{"name": "vm01", "host": "HV01", "state": "Running"}],
              defaults={"winrm": NTLM})
    )  # fmt: skip
    run = lab.tasks("hv01", task("check", "vm_compatibility", **MOVE), task("move", "vm_migration", **RAW_MOVE))
    predicted(run)
    assert by_name(run.one("move"))["vm01"]["outcome"] == "failed"
    assert not sent(lab)["Move-VM"]
    cured = lab.play(
        [
            {
                "hosts": "hv01",
                "gather_facts": False,
                "vars": {"ansible_psrp_auth": "credssp"},
                "tasks": [task("check", "vm_compatibility", **MOVE), task("move", "vm_migration", **MOVE)],
            }
        ]
    )
    assert not finding_ids(by_name(cured.one("check"))["vm01"]), show(cured)
    assert by_name(cured.one("move"))["vm01"]["outcome"] == "moved", show(cured)


def generations(**vm: Any) -> dict[str, Any]:
    """Return two hosts of different processor generations."""
    return ready(
        [{"name": "HV01", "cpu": "icelake"}, {"name": "HV02", "cpu": "cascadelake"}],
        [{"name": "vm01", "host": "HV01", "state": "Running", **vm}],
    )


CURE = task("cure", "vm_processor", names=["vm01"], compatibility_for_migration_enabled=True, power="restart")


def test_a_checkpoint_between_generations_is_blocked_and_cured_by_a_power_off(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab(generations(checkpoints=[{"name": "before the update"}]))
    run = lab.tasks(
        "hv01",
        task("check", "vm_compatibility", **MOVE),
        task("move", "vm_migration", **RAW_MOVE),
        CURE,
        task("check again", "vm_compatibility", **MOVE),
        task("move again", "vm_migration", **MOVE),
    )
    row = by_name(run.one("check"))["vm01"]
    assert finding_ids(row, "blocking") == {"cpu_model_differs"}
    assert "powered off" in row["findings"][0]["remedy"]
    assert by_name(run.one("move"))["vm01"]["outcome"] == "failed"
    assert run.one("cure")["changed"] is True, show(run)
    assert not finding_ids(by_name(run.one("check again"))["vm01"]), show(run)
    assert by_name(run.one("move again"))["vm01"]["outcome"] == "moved", show(run)
    vm = residents(lab.state(), "HV02")["vm01"]
    assert (vm["state"], vm["compatibility"], len(vm["checkpoints"])) == ("Running", True, 1)


def test_a_checkpoint_with_memory_stays_a_finding(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab(generations(checkpoints=[{"name": "with memory", "memory_state": True}]))
    run = lab.tasks(
        "hv01",
        task("check", "vm_compatibility", **MOVE),
        CURE,
        task("check again", "vm_compatibility", **MOVE),
        task("move", "vm_migration", **RAW_MOVE),
    )
    assert finding_ids(by_name(run.one("check"))["vm01"], "blocking") == {"cpu_model_differs", "checkpoint_cpu_state"}
    assert run.one("cure")["changed"] is True, show(run)
    row = by_name(run.one("check again"))["vm01"]
    assert finding_ids(row, "blocking") == {"checkpoint_cpu_state"}, row
    assert "with memory" in row["findings"][0]["evidence"]
    assert by_name(run.one("move"))["vm01"]["outcome"] == "failed"
    assert "vm01" in residents(lab.state(), "HV01")


def test_the_move_itself_enables_compatibility_under_the_power_rule(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab(generations())
    enable = {**MOVE, "processor_compatibility": "enable"}
    run = lab.tasks(
        "hv01",
        task("no restart", "vm_migration", **enable),
        task("check", "vm_migration", check=True, power="restart", **enable),
        task("move", "vm_migration", power="restart", **enable),
        task("again", "vm_migration", power="restart", **enable),
    )
    refused = by_name(run.one("no restart"))["vm01"]
    assert refused["outcome"] == "failed"
    assert finding_ids(refused, "blocking") == {"cpu_model_differs"}
    assert run.one("no restart")["changed"] is False
    check = by_name(run.one("check"))["vm01"]
    assert (check["outcome"], finding_ids(check, "info")) == ("moved", {"cpu_model_differs"}), check
    assert by_name(run.one("move"))["vm01"]["outcome"] == "moved", show(run)
    assert run.one("again")["changed"] is False
    vm = residents(lab.state(), "HV02")["vm01"]
    assert (vm["state"], vm["compatibility"], vm["moves"]) == ("Running", True, 1)
    assert sent(lab)["Set-VMProcessor"] == 1
