# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapters of a VM at the destination: to which switch and VLAN they come, which addresses its guest gets."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ....errors import InvalidRequest, NotPossible, TimedOut
from ....findings import Finding, Severity, blocking
from ....waiting import Deadline, wait_until
from ...compatibility import mapped_switch
from ...gateway import VmDetails, read_details
from ...guest.exchange import Exchange, read_exchanges
from ...network.adapters import AdapterPlan, find_adapter, plan_adapters
from ...network.applying import apply_adapters
from ...network.findings import plain_address
from ...network.judging import judge, judge_guests, judge_wishes, kept_conflicts
from ...network.reading import HostNetworks, read_networks
from ...network.wishes import AdapterWish, parse_wishes
from . import marks
from .decide import OFF
from .destined import Networks, judge_way, way_of

if TYPE_CHECKING:
    from ...model import Adapter
    from ...network.findings import Neighbour
    from ...network.named import Network
    from .work import Work

_POLL_SECONDS = 3.0
_NO_GUID = re.compile(r"[^0-9A-Fa-f-]")
_VM = "vm"
_SWITCH_REMEDY = (
    "Create the switch there, say which one takes its place (switch_map), or name the networks of both hosts "
    "(hyperv_networks)."
)


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What is wanted of one VM's adapters at the destination."""

    wishes: tuple[AdapterWish, ...] = ()
    switch_map: Mapping[str, str] = field(default_factory=dict)
    """For the import: switches of the source, and what takes their place."""
    findings: tuple[Finding, ...] = ()
    reported: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the guest reports, by the adapter's GUID; empty where no named network is to be told by it."""

    @property
    def readdresses(self) -> bool:
        """Whether the guest gets a new address."""
        return any(wish.addresses_guest for wish in self.wishes)

    @property
    def ports(self) -> tuple[AdapterWish, ...]:
        """The host's side alone, which is set while the VM is off."""
        return tuple(replace(wish, ipv4=None, ipv6=None) for wish in self.wishes)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What one entry of the option asks: of the VM with this name or Id."""

    number: int
    vm: str
    wish: AdapterWish = field(default_factory=AdapterWish)
    problem: InvalidRequest | None = None
    """Why it can't be, at this destination; it is raised for a VM of the task alone."""

    @property
    def label(self) -> str:
        """Return what messages call it."""
        return f"adapters[{self.number}] (vm {self.vm}, {self.wish.label})"

    def is_about(self, vm_id: str, name: str) -> bool:
        """Whether it means this VM."""
        return self.vm.lower() in (vm_id, name.lower())


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was asked of adapters for all VMs of a task, with the named networks of both hosts."""

    entries: tuple[Entry, ...] = ()
    source: Mapping[str, Network] = field(default_factory=dict)
    destination: Mapping[str, Network] = field(default_factory=dict)
    switch_map: Mapping[str, str] = field(default_factory=dict)

    def of(self, vm_id: str, name: str) -> tuple[Entry, ...]:
        """Return the entries for a VM, by its Id or its name; raises InvalidRequest where one of them can't be."""
        found = tuple(entry for entry in self.entries if entry.is_about(vm_id, name))
        for entry in found:
            if entry.problem is not None:
                raise entry.problem
        return found


def parse_entries(
    given: Sequence[Any], networks: Mapping[str, Network], *, chosen: Collection[str] | None = None
) -> tuple[Entry, ...]:
    """Return the entries of the option ``adapters``; InvalidRequest names the entry and the value of what can't be.

    ``chosen`` are the names and Ids that people chose VMs by, None where all entries are the task's. An entry about
    another VM may be meant for another destination and its networks: what is wrong with it here is kept with it.
    """
    found = []
    seen: dict[tuple[str | None, ...], int] = {}
    mine = None if chosen is None else {one.strip("{}").lower() for one in chosen}
    for number, entry in enumerate(given):
        vm = str(entry.get(_VM) or "").strip().strip("{}") if isinstance(entry, dict) else ""
        if not vm:
            raise InvalidRequest(f"adapters[{number}]: vm is missing: the name or the Id of a virtual machine")
        try:
            wish = _wish_of(entry, networks, f"adapters[{number}]")
        except InvalidRequest as problem:
            if mine is None or vm.lower() in mine:
                raise
            found.append(Entry(number=number, vm=vm, problem=problem))
            continue
        about = tuple(one and one.lower() for one in (vm, wish.name, wish.id, wish.match_mac))
        if seen.setdefault(about, number) != number:
            raise InvalidRequest(
                f"adapters[{seen[about]}] and adapters[{number}] mean the same adapter of {vm} ({wish.label}); say all "
                "of it in one entry"
            )
        found.append(Entry(number=number, vm=vm, wish=wish))
    return tuple(found)


def _wish_of(entry: Mapping[str, Any], networks: Mapping[str, Network], where: str) -> AdapterWish:
    rest = {key: value for key, value in entry.items() if key != _VM}
    (wish,) = parse_wishes([rest], networks, where=where)
    wrong = blocking(judge_wishes([wish]))
    if wrong:
        raise InvalidRequest(f"{where}: {wrong[0].evidence}. {wrong[0].remedy}")
    return wish


def wire(details: VmDetails, wanted: Wanted, *, arrived: bool = False) -> Wiring:
    """Return what is wanted of a VM's adapters, from what its entries say and from what its networks are called.

    One that has ``arrived`` is held up by none of it: an adapter whose network is unclear stays as it is.

    Raises NotFound and Ambiguous for an entry that does not tell one adapter from the others, InvalidRequest for two
    entries that mean the same one.
    """
    details = _as_noted(details)
    asked = _asked(details, wanted)
    vlans = {vlan.adapter: vlan for vlan in details.vlans}
    networks = Networks(source=wanted.source, destination=wanted.destination, switch_map=wanted.switch_map)
    wishes, switch_map, found = [], dict(wanted.switch_map), list[Finding]()
    for adapter in details.adapters:
        if adapter.switch_name is None and adapter.id not in asked:
            continue
        entry = _by_id(adapter, asked.get(adapter.id, AdapterWish()))
        way = way_of(adapter, vlans.get(adapter.id), entry, networks)
        found += judge_way(details.vm.name, way)
        if arrived and way.unclear:
            continue
        wishes.append(way.wish)
        name, target = adapter.switch_name, way.wish.switch
        if name and target and target.lower() != name.lower() and mapped_switch(switch_map, name) is None:
            switch_map[name] = target
    return Wiring(
        wishes=tuple(wishes),
        switch_map=switch_map,
        findings=tuple(dict.fromkeys(_as_warnings(found) if arrived else found)),
        reported=_reported(details, wanted.source.values()),
    )


def _as_warnings(found: Sequence[Finding]) -> list[Finding]:
    return [replace(one, severity=Severity.WARNING) if one.severity is Severity.BLOCKING else one for one in found]


def _as_noted(details: VmDetails) -> VmDetails:
    """Return a VM with the addresses that it reported before an earlier run stopped it, where it reports none now."""
    mark = marks.find(details.vm.notes)
    if mark is None or mark.kind not in (marks.Kind.BEGUN, marks.Kind.DONE):
        return details
    adapters = tuple(
        adapter if adapter.ip_addresses else replace(adapter, ip_addresses=mark.addresses.get(_guid_of(adapter), ()))
        for adapter in details.adapters
    )
    return replace(details, adapters=adapters)


def _reported(details: VmDetails, networks: Collection[Network]) -> dict[str, tuple[str, ...]]:
    """Return the addresses that the guest reports and that one of these networks holds."""
    telling = {
        _guid_of(adapter): tuple(
            plain_address(one) for one in adapter.ip_addresses if any(network.holds(one) for network in networks)
        )
        for adapter in details.adapters
    }
    return {adapter: found for adapter, found in telling.items() if found}


def _guid_of(adapter: Adapter) -> str:
    """Return the adapter's own part of its Id, which travels with the VM, as a mark can hold it."""
    return _NO_GUID.sub("", (adapter.adapter_id or adapter.id).rpartition("\\")[2])


def _asked(details: VmDetails, wanted: Wanted) -> dict[str, AdapterWish]:
    """Return the entries about a VM by the Id of the adapter that each means."""
    found: dict[str, Entry] = {}
    for entry in wanted.of(details.vm.id, details.vm.name):
        adapter = find_adapter(details, entry.wish)
        first = found.setdefault(adapter.id, entry)
        if first is not entry:
            raise InvalidRequest(
                f"{first.label} and {entry.label} mean the same adapter {adapter.name!r} ({adapter.adapter_id}) of "
                f"{details.vm.name} ({details.vm.id}); say all of it in one entry"
            )
    return {identifier: entry.wish for identifier, entry in found.items()}


def _by_id(adapter: Adapter, wish: AdapterWish) -> AdapterWish:
    """Return the wish for this very adapter: its Id travels with the VM, its MAC address may not."""
    return replace(wish, id=adapter.adapter_id or adapter.id, name=None, match_mac=None)


def judge_wiring(
    machines: Mapping[str, VmDetails], wirings: Mapping[str, Wiring], around: HostNetworks, here: HostNetworks,
    exchanges: Mapping[str, Exchange] | None, networks: Mapping[str, Network],
) -> dict[str, tuple[Finding, ...]]:  # fmt: skip
    """Return what speaks against the wirings, by VM Id; ``here`` and ``around`` are the source's and the destination's.

    The VMs are judged as they will arrive: off, and connected to nothing. Whether a guest takes an address is judged
    from what it says now, where it runs.
    """
    ports = [_arriving(details) for details in machines.values()]
    wishes = {vm_id: wiring.wishes for vm_id, wiring in wirings.items()}
    plan = plan_adapters(ports, wishes, {})
    elsewhere: tuple[Neighbour, ...] = here.neighbours
    found = list(judge(plan, around, elsewhere=elsewhere, networks=networks.values()))
    for target in plan.targets:
        found += kept_conflicts(target, around.neighbours)
    running = [details for details in machines.values() if details.vm.state == "Running"]
    guests = plan_adapters(running, wishes, here.configurations)
    found += judge_guests(guests, machines, exchanges, host=here.host)
    found += [_later(details.vm.name) for details in machines.values() if _waits(details, wirings[details.vm.id])]
    found = [replace(one, remedy=_SWITCH_REMEDY) if one.id == "switch_missing" else one for one in found]
    names = {vm_id: details.vm.name for vm_id, details in machines.items()}
    return {vm_id: tuple(one for one in found if _is_about(one, vm_id, names)) for vm_id in machines}


def _is_about(finding: Finding, vm_id: str, names: Mapping[str, str]) -> bool:
    """Whether a finding is about this VM, or about no VM of the task at all."""
    if any(other in finding.subject for other in names):
        return vm_id in finding.subject
    return finding.subject not in names.values() or finding.subject == names[vm_id]


def _arriving(details: VmDetails) -> VmDetails:
    adapters = tuple(replace(adapter, connected=False) for adapter in details.adapters)
    return replace(details, vm=replace(details.vm, state=OFF), adapters=adapters)


def _waits(details: VmDetails, wiring: Wiring) -> bool:
    return wiring.readdresses and details.vm.state == OFF


def _later(name: str) -> Finding:
    return Finding(
        id="address_after_start",
        severity=Severity.INFO,
        subject=name,
        evidence="the VM is off: its guest can't be asked whether it takes an address, nor be given one before it runs",
        remedy="Where it stays off, give the address with hyperv.mobility.vm_network_adapter once it was started.",
    )


def _plan(work: Work, wishes: Sequence[AdapterWish]) -> tuple[AdapterPlan, VmDetails, HostNetworks]:
    session = work.ends.destination
    for details in read_details(session, [work.id], parts=("network_adapters", "integration_services")):
        around = read_networks(session)
        return plan_adapters([details], {work.id: wishes}, around.configurations), details, around
    raise NotPossible(f"{work.name}: {session.host} does not have it", findings=(), changed=work.changed)


def set_adapters(work: Work, wiring: Wiring) -> None:
    """Set switch, VLAN and MAC address of the imported VM's adapters; raises what the host refuses."""
    if not wiring.wishes:
        return
    plan, _details, _around = _plan(work, wiring.ports)
    if plan.changed:
        work.changed = True
        _apply(work, plan)


def not_as_intended(work: Work, wiring: Wiring) -> tuple[Finding, ...]:
    """Return a finding for each adapter of the imported VM that is not as it was set."""
    if not wiring.wishes:
        return ()
    plan, _details, _around = _plan(work, wiring.ports)
    return tuple(
        Finding(
            id="adapter_not_as_intended",
            severity=Severity.WARNING,
            subject=work.name,
            evidence=f"adapter {target.adapter.name}: "
            + ", ".join(f"{what} is {now}, not {wanted}" for what, (now, wanted) in target.differences().items()),
            remedy="Set it with hyperv.mobility.vm_network_adapter.",
        )
        for target in plan.due
    )


def give_addresses(work: Work, wiring: Wiring) -> None:
    """Give the guest its new addresses, and wait until it reports them.

    A guest that has just been started needs a while until it answers; TimedOut or NotPossible say what is missing.
    """
    deadline = Deadline(work.request.verify_seconds, work.clock)
    stops: tuple[Finding, ...] = ()

    def answers() -> bool:
        nonlocal stops
        plan, details, _around = _plan(work, wiring.wishes)
        exchanges = read_exchanges(work.ends.destination, [work.id])
        stops = blocking(judge_guests(plan, {work.id: details}, exchanges, host=work.ends.destination.host))
        return not stops

    try:
        wait_until(answers, what=f"{work.name}: its guest", deadline=deadline, interval=_POLL_SECONDS)
    except TimedOut as late:
        text = stops[0].evidence if stops else late.msg
        raise NotPossible(
            f"{work.name}: it runs at the destination, and its guest takes no address: {text}",
            findings=stops,
            changed=True,
        ) from late
    plan, _details, _around = _plan(work, wiring.wishes)
    if plan.changed:
        work.changed = True
        _apply(work, plan, wait_seconds=max(deadline.remaining, _POLL_SECONDS))


def _apply(work: Work, plan: AdapterPlan, *, wait_seconds: float = 0) -> None:
    done = apply_adapters(work.ends.destination, plan, wait_seconds=wait_seconds, clock=work.clock, tell=work.tell)
    for problem in done.errors.values():
        raise problem
