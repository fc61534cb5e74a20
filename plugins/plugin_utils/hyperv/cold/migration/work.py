# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the legs of one VM's way share: its sessions, the request, and what they do to notes and power."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ....errors import MobilityError, NotPossible, RemoteError, TimedOut
from ....session.command import ON, command
from ...gateway import find_vm, get_vm
from ...migration.look import look_at
from ...model_enums import VmState
from ...power import PowerRule, stop
from ...writing import change, send
from . import marks
from .decide import OFF
from .marks import NEVER, Kind, Mark
from .reading import side_of_vm
from .request import FORCE, REQUIRE_OFF

if TYPE_CHECKING:
    from ....findings import Finding
    from ....session.protocol import Session
    from ....waiting import Clock, Deadline
    from ...model import Vm
    from .places import Places
    from .reading import Ends
    from .request import ColdRequest

_REMOVE_SECONDS = 600.0


@dataclass(kw_only=True)
class Work:
    """One VM and everything its legs work with. ``changed`` and ``found`` are what they did and saw."""

    id: str
    name: str
    places: Places
    request: ColdRequest
    ends: Ends
    watch: Session
    """One more session to the source, which shows how far an export is."""
    destination_name: str
    """Computer names, as marks have them."""
    source_name: str
    clock: Clock
    deadline: Deadline
    tell: Callable[[str], None]
    interactive: bool = False
    run_id: str = ""
    """Which run of a playbook this is; "" where that is not known."""
    imports: bool = False
    """Whether this run has begun an import whose VM has yet to be told from what its export's notes say."""
    changed: bool = False
    found: list[Finding] = field(default_factory=list)

    @property
    def rule(self) -> PowerRule:
        """Return what may be done to bring the VM down."""
        power = self.request.power
        return PowerRule(
            restart=power != REQUIRE_OFF,
            force=power == FORCE,
            shutdown_seconds=self.request.shutdown_seconds,
            force_option="power: force",
        )


def note(session: Session, vm: Vm, notes: str, *, start_action: str | None = None) -> None:
    """Write a VM's notes, and its automatic start with them where given; nothing is sent where both are so already."""
    action = None if start_action in (None, vm.automatic_start_action) else start_action
    if notes == vm.notes and action is None:
        return
    send(
        session,
        command("Get-VM", Id=vm.id, ErrorAction="Stop") | change("Set-VM", Notes=notes, AutomaticStartAction=action),
    )


def take_down(work: Work, session: Session, vm: Vm) -> None:
    """Bring a running VM to Off under the power rule; raises what keeps it from that, the VM still running then."""
    if work.request.power == REQUIRE_OFF:
        raise NotPossible(
            f"{vm.name}: it runs on {session.host}, and power is require_off; shut it down, or set power: graceful",
            findings=(),
            changed=work.changed,
        )
    work.tell(f"{vm.name}: shutting it down on {session.host}")
    stop(session, vm, work.rule, clock=work.clock)


def stop_source(work: Work, addresses: Mapping[str, tuple[str, ...]]) -> None:
    """Write down what the VM was and had, then shut it down.

    The line goes again only where the guest refused and is seen to run on: after a time-out or a lost link it may still
    go down, and without the line the next run would take it for a VM that was off before.
    """
    session = work.ends.source
    vm = get_vm(session, work.id)
    if not side_of_vm(vm).holds_memory:
        return
    mark = mark_of(vm, work.destination_name, was="Running", addresses=addresses)
    work.changed = True
    note(session, vm, marks.put(vm.notes, mark))
    try:
        take_down(work, session, vm)
    except MobilityError as problem:
        if isinstance(problem, NotPossible) or (isinstance(problem, RemoteError) and not problem.changed):
            with suppress(MobilityError):
                now = get_vm(session, vm.id)
                if now.state == VmState.RUNNING:
                    note(session, now, vm.notes)
        elif isinstance(problem, TimedOut):
            problem.msg += "; its notes say that its migration has begun: run again, or roll back"
        raise


def mark_of(
    vm: Vm, destination: str, *, was: str | None = None, addresses: Mapping[str, tuple[str, ...]] | None = None
) -> Mark:
    """Return the mark for a VM that begins its way; what an earlier run wrote down about it is kept."""
    known = marks.find(vm.notes)
    earlier = known if known is not None and known.kind is Kind.BEGUN else None
    action = vm.automatic_start_action
    if earlier is not None and action == NEVER:
        action = earlier.start_action
    state = was or (earlier.was if earlier is not None else vm.state)
    had = addresses or (earlier.addresses if earlier is not None else {})
    return Mark(host=destination, was=state, start_action=action or NEVER, addresses=had)


def hold_source(work: Work) -> None:
    """Keep the host from starting the VM by itself; what was set before stands in its notes."""
    session = work.ends.source
    vm = get_vm(session, work.id)
    if side_of_vm(vm).holds_memory:
        raise NotPossible(f"{vm.name}: it was started again on {session.host} meanwhile", findings=(), changed=True)
    work.changed = True
    mark = mark_of(vm, work.destination_name)
    note(session, vm, marks.put(vm.notes, mark), start_action=NEVER)


def require_at_rest(work: Work, session: Session) -> None:
    """Raise NotPossible unless the VM is seen off on a host now, or proven not to be there.

    This is what stands between a start on one host and a second running copy on the other.
    """
    vm = find_vm(session, work.id)
    if vm is not None and vm.state == OFF:
        return
    if vm is not None:
        raise NotPossible(
            f"{work.name}: it is {vm.state} on {session.host}, so it is not started on the other host; stop it there, "
            "and run again",
            findings=(),
            changed=work.changed,
        )
    look = look_at(session)
    if not look.whole or work.id in look.machines:
        raise NotPossible(
            f"{work.name}: whether it runs on {session.host} could not be read ({look.doubt or 'it came back'})",
            findings=(),
            changed=work.changed,
        )


def unregister(session: Session, vm_id: str) -> None:
    """Remove a VM that is off from its host; its disk files stay."""
    send(
        session,
        command("Get-VM", Id=vm_id, ErrorAction="Stop") | change("Remove-VM", Force=ON),
        timeout_seconds=_REMOVE_SECONDS,
    )
