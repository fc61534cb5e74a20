# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs a migration is about, where each is now, and what their checks find: everything before the first change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from ...errors import Ambiguous, InvalidRequest, NotFound, RemoteError
from ..guest.exchange import read_exchanges
from ..network.findings import plain_address
from ..network.reading import read_networks
from ..preflight.checks import check
from ..preflight.facts import HostFacts, MoveFacts, Readdressing, VmFacts
from ..preflight.parents import removed_parents
from ..remedies import Surroundings
from ..selection import Selection, search
from ..vm_info import machines as described_machines
from .decide import UNSETTLED, Step, decide
from .placement import Placement, default_folders, folder_name
from .prepare import power_refusals
from .read_hosts import read_host, read_presence, read_used_folders
from .read_vms import read_vms

if TYPE_CHECKING:
    from ...findings import Finding
    from ...waiting import Clock
    from .hosts import Hosts
    from .look import Look, Machine
    from .request import MoveRequest

SETTLE_SECONDS = 2.0
"""Between two looks that must agree."""
_SETTLE_LOOKS = 3


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A VM the task is about, and what is to be done about it."""

    machine: Machine
    step: Step


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A VM that is to move: its facts, where its files go, and what the predicates found."""

    vm: VmFacts
    placement: Placement
    findings: tuple[Finding, ...]
    order: MoveFacts


def choose(hosts: Hosts, look: Look, selection: Selection, *, resuming: bool = False) -> list[Machine]:
    """Return the VMs that are asked for, from the source, or from the destination where the source has none.

    With ``resuming`` an expression meets VMs that a killed run left off as they were: running.
    Raises NotFound, Ambiguous or InvalidRequest, each naming what was asked.
    """
    if selection.is_everything:
        raise InvalidRequest("name the VMs to move: names, ids or select")
    found = [_by_id(look, vm_id, hosts) for vm_id in selection.ids]
    found += [_by_name(look, name, hosts) for name in selection.names]
    named = {machine.id: machine for machine in found}
    if selection.expression is None:
        return list(named.values())
    if not named:
        return _selected(hosts, look, selection, resuming=resuming)
    chosen = _narrowed(hosts, look, named, selection, resuming=resuming)
    return [named[vm_id] for vm_id in chosen] or _nothing(hosts, selection)


def _narrowed(
    hosts: Hosts, look: Look, named: Mapping[str, Machine], selection: Selection, *, resuming: bool
) -> list[str]:
    """Evaluate the expression over the named VMs, wherever each is: some of them may have moved already."""
    here = tuple(vm_id for vm_id in named if vm_id in look.source.machines)
    there = tuple(vm_id for vm_id in named if vm_id not in look.source.machines)
    described: dict[str, dict[str, Any]] = {}
    for session, ids in ((hosts.source, here), (hosts.destination, there)):
        if ids:
            given = described_machines(session, Selection(ids=ids), host=session.host, resuming=resuming)
            described |= {str(one["id"]): one for one in given}
    return [str(one["id"]) for one in search(selection, [described[vm_id] for vm_id in named])]


def _selected(hosts: Hosts, look: Look, selection: Selection, *, resuming: bool) -> list[Machine]:
    """Evaluate the expression over the source; where it selects nothing, over the destination (a finished fleet)."""
    for session, side in ((hosts.source, look.source), (hosts.destination, look.destination)):
        found = described_machines(session, selection, host=session.host, resuming=resuming)
        if found:
            return [side.machines[str(one["id"])] for one in found if str(one["id"]) in side.machines]
    return _nothing(hosts, selection)


def _nothing(hosts: Hosts, selection: Selection) -> NoReturn:
    raise NotFound(
        f"select: {selection.expression.expression!r} selects no virtual machine on {hosts.source.host} "
        f"or {hosts.destination.host}"
    )


def _by_id(look: Look, vm_id: str, hosts: Hosts) -> Machine:
    machine = look.source.machines.get(vm_id) or look.destination.machines.get(vm_id)
    if machine is None:
        raise NotFound(_nowhere(look, f"with the Id {vm_id}", hosts), name=vm_id)
    return machine


def _by_name(look: Look, name: str, hosts: Hosts) -> Machine:
    for session, side in ((hosts.source, look.source), (hosts.destination, look.destination)):
        found = [machine for machine in side.machines.values() if machine.name.lower() == name.lower()]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(sorted(machine.id for machine in found))
            raise Ambiguous(
                f"{session.host} has {len(found)} virtual machines named {name!r}: choose one by its Id: {ids}",
                name=name,
                candidates=[{"id": machine.id, "name": machine.name} for machine in found],
            )
    raise NotFound(_nowhere(look, f"named {name!r}", hosts), name=name)


def _nowhere(look: Look, what: str, hosts: Hosts) -> str:
    sides = ((hosts.source, look.source), (hosts.destination, look.destination))
    doubts = [f"{session.host}: {side.doubt}" for session, side in sides if side.doubt]
    said = f"neither {hosts.source.host} nor {hosts.destination.host} has a virtual machine {what}"
    return f"{said}, but not everything could be read: {', '.join(doubts)}" if doubts else said


def decide_all(hosts: Hosts, look: Look, machines: Sequence[Machine], clock: Clock) -> tuple[list[Chosen], Look]:
    """Return what is to be done about each VM; an answer that one look can get wrong needs a second one that agrees."""
    steps = {machine.id: decide(look.presence(machine.id)) for machine in machines}
    for _again in range(_SETTLE_LOOKS):
        if not UNSETTLED.keys() & set(steps.values()):
            break
        clock.sleep(SETTLE_SECONDS)
        look = hosts.look()
        before, steps = steps, {machine.id: decide(look.presence(machine.id)) for machine in machines}
        if before == steps:
            break
    return [Chosen(machine=machine, step=steps[machine.id]) for machine in machines], look


def same_host(look: Look) -> bool:
    """Return whether both sessions lead to the same machine, whatever the inventory calls it."""
    return bool(look.source.windows_name) and look.source.windows_name.lower() == look.destination.windows_name.lower()


def check_moves(
    hosts: Hosts, look: Look, vm_ids: Sequence[str], request: MoveRequest
) -> tuple[list[Checked], Surroundings]:
    """Return the VMs that are to move, in the order they start, with their findings; nothing is changed."""
    vms = list(read_vms(hosts.source, vm_ids).values())
    missing = set(vm_ids) - {vm.id for vm in vms}
    if missing:
        raise RemoteError(f"{hosts.source.host} no longer shows {', '.join(sorted(missing))}")
    vms.sort(
        key=lambda vm: (not vm.runs, -vm.copied_bytes - (vm.memory_bytes if vm.runs else 0), vm.name.lower(), vm.id)
    )
    tpm = any(vm.tpm for vm in vms)
    source, destination = (
        read_host(hosts.source, look.source, tpm=tpm, guard=True),
        read_host(hosts.destination, look.destination, tpm=tpm),
    )
    placements = _placements(hosts, vms, destination, request)
    existing, unseen = _presence(hosts, vms, placements)
    destination = replace(destination, existing=existing, unseen=unseen)
    readdressings = _readdressings(hosts, vms, request)
    moves = [
        replace(
            _move_facts(hosts, look, vm, source, destination, placements[vm.id], request),
            readdressing=readdressings[vm.id],
        )
        for vm in vms
    ]
    _refuse_shared(moves)
    found = _found(hosts, moves, request)
    around = surroundings(source, destination, delegates=hosts.source.delegates_credentials)
    return [
        Checked(vm=move.vm, placement=move.placement, findings=found[move.vm.id], order=move) for move in moves
    ], around


def _found(hosts: Hosts, moves: Sequence[MoveFacts], request: MoveRequest) -> dict[str, tuple[Finding, ...]]:
    """Return the findings of all predicates by VM Id."""
    found = check(moves)
    for vm_id, finding in power_refusals(hosts.source, [move.vm for move in moves], found, request).items():
        found[vm_id] = (*found[vm_id], finding)
    removed = removed_parents(hosts.source, moves) if request.remove_source_unmanaged_vhds else {}
    return {vm_id: (*findings, *removed.get(vm_id, ())) for vm_id, findings in found.items()}


def _readdressings(hosts: Hosts, vms: Sequence[VmFacts], request: MoveRequest) -> dict[str, Readdressing]:
    """Return what the adapters get, by VM Id, with what is to be known of the hosts to judge it."""
    found = {vm.id: request.readdressing(vm.id, vm.name) for vm in vms}
    if not request.names_networks or not vms:
        return found
    around = read_networks(hosts.destination)
    given = {vm_id: replace(one, around=around, neighbours=around.neighbours) for vm_id, one in found.items()}
    told = [vm_id for vm_id, one in found.items() if any(wish.addresses_guest for wish in one.wishes)]
    told = [vm.id for vm in vms if vm.id in told and vm.seen.state == "Running"]
    if told:
        configurations = read_networks(hosts.source, guests=True).configurations
        exchanges = read_exchanges(hosts.source, told)
        given |= {vm_id: replace(given[vm_id], configurations=configurations, exchanges=exchanges) for vm_id in told}
    return given


def _refuse_shared(moves: Sequence[MoveFacts]) -> None:
    """Raise InvalidRequest where one address is given to two VMs."""
    owners: dict[str, VmFacts] = {}
    for move in moves:
        for family in (family for wish in move.readdressing.wishes for family in wish.families if family.address):
            address = plain_address(family.address)
            owner = owners.setdefault(address, move.vm)
            if owner is not move.vm:
                raise InvalidRequest(f"addresses: {address} is given to {owner.name!r} and to {move.vm.name!r}")


def surroundings(source: HostFacts, destination: HostFacts, *, delegates: bool) -> Surroundings:
    """Return what remedies need to know of both ends."""
    return Surroundings(
        source=source.inventory_name,
        destination=destination.inventory_name,
        source_authentication=source.authentication_type,
        destination_authentication=destination.authentication_type,
        delegates_credentials=delegates,
    )


def _placements(
    hosts: Hosts, vms: Sequence[VmFacts], destination: HostFacts, request: MoveRequest
) -> dict[str, Placement]:
    storage = request.storage
    if not storage.include:
        return {vm.id: Placement() for vm in vms}
    if storage.parts is not None:
        return {vm.id: Placement(parts=storage.parts) for vm in vms}
    if storage.folder is not None:
        return {vm.id: Placement(folder=storage.folder) for vm in vms}
    root = destination.default_path.rstrip("\\")
    candidates = sorted({f"{root}\\{name}" for vm in vms for name in _folder_candidates(vm)})
    taken = read_used_folders(hosts.destination, candidates)
    folders = default_folders(root, {vm.id: vm.name for vm in vms}, taken)
    return {vm_id: Placement(folder=folder) for vm_id, folder in folders.items()}


def _folder_candidates(vm: VmFacts) -> tuple[str, str, str]:
    base = folder_name(vm.name)
    return base, f"{base}-{vm.id[:8]}", f"{base}-{vm.id}"


def _presence(
    hosts: Hosts, vms: Sequence[VmFacts], placements: dict[str, Placement]
) -> tuple[frozenset[str], frozenset[str]]:
    targets = {placements[vm.id].target_of(disk.path) for vm in vms for disk in vm.disks if disk.path}
    asked = {target for target in targets if target} | {iso for vm in vms for iso in vm.isos}
    return read_presence(hosts.destination, sorted(asked))


def _move_facts(
    hosts: Hosts,
    look: Look,
    vm: VmFacts,
    source: HostFacts,
    destination: HostFacts,
    placement: Placement,
    request: MoveRequest,
) -> MoveFacts:
    return MoveFacts(
        vm=vm,
        source=source,
        destination=destination,
        placement=placement,
        switch_map=request.switch_map,
        eject_iso=request.eject_iso,
        enable_compatibility=request.enable_processor_compatibility,
        may_power_off=request.power == "restart",
        delegates_credentials=hosts.source.delegates_credentials,
        planned_at_destination=vm.id in look.destination.planned,
        chosen_by_name=vm.name.lower() in request.names,
    )
