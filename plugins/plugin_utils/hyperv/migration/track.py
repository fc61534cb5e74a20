# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One VM on its way through a task: what was tried, and what a look at both hosts makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...errors import AuthenticationFailed, ConnectionLost, MobilityError, NotFound, NotPossible, RemoteError, TimedOut
from ...findings import Finding, Severity, blocking
from ..preflight.facts import VmFacts
from ..preflight.needs import Needs
from ..remedies import TRANSIENT
from .decide import UNSETTLED, Step
from .mover import Attempt
from .outcome import Result
from .placement import Placement
from .way import Phase, Way

LOST_LINKS = 20
"""Lost links that one VM may meet: they say nothing about the move, so they don't count as tries."""
CONFIRMATIONS = 2
"""Looks that must agree, at least, before an unsettled answer counts."""


@dataclass(kw_only=True)
class Track(Way):
    """The state of one VM's move within a task. Changed by the main thread, while it is prepared by its own one."""

    vm: VmFacts
    placement: Placement
    needs: Needs | None = None
    """What it takes at the destination, where that was checked."""
    checked: bool = True
    """Whether the checks of a move were made; ``vm`` and ``placement`` say nothing about its parts before."""
    prepared: bool = False
    """Something was done to the VM for this move: its guest told to shut down, its processor flag set."""
    restarted: bool = False
    """Its guest went down for the flag once; it does not a second time."""
    preparing: bool = False
    """It is made ready for the move. Set before its thread starts, and taken back by the thread."""
    ready_at: float | None = None
    """When that ended last."""
    lost: int = 0
    clear_first: bool = False
    step: Step | None = None
    agreed: int = 0
    since: float = 0.0
    """When the first look was taken that agrees with the last one."""
    settled: bool = False
    """Whether the last decision counts: enough looks agree."""
    notes: list[Finding] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The VM's Id."""
        return self.vm.id

    @property
    def name(self) -> str:
        """The VM's name."""
        return self.vm.name

    def note(self, step: Step, now: float) -> bool:
        """Note what was decided after a look; return whether it counts now."""
        if step is not self.step:
            self.step, self.agreed, self.since = step, 0, now
        self.agreed += 1
        spans = UNSETTLED.get(step)
        self.settled = spans is None or (self.agreed >= CONFIRMATIONS and now - self.since >= spans)
        return self.settled

    def finish(self, result: Result, now: float, error: MobilityError | None = None) -> None:
        """End the VM's way with a result."""
        super().finish(result, now, error)
        if self.attempt is not None:
            self.findings += tuple(f for f in self.attempt.findings if f not in self.findings)
        self.findings += tuple(self.notes)


def block(track: Track, stops: tuple[Finding, ...], now: float) -> None:
    """End with the failure that blocking findings are."""
    track.finish(Result.FAILED, now, NotPossible.blocked(track.vm.name, stops))


def arrived(track: Track, now: float) -> None:
    """End with success: the VM is at the destination alone."""
    if (
        track.began
        and track.attempt is not None
        and track.attempt.error is not None
        and not _is_link(track.attempt.error)
    ):
        track.notes.append(
            Finding(
                id="source_cleanup_failed",
                severity=Severity.WARNING,
                subject=track.vm.name,
                evidence=track.attempt.error.msg,
                remedy="The VM runs at the destination; look for files left on the source.",
            )
        )
    track.finish(Result.MOVED if track.began else Result.ATTACHED if track.watched else Result.ALREADY_THERE, now)


def still_there(track: Track, step: Step, now: float, *, retries: int, slots_full: bool, crowded: bool) -> None:
    """Decide after an attempt that left the VM on the source: try again, or give up with the reason."""
    attempt, track.phase = track.attempt, Phase.QUEUED
    if attempt is None:
        return
    reason = _reason(attempt, track)
    if _is_link(reason):
        track.lost += 1
        again = track.lost <= LOST_LINKS
    elif attempt.preparing:
        # Its guest went down, or would have: a refusal there is no matter of slots, and no reason to restart it again.
        again = False
    elif _without_code(reason) and (slots_full or (crowded and track.is_crowded_out())):
        again = True
    else:
        track.tries += 1
        # A planned VM in the way is why a comparison is refused; it is removed before the next try.
        in_the_way = step is Step.CLEAR_AND_MOVE and not attempt.began
        again = track.tries <= retries and (_is_transient(reason) or in_the_way)
    if not again:
        track.finish(Result.FAILED, now, reason)
        return
    track.attempt, track.not_before = None, now + _pause(track)


def _pause(track: Track) -> float:
    return 5.0 * max(track.tries, 1)


def _reason(attempt: Attempt, track: Track) -> MobilityError:
    stops = blocking(attempt.findings)
    if attempt.error is not None:
        return attempt.error
    if stops:
        return NotPossible(f"{track.vm.name}: {stops[0].id}: {stops[0].evidence}", findings=stops, changed=False)
    return RemoteError(f"{track.vm.name}: Move-VM ended without an error, and the VM is still on the source")


def _is_link(error: MobilityError) -> bool:
    return isinstance(error, ConnectionLost) and not isinstance(error, AuthenticationFailed)


def _without_code(error: MobilityError) -> bool:
    return isinstance(error, RemoteError) and error.details.get("hresult") is None


def _is_transient(error: MobilityError) -> bool:
    return isinstance(error, RemoteError) and (error.details.get("hresult") in TRANSIENT or _without_code(error))


def lost(track: Track, step: Step, source: str, destination: str, now: float) -> None:
    """End with a failure that no try can cure: a conflict, or a VM that is nowhere."""
    if step is Step.CONFLICT:
        error: MobilityError = NotPossible(
            f"{track.vm.name} ({track.vm.id}) is on both {source} and {destination}; nothing was "
            f"touched. Compare State, Uptime "
            "and the disks' paths of both (hyperv.mobility.vm_info), and remove the one that is not in use",
            findings=(),
            changed=track.began,
        )
    else:
        error = NotFound(
            f"{track.vm.name} ({track.vm.id}) is neither on {source} nor on {destination}", changed=track.began
        )
    track.finish(Result.FAILED, now, error)


def expired(track: Track, what: str, waited: float, now: float) -> None:
    """End with a time-out; a move that runs goes on, and the next run attaches to it."""
    runs = track.phase in {Phase.RUNNING, Phase.WATCHED}
    track.finish(
        Result.FAILED,
        now,
        TimedOut(
            f"{track.vm.name}: {what} after {waited:.0f} seconds"
            + ("; the move goes on, run again to attach to it" if runs else ""),
            changed=track.began,
            last_seen=(track.step or Step.MOVE).value,
        ),
    )
