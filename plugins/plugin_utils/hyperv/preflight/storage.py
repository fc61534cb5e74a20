# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates over storage: disks that can't move, files and drives at the destination."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator

from ...findings import Finding, Severity
from ..migration.placement import volume_of
from .facts import MoveFacts

GUEST_SERVICES_ISO = "vmguest.iso"


def _finding(
    move: MoveFacts, identifier: str, evidence: str, remedy: str, severity: Severity = Severity.BLOCKING
) -> Finding:
    return Finding(id=identifier, severity=severity, subject=move.vm.name, evidence=evidence, remedy=remedy)


def pass_through_disk(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each disk of the host that is given to the VM whole."""
    for disk in move.vm.disks:
        if disk.disk_number is not None:
            yield _finding(
                move,
                "pass_through_disk",
                f"disk {disk.disk_number} of the source host is attached to the VM as a whole",
                "Detach it, or turn it into a virtual hard disk.",
            )


def shared_disk(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each disk that several VMs share, which only a cluster can move (facts, 3.4)."""
    for disk in move.vm.disks:
        if disk.shared or (disk.path or "").lower().endswith(".vhds"):
            yield _finding(
                move,
                "shared_disk",
                f"{disk.path} is shared between VMs",
                "Detach the shared disk; a stand-alone host can't take over a VM with one.",
            )


def disks_not_shared(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for files on local drives when storage stays where it is."""
    if move.placement.with_storage:
        return
    files = [disk.path for disk in move.vm.disks if disk.path] + list(move.vm.folders)
    local = sorted({path for path in files if not path.startswith("\\\\")})
    if local:
        yield _finding(
            move,
            "storage_not_shared",
            f"storage is to stay, but the destination can't reach {local[0]}"
            + (f" and {len(local) - 1} more" if len(local) > 1 else ""),
            "Move the storage too (include_storage: true), or put all files on a share both hosts reach.",
        )


def disk_without_target(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each local disk that placement per part leaves out, and each named one the VM lacks."""
    parts = move.placement.parts
    if parts is None:
        return
    own = {(disk.path or "").lower() for disk in move.vm.disks}
    for source, _target in parts.vhds:
        if source.lower() not in own:
            yield _finding(move, "vhd_unknown", f"vhds names {source}, which is no disk of the VM", "Correct vhds.")
    for disk in move.vm.disks:
        if disk.path and not disk.path.startswith("\\\\") and move.placement.target_of(disk.path) is None:
            yield _finding(
                move,
                "vhd_without_target",
                f"vhds does not say where {disk.path} goes",
                "Add it to vhds, or use destination_storage_path.",
            )


def drive_missing(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each drive of a target path that the destination lacks."""
    drives = {volume_of(path) for path in _target_paths(move) if not path.startswith("\\\\")}
    for drive in sorted(drives - set(move.destination.volumes)):
        yield _finding(
            move,
            "drive_missing",
            f"{move.destination.inventory_name} has no drive {drive}",
            f"Choose one of: {', '.join(sorted(move.destination.volumes)) or '-'}.",
        )


def _target_paths(move: MoveFacts) -> list[str]:
    placement = move.placement
    if placement.folder is not None:
        return [placement.folder]
    if placement.parts is None:
        return []
    parts = placement.parts
    single = [parts.virtual_machine_path, parts.snapshot_file_path, parts.smart_paging_file_path]
    return [path for path in single if path] + [target for _, target in parts.vhds]


def file_exists(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each target file that exists: Hyper-V refuses to write over it."""
    for disk in move.vm.disks:
        target = move.placement.target_of(disk.path) if disk.path else None
        if target is not None and target.lower() in move.destination.existing:
            yield _finding(
                move,
                "file_exists",
                f"{target} exists on {move.destination.inventory_name}",
                "Choose another folder, or remove the file if it is a leftover.",
            )


def same_target(move: MoveFacts, target: str, owner: str) -> Finding:
    """Return the finding that another disk of this task, which ``owner`` tells, has the same target file."""
    return _finding(
        move,
        "target_shared",
        f"{target} would also be a file of {owner}",
        "Leave destination_storage_path out (a folder per VM is made), or move these VMs with a path each; two disks "
        "of one VM need vhds with a path each.",
    )


def iso_missing(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each ISO in a drive whose path the destination lacks (facts, 3.4; vmguest.iso too)."""
    for iso in move.vm.isos:
        guest_services = ntpath.basename(iso).lower() == GUEST_SERVICES_ISO
        if iso.lower() in move.destination.existing and not guest_services:
            continue
        if iso.lower() in move.destination.unseen and not (guest_services or move.eject_iso):
            yield _iso_unseen(move, iso)
            continue
        what = (
            "the integration services disk"
            if guest_services
            else f"{iso}, which {move.destination.inventory_name} lacks,"
        )
        yield _finding(
            move,
            "iso_missing",
            f"{what} is in a DVD drive",
            "It is ejected by the move."
            if move.eject_iso
            else "Eject it (eject_iso: true), or put it there under the same path.",
            Severity.INFO if move.eject_iso else Severity.BLOCKING,
        )


def _iso_unseen(move: MoveFacts, iso: str) -> Finding:
    return _finding(
        move,
        "iso_unseen",
        f"{iso} is in a DVD drive, and this session can't see whether {move.destination.inventory_name} reaches it",
        "Compare-VM decides. Eject it (eject_iso: true) where that refuses.",
        Severity.WARNING,
    )


PREDICATES = (
    pass_through_disk,
    shared_disk,
    disks_not_shared,
    disk_without_target,
    drive_missing,
    file_exists,
    iso_missing,
)
