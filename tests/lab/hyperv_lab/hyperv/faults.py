# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that a fleet file orders for a host: at a request, at a moment, or by chance of a seeded generator."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .definition import refresh
from .wildcards import wildcard

if TYPE_CHECKING:
    from .host import Host


COPIES = ("break_copy", "cut_copy", "damage_copy")
"""What can become of a copy that a host's session makes: it breaks off with an error, ends too early without one, or a
bit turns over on the way."""


@dataclass(kw_only=True)
class HostFault:
    """One fault of a host. One of request, after_seconds and probability says when; faults of copies need none."""

    action: str
    """"drop", "drop_after", "stall", "http", "restart_winrm", "stop_service", "reboot", "fill_disk", "damage_file",
    "cut_file", or one of COPIES."""
    request: int | None = None
    """The n-th request since the start (1 is the first)."""
    after_seconds: float | None = None
    probability: float | None = None
    seed: int = 0
    operation: str | None = None
    """Only requests of this kind: "receive", "create", "command", "send", "signal", "delete"."""
    program: str = "*"
    """Only requests of a cmd shell whose last command line fits this pattern."""
    seconds: float = 5.0
    status: int = 503
    service: str = "vmms"
    volume: str = "D:"
    leave_gb: float = 0.0
    path: str = "*"
    """A file of the host (damage_file, cut_file), or a pattern of what is copied to (COPIES)."""
    part: float = 0.5
    """How much of a copy is written, or of a file left."""
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class MoveFault:
    """A move of a machine that fails in a phase: storage, memory, handover or cleanup."""

    phase: str
    error: int
    times: int = 1


class FaultPlayer:
    """Decides for one host which fault meets which request, and plays those that come by time."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.planned: list[HostFault] = []
        self.requests = 0
        self.command_lines: dict[str, str] = {}
        """What each cmd shell ran last."""
        self._generators: dict[int, random.Random] = {}
        self._shells_lost = False

    def shells_lost(self) -> None:
        """Say that the host or its WinRM service restarted: the next request finds no shell."""
        self._shells_lost = True

    def on_request(self, operation: str, shell: str | None) -> str | None:
        """Count a request; return "drop", "drop_after", "stall:SECONDS", "http:STATUS", "restart_winrm" or None."""
        if not self.planned and not self._shells_lost:
            self.requests += 1
            return None
        self.tick()
        with self.host.fleet.lock:
            self.requests += 1
            if self._shells_lost:
                self._shells_lost = False
                return "restart_winrm"
            for fault in self.planned:
                if fault.times > 0 and self._meets(fault, operation, shell):
                    fault.times -= 1
                    return self._play(fault)
        return None

    def tick(self) -> None:
        """Play the faults whose moment has come."""
        if not self.planned:
            return
        now = self.host.fleet.clock.now()
        for fault in self.planned:
            if fault.after_seconds is None or fault.action in COPIES or fault.times <= 0 or now < fault.after_seconds:
                continue
            with self.host.fleet.lock:
                if fault.times <= 0:
                    continue
                fault.times -= 1
            self._play(fault)

    def of_copy(self, target: str) -> HostFault | None:
        """Return the fault that the copy to a path will have, if any: one that is due, whose pattern fits."""
        now = self.host.fleet.clock.now()
        with self.host.fleet.lock:
            for fault in self.planned:
                due = fault.action in COPIES and fault.times > 0 and now >= (fault.after_seconds or 0.0)
                if due and wildcard(fault.path).fullmatch(target):
                    fault.times -= 1
                    return fault
        return None

    def _meets(self, fault: HostFault, operation: str, shell: str | None) -> bool:
        if fault.action in COPIES:
            return False
        if fault.operation is not None and fault.operation != operation.lower():
            return False
        if fault.program != "*" and not wildcard(fault.program).fullmatch(self.command_lines.get(shell or "", "")):
            return False
        if fault.request is not None:
            return self.requests >= fault.request
        if fault.probability is None:
            return False
        generator = self._generators.setdefault(id(fault), random.Random(fault.seed))
        return generator.random() < fault.probability

    def _play(self, fault: HostFault) -> str | None:
        host = self.host
        if fault.action in ("drop", "drop_after"):
            return fault.action
        if fault.action == "stall":
            return f"stall:{fault.seconds / (host.fleet.clock.speed or 1)}"
        if fault.action == "http":
            return f"http:{fault.status}"
        if fault.action == "restart_winrm":
            host.down_until = host.fleet.clock.now() + (fault.seconds if fault.request is None else 0.0)
            self._shells_lost = fault.request is None
            return "restart_winrm"
        if fault.action == "reboot":
            host.reboot(fault.seconds)
        elif fault.action in ("damage_file", "cut_file"):
            with suppress(KeyError):  # a file that isn't there can't be spoilt
                spoil(host, fault.path, cut=fault.part if fault.action == "cut_file" else None)
            return None
        elif fault.action == "stop_service":
            host.services[fault.service.lower()].status = "Stopped"
        else:
            fill(host, fault.volume, fault.leave_gb)
        host.fleet.clock.notify()
        return "drop"


def spoil(host: Host, path: str, *, cut: float | None = None) -> None:
    """Turn over a bit of a file, or leave only a part of it; KeyError where there is none.

    A virtual disk that was cut can't be opened as one any more.
    """
    with host.fleet.lock:
        refresh(host, path)
        file = host.storage.file(path)
        if file is None:
            raise KeyError(path)
        if cut is None:
            file.damage()
        else:
            short = file.part(file.path, int(file.size * cut))
            host.storage.volume(path).resize(path, short.size)
            file.take_over(short)
    host.fleet.clock.notify()


def fill(host: Host, volume: str, leave_gb: float) -> None:
    """Fill a volume but for so much; KeyError where there is none."""
    found = host.storage.volumes[volume.rstrip(":\\").upper() + ":"]
    found.other += max(found.free - int(leave_gb * 1024**3), 0)
    host.fleet.clock.notify()
