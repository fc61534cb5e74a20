# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is read and decided before the first change of a cold migration."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ....errors import InvalidRequest, NotPossible
from ....findings import Finding, Severity, blocking
from ....session.reply import lacks_command
from ...gateway_host import cim
from ...gateway_reading import ask
from ...guest.exchange import GuestSystem as Kind
from ...guest.exchange import read_exchanges
from ...migration.checking import choose, same_host
from ...migration.hosts import Hosts
from ...migration.read_hosts import read_existing, read_host
from ...migration.read_vms import facts_of
from ...model_enums import IntegrationService
from ...model_host import OperatingSystem
from ...network.named import VARIABLE, networks_of
from ...network.reading import read_networks
from ...selection import parse_selection
from ..export_checking import opens
from ..export_findings import Place, closed
from ..export_findings import check as check_export
from ..export_tree import OFF as NO_CAPTURE
from ..route import Method, Route
from ..transferring import check_route
from .adapters import Wanted, Wiring, judge_wiring, parse_entries, wire
from .campaign import Track
from .decide import OFF, UNSETTLED, Step, Verdict, judge, steps_back, steps_left
from .findings import ColdMove, GuestSystem, check, cmdlets_missing
from .outcome import Result
from .reading import Ends, computer_name, find_places, read_cases
from .refusals import error_of, refusal
from .removing import done_in, doubts
from .request import EXTERNAL
from .returning import return_doubts
from .room import needs_of, read_lying

if TYPE_CHECKING:
    from ....operation import Request
    from ....session.protocol import Session
    from ....waiting import Clock
    from ...guest.exchange import Exchange
    from ...migration.look import Look
    from ...preflight.facts import HostFacts
    from .reading import Case
    from .request import ColdRequest

SETTLE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What was decided. ``tracks`` are in the order they start."""

    hosts: Hosts
    look: Look
    tracks: tuple[Track, ...]

    @property
    def source_name(self) -> str:
        """Computer name of the source."""
        return computer_name(self.look.source)

    @property
    def destination_name(self) -> str:
        """Computer name of the destination."""
        return computer_name(self.look.destination)


def plan(request: Request, asked: ColdRequest, clock: Clock) -> Planned:
    """Return what is to be done about each asked VM, with the findings of those that are to be migrated."""
    wanted = _wanted(request, asked)
    hosts = Hosts(request.sessions, asked.destination, clock)
    look = _first_look(hosts)
    machines = choose(hosts, look, parse_selection(request.arguments))
    names = {machine.id: machine.name for machine in machines}
    ends = Ends(source=hosts.source, destination=hosts.destination)
    facts = (read_host(hosts.source, look.source), read_host(hosts.destination, look.destination))
    where = find_places(hosts.source, list(names), asked, *facts)
    cases = read_cases(ends, look, names, where)
    verdicts = _judged(cases, asked)
    if UNSETTLED & set(verdicts.values()):
        clock.sleep(SETTLE_SECONDS)
        look = hosts.look()
        cases = read_cases(ends, look, names, where)
        verdicts = _judged(cases, asked)
    tracks = [_track(cases[vm_id], verdicts[vm_id], asked, hosts, wanted) for vm_id in names]
    _ask_sources(ends, tracks, asked, request.run_id)
    if not asked.rollback:
        tracks = _checked(hosts, look, tracks, facts, asked, wanted)
    return Planned(hosts=hosts, look=look, tracks=tuple(tracks))


def _wanted(request: Request, asked: ColdRequest) -> Wanted:
    """Return what is asked of adapters, over the named networks of both hosts; nothing is sent."""
    source, destination = (
        networks_of(request.variable(host, VARIABLE), host=host) for host in (request.host, asked.destination)
    )
    chosen = [str(one) for option in ("names", "ids") for one in request.arguments.get(option) or ()]
    return Wanted(
        entries=parse_entries(asked.adapters, destination, chosen=chosen),
        source=source,
        destination=destination,
        switch_map=asked.switch_map,
    )


def _judged(cases: dict[str, Case], asked: ColdRequest) -> dict[str, Verdict]:
    return {
        vm_id: judge(case.standing, back=asked.rollback, remove=asked.remove_destination)
        for vm_id, case in cases.items()
    }


def _first_look(hosts: Hosts) -> Look:
    look = hosts.first_look()
    for session, side in ((hosts.source, look.source), (hosts.destination, look.destination)):
        if lacks_command(side.doubt):
            (answer,) = ask(session, cim("Win32_OperatingSystem", OperatingSystem))
            found = cmdlets_missing(session.host, answer.first.version if answer.first else "")
            raise NotPossible(f"{session.host}: {found.evidence}. {found.remedy}", findings=(found,))
    if same_host(look):
        raise InvalidRequest(
            f"destination_host: {hosts.destination.host!r} is the source host {hosts.source.host!r} itself "
            f"({look.source.windows_name})"
        )
    return look


def _track(case: Case, verdict: Verdict, asked: ColdRequest, hosts: Hosts, wanted: Wanted) -> Track:
    """Return the VM's track; one that needs nothing, or may not be touched, has its result already."""
    track = Track(case=case, wiring=Wiring(), size=case.size or None)
    source, destination = hosts.source.host, hosts.destination.host
    found = refusal(case, verdict, source=source, destination=destination)
    if found is not None or verdict is Verdict.NOT_FOUND:
        track.findings = () if found is None else (found,)
        track.finish(Result.FAILED, error_of(case, verdict, source=source, destination=destination))
    elif verdict is Verdict.DONE and asked.rollback:
        track.finish(Result.ALREADY_BACK)
    elif verdict is Verdict.DONE:
        if asked.remove_source and case.source is not None and case.destination is not None:
            track.steps = (Step.REMOVE_SOURCE,)
        else:
            track.finish(Result.ALREADY_THERE)
    elif asked.rollback:
        track.steps = steps_back(case.standing, remove=asked.remove_destination)
    else:
        track.findings = (*([_kept(case, source)] if asked.remove_source else []), *_unread(case, source))
        track.wiring = _wiring(case, wanted)
        track.steps = steps_left(case.standing, start=asked.start, readdress=track.wiring.readdresses)
    return track


def _ask_sources(ends: Ends, tracks: Sequence[Track], asked: ColdRequest, run_id: str) -> None:
    """Look at the sources that are to be removed, or gone back to: whether they are spare, or whole."""
    for track in tracks:
        if track.result is not None:
            continue
        if asked.rollback:
            _stop(track, return_doubts(ends.source, track.case, asked))
        elif track.steps == (Step.REMOVE_SOURCE,) and done_in(track.case, run_id):
            track.steps, track.findings = (), (_kept(track.case, ends.source.host),)
            track.finish(Result.ALREADY_THERE)
        elif track.steps == (Step.REMOVE_SOURCE,):
            _stop(track, doubts(ends, track.case, asked))


def _wiring(case: Case, wanted: Wanted) -> Wiring:
    """Return what is wanted of a VM's adapters, told from the source's as long as there is one."""
    details = case.source.details if case.source is not None else case.destination
    return Wiring() if details is None else wire(details, wanted, arrived=case.destination is not None)


def _kept(case: Case, source: str) -> Finding:
    return Finding(
        id="source_kept",
        severity=Severity.INFO,
        subject=case.name,
        evidence=f"{source} keeps the VM, off, until its copy was seen to be right in a later run",
        remedy="Run again with remove_source: true.",
    )


def _unread(case: Case, source: str) -> tuple[Finding, ...]:
    """Return a warning for an imported VM of which only sizes say that its source is what was exported."""
    unseen = case.source.unseen if case.source is not None and case.destination is not None else ()
    return tuple(
        Finding(
            id="disk_times_unread",
            severity=Severity.WARNING,
            subject=case.name,
            evidence=f"{path} can't be seen from a session to {source}: that it was not written to since its export is "
            "known by its size alone",
            remedy="Make sure that the VM did not run there since. A connection that delegates credentials can tell.",
        )
        for path in unseen[:1]
    )


def _checked(
    hosts: Hosts,
    look: Look,
    tracks: list[Track],
    facts: tuple[HostFacts, HostFacts],
    asked: ColdRequest,
    wanted: Wanted,
) -> list[Track]:
    """Add the findings of all VMs that are to be migrated from the source; those that run come first."""
    due = [t for t in tracks if t.result is None and t.case.source is not None and Step.REMOVE_SOURCE not in t.steps]
    due.sort(key=lambda t: (Step.STOP not in t.steps, t.case.name.lower(), t.case.id))
    if not due:
        return tracks
    source, destination = facts
    if any(facts_of(t.case.source.details).tpm for t in due if t.case.source is not None):
        source = read_host(hosts.source, look.source, tpm=True)
        destination = read_host(hosts.destination, look.destination, tpm=True)
    isos = {iso for t in due if t.case.source is not None for iso in facts_of(t.case.source.details).isos}
    destination = replace(destination, existing=read_existing(hosts.destination, sorted(isos)))
    guests = _guests(hosts.source, due)
    ways = _route_findings(hosts.destination, due, asked)
    wires = _wire_findings(hosts, due, guests, wanted)
    opened = {root: opens(hosts.source, root) for root in {t.case.places.export for t in due if Step.EXPORT in t.steps}}
    moves = []
    for track in due:
        others = (*_place_findings(hosts.source, track, opened), *ways, *wires[track.case.id])
        lying = read_lying(hosts.source, hosts.destination, track.case, track.steps)
        moves.append(replace(_move(track, source, destination, asked, guests, others), lying=lying))
    found = check(moves)
    for track, move in zip(due, moves, strict=True):
        track.needs = needs_of(move)
        _stop(track, found[track.case.id])
    return [*due, *(track for track in tracks if track not in due)]


def _stop(track: Track, found: Sequence[Finding]) -> None:
    """Add findings to a track; one that blocks ends its way before it begins."""
    track.findings += tuple(found)
    stops = blocking(track.findings)
    if stops:
        track.finish(Result.FAILED, NotPossible.blocked(track.case.name, stops))


def _wire_findings(
    hosts: Hosts, due: Sequence[Track], guests: dict[str, Exchange], wanted: Wanted
) -> dict[str, tuple[Finding, ...]]:
    """Return what speaks against the wiring of those that are still to be imported, by VM Id."""
    machines = {t.case.id: t.case.source.details for t in due if t.case.source is not None and Step.IMPORT in t.steps}
    found: dict[str, tuple[Finding, ...]] = {t.case.id: () for t in due}
    if not machines:
        return found
    around, here = read_networks(hosts.destination), read_networks(hosts.source)
    wirings = {t.case.id: t.wiring for t in due}
    return found | judge_wiring(machines, wirings, around, here, guests, wanted.destination)


def _guests(session: Session, due: Sequence[Track]) -> dict[str, Exchange]:
    running = [t.case.id for t in due if t.case.source is not None and t.case.source.details.vm.state == "Running"]
    return (read_exchanges(session, running) or {}) if running else {}


def _move(
    track: Track,
    source: HostFacts,
    destination: HostFacts,
    asked: ColdRequest,
    guests: dict[str, Exchange],
    others: tuple[Finding, ...],
) -> ColdMove:
    case = track.case
    assert case.source is not None
    details = case.source.details
    shutdown = [one for one in details.services if one.service_id == IntegrationService.SHUTDOWN]
    told = guests.get(case.id)
    return ColdMove(
        vm=facts_of(details),
        source=source,
        destination=destination,
        places=case.places,
        request=asked,
        steps=track.steps,
        size=case.size,
        shutdown_enabled=shutdown[0].enabled if shutdown else None,
        guest=None if details.vm.state != "Running" else _system(told),
        switch_map=track.wiring.switch_map,
        marked=case.standing.source is not None and case.standing.source.mark is not None,
        others=(*others, *track.wiring.findings),
    )


def _system(told: Exchange | None) -> GuestSystem:
    if told is None:
        return GuestSystem()
    is_windows = told.system is Kind.WINDOWS
    return GuestSystem(name=told.os_name, version=told.items.get("OSVersion", ""), is_windows=is_windows)


def _place_findings(session: Session, track: Track, opened: Mapping[str, bool]) -> tuple[Finding, ...]:
    """Return what the export alone finds, over the VM as it will be when it is exported: off.

    ``opened`` says of each export path whether it can be opened.
    """
    case = track.case
    if Step.EXPORT not in track.steps or case.source is None or case.export is None:
        return ()
    place = Place(path=case.places.export, host=session.host)
    if not opened[case.places.export]:
        return (closed(case.source.details.vm, place),)
    vm = replace(case.source.details.vm, state=OFF, operational_status=(), primary_operational_status="",
                 secondary_operational_status="")  # fmt: skip
    as_exported = replace(case.source, details=replace(case.source.details, vm=vm))
    return check_export(as_exported, case.export, place, NO_CAPTURE)


def _route_findings(session: Session, due: Sequence[Track], asked: ColdRequest) -> tuple[Finding, ...]:
    """Return what opening the way really, with the credentials of the transfer, finds; each way once.

    Where an export is there, it is what has to be seen; before that, the share itself.
    """
    if asked.transfer_method == EXTERNAL:
        return ()
    method = Method(asked.transfer_method)
    probes: dict[tuple[str, str], None] = {}
    for track in due:
        share = track.case.places.share
        if track.steps[:1] == (Step.TRANSFER,):
            probes[share, track.case.id] = None
        elif Step.TRANSFER in track.steps:
            probes[ntpath.splitdrive(share)[0] if method is Method.SMB else share, ""] = None
    found: list[Finding] = []
    for source, probe in probes:
        found.extend(check_route(session, Route(method=method, source=source, credential=asked.credential), probe))
    return tuple(dict.fromkeys(found))
