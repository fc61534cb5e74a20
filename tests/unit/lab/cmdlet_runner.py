# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs simulated cmdlets with the engine's binder, without runspaces and wire: what tests of the model need."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from hyperv_lab.hyperv import catalogue
from hyperv_lab.powershell import contract
from hyperv_lab.powershell.binder import prepare
from hyperv_lab.powershell.commands import Terminating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperv_lab.hyperv.fleet import Fleet
    from hyperv_lab.hyperv.host import Host
    from hyperv_lab.powershell import commands
    from hyperv_lab.powershell.commands import ErrorRecord


@dataclass
class Session:
    host: Host
    identity: Any = None
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass
class Result:
    output: list[Any] = field(default_factory=list)
    errors: list[ErrorRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def one(self) -> Any:
        assert not self.errors, [error.message for error in self.errors]
        assert len(self.output) == 1, self.output
        return self.output[0]

    def error(self) -> tuple[str, str]:
        assert len(self.errors) == 1, self.errors
        return self.errors[0].error_id, self.errors[0].category


class Call:
    def __init__(self, session: Session, command: str, result: Result) -> None:
        self.session, self.command, self.result = session, command, result
        self.bound: dict[str, Any] = {}
        self.parameter_set = ""
        self.stopping = threading.Event()

    def write(self, value: Any) -> None:
        self.result.output.append(value)

    def error(self, record: ErrorRecord) -> None:
        self.result.errors.append(record)

    def warn(self, text: str) -> None:
        self.result.warnings.append(text)

    def progress(self, activity: str, status: str, **_more: Any) -> None:
        del activity, status

    def should_process(self, _target: str) -> bool:
        return not self.bound.get("WhatIf", False)


def run(host: Host, command: str, *piped: Any, who: Any = None, session: Any = None, **parameters: Any) -> Result:
    """Run one command on a host, as ``who`` (None: everything allowed) or in a session, with objects piped into it."""
    signature = contract.signature(command, host.edition)
    assert signature is not None, f"{command} is not in {host.edition}"
    found = catalogue.find(host, command)
    assert found is not None, f"{command} is not simulated"
    arguments: Sequence[tuple[str | None, Any]] = list(parameters.items())
    prepared = prepare(signature, arguments, bool(piped))
    result = Result()
    call = Call(session or Session(host, who), command, result)
    bound = prepared.bound() if not piped else None
    cmdlet = found(cast("commands.Call", call))
    try:
        if bound is not None:
            call.bound, call.parameter_set = dict(bound.parameters), bound.set
        cmdlet.begin()
        for value in piped or (None,):
            if piped:
                each = prepared.bind_object(value)
                call.bound, call.parameter_set = dict(each.parameters), each.set
            cmdlet.process()
        cmdlet.end()
    except Terminating as end:
        result.errors.append(end.record)
    return result


def identity(fleet: Fleet, host: str, account: str, method: str = "credssp") -> Any:
    """Return who an account is on a host."""
    for known in [*fleet.domain_accounts(), *fleet.hosts[host].local_accounts()]:
        if known.username == account:
            found = fleet.hosts[host].sign_in(known, method)
            assert found is not None, f"{account} may not sign in"
            return found
    raise AssertionError(account)


def get(value: Any, name: str) -> Any:
    """Return a property of a live object by its PowerShell name."""
    return value.ps_get(name)
