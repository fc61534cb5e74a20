# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named predicates of a cold migration: what can be known before anything is stopped. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ....findings import Finding, Severity
from ...migration.decide import Seen
from ...migration.placement import Placement, volume_of
from ...preflight import hosts as host_predicates
from ...preflight import machine, storage
from ...preflight.facts import SAVED_STATES, HostFacts, MoveFacts, VmFacts
from ...versions import editions_between, editions_running
from ..names import LONGEST_PATH, longest_path, transfer_path_too_long, tree_names, web_name_has_brackets
from .decide import OFF, Step
from .request import EXTERNAL, FORCE, HTTP, REQUIRE_OFF
from .room import Lying, lacking_room

if TYPE_CHECKING:
    from .places import Places
    from .request import ColdRequest

_NO_FOLDER = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_STOPPABLE = "Running"
_STOPPING = "Stopping"


@dataclass(frozen=True, kw_only=True)
class GuestSystem:
    """What the guest itself says over its key-value exchange; empty texts where it is silent."""

    name: str = ""
    version: str = ""
    """"10.0.17763" for Windows Server 2019."""
    is_windows: bool = False

    @property
    def build(self) -> int | None:
        """Return the build of Windows, None where the version is no version of Windows."""
        parts = self.version.split(".")
        return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else None


@dataclass(frozen=True, kw_only=True)
class ColdMove:
    """Everything the predicates of one VM's cold migration look at."""

    vm: VmFacts
    """As the source shows it now."""
    source: HostFacts
    destination: HostFacts
    places: Places
    request: ColdRequest
    steps: tuple[Step, ...]
    size: int
    """Bytes that are exported and brought over."""
    lying: Lying = field(default_factory=Lying)
    """What of it an earlier run has left on both hosts."""
    shutdown_enabled: bool | None = None
    """Whether the host side of the guest's shutdown service is on; None where it could not be read."""
    guest: GuestSystem | None = None
    """None where it was not asked, because the VM does not run."""
    marked: bool = False
    """Whether an earlier run of ours has begun with it."""
    switch_map: Mapping[str, str] = field(default_factory=dict)
    """Switches of the source, and what takes their place."""
    others: tuple[Finding, ...] = ()
    """What other rooms found: adapters, addresses, the route."""

    @property
    def as_exported(self) -> VmFacts:
        """Return the VM as it will be when it is exported: off, where it runs now or we are shutting it down."""
        if self.vm.runs or (self.marked and self.vm.seen.state == _STOPPING):
            return replace(self.vm, seen=Seen(state=OFF, statuses=self.vm.seen.statuses))
        return self.vm

    def as_move(self) -> MoveFacts:
        """Return the facts in the shape that the predicates of live migrations take."""
        return MoveFacts(
            vm=self.as_exported,
            source=self.source,
            destination=self.destination,
            placement=Placement(folder=self.places.tree),
            switch_map=self.switch_map,
            eject_iso=self.request.eject_iso,
            enable_compatibility=False,
            may_power_off=True,
            delegates_credentials=True,
        )


def _finding(
    move: ColdMove, identifier: str, evidence: str, remedy: str, severity: Severity = Severity.BLOCKING
) -> Finding:
    return Finding(id=identifier, severity=severity, subject=move.vm.name, evidence=evidence, remedy=remedy)


def cannot_be_stopped(move: ColdMove) -> Iterator[Finding]:
    """Yield why a VM that has to be off can't be brought there under the power rule."""
    state, power = move.vm.seen.state, move.request.power
    if Step.EXPORT not in move.steps or state == OFF or (move.marked and state == _STOPPING):
        return
    if state != _STOPPABLE:
        if power != FORCE or state in SAVED_STATES:
            yield _finding(
                move,
                "vm_state_prevents_power_off",
                f"its state is {state}",
                "Start it, or discard its saved state, with its owner's consent; then run again.",
            )
    elif power == REQUIRE_OFF:
        yield _finding(
            move,
            "vm_not_off",
            "it runs, and power is require_off",
            "Shut it down, or set power: graceful (cold_migrate_power).",
        )
    elif move.shutdown_enabled is False and power != FORCE:
        yield _finding(
            move,
            "shutdown_service_disabled",
            "its integration service for shutting down is disabled",
            "Enable it (hyperv.mobility.vm_integration_service), shut the VM down from inside, or set power: force.",
        )


def name_is_no_folder(move: ColdMove) -> Iterator[Finding]:
    """Yield a finding for a VM whose name Windows refuses for a folder: Export-VM makes one of that name."""
    name = move.vm.name
    if Step.EXPORT in move.steps and (_NO_FOLDER.search(name) or not name.rstrip(" .")):
        yield _finding(
            move,
            "export_name_impossible",
            f"an export makes a folder named {name!r}, which Windows does not allow (0x8007007B)",
            "Rename the VM (Rename-VM), and give it its name back afterwards.",
        )


def names(move: ColdMove) -> Iterator[Finding]:
    """Yield findings for files of the tree that can't get their names where they are exported or fetched to."""
    vm, request = move.vm, move.request
    files = tree_names(vm.id, vm.name, [disk.path for disk in vm.disks if disk.path])
    longest = longest_path(move.places.export_of(vm.id), files)
    if Step.EXPORT in move.steps and len(longest) > LONGEST_PATH:
        yield _finding(
            move,
            "export_path_too_long",
            f"a file would have a path of {len(longest)} characters: {longest}",
            f"Windows PowerShell reads {LONGEST_PATH}: choose a shorter export_path.",
        )
    if Step.TRANSFER not in move.steps or request.transfer_method == EXTERNAL:
        return
    found = [transfer_path_too_long(vm.name, move.places.tree_of(vm.id), files)]
    if request.transfer_method == HTTP:
        found.append(web_name_has_brackets(vm.name, move.places.tree_of(vm.id), files))
    yield from (finding for finding in found if finding is not None)


def adapter_not_connected(move: ColdMove) -> Iterator[Finding]:
    """Yield each adapter that has no switch on the source: it gets none at the destination by itself."""
    for adapter in move.vm.adapters:
        if Step.IMPORT in move.steps and adapter.checkpoint is None and not adapter.switch:
            yield _finding(
                move,
                "adapter_not_connected",
                f"its adapter {adapter.name!r} is connected to no switch on {move.source.inventory_name}",
                "Where that is not on purpose, connect it, or name its switch in adapters (cold_migrate_adapters).",
                Severity.INFO,
            )


def version(move: ColdMove) -> Iterator[Finding]:
    """Yield a finding when the destination can't run the VM's configuration version, with the hops that lead there."""
    supported = move.destination.supported_versions or machine.ONLY_2012_R2
    if move.vm.version in supported:
        return
    between = editions_between(move.vm.version, supported)
    if between:
        remedy = (
            f"Migrate it first to a host of Windows Server {' or '.join(between)}, upgrade it there "
            "(hyperv.mobility.vm_version; no way back), and go on from there."
        )
    else:
        editions = " or ".join(editions_running(move.vm.version)) or "a version that knows it"
        remedy = f"Nothing takes a version back: choose a host of Windows Server {editions}."
    yield _finding(
        move,
        "configuration_version_unsupported",
        f"configuration version {move.vm.version}; {move.destination.inventory_name} runs {', '.join(supported)}",
        remedy,
    )


def guest_support(move: ColdMove) -> Iterator[Finding]:
    """Yield what the published list of guests says of this guest on the destination.

    Microsoft's list of supported Windows guests (page of April 2025): Windows Server 2025 on hosts of 2022 and later,
    Windows Server 2022 on hosts of 2019 and later, Windows 11 in generation 2 on hosts of 2019 and later; nothing
    before Windows Server 2008. Windows 11 and Windows Server are told apart by their name.
    """
    guest, host = move.guest, move.destination.build
    if guest is None or not guest.name:
        yield _finding(
            move,
            "guest_system_unknown",
            "the guest says nothing of its system" if guest else "the VM does not run, so its guest can't be asked",
            "Check by hand that the destination's Windows supports the guest's system.",
            Severity.INFO,
        )
        return
    build = guest.build
    if not guest.is_windows or build is None or host is None:
        return
    needed = _host_build(build, server="server" in guest.name.lower())
    if guest.version.startswith("5."):
        yield _unsupported(move, guest, "it is older than any guest that Microsoft's list names")
    elif host < needed:
        yield _unsupported(
            move, guest, f"the list names hosts of build {needed} and later, {move.destination.inventory_name} "
            f"has {host}"
        )  # fmt: skip


def _host_build(guest: int, *, server: bool) -> int:
    """Return the oldest build of a host that the list names for a guest's build; 0 where it names none."""
    if server and guest >= 26100:
        return 20348
    return 17763 if guest >= 20348 else 0


def _unsupported(move: ColdMove, guest: GuestSystem, why: str) -> Finding:
    return _finding(
        move,
        "guest_system_unsupported",
        f"{guest.name} ({guest.version}): {why}",
        "It may run and is not supported there: choose a newer host, or take the risk knowingly.",
        Severity.WARNING,
    )


def processors(move: ColdMove) -> Iterator[Finding]:
    """Yield a finding for a VM with more virtual processors than the destination has logical ones."""
    limit = move.destination.logical_processors
    if limit and move.vm.processor_count > limit:
        yield _finding(
            move,
            "processors_insufficient",
            f"it has {move.vm.processor_count} virtual processors, {move.destination.inventory_name} {limit} logical "
            "ones",
            "It gets as many as the host has."
            if move.request.limit_processors
            else "Let it have fewer there (limit_processors: true), or choose a larger host.",
            Severity.INFO if move.request.limit_processors else Severity.BLOCKING,
        )


def drives(move: ColdMove) -> Iterator[Finding]:
    """Yield a finding for the drive of a folder that its host lacks."""
    wanted = []
    if Step.EXPORT in move.steps:
        wanted.append(("export_path", move.places.export, move.source))
    if Step.IMPORT in move.steps:
        wanted.append(("destination_path", move.places.tree, move.destination))
    for option, folder, host in wanted:
        drive = volume_of(folder)
        if not folder.startswith("\\\\") and host.volumes and drive not in host.volumes:
            yield _finding(
                move,
                "drive_missing",
                f"{host.inventory_name} has no drive {drive}, where {option} is",
                f"Choose one of: {', '.join(sorted(host.volumes))}.",
            )


def switches(move: ColdMove) -> Iterator[Finding]:
    """Yield missing switches of the checkpoints' adapters; the VM's own are judged with all that is wanted of them."""
    old = tuple(adapter for adapter in move.vm.adapters if adapter.checkpoint)
    facts = move.as_move()
    yield from machine.switch_missing(replace(facts, vm=replace(facts.vm, adapters=old)))


_SHARED: tuple[Callable[[MoveFacts], Iterator[Finding]], ...] = (
    host_predicates.caller_lacks_rights,
    machine.cpu_incompatible,
    machine.tpm_certificates,
    machine.replication,
    machine.clustered,
    machine.name_taken,
    machine.in_transition,
    storage.pass_through_disk,
    storage.shared_disk,
    storage.iso_missing,
)
"""Predicates that hold for live and cold migrations alike, over the VM as it is when it is exported."""
_OWN = (
    cannot_be_stopped,
    name_is_no_folder,
    names,
    adapter_not_connected,
    version,
    guest_support,
    processors,
    drives,
    switches,
)


def check(moves: Sequence[ColdMove]) -> dict[str, tuple[Finding, ...]]:
    """Return the findings of each VM by Id; ``moves`` are in the order they start."""
    room = lacking_room(moves)
    return {
        move.vm.id: (
            *(finding for predicate in _SHARED for finding in predicate(move.as_move())),
            *(finding for own in _OWN for finding in own(move)),
            *room.get(move.vm.id, ()),
            *move.others,
        )
        for move in moves
    }


def cmdlets_missing(host: str, version: str) -> Finding:
    """Return the finding about a host without Hyper-V's cmdlets; ``version`` is its Windows' ("6.1.7601"), or empty."""
    old = version.startswith(("6.0", "6.1"))
    evidence = (
        f"Windows {version} is Windows Server 2008 or 2008 R2: it has no Hyper-V cmdlets, and its export format is one "
        "that only hosts up to Windows Server 2012 import"
        if old
        else f"the session has no Hyper-V cmdlets (Windows {version or 'of unknown version'})"
    )
    return Finding(
        id="hyperv_cmdlets_missing",
        severity=Severity.BLOCKING,
        subject=host,
        evidence=evidence,
        remedy="Migrate by hand over a host of Windows Server 2012 (docs/cold-migration.md, Windows Server 2008)."
        if old
        else "Install Hyper-V-PowerShell (hyperv.mobility.vm_host_feature), or let the endpoint show the cmdlets.",
    )
