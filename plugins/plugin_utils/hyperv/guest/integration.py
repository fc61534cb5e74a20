# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enables and disables integration services, and tells what the guests answer: the host's side and theirs apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import MobilityError, NotPossible, TimedOut
from ...findings import Finding, Severity, blocking
from ...operation import Outcome, carry_out
from ...session.command import NULL, ON, command
from ...waiting import SYSTEM_CLOCK, Deadline, wait_until
from ..gateway import VmDetails, read_details
from ..gateway_host import cim
from ..gateway_reading import Question, ask
from ..model_host import WindowsService
from ..processor import selected
from ..selection import parse_selection
from ..wire_values import text, whole
from ..writing import change, send
from .exchange import Exchange, GuestSystem, read_exchanges
from .integration_plan import DISC_NAME, IntegrationPlan, Target, Wanted, holds_disc, parse, plan_target
from .remedies import UPDATE_SERVICE, Surroundings, guest_findings
from .sides import SERVICE_NAMES, WINDOWS_SERVICES, GuestSide, Sides, sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...operation import Request
    from ...session.command import Pipeline
    from ...session.protocol import Session
    from ...waiting import Clock

_POLL_SECONDS = 3.0
_SETTLED = frozenset({GuestSide.OK, GuestSide.OUTDATED, GuestSide.OFF})
"""What waiting does not change: an old protocol stays old, and a machine that does not run answers nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSystem:
    """The Windows of the host: its build, and the folder with the services disc."""

    PROPERTIES: ClassVar = ("BuildNumber", "SystemDirectory")

    build: int | None = None
    directory: str = "C:\\Windows\\System32"

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> HostSystem:
        """Return what a projected Win32_OperatingSystem describes."""
        return cls(
            build=whole(raw.get("BuildNumber")), directory=text(raw.get("SystemDirectory")) or "C:\\Windows\\System32"
        )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The chosen machines with what their guests tell."""

    details: tuple[VmDetails, ...]
    exchanges: Mapping[str, Exchange] | None = None

    def exchange(self, vm_id: str) -> Exchange | None:
        """Return what a guest tells (nothing at all where it has no entry), None where it could not be read."""
        return None if self.exchanges is None else self.exchanges.get(vm_id, Exchange(vm_id=vm_id))

    def sides(self, item: VmDetails) -> tuple[Sides, ...]:
        """Return both sides of each service of a machine."""
        return tuple(sides(item.vm, service, self.exchange(item.vm.id)) for service in item.services)


@dataclass(kw_only=True)
class Progress:
    """What was done so far, by the Id of the machine."""

    changed: set[str] = field(default_factory=set)
    errors: dict[str, MobilityError] = field(default_factory=dict)


def read_guests(session: Session, ids: Sequence[str]) -> Reading:
    """Return these machines in this order with their services, drives and what their guests tell."""
    if not ids:
        return Reading(details=())
    found = {item.vm.id: item for item in read_details(session, ids, parts=("integration_services", "dvd_drives"))}
    exchanges = read_exchanges(session, ids)
    return Reading(details=tuple(found[vm_id] for vm_id in ids if vm_id in found), exchanges=exchanges)


def read_host_system(session: Session) -> HostSystem:
    """Return the host's build and system folder; the build is None where the host does not say."""
    (answer,) = ask(session, cim("Win32_OperatingSystem", HostSystem))
    return answer.first or HostSystem()


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return the outcome with one entry per machine under ``vms``; one machine's failure does not stop the others.

    Raises NotPossible before the first change where a finding blocks. A wait that ends in vain is a failure
    (TimedOut) beside the values.
    """
    selection = parse_selection(request.arguments)
    wanted = parse(request.arguments, selection)
    session = request.sessions.here()
    reading = read_guests(session, [vm.id for vm in selected(session, selection, host=request.host)])
    scene, doubts = _scene(request, reading)
    planned = [
        plan_target(item, wanted, scene.around(reading, item), disc_path=scene.disc_path) for item in reading.details
    ]
    scene.notes += [*doubts, *(finding for _target, findings in planned for finding in findings)]
    if blocking(scene.notes):
        first = blocking(scene.notes)[0]
        message = f"{request.host}: {first.subject}: {first.evidence}; {first.remedy}"
        raise NotPossible(message, findings=blocking(scene.notes))
    plan = IntegrationPlan(targets=tuple(target for target, _findings in planned))
    patience = Patience(request=request, wanted=wanted, clock=clock)
    progress = Progress()
    if not plan.changed:
        reading = patience.awaited(session, reading)

    def apply(due: IntegrationPlan) -> dict[str, Any]:
        _apply(session, due, progress)
        now = patience.awaited(session, read_guests(session, [item.vm.id for item in reading.details]))
        return _values(due, now, scene, progress)

    outcome = carry_out(plan, apply, request, _values(plan, reading, scene, None))
    changed = any(vm["changed"] for vm in outcome.values["vms"])
    failure = next(iter(progress.errors.values()), patience.late)
    return Outcome(changed=changed, values=outcome.values, diff=outcome.diff, failure=failure)


@dataclass(kw_only=True)
class Scene:
    """What does not change while a task runs: the host, what was asked about guests, what they themselves showed."""

    system: HostSystem
    asked: str
    guests: Mapping[str, tuple[str, tuple[WindowsService, ...]]]
    """Id of the machine -> its guest as a host of the inventory, and the services read there."""
    notes: list[Finding] = field(default_factory=list)
    """Findings on what was asked for."""

    @property
    def disc_path(self) -> str:
        """Where the services disc lies on hosts that have it."""
        return f"{self.system.directory}\\{DISC_NAME}"

    def around(self, reading: Reading, item: VmDetails) -> Surroundings:
        """Return what the remedies for a machine depend on."""
        exchange = reading.exchange(item.vm.id)
        told = exchange.system if exchange is not None else GuestSystem.UNKNOWN
        place, services = self.guests.get(item.vm.id, (None, ()))
        if self.asked != "auto":
            told = GuestSystem(self.asked)
        elif place is not None:
            told = GuestSystem.WINDOWS
        return Surroundings(
            system=told,
            exchange=exchange,
            host_build=self.system.build,
            guest_host=place,
            guest_services=services,
        )


def _scene(request: Request, reading: Reading) -> tuple[Scene, list[Finding]]:
    """Return what holds for the whole task, and findings for guests that could not be read where they were named."""
    places = {str(key).lower(): str(value) for key, value in (request.arguments.get("guest_hosts") or {}).items()}
    guests: dict[str, tuple[str, tuple[WindowsService, ...]]] = {}
    doubts: list[Finding] = []
    for item in reading.details:
        place = places.get(item.vm.id) or places.get(item.vm.name.lower())
        if place is None:
            continue
        try:
            guests[item.vm.id] = (place, _guest_services(request.sessions.to(place)))
        except MobilityError as problem:
            doubts.append(_unread(item, place, problem))
    system = read_host_system(request.sessions.here())
    return Scene(system=system, asked=request.arguments.get("guest_system") or "auto", guests=guests), doubts


def _guest_services(guest: Session) -> tuple[WindowsService, ...]:
    names = [UPDATE_SERVICE, *WINDOWS_SERVICES.values()]
    source = command("Get-Service", Name=names, ErrorAction="SilentlyContinue")
    return tuple(ask(guest, Question(source, WindowsService))[0].items)


def _unread(item: VmDetails, place: str, problem: MobilityError) -> Finding:
    return Finding(
        id="guest_host_unread",
        severity=Severity.WARNING,
        subject=f"{item.vm.name} ({item.vm.id})",
        evidence=f"{place}: {problem.msg}",
        remedy="look at guest_hosts and that host's connection; without it nothing is known of the guest's services",
    )


def _apply(session: Session, plan: IntegrationPlan, progress: Progress) -> None:
    for target in plan.targets:
        if not target.is_due:
            continue
        try:
            send(session, *_statements(target))
            progress.changed.add(target.vm.id)
        except MobilityError as problem:
            progress.errors[target.vm.id] = problem
            if problem.changed:
                progress.changed.add(target.vm.id)


def _statements(target: Target) -> list[Pipeline]:
    """Return the changes of one machine: services by the end of their Id, never by a name in the host's language."""
    live = command("Get-VM", Id=target.vm.id)
    statements = []
    for enabled, verb in ((True, "Enable-VMIntegrationService"), (False, "Disable-VMIntegrationService")):
        for guid in target.to_enable(enabled=enabled):
            chosen = command("Where-Object", Property="Id", Value=f"*\\{guid}", Like=ON)
            statements.append(live | command("Get-VMIntegrationService") | chosen | change(verb))
    for disc in target.discs:
        drive = command("Where-Object", Property="Id", Value=disc.drive.id, EQ=ON)
        path = NULL if disc.path is None else disc.path
        statements.append(live | command("Get-VMDvdDrive") | drive | change("Set-VMDvdDrive", Path=path))
    return statements


@dataclass(kw_only=True)
class Patience:
    """Waits for guests as long as the task says."""

    request: Request
    wanted: Wanted
    clock: Clock
    late: TimedOut | None = None
    """Set where the wait was in vain."""

    def awaited(self, session: Session, reading: Reading) -> Reading:
        """Return the machines once their guests answer, or as they are at the deadline."""
        seconds = float(self.request.arguments.get("wait_seconds") or 0)
        last = [reading]
        if not seconds or not _unsettled(reading, self.wanted):
            return reading
        self.request.reporter.say(f"waiting for guests: {', '.join(_unsettled(reading, self.wanted))}")

        def settled() -> bool:
            last[0] = read_guests(session, [item.vm.id for item in reading.details])
            return not _unsettled(last[0], self.wanted)

        try:
            wait_until(
                settled,
                what=f"{self.request.host}: integration services answering in the guests",
                deadline=Deadline(seconds, self.clock),
                interval=_POLL_SECONDS,
                last_seen=lambda: ", ".join(_unsettled(last[0], self.wanted)),
            )
        except TimedOut as late:
            self.late = late
        return last[0]


def _unsettled(reading: Reading, wanted: Wanted) -> list[str]:
    """Return the services that are enabled (those asked for, or all) and not yet answered, with their machines."""
    asked = {guid for guid, on in wanted.services.items() if on}
    return [
        f"{side.name} of {item.vm.name} ({side.guest.value})"
        for item in reading.details
        for side in reading.sides(item)
        if side.service.enabled and side.guest not in _SETTLED and (not asked or side.service.service_id in asked)
    ]


def _values(
    plan: IntegrationPlan, reading: Reading, scene: Scene, progress: Progress | None
) -> dict[str, list[dict[str, Any]]]:
    """Return the results by machine; without progress, what they will be."""
    targets = {target.vm.id: target for target in plan.targets}
    return {"vms": [_described(item, targets[item.vm.id], reading, scene, progress) for item in reading.details]}


def _described(
    item: VmDetails, target: Target, reading: Reading, scene: Scene, progress: Progress | None
) -> dict[str, Any]:
    own, around = reading.sides(item), scene.around(reading, item)
    subject = f"{item.vm.name} ({item.vm.id})"
    findings = [*(note for note in scene.notes if note.subject == subject), *guest_findings(item.vm, own, around)]
    error = progress.errors.get(item.vm.id) if progress is not None else None
    services = {side.name: side.described() for side in own}
    for service in target.switched if progress is None else ():
        services[SERVICE_NAMES[service.service_id]]["enabled"] = not service.enabled
    return {
        "id": item.vm.id,
        "name": item.vm.name,
        "state": item.vm.state,
        "changed": target.is_due if progress is None else item.vm.id in progress.changed,
        "guest": _guest(around),
        "services": services,
        "services_disc_inserted": _has_disc(item, target, foreseen=progress is None),
        "findings": [finding.as_plain() for finding in findings],
        "error": None if error is None else {**error.details, "kind": error.kind, "msg": error.msg},
    }


def _guest(around: Surroundings) -> dict[str, Any]:
    told = (around.exchange or Exchange(vm_id="")).described()
    return {**told, "system": around.system.value, "exchange_read": around.exchange is not None}


def _has_disc(item: VmDetails, target: Target, *, foreseen: bool) -> bool:
    if foreseen and target.discs:
        return target.discs[0].path is not None
    return any(holds_disc(drive) for drive in item.dvd_drives)
