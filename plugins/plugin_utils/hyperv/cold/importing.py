# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports a VM: find it, decide by its Id, compare, correct, compare again, import, and look whether it is there.

All of it happens in one session: a report is a live object of the runspace that made it (facts, 4).
"""

from __future__ import annotations

import ntpath
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ...errors import ConnectionLost, MobilityError, NotPossible, RemoteError, TimedOut
from ...findings import Finding, Severity, blocking
from ...operation import Diff
from ...session.command import Pipeline, command, expand, where
from ...session.live import kept
from .. import compatibility
from ..gateway import read_details
from ..migration.look import look_at
from ..migration.read_hosts import destroy_planned, read_existing
from .files import tree
from .import_case import Case, Planned
from .import_findings import AFTER, BEFORE, registered
from .import_order import ImportOrder
from .import_reading import imports_run, read_destination, read_planned
from .import_source import DISK_FILES, find_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...session.protocol import Session
    from ..compatibility import Entry
    from ..model import Adapter, Disk, Vm

__all__ = ["ImportOrder", "check", "import_vm"]
"""What other tasks call."""
IMPORTED: Final = "imported"
ALREADY_THERE: Final = "already_there"
FAILED: Final = "failed"
_NEWER_VERSION = re.compile(r"(?<!\d)32784(?!\d)")
"""The code of a configuration that is newer than the host; digits are the same in every language (facts, 2.1)."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An import that was looked at, and compared unless something stands before that. The report is in the session."""

    case: Case
    findings: tuple[Finding, ...] = ()
    fixes: tuple[Mapping[str, Any], ...] = ()
    there: Vm | None = None
    """The VM, where an earlier run has imported it."""
    compared: bool = False

    @property
    def changed(self) -> bool:
        """Whether there is anything to import."""
        return self.there is None

    @property
    def vm_id(self) -> str | None:
        """Return the Id that the VM has or will have; None where only the host's comparison can tell."""
        if self.there is not None:
            return self.there.id
        if self.case.planned is not None:
            return self.case.planned.vm.id
        return None if self.case.order.generate_new_id else self.case.source.vm_id

    def diff(self) -> Diff:
        """Return that the VM is not there before, and where it lies after."""
        if self.there is not None:
            same = {self.there.id: self.there.path}
            return Diff(before=same, after=same)
        return Diff(before={}, after={f"{self.case.subject} ({self.vm_id or 'new Id'})": self.case.machine_folder})

    def described(self) -> dict[str, Any]:
        """Return the result, as far as it is known before the import."""
        planned, vm = self.case.planned, self.there or (self.case.planned.vm if self.case.planned else None)
        manifest = self.case.source.manifest
        return {
            "outcome": ALREADY_THERE if self.there else FAILED if blocking(self.findings) else IMPORTED,
            "id": self.vm_id,
            "name": vm.name if vm else self.case.subject,
            "version": vm.version if vm else manifest.version if manifest else None,
            "state": vm.state if vm else None,
            "path": self.there.path if self.there else self.case.machine_folder,
            "configuration_file": self.case.source.configuration_file,
            "disks": _disks(planned.disks) if planned else [],
            "adapters": _adapters(planned.adapters) if planned else [],
            "fixes": [dict(fix) for fix in self.fixes],
            "findings": [finding.as_plain() for finding in self.findings],
        }


def _disks(disks: Sequence[Disk]) -> list[str]:
    return [disk.path for disk in disks if disk.path]


def _adapters(adapters: Sequence[Adapter]) -> list[dict[str, Any]]:
    return [
        {
            "name": adapter.name,
            "switch": adapter.switch_name if adapter.connected else None,
            "connected": adapter.connected,
            "mac_address": adapter.mac_address,
            "dynamic_mac_address": adapter.dynamic_mac_address,
        }
        for adapter in adapters
    ]


def check(session: Session, order: ImportOrder) -> tuple[Finding, ...]:
    """Return what an import would find, and leave nothing behind; none for a VM that is there already.

    Raises NotFound, Ambiguous or RemoteError where the files or the host's VMs can't be read.
    """
    prepared = prepare(session, order)
    try:
        return prepared.findings
    finally:
        abandon(session, prepared)


def import_vm(session: Session, order: ImportOrder, *, timeout_seconds: float | None = None) -> Vm:
    """Import the VM unless an earlier run did, and return it; it is never started.

    Raises NotPossible with the findings, RemoteError where the host refuses the import itself.
    """
    prepared = prepare(session, order)
    done = complete(session, prepared, timeout_seconds=timeout_seconds) if prepared.changed else prepared
    if done.there is None:
        raise RemoteError(f"{session.host}: {done.case.subject} was imported and is not there", changed=True)
    return done.there


def prepare(session: Session, order: ImportOrder) -> Prepared:
    """Look, decide by the Id, and compare; with a planned leftover the comparison waits for ``complete``."""
    case = Case(order=order, source=find_source(session, order.path), there=read_destination(session))
    there = registered(case)
    if there is not None:
        return _already(session, case, there)
    if case.source.vm_id in case.there.planned and not order.generate_new_id:
        case = replace(case, there=replace(case.there, imports_run=imports_run(session)))
    if order.vhd_source_path is not None:
        listed = tree(session, order.vhd_source_path)
        sizes = {item.path: item.size for item in listed if item.path.lower().endswith(DISK_FILES)}
        case = replace(case, reported=sizes)
    found = tuple(finding for predicate in BEFORE for finding in predicate(case))
    prepared = Prepared(case=case, findings=found)
    if blocking(found) or _leftover(prepared):
        return prepared
    return _compared(session, prepared)


def _already(session: Session, case: Case, vm: Vm) -> Prepared:
    (details,) = read_details(session, [vm.id], parts=("hard_disk_drives", "network_adapters"))
    planned = Planned(vm=details.vm, adapters=details.adapters, disks=details.disks)
    case = replace(case, planned=planned)
    return Prepared(case=case, there=details.vm, findings=_disks_gone(session, case))


def _leftover(prepared: Prepared) -> bool:
    return any(finding.id == "planned_leftover" for finding in prepared.findings)


def complete(session: Session, prepared: Prepared, *, timeout_seconds: float | None = None) -> Prepared:
    """Import what was prepared, and return it with the VM as the host shows it then.

    Raises NotPossible where a finding blocks, RemoteError where the host refuses; the planned VM is removed then.
    TimedOut and ConnectionLost say nothing about the import, which may go on: the next run decides by the Id.
    """
    if not prepared.compared and not blocking(prepared.findings):
        destroy_planned(session, prepared.case.source.vm_id or "")
        prepared = _compared(session, prepared)
    try:
        require(prepared)
        session.invoke(compatibility.import_report(), timeout_seconds=timeout_seconds).check(changed=True)
    except (NotPossible, RemoteError):
        abandon(session, prepared)
        raise
    except (TimedOut, ConnectionLost) as problem:
        problem.changed = True
        problem.msg = f"{problem.msg}; the import of {prepared.case.subject} may go on: run again, the Id decides"
        raise
    return _verified(session, prepared)


def require(prepared: Prepared) -> None:
    """Raise NotPossible where a finding blocks the import."""
    stopping = blocking(prepared.findings)
    if stopping:
        first = stopping[0]
        raise NotPossible(f"{first.subject} can't be imported: {first.evidence}", findings=prepared.findings)


def abandon(session: Session, prepared: Prepared) -> None:
    """Remove the planned VM that the comparison made; a real VM never goes this way.

    The report's own VM shows that it is planned, except on 2012 R2: there the planned system of this Id is destroyed.
    """
    if not prepared.compared:
        return
    compatibility.discard(session)
    if prepared.vm_id is not None and prepared.vm_id in look_at(session).planned:
        destroy_planned(session, prepared.vm_id)


def _compared(session: Session, prepared: Prepared) -> Prepared:
    """Compare, correct, compare again, and judge what is left; nothing stays behind where that fails."""
    case = prepared.case
    try:
        entries = compatibility.make(session, case.order.comparison(case.source.configuration_file))
    except RemoteError as error:  # the import would meet the same
        return replace(prepared, findings=(*prepared.findings, refused(case, error)))
    made = replace(prepared, compared=True)
    try:
        return _judged(session, made, entries)
    except MobilityError:
        with suppress(MobilityError):
            abandon(session, made)
        raise


def _judged(session: Session, prepared: Prepared, entries: Sequence[Entry]) -> Prepared:
    case = prepared.case
    fixes: tuple[Mapping[str, Any], ...] = ()
    try:
        planned = read_planned(session)
        changes, fixes = corrections(replace(case, planned=planned), planned, entries)
        if changes:
            entries, planned = compatibility.compared_again(session, changes), read_planned(session)
    except RemoteError as error:
        return replace(prepared, fixes=fixes, findings=(*prepared.findings, refused(case, error)))
    case = replace(case, planned=planned)
    paths = {*_disks(planned.disks), *case.disk_targets}
    case = replace(case, existing=read_existing(session, sorted(paths)))
    found = (
        *prepared.findings,
        *compatibility.findings(entries, case.subject),
        *(finding for predicate in AFTER for finding in predicate(case)),
    )
    return replace(prepared, case=case, findings=found, fixes=fixes)


def corrections(
    case: Case, planned: Planned, entries: Sequence[Entry]
) -> tuple[list[Pipeline], tuple[Mapping[str, Any], ...]]:
    """Return the changes at the report's VM that were asked for and are needed, and what they are for the result."""
    switches, machine = case.order.switch_map, compatibility.report_vm()
    mapped = [adapter for adapter in planned.adapters if adapter.switch_name in switches]
    used = {adapter.switch_name: switches[adapter.switch_name] for adapter in mapped if adapter.switch_name}
    changes = [compatibility.connected(machine, name, target) for name, target in used.items()]
    done: list[Mapping[str, Any]] = [
        _fix("switch_mapped", adapter.name, adapter.switch_name, used[adapter.switch_name])
        for adapter in mapped
        if adapter.switch_name
    ]
    for fix in compatibility.wanted_fixes(entries, case.order.fixes):
        if fix.entry.switch in used:
            continue  # connected through its switch already
        changes.append(compatibility.corrected(fix))
        done.append(_fix(fix.what, fix.entry.source_name, fix.entry.switch, fix.switch or None))
    for before, after in _disks_elsewhere(case, planned):
        drive = machine | expand("HardDrives") | where("Path", before)
        changes.append(drive | command("Set-VMHardDiskDrive", Path=after, ErrorAction="Stop"))
        done.append(_fix("disk_found_elsewhere", planned.vm.name, before, after))
    _at_machine(case, planned, changes, done)
    return changes, tuple(done)


def _at_machine(case: Case, planned: Planned, changes: list[Pipeline], done: list[Mapping[str, Any]]) -> None:
    """Add the changes that concern the VM as a whole."""
    order, machine, vm, most = case.order, compatibility.report_vm(), planned.vm, case.there.processors
    if order.limit_processors and most is not None and (vm.processor_count or 0) > most:
        changes.append(machine | command("Set-VMProcessor", Count=most, ErrorAction="Stop"))
        done.append(_fix("processors_limited", vm.name, vm.processor_count, most))
    if order.remove_saved_state and vm.state == "Saved":
        changes.append(machine | command("Remove-VMSavedState", ErrorAction="Stop"))
        done.append(_fix("saved_state_removed", vm.name, "Saved", "Off"))
    if not order.copies and order.smart_paging_file_path is not None:
        changes.append(
            machine | command("Set-VM", SmartPagingFilePath=order.smart_paging_file_path, ErrorAction="Stop")
        )
    path = None if order.copies else order.virtual_machine_path
    if path is not None or order.snapshot_source_path is not None:
        # What Set-VM can't do: the path of the configuration, and checkpoints that are elsewhere (Repair-VM's page).
        repair = command("Repair-VM", Path=path, SnapshotFilePath=order.snapshot_source_path, ErrorAction="Stop")
        changes.append(kept(compatibility.REPORT) | repair)


def _disks_elsewhere(case: Case, planned: Planned) -> list[tuple[str, str]]:
    """Return disks of a VM to register that lie in ``vhd_source_path`` instead: (path that it names, path there)."""
    if case.order.copies:
        return []
    beside = {ntpath.basename(path).lower() for path in case.source.disks}
    there = {name: path for path in case.reported if (name := ntpath.basename(path).lower()) not in beside}
    return [
        (disk.path, there[name])
        for disk in planned.disks
        if (name := ntpath.basename(disk.path).lower()) in there and disk.path.lower() != there[name].lower()
    ]


def _fix(what: str, about: str, before: Any, after: Any) -> dict[str, Any]:
    return {"fix": what, "about": about, "from": before, "to": after}


def _finding(
    case: Case, identifier: str, evidence: str, remedy: str, severity: Severity = Severity.BLOCKING
) -> Finding:
    return Finding(id=identifier, severity=severity, subject=case.subject, evidence=evidence, remedy=remedy)


def refused(case: Case, error: RemoteError) -> Finding:
    """Return the finding for a comparison that the host refused, with what it runs where that may be the cause."""
    runs = ", ".join(case.there.versions.runs)
    text = " ".join(error.msg.split())
    if _NEWER_VERSION.search(text):
        return _finding(
            case,
            "configuration_version_unsupported",
            f"{text}; 32784 is the code for a configuration version that is newer than the host's; it runs {runs}",
            "Read the VM's version where it comes from (vm_info), and import it on a host that runs it (vm_version).",
        )
    return _finding(
        case,
        "import_refused",
        text,
        f"If the VM comes from a newer host, its configuration version may be none that this one runs ({runs}): read "
        "it there with vm_info. Otherwise read the event log Microsoft-Windows-Hyper-V-VMMS-Admin here.",
    )


def _verified(session: Session, prepared: Prepared) -> Prepared:
    """Return the import with the VM as the host shows it, by Id, and findings for disks that are not there."""
    vm_id = prepared.vm_id or ""
    found = read_details(session, [vm_id], parts=("hard_disk_drives", "network_adapters"))
    if not found:
        raise RemoteError(
            f"{session.host}: Import-VM ended without an error, and no virtual machine has the Id {vm_id}", changed=True
        )
    details = found[0]
    planned = Planned(vm=details.vm, adapters=details.adapters, disks=details.disks)
    case = replace(prepared.case, planned=planned)
    findings = (*prepared.findings, *_disks_gone(session, case))
    return replace(prepared, case=case, there=details.vm, findings=findings)


def _disks_gone(session: Session, case: Case) -> tuple[Finding, ...]:
    disks = [disk.path for disk in case.planned.disks if disk.path and not disk.is_pass_through] if case.planned else []
    there = read_existing(session, disks)
    return tuple(
        _finding(
            case,
            "disk_not_as_intended",
            f"{path} is not there",
            "Look at the VM's disks before it is started.",
            Severity.WARNING,
        )
        for path in disks
        if path.lower() not in there
    )
