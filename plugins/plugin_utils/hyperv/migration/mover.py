# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One attempt to move one VM, in a session of its own: compare, correct, compare again, move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import MobilityError, RemoteError
from ...findings import Finding, blocking
from ...session.command import command, switch
from .. import compatibility
from ..remedies import TRANSIENT, Surroundings, remedy
from .placement import Placement

if TYPE_CHECKING:
    from ...session.protocol import Session
    from .request import MoveRequest


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one attempt needs to know. ``destination`` is the name Move-VM is told."""

    vm_id: str
    vm_name: str
    destination: str
    placement: Placement
    request: MoveRequest
    around: Surroundings


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How an attempt ended, as far as its session knows; where the VM is, only a look at both hosts tells."""

    began: bool = False
    """Whether Move-VM was sent: from then on the move may run, whatever came back."""
    findings: tuple[Finding, ...] = ()
    error: MobilityError | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    preparing: bool = False
    """Whether it ended before the move was tried, while the VM was made ready for it."""


def comparison_arguments(order: Order) -> dict[str, Any]:
    """Return Compare-VM's parameters; those of Move-VM it does not know are left out.

    Without storage the switch is said to be off: a VM and a destination alone fit two parameter sets, and neither is
    the default one.
    """
    arguments = order.placement.arguments()
    if arguments.pop("IncludeStorage", False):
        arguments["IncludeStorage"] = switch(True)
    elif not order.placement.with_storage:
        arguments["IncludeStorage"] = False
    return {
        "DestinationHost": order.destination,
        "ResourcePoolName": order.request.resource_pool_name,
        "RetainVhdCopiesOnSource": switch(order.request.retain_vhd_copies_on_source),
        **arguments,
    }


def check(session: Session, order: Order, *, flag_to_come: bool = False) -> tuple[Finding, ...]:
    """Return what Compare-VM finds after the asked corrections; the report stays in the session.

    A refusal to compare is a finding too: it is what the move itself would meet. With ``flag_to_come`` the VM gets
    processor compatibility before it moves: what is about the VM as a whole is a warning then.
    """
    try:
        return compared(session, order, flag_to_come=flag_to_come)
    except RemoteError as error:
        return (_refusal(error, order),)


def compared(session: Session, order: Order, *, flag_to_come: bool = False) -> tuple[Finding, ...]:
    """Return the same as ``check``, for an attempt: RemoteError where the refusal may pass, so that it is tried again.

    What stands in the way then is no property of the VM, and must not count as a finding that blocks it.
    """
    fixes = compatibility.Fixes(switch_map=order.request.switch_map, eject_iso=order.request.eject_iso)
    try:
        entries = compatibility.compare(session, order.vm_id, comparison_arguments(order))
        left = compatibility.correct(session, entries, fixes)
    except RemoteError as error:
        if error.details.get("hresult") in TRANSIENT:
            compatibility.discard(session)
            raise
        return (_refusal(error, order),)
    return compatibility.findings(left, order.vm_name, flag_to_come=flag_to_come)


def _refusal(error: RemoteError, order: Order) -> Finding:
    return compatibility.refusal(error, order.vm_name, remedy(error.details.get("hresult"), order.around))


def attempt(session: Session, order: Order, *, timeout_seconds: float | None) -> Attempt:
    """Compare, correct and move; never raises an error of the family, the attempt carries it."""
    try:
        found = compared(session, order)
        if blocking(found):
            compatibility.discard(session)
            return Attempt(findings=found)
    except MobilityError as error:
        return Attempt(error=_explained(error, order))
    try:
        _move(session, order, timeout_seconds)
    except MobilityError as error:
        return Attempt(began=True, findings=found, error=_explained(error, order))
    return Attempt(began=True, findings=found)


def _move(session: Session, order: Order, timeout_seconds: float | None) -> None:
    if not order.request.remove_source_unmanaged_vhds:
        session.invoke(compatibility.move_report(), timeout_seconds=timeout_seconds).check(changed=True)
        return
    compatibility.discard(session)
    move = command("Get-VM", Id=order.vm_id, ErrorAction="Stop") | command(
        "Move-VM", ErrorAction="Stop", RemoveSourceUnmanagedVhds=switch(True), **comparison_arguments(order)
    )
    session.invoke(move, timeout_seconds=timeout_seconds).check(changed=True)


def _explained(error: MobilityError, order: Order) -> MobilityError:
    """Return the error with its remedy where one is known."""
    known = remedy(error.details.get("hresult"), order.around) if isinstance(error, RemoteError) else None
    if known is None:
        return error
    return RemoteError(error.msg, changed=error.changed, **{**error.details, "remedy": known})
