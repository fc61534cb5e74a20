# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare-VM's report: made, read, corrected and used in one runspace, where it is a live object (facts, 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest
from ..findings import Finding, Severity
from ..session.command import NULL, ON, Pipeline, command, expand, select, where
from ..session.live import forget, keep, kept
from .remedies import CREDENTIALS

if TYPE_CHECKING:
    from ..errors import RemoteError
    from ..session.protocol import Session

REPORT = "report"
SWITCH_NOT_FOUND = 33012
"""The one MessageId that is proven: an adapter's switch is not there, and Source is the adapter."""
_ADAPTER, _DVD, _CHECKPOINT, _MACHINE, _OTHER = "adapter", "dvd", "checkpoint", "vm", "other"
_KINDS = (("DvdMediaType", _DVD), ("SnapshotType", _CHECKPOINT), ("SwitchName", _ADAPTER), ("ProcessorCount", _MACHINE))
"""A member that tells the kind of an entry's Source, looked for in this order."""
_FLAG_FIRST = "Processor compatibility is turned on first, which may cure it; Compare-VM is asked again then."


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One incompatibility: its number, its text in the host's language, and the object it is about."""

    message_id: int
    message: str
    kind: str = _OTHER
    source_id: str = ""
    source_name: str = ""
    switch: str | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Entry:
        """Return the entry from the projected members of a VMCompatibilityError."""
        source = raw.get("Source")
        bag: Mapping[str, Any] = source if isinstance(source, Mapping) else {}
        return cls(
            message_id=int(raw.get("MessageId") or 0),
            message=str(raw.get("Message") or ""),
            kind=next((kind for member, kind in _KINDS if member in bag), _OTHER),
            source_id=str(bag.get("Id") or ""),
            source_name=str(bag.get("Name") or (source if isinstance(source, str) else "")),
            switch=bag.get("SwitchName"),
        )


@dataclass(frozen=True, kw_only=True)
class Fixes:
    """What the user asked to be corrected on the way."""

    switch_map: Mapping[str, str]
    eject_iso: bool = False
    disconnect_missing_switches: bool = False
    """Adapters whose switch is neither there nor mapped arrive disconnected."""


@dataclass(frozen=True, kw_only=True)
class Fix:
    """A correction made at an entry's Source."""

    entry: Entry
    change: Pipeline
    what: str
    """``switch_mapped``, ``adapter_disconnected`` or ``iso_ejected``."""
    switch: str = ""
    """The switch that an adapter is connected to."""


def check_switch_map(given: Mapping[str, Any]) -> dict[str, str]:
    """Return a map of switches; InvalidRequest for names that are none, and for a switch that is given twice."""
    seen: dict[str, str] = {}
    for name, target in given.items():
        if not isinstance(target, str) or not name.strip() or not target.strip():
            raise InvalidRequest(f"switch_map: {name!r} is mapped to {target!r}; give names of switches")
        if seen.setdefault(name.lower(), name) != name:
            raise InvalidRequest(f"switch_map: {seen[name.lower()]!r} and {name!r} are one switch; give it once")
    return dict(given)


def mapped_switch(switch_map: Mapping[str, str], name: str | None) -> str | None:
    """Return the switch that takes the place of this one, None where none does; Windows compares without case."""
    wanted = (name or "").lower()
    return next((target for switch, target in switch_map.items() if switch.lower() == wanted), None)


def wanted_fixes(entries: Sequence[Entry], fixes: Fixes) -> tuple[Fix, ...]:
    """Return the corrections that were asked for: of adapters without their switch, and of DVD drives."""
    return tuple(fix for entry in entries if (fix := _fix(entry, fixes)) is not None)


def _fix(entry: Entry, fixes: Fixes) -> Fix | None:
    if entry.message_id == SWITCH_NOT_FOUND and entry.kind == _ADAPTER:
        target = mapped_switch(fixes.switch_map, entry.switch)
        if target is not None:
            change = command("Connect-VMNetworkAdapter", SwitchName=target, ErrorAction="Stop")
            return Fix(entry=entry, change=change, what="switch_mapped", switch=target)
        if fixes.disconnect_missing_switches:
            change = command("Disconnect-VMNetworkAdapter", ErrorAction="Stop")
            return Fix(entry=entry, change=change, what="adapter_disconnected")
    if entry.kind == _DVD and fixes.eject_iso:
        return Fix(entry=entry, change=command("Set-VMDvdDrive", Path=NULL, ErrorAction="Stop"), what="iso_ejected")
    return None


def findings(entries: Sequence[Entry], vm: str, *, flag_to_come: bool = False) -> tuple[Finding, ...]:
    """Return a blocking finding for every entry: what is not known to be harmless stops the move.

    Those about a part of the VM come first, then those about the VM, last ones first: a report begins with entries
    that only say that the VM does not fit (facts, 4). With ``flag_to_come`` the VM gets processor compatibility before
    it is compared again; no number tells what that cures, so entries about the VM as a whole are warnings then.
    """
    parts = [entry for entry in entries if entry.kind != _MACHINE]
    whole = [entry for entry in entries if entry.kind == _MACHINE]
    found = [_finding(entry, vm) for entry in parts]
    for entry in reversed(whole):
        finding = _finding(entry, vm)
        found.append(replace(finding, severity=Severity.WARNING, remedy=_FLAG_FIRST) if flag_to_come else finding)
    return tuple(found)


def refusal(error: RemoteError, vm: str, remedy: str | None) -> Finding:
    """Return the finding for a comparison that the host refused: the move would meet the same."""
    code = error.details.get("hresult")
    return Finding(
        id="second_hop_impossible" if code in CREDENTIALS else "compare_vm_refused",
        severity=Severity.BLOCKING,
        subject=vm,
        evidence=" ".join(error.msg.split()),
        remedy=remedy or "Read the event log Microsoft-Windows-Hyper-V-VMMS-Admin of both hosts.",
    )


def _finding(entry: Entry, vm: str) -> Finding:
    if entry.message_id == SWITCH_NOT_FOUND:
        return Finding(
            id="switch_missing",
            severity=Severity.BLOCKING,
            subject=vm,
            evidence=f"Compare-VM {entry.message_id}: {' '.join(entry.message.split())}",
            remedy="Create the switch at the destination, or map it to one that is there with switch_map.",
        )
    about = {
        _DVD: "a DVD drive",
        _CHECKPOINT: f"checkpoint {entry.source_name}",
        _ADAPTER: f"adapter {entry.source_name}",
    }
    return Finding(
        id=f"compare_vm_{entry.message_id}",
        severity=Severity.BLOCKING,
        subject=vm,
        evidence=f"Compare-VM {entry.message_id} "
        f"({about.get(entry.kind, entry.source_name or entry.kind)}): {' '.join(entry.message.split())}",
        remedy="Eject the disk (eject_iso: true)." if entry.kind == _DVD else "Remove the cause that the text names.",
    )


def _entries() -> Pipeline:
    return kept(REPORT) | expand("Incompatibilities") | select("MessageId", "Message", "Source")


def _source(entry: Entry) -> Pipeline:
    by_number = kept(REPORT) | expand("Incompatibilities") | where("MessageId", entry.message_id)
    return by_number | expand("Source") | where("Id", entry.source_id)


def planned_vm() -> Pipeline:
    """Return the report's VM if it is a planned one; a real VM never gets through."""
    return kept(REPORT) | expand("VM") | where("VirtualMachineType", "PlannedVirtualMachine")


def report_vm() -> Pipeline:
    """Return the report's VM, whatever it is: for reading, and for changes where it can only be a planned one."""
    return kept(REPORT) | expand("VM")


def make(session: Session, source: Pipeline, *, timeout_seconds: float | None = None) -> tuple[Entry, ...]:
    """Make the report that ``source`` gives and return its entries; the report stays in the session.

    An earlier report of the session is forgotten first: where none is made, nothing must be discarded or imported
    that belongs to another VM. Raises RemoteError when there is no report.
    """
    replies = session.invoke(forget(REPORT), source | keep(REPORT), _entries(), timeout_seconds=timeout_seconds).check()
    return tuple(Entry.from_wire(raw) for raw in replies[2].objects)


def compare(
    session: Session, vm_id: str, arguments: Mapping[str, Any], *, timeout_seconds: float | None = None
) -> tuple[Entry, ...]:
    """Make the report of a move and return its entries; ``arguments`` are Compare-VM's own. Raises as ``make``."""
    source = command("Get-VM", Id=vm_id, ErrorAction="Stop") | command("Compare-VM", ErrorAction="Stop", **arguments)
    return make(session, source, timeout_seconds=timeout_seconds)


def correct(
    session: Session, entries: Sequence[Entry], fixes: Fixes, *, timeout_seconds: float | None = None
) -> tuple[Entry, ...]:
    """Apply the asked fixes to the live report of a move, compare again, and return the entries that are left.

    Adapters whose mapped switch exists on both hosts are connected through the report's planned VM, each by its Id:
    the map holds at once, so what one pair has connected is no matter of another.
    """
    adapters = _planned_adapters(session, timeout_seconds=timeout_seconds) if fixes.switch_map else {}
    wanted = {adapter: mapped_switch(fixes.switch_map, name) for adapter, name in adapters.items()}
    targets = {adapter: target for adapter, target in wanted.items() if target is not None}
    statements = [connected(planned_vm(), adapter, target) for adapter, target in targets.items()]
    statements += [corrected(fix) for fix in wanted_fixes(entries, fixes) if fix.entry.source_id not in targets]
    return compared_again(session, statements, timeout_seconds=timeout_seconds) if statements else tuple(entries)


def _planned_adapters(session: Session, *, timeout_seconds: float | None) -> dict[str, str | None]:
    """Return the switch of each adapter of the report's planned VM, by the adapter's Id, as it is before any change."""
    adapters = planned_vm() | expand("NetworkAdapters") | select("Id", "SwitchName")
    (reply,) = session.invoke(adapters, timeout_seconds=timeout_seconds).check()
    return {str(one.get("Id") or ""): one.get("SwitchName") for one in reply.objects}


def compared_again(
    session: Session, changes: Sequence[Pipeline], *, timeout_seconds: float | None = None
) -> tuple[Entry, ...]:
    """Make changes at the live report's VM, compare again, and return the entries that are left.

    A list never shrinks by itself: only the second comparison tells.
    """
    session.invoke(*changes, timeout_seconds=timeout_seconds).check()
    again = kept(REPORT) | command("Compare-VM", ErrorAction="Stop") | keep(REPORT)
    replies = session.invoke(again, _entries(), timeout_seconds=timeout_seconds).check()
    return tuple(Entry.from_wire(raw) for raw in replies[1].objects)


def corrected(fix: Fix) -> Pipeline:
    """Return the statement that makes a correction."""
    return _source(fix.entry) | fix.change


def connected(machine: Pipeline, adapter: str, target: str) -> Pipeline:
    """Return the statement that connects one adapter, named by its Id, to a switch, at the report's VM."""
    found = machine | expand("NetworkAdapters") | where("Id", adapter)
    return found | command("Connect-VMNetworkAdapter", SwitchName=target, ErrorAction="Stop")


def discard(session: Session) -> None:
    """Remove the planned VM that the session's report made at the destination; errors are left to the next look."""
    session.invoke(planned_vm() | command("Remove-VM", Force=ON))


def import_report() -> Pipeline:
    """Return the import of the session's report: a plain Import-VM would ignore what was corrected (facts, 4)."""
    return kept(REPORT) | command("Import-VM", ErrorAction="Stop")


def move_report(*, passthru: bool = False) -> Pipeline:
    """Return the move of the session's report: what was corrected is what moves."""
    return kept(REPORT) | command("Move-VM", ErrorAction="Stop", Passthru=ON if passthru else None)
