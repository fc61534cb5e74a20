# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a VM from being exported, found before anything is changed."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ...findings import Finding, Severity, blocking
from ..migration.decide import INTERRUPTING, MIGRATING, TRANSITIONAL
from ..model_enums import VmState
from .evidence import Source, disk_files
from .export_look import EXPORTING_STATUS, Export, State, folder_of
from .export_tree import OFF, capture_of, size
from .names import LONGEST_PATH, longest_path, tree_names

if TYPE_CHECKING:
    from ..model import Vm

SHARE: Final = "\\\\"
"""How the path of a share begins."""
SAVED_STATE: Final = "CaptureSavedState"
CAPTURES: Final = (OFF, "CaptureCrashConsistentState", SAVED_STATE, "CaptureDataConsistentState")
_RUNS: Final = (VmState.RUNNING, VmState.PAUSED)
_REMEDIES: Final = {
    "0x80070005": "Access was denied: the management service writes as the host's computer account (HOST$); give it "
    "write rights on the share and on its folder. The caller's own rights don't help.",
    "0x80070070": "The volume is full: free space there, or choose another path.",
    "0x80070050": "A file of that name is there already: look at the folder, and run again.",
    "0x80070002": "A file of the VM is missing: look at its disks with hyperv.mobility.vm_info.",
    "0x8007007B": "A folder can't have this name: rename the VM for the export.",
    "0x80070003": "The path was not found: check that the drive is there.",
}
"""By the HRESULT in the record (facts, 6.1, and error records from the field)."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where exports go on a host."""

    path: str
    host: str
    free: int | None = None
    """Free bytes of its volume; None where the host doesn't say (a share)."""
    captures_live: bool = True
    """Whether Export-VM can be told what to capture (from 2016 on)."""
    freed: Mapping[str, int] = field(default_factory=dict)
    """Bytes by VM Id of what is removed before its export is made."""

    @property
    def is_share(self) -> bool:
        """Whether it is on another machine."""
        return self.path.startswith(SHARE)


def remedy(hresult: str | None, path: str) -> str | None:
    """Return what to do about a refused Export-VM; the computer account's rights matter for a share only."""
    if hresult == "0x80070005" and not path.startswith(SHARE):
        return (
            "Access was denied: check the rights of SYSTEM and of NT VIRTUAL MACHINE\\Virtual Machines on the folder."
        )
    return _REMEDIES.get(hresult or "")


def check(source: Source, export: Export, place: Place, capture: str) -> tuple[Finding, ...]:
    """Return the findings about one VM that is to be exported anew; space is judged over all of them."""
    return (
        *_state(source.details.vm, capture, place),
        *_disks(source),
        *_surroundings(source),
        *_folder(source, export, place),
    )


def _finding(vm: Vm, identifier: str, evidence: str, cure: str, severity: Severity = Severity.BLOCKING) -> Finding:
    return Finding(id=identifier, severity=severity, subject=vm.name, evidence=evidence, remedy=cure)


def foreign(name: str, export: Export) -> Finding:
    """Return the finding about a folder that no task of ours has made."""
    return Finding(
        id="export_folder_foreign",
        severity=Severity.BLOCKING,
        subject=name,
        evidence=f"{export.folder} is not an export of this collection: {export.why}",
        remedy="It is left as it is. Move it away, or choose another path.",
    )


def not_off(vm: Vm, capture: str) -> Finding | None:
    """Return the finding about a VM whose state does not fit what is to be captured; None where it fits."""
    if vm.is_off or (capture != OFF and vm.state in _RUNS) or (capture == SAVED_STATE and vm.state == VmState.SAVED):
        return None
    if capture == OFF:
        return _finding(
            vm,
            "vm_not_off",
            f"the VM is {vm.state}, and capture is off",
            "Shut it down first (nothing is stopped here), or choose what to capture of a running VM with capture.",
        )
    return _finding(
        vm,
        "vm_state_not_captured",
        f"the VM is {vm.state}, which {capture} does not fit",
        f"Use {SAVED_STATE} for a saved VM; else wait until it is Running, Paused or Off.",
    )


def _state(vm: Vm, capture: str, place: Place) -> Iterator[Finding]:
    working = sorted(vm.statuses & (INTERRUPTING | MIGRATING) - {EXPORTING_STATUS})
    if vm.state in TRANSITIONAL:
        yield _finding(vm, "vm_in_transition", f"the VM is {vm.state}", "Run again when it has come to rest.")
        return
    if working:
        backup = "BackingUpVirtualMachine" in working
        yield _finding(
            vm,
            "backup_running" if backup else "vm_busy",
            f"operational status: {', '.join(working)}",
            "Run again when that has ended.",
        )
    unfit = not_off(vm, capture)
    if unfit is not None:
        yield unfit
    elif capture_of(vm, capture) != OFF and not place.captures_live:
        yield _finding(
            vm,
            "capture_not_supported",
            f"the VM is {vm.state}, and {place.host} has no Export-VM -CaptureLiveState (it came with 2016)",
            "Shut the VM down, and export it with capture: off.",
        )


def _disks(source: Source) -> Iterator[Finding]:
    vm = source.details.vm
    for disk in (*source.details.disks, *source.details.checkpoint_disks):
        if disk.is_pass_through:
            yield _finding(
                vm,
                "pass_through_disk",
                f"disk {disk.disk_number} of the host is attached to the VM as a whole",
                "An export leaves it out. Detach it, or turn it into a virtual hard disk.",
            )
        elif disk.shared or disk.path.lower().endswith(".vhds"):
            yield _finding(
                vm,
                "shared_disk",
                f"{disk.path} is shared between VMs",
                "Detach the shared disk; a stand-alone host can't take over a VM with one.",
            )
    for path in disk_files(source.details):
        if path in source.unseen:
            yield _finding(
                vm, "disk_times_unread", f"{path} can't be seen from this session, only by the host itself",
                "The export is made; that it still holds can't be told later, so each run makes a new one. A "
                "connection that delegates credentials can tell.", Severity.WARNING,
            )  # fmt: skip
        elif path.lower() not in source.files:
            yield _finding(
                vm, "disk_unreadable", f"{path} is not there, or the caller may not see it",
                "Bring the file back, or detach the disk; check the caller's rights on its folder.",
            )  # fmt: skip


def _surroundings(source: Source) -> Iterator[Finding]:
    vm = source.details.vm
    if vm.is_clustered:
        yield _finding(
            vm, "vm_clustered", "the VM is a role of a failover cluster",
            "The export is made; take the VM out of the cluster before it is started elsewhere.", Severity.WARNING,
        )  # fmt: skip
    for mode in sorted({one.mode for one in source.details.replications} - {"", "None"}):
        yield _finding(
            vm, "replication_not_exported", f"the VM is replicated (mode {mode}), and an export leaves that out",
            "Set replication up again where the VM is imported, and remove it here.", Severity.WARNING,
        )  # fmt: skip


def _folder(source: Source, export: Export, place: Place) -> Iterator[Finding]:
    vm = source.details.vm
    if export.state is State.FOREIGN:
        yield foreign(vm.name, export)
    names = [ntpath.basename(path) for path in disk_files(source.details)]
    longest = longest_path(folder_of(place.path, vm.id), tree_names(vm.id, vm.name, names))
    if len(longest) > LONGEST_PATH:
        yield _finding(
            vm, "export_path_too_long", f"a file would have a path of {len(longest)} characters: {longest}",
            "Windows PowerShell reads 259: choose a shorter path.",
        )  # fmt: skip
    twins = sorted({name for name in map(str.lower, names) if [n.lower() for n in names].count(name) > 1})
    if twins:
        yield _finding(
            vm, "disk_names_equal", f"several disks of the VM have the file name {twins[0]}",
            "An export puts all disks into one folder. If the host refuses, give one of them another name first.",
            Severity.WARNING,
        )  # fmt: skip
    yield from _place(vm, place)


def closed(vm: Vm, place: Place) -> Finding:
    """Return the finding that the caller can't open the place of the exports."""
    cure = "Check the path and the drive."
    if place.is_share:
        cure = (
            "Check the path, and the caller's rights on the share. From the host it is a second hop: that takes a "
            "connection that delegates credentials (CredSSP, or Kerberos with delegation)."
        )
    return _finding(vm, "export_path_unreachable", f"{place.path} can't be opened from {place.host}", cure)


def _place(vm: Vm, place: Place) -> Iterator[Finding]:
    if place.is_share:
        yield _finding(
            vm,
            "export_by_computer_account",
            f"{place.path} is a share: the management service writes there as the computer account of {place.host}",
            "Give HOST$ write rights on the share and on its folder; your own rights don't help the export.",
            Severity.WARNING,
        )


def lacking_space(
    sources: Sequence[Source], place: Place, capture: str, clear: frozenset[str]
) -> dict[str, tuple[Finding, ...]]:
    """Return the findings of those VMs that don't fit on the volume after the ones before them.

    ``clear`` are the Ids of VMs that nothing else blocks; the others are not exported and take no room.
    """
    found: dict[str, tuple[Finding, ...]] = {}
    taken = 0
    for source in sources:
        vm = source.details.vm
        needed = needed_bytes(source, capture) - place.freed.get(vm.id, 0)
        if vm.id not in clear or place.free is None:
            continue
        if taken + needed > place.free:
            before = f", of which VMs before it take {size(taken)}" if taken else ""
            evidence = f"needs {size(needed)}; {size(place.free)} are free at {place.path}{before}"
            cure = "Free space there, or choose another path."
            found[vm.id] = (_finding(vm, "space_insufficient", evidence, cure),)
        else:
            taken += max(needed, 0)
    return found


def needed_bytes(source: Source, capture: str) -> int:
    """Return what an export takes: disks with checkpoints and parents, configuration, and the memory it captures."""
    vm = source.details.vm
    memory = (
        (vm.memory_assigned or vm.memory_startup) if capture_of(vm, capture) == SAVED_STATE and vm.state in _RUNS else 0
    )
    return source.disk_bytes + source.system_bytes + memory


def clear_of(findings: Mapping[str, tuple[Finding, ...]]) -> frozenset[str]:
    """Return the Ids whose findings don't block."""
    return frozenset(vm_id for vm_id, listed in findings.items() if not blocking(listed))
