# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a plan for adapters: the host's side first, then the guests, then waits until these report it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...errors import MobilityError, TimedOut
from ...session.command import ON, command
from ...waiting import SYSTEM_CLOCK, Deadline, wait_until
from ..gateway import vms_source
from ..gateway_reading import Question, ask
from ..model import Adapter
from ..writing import change, send
from .adapters import DYNAMIC
from .findings import plain_address
from .guest_configuration import holds_lease
from .telling import tell_guest
from .wishes import ACCESS, TRUNK, ranges

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...session.command import Pipeline
    from ...session.protocol import Session
    from ...waiting import Clock
    from .adapters import AdapterPlan, AdapterTarget
    from .wishes import VlanWish

JOB_SECONDS = 60.0
"""How long the host's job of one call may take; it only hands the address over."""
_POLL_SECONDS = 2.0


@dataclass(kw_only=True)
class Progress:
    """What was done so far, by the Ids of adapters and of machines."""

    changed: set[str] = field(default_factory=set)
    reported: dict[str, tuple[str, ...]] = field(default_factory=dict)
    errors: dict[str, MobilityError] = field(default_factory=dict)
    """By the Id of the machine; nothing more is done to one that has an error."""


def apply_adapters(
    session: Session,
    plan: AdapterPlan,
    *,
    wait_seconds: float = 0,
    clock: Clock = SYSTEM_CLOCK,
    tell: Callable[[str], None] = lambda _line: None,
) -> Progress:
    """Change what differs; one machine's failure does not stop the others.

    With ``wait_seconds`` waits until every guest that was told an address reports it; TimedOut of those that do not is
    among the errors, and says what they report.
    """
    progress = Progress()
    for target in plan.due:
        if target.vm.id in progress.errors:
            continue
        try:
            _apply(session, target, progress, clock)
        except MobilityError as problem:
            progress.errors[target.vm.id] = problem
            if problem.changed:
                progress.changed.add(target.adapter.id)
    told = [target for target in plan.due if target.order is not None and target.vm.id not in progress.errors]
    if told and wait_seconds:
        _await_reports(session, told, progress, Deadline(wait_seconds, clock), tell)
    return progress


def _apply(session: Session, target: AdapterTarget, progress: Progress, clock: Clock) -> None:
    statements = port_changes(target)
    send(session, *statements)
    if statements:
        progress.changed.add(target.adapter.id)
    if target.order is not None:
        tell_guest(session, target.vm.id, target.order, deadline=Deadline(JOB_SECONDS, clock))
        progress.changed.add(target.adapter.id)


def port_changes(target: AdapterTarget) -> list[Pipeline]:
    """Return the changes of the host's side: MAC address, VLAN, switch. The adapter goes by its Id, never by name.

    The VLAN comes before the switch, so that nothing is connected with the VLAN of another network.
    """
    live = (
        vms_source([target.vm.id])
        | command("Get-VMNetworkAdapter")
        | command("Where-Object", Property="Id", Value=target.adapter.id, EQ=ON)
    )
    found: list[Pipeline] = []
    if target.mac == DYNAMIC:
        found.append(live | change("Set-VMNetworkAdapter", DynamicMacAddress=ON))
    elif target.mac is not None:
        found.append(live | change("Set-VMNetworkAdapter", StaticMacAddress=target.mac))
    if target.disconnect:
        found.append(live | change("Disconnect-VMNetworkAdapter"))
    if target.vlan is not None:
        found.append(live | _vlan(target.vlan))
    if target.switch is not None:
        found.append(live | change("Connect-VMNetworkAdapter", SwitchName=target.switch))
    return found


def _vlan(wish: VlanWish) -> Pipeline:
    if wish.mode == ACCESS:
        return change("Set-VMNetworkAdapterVlan", Access=ON, VlanId=wish.vlan_id)
    if wish.mode == TRUNK:
        return change(
            "Set-VMNetworkAdapterVlan",
            Trunk=ON,
            AllowedVlanIdList=ranges(wish.allowed),
            NativeVlanId=wish.native_vlan_id,
        )
    return change("Set-VMNetworkAdapterVlan", Untagged=ON)


def _await_reports(
    session: Session,
    told: Sequence[AdapterTarget],
    progress: Progress,
    deadline: Deadline,
    tell: Callable[[str], None],
) -> None:
    """Wait for all guests under one deadline; those that are late have an error of their own."""
    waiting = {target.adapter.id: target for target in told}
    lines = sorted(f"{one.vm.name} ({_wanted(one)})" for one in waiting.values())
    tell(f"waiting until guests report what they were told: {', '.join(lines)}")

    def all_report() -> bool:
        for adapter in _look(session, list(waiting.values())):
            progress.reported[adapter.id] = adapter.ip_addresses
            if adapter.id in waiting and reports(waiting[adapter.id], adapter.ip_addresses):
                del waiting[adapter.id]
        return not waiting

    try:
        wait_until(all_report, what="guests", deadline=deadline, interval=_POLL_SECONDS)
    except TimedOut as late:
        for target in waiting.values():
            seen = ", ".join(progress.reported.get(target.adapter.id, ())) or "no address"
            progress.errors[target.vm.id] = TimedOut(
                f"{target.subject}: the guest was told {_wanted(target)} and does not report it within "
                f"{deadline.seconds:g} seconds; it reports: {seen}",
                changed=True,
                last_seen=seen,
                waited_seconds=late.details.get("waited_seconds"),
            )


def _look(session: Session, targets: Sequence[AdapterTarget]) -> tuple[Adapter, ...]:
    ids = list(dict.fromkeys(target.vm.id for target in targets))
    (answer,) = ask(session, Question(vms_source(ids) | command("Get-VMNetworkAdapter"), Adapter))
    found: tuple[Adapter, ...] = answer.check()
    return found


def _wanted(target: AdapterTarget) -> str:
    order = target.order
    return "an address by DHCP" if order is None or order.dhcp else ", ".join(map(plain_address, order.addresses))


def reports(target: AdapterTarget, addresses: Sequence[str]) -> bool:
    """Whether a guest reports what it was told: these addresses; by DHCP one of the network, or any but link-local."""
    seen = {plain_address(address) for address in addresses}
    order = target.order
    if order is None or not order.dhcp:
        return order is None or {plain_address(address) for address in order.addresses} <= seen
    found = [address for address in seen if not address.lower().startswith(("fe80:", "169.254."))]
    return bool(found) and holds_lease(found, target.wish.network)
