# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small fleet with a standing clock, and commands run without an engine, for the tests of moves."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hyperv_lab.hyperv import accounts, migration_storage
from hyperv_lab.hyperv.fleet import Fleet, parse
from hyperv_lab.hyperv.migration_course import Course, Wait
from hyperv_lab.hyperv.migration_engine import Move, accept
from hyperv_lab.hyperv.migration_plan import EVERYTHING, MoveRequest
from hyperv_lab.hyperv.migration_prepare import prepare
from hyperv_lab.world import Identity

if TYPE_CHECKING:
    from collections.abc import Generator

    from hyperv_lab.hyperv.host import Host
    from hyperv_lab.hyperv.vm import VM

DOMAIN_ADMIN = {"name": "admin", "password": "Secret-1", "groups": ["Domain Admins"]}


def fleet(hosts: int | list[dict[str, Any]] = 2, vms: list[dict[str, Any]] | None = None, **more: Any) -> Fleet:
    """Return a fleet of HV1, HV2 … with a standing clock, ready for moves unless ``more`` says otherwise."""
    content: dict[str, Any] = {
        "directory": {"accounts": [DOMAIN_ADMIN]},
        "defaults": {
            "edition": "2022",
            "cpu": "skylake",
            "switches": ["External"],
            "migration": {"enabled": True, "any_network": True},
        },
        "hosts": hosts if isinstance(hosts, list) else [{"name": f"HV{n}"} for n in range(1, hosts + 1)],
        "vms": [{"name": "web", "host": "HV1", "state": "Running"}] if vms is None else vms,
    }
    for key, value in more.items():
        content[key] = {**content[key], **value} if isinstance(content.get(key), dict) else value
    return parse(content, speed=0)


def vm_of(lab: Fleet, name: str) -> VM:
    """Return the one machine of a name, wherever it is."""
    (found,) = [vm for host in lab.hosts.values() for vm in host.vms.values() if vm.name == name]
    return found


def identity(lab: Fleet, host: Host, name: str = "admin", method: str = "credssp") -> Identity:
    """Return the identity of a domain account that signed in at a host."""
    (account,) = [a for a in lab.domain_accounts() if a.username == name]
    found = accounts.sign_in(host, account, method)
    assert found is not None
    return found


class Call:
    """The engine's side of one command, which keeps what is written."""

    def __init__(self, host: Any, who: Identity | None, bound: dict[str, Any], parameter_set: str = "") -> None:
        self.bound = bound
        self.parameter_set = parameter_set
        self.command = ""
        self.stopping = threading.Event()
        self.session: Any = SimpleNamespace(host=host, identity=who, variables={})
        self.written: list[Any] = []
        self.errors: list[Any] = []
        self.percents: list[int] = []

    def write(self, value: Any) -> None:
        self.written.append(value)

    def error(self, record: Any) -> None:
        self.errors.append(record)

    def warn(self, text: str) -> None:
        raise AssertionError(text)

    def progress(
        self,
        activity: str,
        status: str,
        *,
        percent: int = -1,
        activity_id: int = 0,
        seconds: int = -1,
        operation: str = "",
    ) -> None:
        self.percents.append(percent)

    def should_process(self, target: str) -> bool:
        return not self.bound.get("WhatIf", False)


def run(
    command: Any, host: Any, who: Identity | None = None, *, session: Any = None, parameter_set: str = "", **bound: Any
) -> Call:
    """Run a command once and return what it wrote."""
    call = Call(host, who, bound, parameter_set)
    if session is not None:
        call.session = session
    cmdlet = command(call)
    cmdlet.begin()
    cmdlet.process()
    cmdlet.end()
    return call


def request(lab: Fleet, name: str = "web", to: str = "HV2", **more: Any) -> MoveRequest:
    """Return a request to move a machine with everything, as the host itself."""
    vm = vm_of(lab, name)
    there = lab.host(to)
    assert there is not None
    values: dict[str, Any] = {"storage": EVERYTHING, "folder": f"D:\\Moved\\{name}", "peer": to, **more}
    return MoveRequest(vm=vm, source=vm.host, destination=there, identity=None, **values)


class Driver:
    """Steps moves by hand: no threads, the clock stands unless it is told to go on."""

    def __init__(self, lab: Fleet) -> None:
        self.lab = lab
        self.running: list[tuple[Course, Generator[Wait, None, None], Wait | None]] = []
        self.moves: list[Course] = []

    def begin(self, wanted: MoveRequest) -> Move:
        """Accept a move without starting its thread; MoveFailed as the engine raises it."""
        with self.lab.lock:
            move = accept(wanted)
        self.watch(move)
        return move

    def begin_storage(self, wanted: MoveRequest) -> migration_storage.StorageMove:
        """Accept a storage migration in the same way."""
        with self.lab.lock:
            move = migration_storage.accept(wanted)
        self.watch(move)
        return move

    def watch(self, move: Course) -> None:
        """Step a course that was accepted already."""
        course = move.course()
        self.moves.append(move)
        self.running.append((move, course, next(course, None)))

    def step(self, seconds: float) -> None:
        """Move the clock and let every move go as far as it can."""
        self.lab.clock.advance(seconds)
        still: list[tuple[Course, Generator[Wait, None, None], Wait | None]] = []
        for move, course, wait in self.running:
            at = wait
            while at is not None and at.over():
                at = next(course, None)
            if at is not None:
                still.append((move, course, at))
        self.running = still

    def finish(self, seconds: float = 1.0, steps: int = 20_000) -> None:
        """Step until every move has ended."""
        for _ in range(steps):
            if not self.running:
                return
            self.step(seconds)
        raise AssertionError("a move doesn't end")


def planned(lab: Fleet, **more: Any) -> Any:
    """Return the preparation of a request."""
    with lab.lock:
        return prepare(request(lab, **more))
