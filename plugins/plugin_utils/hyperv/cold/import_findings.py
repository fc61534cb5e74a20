# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What speaks against an import, as predicates over what was read: before the host compares, and after it. Pure."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...findings import Finding, Severity
from ..migration.placement import volume_of
from ..network.findings import mac_conflicts, mac_will_change
from ..versions import editions_between, editions_running, key
from .import_source import EXP, PART, VMCX, XML

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model import Vm
    from .import_case import Case

_MB: Final = 1024**2
_FIRST_VMCX: Final = (6,)
"""Versions before 6 keep the configuration in an .xml file, later ones in .vmcx (facts, 2.1)."""
_OLD_WAY: Final = (
    "Hosts up to Windows Server 2012 import it: import it there and export it again, or make a new VM here around its "
    "virtual hard disks (docs/cold-migration.md)."
)


def _finding(
    case: Case, identifier: str, evidence: str, remedy: str, severity: Severity = Severity.BLOCKING
) -> Finding:
    return Finding(id=identifier, severity=severity, subject=case.subject, evidence=evidence, remedy=remedy)


def old_export(case: Case) -> Iterator[Finding]:
    """Yield a finding for an export of Windows Server 2008 or 2008 R2."""
    if case.source.ending == EXP:
        yield _finding(
            case,
            "export_of_2008",
            f"{case.source.configuration_file} is an export of Windows Server 2008 or 2008 R2",
            _OLD_WAY,
        )


def incomplete(case: Case) -> Iterator[Finding]:
    """Yield a finding for an export or a transfer that is not finished: its manifest comes last."""
    manifest = case.source.manifest
    if manifest is not None and not manifest.complete:
        evidence = f"the manifest says {manifest.state!r}: the export from {manifest.source_host} is not finished"
    elif manifest is None and any(path.lower().endswith(PART) for path in case.source.files):
        evidence = "a transfer into its folder is not finished: there are files that end in .part, and no manifest"
    else:
        return
    yield _finding(
        case, "export_incomplete", evidence, "Finish it with hyperv.mobility.vm_export and hyperv.mobility.vm_transfer."
    )


def on_a_share(case: Case) -> Iterator[Finding]:
    """Yield a warning for files on a share that become the VM as they are."""
    path = case.source.configuration_file
    if not case.order.copies and path.startswith("\\\\"):
        yield _finding(
            case,
            "registered_on_share",
            f"{path} is on a share, and mode is register: the VM runs from there as long as it lives",
            "Where that is not wanted, copy the files first: mode: restore, or hyperv.mobility.vm_transfer.",
            Severity.WARNING,
        )


def version_unsupported(case: Case) -> Iterator[Finding]:
    """Yield a finding when the host can't run the configuration version: by the manifest, else by the kind of file."""
    runs, manifest = case.there.versions.runs, case.source.manifest
    if manifest is not None and manifest.version:
        if manifest.version not in runs:
            yield too_old_or_new(case, manifest.version)
        return
    old = [version for version in runs if key(version) < _FIRST_VMCX]
    if case.source.ending == XML and not old:
        yield too_old_or_new(case, "5.0", said="5.0 or older (an .xml file)")
    elif case.source.ending == VMCX and len(old) == len(runs):
        yield too_old_or_new(case, "", said="6.2 or later (a .vmcx file)")


def too_old_or_new(case: Case, version: str, *, said: str = "") -> Finding:
    """Return the finding for a version that the host does not run, with the hop or the editions that would help.

    ``said`` is what is known of the version where that is not the version itself.
    """
    runs = case.there.versions.runs
    between = editions_between(version, runs)
    if between:
        remedy = (
            f"Import it on a host of Windows Server {' or '.join(between)}, upgrade it there (vm_version with "
            "upgrade: true; no way back), and bring it here from there."
        )
    else:
        editions = editions_running(version) or ("2016 or later",)
        remedy = f"Import it on a host of Windows Server {' or '.join(editions)}; nothing takes a version back."
    return _finding(
        case,
        "configuration_version_unsupported",
        f"configuration version {said or version}; {case.there.host} runs {', '.join(runs)}",
        remedy,
    )


def id_taken(case: Case) -> Iterator[Finding]:
    """Yield a finding when the host has a VM of this Id whose files are others."""
    if case.order.generate_new_id or case.source.vm_id is None:
        return
    vm = next((one for one in case.there.vms if one.id == case.source.vm_id), None)
    if vm is not None and not lies_in(vm, case.machine_folder):
        yield _finding(
            case,
            "id_registered_elsewhere",
            f"{case.there.host} has {vm.name} with this Id ({vm.id}), and its configuration lies in "
            f"{vm.configuration_location or vm.path}",
            "Compare both with vm_info; remove the one that is not in use, or import a copy with generate_new_id.",
        )


def registered(case: Case) -> Vm | None:
    """Return the VM that this import has already given, or None.

    It has the Id and lies where the import puts it. A copy with a new Id is known by its folder, which is its own.
    """
    if case.order.generate_new_id:
        others = (vm for vm in case.there.vms if vm.id != case.source.vm_id)
        return next((vm for vm in others if lies_in(vm, case.machine_folder)), None)
    known = (vm for vm in case.there.vms if vm.id == case.source.vm_id)
    return next((vm for vm in known if lies_in(vm, case.machine_folder)), None)


def lies_in(vm: Vm, folder: str) -> bool:
    """Whether a VM's configuration lies in a folder (``Virtual Machines`` below it)."""
    wanted = _plain(folder)
    return bool(wanted) and wanted in (_plain(vm.configuration_location), _plain(vm.path))


def _plain(path: str) -> str:
    return path.rstrip("\\").lower()


def planned_of_this_id(case: Case) -> Iterator[Finding]:
    """Yield what a planned VM of this Id means: a move or an import works on it, or a task left it behind."""
    statuses = case.there.planned.get(case.source.vm_id or "")
    if statuses is None or case.order.generate_new_id:
        return
    has = f"{case.there.host} has a planned VM of this Id, and"
    if statuses or case.there.imports_run is None:
        doing = f"something works on it: {', '.join(sorted(statuses))}" if statuses else "does not show its jobs"
        yield _finding(case, "vm_arriving", f"{has} {doing}", "Wait until that is over, then run again.")
    elif case.there.imports_run:
        yield _finding(
            case, "import_running", f"{has} an import runs", "It is waited for: it may be this VM's.", Severity.INFO
        )
    else:
        yield _finding(
            case,
            "planned_leftover",
            f"{has} nothing works on it",
            "It is removed before the import.",
            Severity.INFO,
        )


def drive_missing(case: Case) -> Iterator[Finding]:
    """Yield a finding for each target path on a drive that the host does not have."""
    if case.there.volumes is None:
        return
    order = case.order
    paths = (
        order.vhd_destination_path, order.virtual_machine_path, order.snapshot_file_path, order.smart_paging_file_path,
    )  # fmt: skip
    for path in filter(None, paths):
        volume = volume_of(path)
        if not volume.startswith("\\") and volume not in case.there.volumes:
            yield _finding(
                case,
                "drive_missing",
                f"{path}: {case.there.host} has no drive {volume}",
                f"Choose one of {', '.join(sorted(case.there.volumes)) or '-'}.",
            )


def mapped_switch_missing(case: Case) -> Iterator[Finding]:
    """Yield a finding for each switch that ``switch_map`` leads to and the host lacks."""
    if case.there.switches is None:
        return
    there = {name.lower() for name in case.there.switches}
    for name, target in sorted(case.order.switch_map.items()):
        if target.lower() not in there:
            yield _finding(
                case,
                "switch_missing",
                f"{case.there.host} has no switch {target} (mapped from {name})",
                f"Create the switch, or map to one of: {', '.join(sorted(case.there.switches)) or '-'}.",
            )


BEFORE: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    old_export, incomplete, version_unsupported, id_taken, planned_of_this_id, drive_missing, mapped_switch_missing,
    on_a_share,
)  # fmt: skip


def space(case: Case) -> Iterator[Finding]:
    """Yield a finding for each volume that copied files would not fit on."""
    needed: dict[str, int] = {}
    for target, size in zip(case.disk_targets, case.disks_to_copy.values(), strict=False):
        needed[volume_of(target)] = needed.get(volume_of(target), 0) + size
    for volume, size in sorted(needed.items()):
        free = (case.there.volumes or {}).get(volume)
        if free is not None and size > free:
            yield _finding(
                case,
                "space_insufficient",
                f"needs {_mb(size)} on {volume}; {case.there.host} has {_mb(free)} free there",
                "Free space there, choose another vhd_destination_path, or register the files where they lie.",
            )


def collisions(case: Case) -> Iterator[Finding]:
    """Yield a finding for each copied disk whose name is taken: disks of all VMs share the default folder."""
    taken = sorted(target for target in case.disk_targets if target.lower() in case.existing)
    if taken:
        default = case.order.vhd_destination_path is None
        yield _finding(
            case,
            "file_exists",
            f"{case.there.host} has {', '.join(taken)}" + (" (its default folder for disks)" if default else ""),
            "If an import that was broken off has left them and nothing uses them, remove them; otherwise a folder "
            "for this VM alone (vhd_destination_path of vm_import).",
        )


def disks_missing(case: Case) -> Iterator[Finding]:
    """Yield a finding for disks of the VM whose files are not there."""
    if case.planned is None:
        return
    copied = {ntpath.basename(path).lower() for path in case.disks_to_copy}
    missing = [
        disk.path
        for disk in case.planned.disks
        if disk.path and not disk.is_pass_through
        and not (
            ntpath.basename(disk.path).lower() in copied if case.order.copies else disk.path.lower() in case.existing
        )
    ]  # fmt: skip
    if missing:
        yield _finding(
            case,
            "disk_file_missing",
            f"virtual hard disks are not there: {', '.join(missing)}",
            "Bring them there, or say with vhd_source_path where they lie (mode: restore or copy).",
        )


def processors(case: Case) -> Iterator[Finding]:
    """Yield a finding for more virtual processors than the host has logical ones."""
    most = case.there.processors
    if case.planned is None or most is None or (case.planned.vm.processor_count or 0) <= most:
        return
    yield _finding(
        case,
        "processors_exceed_host",
        f"{case.planned.vm.processor_count} virtual processors; {case.there.host} has {most} logical ones",
        "Give limit_processors: true, or choose a larger host.",
    )


def memory(case: Case) -> Iterator[Finding]:
    """Yield a warning when the VM could not be started now."""
    if case.planned is None or case.there.memory_free is None:
        return
    wanted = case.planned.vm.memory_startup
    if wanted > case.there.memory_free:
        yield _finding(
            case,
            "memory_short_for_start",
            f"starts with {_mb(wanted)}; {case.there.host} has {_mb(case.there.memory_free)} free",
            "The import goes on; free memory there before it is started.",
            Severity.WARNING,
        )


def macs(case: Case) -> Iterator[Finding]:
    """Yield warnings about MAC addresses, static or exported: an import does not start the VM, so none blocks."""
    planned = case.planned
    for adapter in planned.adapters if planned else ():
        mac = adapter.mac_address.upper()
        taken = mac_conflicts(case.subject, planned.vm.id if planned else "", adapter.id, mac, case.there.neighbours)
        yield from (replace(finding, severity=Severity.WARNING) for finding in taken)
        if adapter.dynamic_mac_address:
            yield from mac_will_change(case.subject, case.there.host, mac, case.there.macs)


def name_taken(case: Case) -> Iterator[Finding]:
    """Yield a warning when another VM has the name: legal, but commands by name act on both."""
    name, own = case.subject.lower(), case.planned.vm.id if case.planned else case.source.vm_id
    others = sorted(vm.id for vm in case.there.vms if vm.name.lower() == name and vm.id != own)
    if others:
        yield _finding(
            case,
            "name_taken",
            f"{case.there.host} has another VM of this name: {', '.join(others)}",
            "Rename one of them; until then address both by Id.",
            Severity.WARNING,
        )


def tpm(case: Case) -> Iterator[Finding]:
    """Yield a warning for a virtual TPM: an export does not hold the certificates that protect it (facts, 3.6)."""
    if case.planned is not None and case.planned.has_tpm:
        yield _finding(
            case,
            "tpm_certificates_needed",
            "the VM has a virtual TPM, and its key protector needs certificates of the host that it comes from",
            "Before it is started, bring both certificates with their keys from that host's store 'Shielded VM Local "
            "Certificates' into the same store here.",
            Severity.WARNING,
        )


def saved_state(case: Case) -> Iterator[Finding]:
    """Yield a warning for a VM that arrives saved: it goes on only on a processor with the same features."""
    if case.planned is not None and case.planned.vm.state == "Saved":
        yield _finding(
            case,
            "arrives_saved",
            "the VM has a saved state, which only goes on on a processor with the features of the old one",
            "Start it here, or discard the state with remove_saved_state: true (what was in memory is lost).",
            Severity.WARNING,
        )


def disconnected(case: Case) -> Iterator[Finding]:
    """Yield a warning for adapters that arrive without a switch."""
    adapters = case.planned.adapters if case.planned else ()
    names = [adapter.name for adapter in adapters if not adapter.connected]
    if names:
        yield _finding(
            case,
            "arrives_disconnected",
            f"adapters without a switch: {', '.join(names)}",
            "Connect them (vm_network_adapter), or map their switch with switch_map before the import.",
            Severity.WARNING,
        )


AFTER: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    space, collisions, disks_missing, processors, memory, macs, name_taken, tpm, saved_state, disconnected,
)  # fmt: skip


def _mb(size: int) -> str:
    return f"{size // _MB} MB"
