# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VMs that are not to be moved from where they are: there already, being moved, or in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import NotPossible
from ...findings import Finding, Severity, blocking
from ..gateway_host import read_rights
from ..preflight.facts import VmFacts
from ..preflight.hosts import token_lacks
from .checking import check_moves
from .decide import Step
from .outcome import Result
from .placement import Placement
from .track import Track, arrived, block, lost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...session.protocol import Session
    from .checking import Chosen
    from .hosts import Hosts
    from .look import HostLook, Look
    from .request import MoveRequest


def standing_track(one: Chosen, hosts: Hosts, doubts: tuple[Finding, ...], now: float) -> Track:
    """Return the track of a VM that no move begins for: done, to be attached to, or failed with a blocking finding.

    ``doubts`` are those about the hosts, for a VM whose place is not proven.
    """
    track = Track(vm=_bare(one), placement=Placement(), checked=False)
    if one.step is Step.ALREADY_THERE:
        arrived(track, now)
    elif one.step is Step.UNPROVEN:
        _doubted(track, doubts, now)
    elif one.step is not Step.ATTACH:
        lost(track, one.step, hosts.source.host, hosts.destination.host, now)
    if one.step is Step.CONFLICT:
        track.findings += (
            _blocking(
                "id_taken",
                one.machine.name,
                f"the Id {one.machine.id} is on both hosts",
                "Compare both with hyperv.mobility.vm_info and remove the one that is not in use.",
            ),
        )
    elif one.step is Step.NOT_FOUND:
        track.findings += (
            _blocking(
                "vm_not_found",
                one.machine.name,
                f"the Id {one.machine.id} was seen a moment ago and is on neither host now",
                "Look for it on other hosts with hyperv.mobility.vm_info.",
            ),
        )
    return track


def check_now(hosts: Hosts, look: Look, track: Track, request: MoveRequest, now: float) -> None:
    """Check a VM that was only watched so far: the move of it, which was not this task's, left it on the source.

    The track gets its facts, its place at the destination and the findings; blocking ones end its way. Raises what
    reading the hosts raises.
    """
    (one,), _around = hosts.patiently(lambda: check_moves(hosts, look, [track.id], request))
    track.vm, track.placement, track.checked = one.vm, one.placement, True
    track.findings += one.findings
    if stops := blocking(one.findings):
        block(track, stops, now)


def _doubted(track: Track, doubts: tuple[Finding, ...], now: float) -> None:
    track.findings += doubts
    stops = blocking(doubts)
    first = stops[0]
    error = NotPossible(f"{track.vm.name}: {first.id}: {first.subject}: {first.evidence}", findings=stops)
    track.finish(Result.FAILED, now, error)


def doubts_about(hosts: Hosts, look: Look) -> tuple[Finding, ...]:
    """Return why the hosts can't be shown to have been read whole: absence there proves nothing. Empty otherwise."""
    return (
        *_doubts(hosts.source, look.source, "source"),
        *_doubts(hosts.destination, look.destination, "destination"),
    )


def _doubts(session: Session, look: HostLook, end: str) -> Iterator[Finding]:
    if look.whole:
        return
    if look.service_stopped:
        yield _blocking(
            "management_service_stopped",
            session.host,
            look.doubt,
            "Start the service vmms there: without it the host shows no virtual machine.",
        )
        return
    rights = read_rights(session)
    lacking = tuple(token_lacks(session.host, end, frozenset(rights.sids) if rights else None))
    yield from lacking
    if not blocking(lacking):
        yield _blocking(
            "inventory_unread",
            session.host,
            f"its virtual machines could not all be read ({look.doubt})",
            "Check the account's rights on that host and its Virtual Machine Management service.",
        )


def _blocking(identifier: str, subject: str, evidence: str, remedy: str) -> Finding:
    return Finding(id=identifier, severity=Severity.BLOCKING, subject=subject, evidence=evidence, remedy=remedy)


def _bare(one: Chosen) -> VmFacts:
    """Return what a look alone says of a VM; nothing more is read of one that is not to be moved from here."""
    machine = one.machine
    return VmFacts(id=machine.id, name=machine.name, seen=machine.seen, version="", memory_bytes=0)
