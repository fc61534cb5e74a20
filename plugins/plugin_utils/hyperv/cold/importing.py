# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports a VM: find it, decide by its Id, compare, correct, compare again, import, and look whether it is there.

All of it happens in one session: a report is a live object of the runspace that made it (facts, 4).
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ...errors import ConnectionLost, MobilityError, NotPossible, RemoteError, TimedOut
from ...findings import Finding, Severity, blocking
from ...operation import Diff
from ...owner import new_token
from ...waiting import SYSTEM_CLOCK, Clock, Deadline, wait_until
from .. import compatibility
from ..gateway import read_details
from ..migration.look import look_at
from ..migration.read_hosts import destroy_planned, read_existing
from . import in_use
from .files import tree
from .import_case import Case, Planned
from .import_corrections import corrections
from .import_findings import AFTER, BEFORE, registered
from .import_order import ImportOrder
from .import_reading import imports_run, read_destination, read_planned
from .import_source import DISK_FILES, find_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...session.protocol import Session
    from ..compatibility import Entry
    from ..model import Adapter, Disk, Vm

__all__ = ["ImportOrder", "check", "import_vm"]
"""What other tasks call."""
IMPORTED: Final = "imported"
ALREADY_THERE: Final = "already_there"
FAILED: Final = "failed"
_FIRST = frozenset({"planned_leftover", "import_running"})
"""Findings about what ``complete`` clears away before it compares."""
_POLL_SECONDS: Final = 5.0
_NO_LIMIT_SECONDS: Final = 30 * 86400.0
"""For the import itself, whatever the limit: at its deadline a session asks the host to stop, which would break off
the copying of disks."""
_LONGEST_SECONDS: Final = 4 * 3600.0
"""How long another import is waited for where no limit is given."""
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


def import_vm(
    session: Session,
    order: ImportOrder,
    *,
    timeout_seconds: float | None = None,
    clock: Clock = SYSTEM_CLOCK,
    tell: Callable[[str], None] | None = None,
) -> Vm:
    """Import the VM unless an earlier run did, and return it; it is never started.

    Raises as ``complete`` does, and as ``prepare`` where the files or the host's VMs can't be read.
    """
    done = prepare(session, order)
    if done.changed:
        done = complete(session, done, timeout_seconds=timeout_seconds, clock=clock, tell=tell)
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
    if blocking(found) or any(finding.id in _FIRST for finding in found):
        return prepared
    return _compared(session, prepared)


def _already(session: Session, case: Case, vm: Vm) -> Prepared:
    (details,) = read_details(session, [vm.id], parts=("hard_disk_drives", "network_adapters"))
    planned = Planned(vm=details.vm, adapters=details.adapters, disks=details.disks)
    case = replace(case, planned=planned)
    return Prepared(case=case, there=details.vm, findings=_disks_gone(session, case))


def complete(
    session: Session,
    prepared: Prepared,
    *,
    timeout_seconds: float | None = None,
    clock: Clock = SYSTEM_CLOCK,
    tell: Callable[[str], None] | None = None,
) -> Prepared:
    """Import what was prepared, and return it with the VM as the host shows it then.

    Where an import runs that may be this VM's own (of a run that was killed), it is waited for, at most that long.
    Raises NotPossible where a finding blocks, RemoteError where the host refuses; the planned VM is removed then.
    TimedOut and ConnectionLost say nothing about the import, which may go on: the next run decides by the Id.
    """
    if not prepared.compared and not blocking(prepared.findings):
        prepared = _ready(session, prepared, Deadline(timeout_seconds or _LONGEST_SECONDS, clock), tell)
        if prepared.there is not None:
            return prepared
    sent = False
    try:
        require(prepared)
        if tell is not None:
            tell(_announced(prepared.case))
        _mark(session, prepared, importing=True)
        sent = True
        session.invoke(compatibility.import_report(), timeout_seconds=_NO_LIMIT_SECONDS).check(changed=True)
    except (NotPossible, RemoteError):
        abandon(session, prepared)
        if sent:
            _unmark(session, prepared)
        raise
    except (TimedOut, ConnectionLost) as problem:
        problem.changed = True
        problem.msg = f"{problem.msg}; the import of {prepared.case.subject} may go on: run again, the Id decides"
        raise
    done = _verified(session, prepared)
    _mark(session, done)
    return done


def _home(prepared: Prepared) -> str | None:
    """Return the folder of a tree of ours that becomes the VM itself; None for another import."""
    return None if prepared.case.order.copies else prepared.case.source.home


def _mark(session: Session, prepared: Prepared, *, importing: bool = False) -> None:
    """Mark a tree of ours that becomes the VM, before it does: no other host may take it for a copy then."""
    home = _home(prepared)
    if home is not None:
        in_use.mark(session, home, prepared.vm_id or "", new_token(), importing=importing)


def _unmark(session: Session, prepared: Prepared) -> None:
    """Take the mark of a refused import away once the host is seen not to have the VM; the refusal is what is told."""
    home = _home(prepared)
    if home is None:
        return
    with suppress(MobilityError):
        look = look_at(session)
        if look.whole and prepared.vm_id not in {*look.machines, *look.planned}:
            in_use.unmark(session, home)


def settle(session: Session, prepared: Prepared) -> None:
    """Have the mark of a tree whose VM is there say so, where the run that imported it did not come to that."""
    home = _home(prepared)
    if prepared.there is not None and home is not None:
        in_use.settle(session, home, prepared.there.id, new_token())


def _announced(case: Case) -> str:
    size = sum(case.disks_to_copy.values())
    return f"{case.subject}: importing" + (f", copying {size // 1024**2} MB" if size else "")


def _ready(session: Session, prepared: Prepared, deadline: Deadline, tell: Callable[[str], None] | None) -> Prepared:
    """Return the import once nothing stands in its way: no running import, no planned VM that a run left behind."""
    name, host = prepared.case.subject, session.host
    while prepared.case.there.imports_run:
        if tell is not None:
            tell(f"{name}: {host} imports a VM, which may be this one; waiting for it")
        what = f"the import that runs on {host}"
        wait_until(lambda: imports_run(session) is False, what=what, deadline=deadline, interval=_POLL_SECONDS)
        prepared = prepare(session, prepared.case.order)
    if not prepared.changed or prepared.compared or blocking(prepared.findings):
        return prepared
    destroy_planned(session, prepared.case.source.vm_id or "")
    return _compared(session, prepared)


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
