# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the moves: disks and adapters compared with what was intended, guests looked at, empty folders removed."""

from __future__ import annotations

import ntpath
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ...errors import MobilityError
from ...findings import Finding, Severity
from ...session.command import ON, command, select
from ...waiting import Deadline
from ..compatibility import mapped_switch
from ..preflight.facts import VmFacts
from .outcome import Result
from .placement import volume_of
from .read_vms import read_vms

if TYPE_CHECKING:
    from ...session.protocol import Session
    from ...waiting import Clock
    from .hosts import Hosts
    from .request import MoveRequest
    from .track import Track

GUEST_SECONDS = 300.0
"""How long a guest may take until its heartbeat or its addresses are seen after a move."""
_POLL_SECONDS = 3.0
_OK = "Ok"
_OWN_FOLDERS = frozenset(
    {"virtual machines", "virtual hard disks", "snapshots", "undolog configuration", "planned virtual machines"}
)


def prove(hosts: Hosts, tracks: Sequence[Track], request: MoveRequest, clock: Clock) -> None:
    """Look at the moved VMs on the destination and add findings to their tracks; one read for all of them."""
    if not tracks:
        return
    now = hosts.patiently(lambda: read_vms(hosts.destination, [track.vm.id for track in tracks]))
    for track in tracks:
        if track.vm.id in now and track.vm.version:
            track.findings += (*_disks(track, now[track.vm.id]), *_adapters(track, now[track.vm.id], request))
    if request.verify_heartbeat or request.verify_network:
        _verify_guests(hosts, tracks, request, clock)
    if request.remove_empty_source_folders:
        _clean(hosts, [track for track in tracks if track.result is Result.MOVED])


def unproven(tracks: Sequence[Track], why: str) -> None:
    """Add to VMs that have arrived that not everything about them was looked at."""
    for track in tracks:
        remedy = "The VM is at the destination; look at its disks, adapters and guest there."
        track.findings += (_warning(track, "not_proven", why, remedy),)


def _warning(track: Track, identifier: str, evidence: str, remedy: str) -> Finding:
    return Finding(id=identifier, severity=Severity.WARNING, subject=track.vm.name, evidence=evidence, remedy=remedy)


def _disks(track: Track, now: VmFacts) -> list[Finding]:
    """Compare disks by file name and volume: what Move-VM's sub-folders are called is not documented."""
    there = {ntpath.basename(disk.path).lower(): disk.path for disk in now.disks if disk.path}
    found = []
    for disk in track.vm.disks:
        if not disk.path:
            continue
        path = there.get(ntpath.basename(disk.path).lower())
        target = track.placement.target_of(disk.path) or disk.path
        if path is None or volume_of(path) != volume_of(target):
            evidence = (
                f"{ntpath.basename(disk.path)} is {'missing' if path is None else 'at ' + path}, intended: {target}"
            )
            found.append(
                _warning(track, "disk_not_as_intended", evidence, "Look at the VM's disks on the destination.")
            )
    return found


def _adapters(track: Track, now: VmFacts, request: MoveRequest) -> list[Finding]:
    there = {adapter.id.lower(): adapter for adapter in now.adapters if adapter.checkpoint is None}
    found = []
    for adapter in track.vm.adapters:
        if adapter.checkpoint is not None:
            continue
        wanted = mapped_switch(request.switch_map, adapter.switch) or adapter.switch
        current = there.get(adapter.id.lower())
        if current is None or (current.switch or "").lower() != (wanted or "").lower():
            evidence = (
                f"{adapter.name} is {'missing' if current is None else f'on {current.switch}'}, intended: {wanted}"
            )
            remedy = "Connect the adapter on the destination (Connect-VMNetworkAdapter)."
            found.append(_warning(track, "adapter_not_as_intended", evidence, remedy))
    return found


def _verify_guests(hosts: Hosts, tracks: Sequence[Track], request: MoveRequest, clock: Clock) -> None:
    """Wait until the guests that ran show what was asked for; those that don't become failures of proof."""
    deadline = Deadline(GUEST_SECONDS, clock)
    waiting = {track.vm.id: track for track in tracks if track.vm.runs}
    missing: dict[str, str] = {}
    while waiting:
        missing = hosts.patiently(partial(_silent, hosts.destination, list(waiting), request))
        waiting = {vm_id: track for vm_id, track in waiting.items() if vm_id in missing}
        if not waiting or deadline.passed:
            break
        clock.sleep(_POLL_SECONDS)
    for vm_id, track in waiting.items():
        track.findings += (
            _warning(
                track,
                "guest_not_verified",
                f"{missing[vm_id]}, {GUEST_SECONDS:.0f} seconds after the move",
                "Look at the guest; after a change of subnet it may need a new address.",
            ),
        )


def _silent(session: Session, vm_ids: Sequence[str], request: MoveRequest) -> dict[str, str]:
    """Return what is missing by Id."""
    from ..gateway import read_details  # noqa: PLC0415 - only where guests are verified

    found: dict[str, str] = {}
    for details in read_details(session, vm_ids):
        if request.verify_heartbeat and not (details.vm.heartbeat or "").startswith(_OK):
            found[details.vm.id] = f"the heartbeat is {details.vm.heartbeat}"
        elif request.verify_network and any(a.switch_name and not a.ip_addresses for a in details.adapters):
            found[details.vm.id] = "an adapter shows no IP address"
    return found


def _clean(hosts: Hosts, tracks: Sequence[Track]) -> None:
    """Remove folders that moves left empty on the source; what can't be removed stays."""
    for track in tracks:
        try:
            hosts.patiently(partial(remove_empty_folders, hosts.source, [track.vm]))
        except MobilityError as error:
            track.findings += (
                _warning(track, "folders_left", error.msg, "Remove the empty folders by hand."),
            )  # fmt: skip


def remove_empty_folders(session: Session, vms: Sequence[VmFacts]) -> None:
    """Remove those folders that VMs had and that are empty now, deepest first; see ``folders_to_try``."""
    (settings,) = session.invoke(command("Get-VMHost") | select("VirtualMachinePath", "VirtualHardDiskPath"))
    roots = [str(value) for one in settings.objects for value in one.values() if value]
    for vm in vms:
        for folder in folders_to_try(vm, roots):
            _remove_if_empty(session, folder)


def folders_to_try(vm: VmFacts, roots: Sequence[str]) -> list[str]:
    """Return the folders that were the VM's own, children before parents, never a configured root or a drive.

    Those are the folders it named, the ones Hyper-V makes in them, and a parent that is named after the VM.
    """
    kept = {root.rstrip("\\").lower() for root in roots}
    kept |= {ntpath.join(root, name).lower() for root in kept for name in _OWN_FOLDERS}
    named = [folder.rstrip("\\") for folder in vm.folders]
    named += [ntpath.dirname(disk.path) for disk in vm.disks if disk.path]
    found: dict[str, str] = {}
    for folder in named:
        inner = [ntpath.join(folder, name.title()) for name in _OWN_FOLDERS] + [
            ntpath.join(folder, "Snapshots", vm.id.upper())
        ]
        inner += [ntpath.join(folder, "Virtual Machines", vm.id.upper())]
        parent = ntpath.dirname(folder)
        own_parent = [parent] if vm.name.lower() in ntpath.basename(parent).lower() else []
        for path in (*inner, folder, *own_parent):
            if path.lower() not in kept and len(path) > 3 and not _is_share_root(path):
                found.setdefault(path.lower(), path)
    return sorted(found.values(), key=lambda path: (-path.count("\\"), path))


def _is_share_root(path: str) -> bool:
    return path.startswith("\\\\") and path.count("\\") <= 3


def _remove_if_empty(session: Session, folder: str) -> None:
    (there,) = session.invoke(command("Test-Path", LiteralPath=[folder], PathType="Container"))
    if there.objects != (True,):
        return
    (inside,) = session.invoke(command("Get-ChildItem", LiteralPath=[folder], Force=ON) | select("Name"))
    if not inside.errors and not inside.objects:
        session.invoke(command("Remove-Item", LiteralPath=[folder]))
