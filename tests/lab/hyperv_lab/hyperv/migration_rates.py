# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast concurrent moves go: what shares a line or a disk shares its rate (facts on Hyper-V, 9.2).

Rates change only when a transfer begins or ends, so between two such moments everything is a straight line: amounts are
worked out when somebody asks, exactly, whatever the clock did meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from .fleet import Fleet
    from .host import Host
    from .storage import Volume

MB = 1024**2
COMPRESSION = 2.5
"""Compressible memory goes two to four times as fast (facts, 9.2)."""
ROUNDING = 64.0
"""Bytes that count as nothing left: times are fractions of seconds."""
TCP_SHARE = 0.95
"""TCP fills about 95 percent of a line (facts, 9.1)."""


@dataclass(eq=False)
class Transfer:
    """Bytes on their way. ``resources``: what it shares with others, and the bytes a second each of them gives."""

    size: float
    resources: tuple[tuple[str, float], ...]
    factor: float = 1.0
    """Bytes of content for a byte on the wire."""
    done: float = 0.0
    rate: float = 0.0
    finished: float | None = field(default=None)


class Transfers:
    """All transfers of a fleet. Everything is called under the fleet's lock."""

    def __init__(self, now: float) -> None:
        self.active: list[Transfer] = []
        self.settled = now
        self._next = float("inf")

    def begin(self, transfer: Transfer, now: float) -> Transfer:
        """Add a transfer."""
        self.settle(now)
        if transfer.size <= 0:
            transfer.finished = now
            return transfer
        self.active.append(transfer)
        self._share()
        return transfer

    def drop(self, transfer: Transfer, now: float) -> None:
        """End a transfer before it is through."""
        self.settle(now)
        if transfer in self.active:
            self.active.remove(transfer)
            self._share()

    def amount(self, transfer: Transfer, now: float) -> float:
        """Return the bytes that are over by now."""
        self.settle(now)
        if transfer.finished is not None:
            return transfer.size
        return min(transfer.done + transfer.rate * (now - self.settled), transfer.size)

    def left(self, transfer: Transfer, now: float) -> float:
        """Return the seconds until it is through if nothing changes."""
        amount = self.amount(transfer, now)
        return 0.0 if transfer.finished is not None else (transfer.size - amount) / transfer.rate

    def settle(self, now: float) -> None:
        """Bring everything to this moment: transfers that ended before it end when they did."""
        while self._next <= now:
            self._move_to(self._next)
            over = [t for t in self.active if t.size - t.done <= ROUNDING]
            for transfer in over:
                transfer.finished = self.settled
                transfer.done = transfer.size
            self.active = [t for t in self.active if t.finished is None]
            self._share(moved=True)

    def _move_to(self, moment: float) -> None:
        for transfer in self.active:
            transfer.done += transfer.rate * (moment - self.settled)
        self.settled = moment

    def _share(self, *, moved: bool = False) -> None:
        users: dict[str, int] = {}
        for transfer in self.active:
            for name, _rate in transfer.resources:
                users[name] = users.get(name, 0) + 1
        ends: list[float] = []
        for transfer in self.active:
            share = min(rate / users[name] for name, rate in transfer.resources)
            transfer.rate = max(share * transfer.factor, 1.0)
            ends.append((transfer.size - transfer.done) / transfer.rate)
        self._next = self.settled + max(min(ends), 0.0) if ends else float("inf")


_KNOWN: WeakKeyDictionary[Fleet, Transfers] = WeakKeyDictionary()


def transfers(fleet: Fleet) -> Transfers:
    """Return the transfers of a fleet (call it under the fleet's lock)."""
    found = _KNOWN.get(fleet)
    if found is None:
        found = _KNOWN[fleet] = Transfers(fleet.clock.now())
    return found


def line(source: Host, destination: Host) -> tuple[tuple[str, float], ...]:
    """Return the shared resources of the way from one host to another: its line out, the other's line in."""
    return (
        (f"out:{source.name}", source.network.rate * MB * TCP_SHARE),
        (f"in:{destination.name}", destination.network.rate * MB * TCP_SHARE),
    )


def disk(volume: Volume) -> tuple[str, float]:
    """Return a volume as a shared resource."""
    return f"disk:{volume.identifier}", volume.rate * MB


def memory_factor(source: Host, destination: Host) -> float:
    """Return how much memory a byte on the wire carries: what both ends can do (``TCPIP`` is what all can)."""
    both = {source.migration.performance, destination.migration.performance}
    return COMPRESSION if both == {"Compression"} else 1 / TCP_SHARE if both == {"SMB"} else 1.0
