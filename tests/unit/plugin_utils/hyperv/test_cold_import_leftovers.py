# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports that fail, are lost or still run: nothing is left behind, and nothing of others is touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
    NotPossible,
    RemoteError,
    TimedOut,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import import_task, importing
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.import_order import parse
from unit.fake_session import FakeClock, FakeSession, Lines, Refused, request
from unit.plugin_utils.hyperv.fake_import import (
    ERP,
    NEW,
    OTHER,
    ROOT,
    ImportHost,
    exported,
    ids,
    run,
)


def test_a_leftover_is_removed_before_the_import_and_left_in_check_mode() -> None:
    host = ImportHost()
    host.planned[ERP] = exported()
    checked = run(host, check_mode=True)
    assert (checked.changed, checked.failure, ids(checked)) == (True, None, ["planned_leftover"])
    assert list(host.planned) == [ERP]
    assert run(host).values["outcome"] == "imported"
    assert (list(host.vms), host.planned) == ([ERP], {})


@pytest.mark.parametrize("arrives", [True, False])
def test_an_import_that_runs_is_waited_for_and_then_decided_again(arrives: bool) -> None:
    host = ImportHost()
    host.planned[ERP] = exported()
    host.jobs = [{"JobType": 61, "JobState": 4}]
    assert ids(run(host, check_mode=True)) == ["import_running"]
    assert list(host.planned) == [ERP]

    def later(now: float) -> None:
        if now >= 60 and host.jobs:
            host.jobs = []
            if arrives:
                host.register(path=ROOT)
                host.planned = {}

    clock, lines = FakeClock(on_sleep=later), Lines()
    asked = replace(request(FakeSession(host="hv02", machine=host.session.machine), path=ROOT), reporter=lines)
    outcome = import_task.operate(asked, clock=clock)
    assert (outcome.failure, outcome.values["outcome"], outcome.values["id"]) == (None, "imported", ERP)
    assert 60 <= clock.now < 120
    assert any("waiting" in line for line in lines.lines)
    assert len(host.session.sent("Import-VM")) == (0 if arrives else 1)
    assert (list(host.vms), host.planned) == ([ERP], {})


def test_waiting_for_an_import_ends() -> None:
    host = ImportHost()
    host.planned[ERP] = exported()
    host.jobs = [{"JobType": 61, "JobState": 4}]
    asked = request(FakeSession(host="hv02", machine=host.session.machine), path=ROOT, timeout_seconds=60)
    outcome = import_task.operate(asked, clock=FakeClock())
    assert isinstance(outcome.failure, TimedOut)
    assert list(host.planned) == [ERP]


def test_a_planned_vm_whose_work_is_not_known_is_left_alone() -> None:
    host = ImportHost()
    host.planned[ERP] = exported()
    host.refuse_jobs = True
    outcome = run(host)
    assert ids(outcome, "blocking") == ["vm_arriving"]
    assert list(host.planned) == [ERP]


def test_a_refused_import_leaves_no_planned_vm() -> None:
    host = ImportHost()
    host.refuse_import = Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.ImportVM", "non")
    outcome = run(host)
    assert isinstance(outcome.failure, RemoteError)
    assert (outcome.values["outcome"], host.vms, host.planned) == ("failed", {}, {})


def test_a_lost_link_during_the_import_leaves_the_decision_to_the_next_run() -> None:
    host = ImportHost()
    session = FakeSession(host="hv02", machine=host.session.machine)
    session.machine.on("Import-VM", _lost)
    outcome = import_task.operate(request(session, path=ROOT))
    assert isinstance(outcome.failure, ConnectionLost)
    assert outcome.changed
    assert "run again" in outcome.failure.msg
    assert list(host.planned) == [ERP], "it may be the one that the import makes real"


def _lost(parameters: Any, piped: Any) -> Any:
    raise ConnectionLost("the link to hv02 failed")


def test_a_refused_comparison_touches_neither_earlier_reports_nor_others_planned_vms() -> None:
    host = ImportHost()
    assert importing.import_vm(host.session, parse({"path": ROOT})).id == ERP
    host.vms[ERP]["VirtualMachineType"] = "PlannedVirtualMachine"  # a report may show its VM as it was
    host.register(path="C:\\elsewhere", vm_id=OTHER)
    other = f"D:\\In\\b\\Virtual Machines\\{NEW}.vmcx"
    host.files[other] = 1
    host.session.machine.on("Compare-VM", _arrives_meanwhile(host))
    with pytest.raises(NotPossible, match="0x80071392"):
        importing.import_vm(host.session, parse({"path": other}))
    assert (sorted(host.vms), list(host.planned)) == ([ERP, OTHER], [NEW])


def _arrives_meanwhile(host: ImportHost) -> Any:
    def compare(parameters: Any, piped: Any) -> Any:
        host.planned[NEW] = exported(Id=NEW)
        raise Refused("OperationFailed,Microsoft.HyperV.PowerShell.Commands.CompareVM", "existe (0x80071392)")

    return compare
