# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is corrected in the report of an import, as changes at its planned VM: only what was asked for and is needed."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, Any

from ...session.command import Pipeline, command, expand, where
from ...session.live import kept
from .. import compatibility

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..compatibility import Entry
    from .import_case import Case, Planned


def corrections(
    case: Case, planned: Planned, entries: Sequence[Entry]
) -> tuple[list[Pipeline], tuple[Mapping[str, Any], ...]]:
    """Return the changes at the report's VM that were asked for and are needed, and what they are for the result."""
    switches, machine = case.order.switch_map, compatibility.report_vm()
    wanted = [(adapter, compatibility.mapped_switch(switches, adapter.switch_name)) for adapter in planned.adapters]
    mapped = [(adapter, target) for adapter, target in wanted if target is not None]
    changes = [compatibility.connected(machine, adapter.id, target) for adapter, target in mapped]
    done: list[Mapping[str, Any]] = [
        _fix("switch_mapped", adapter.name, adapter.switch_name, target) for adapter, target in mapped
    ]
    for fix in compatibility.wanted_fixes(entries, case.order.fixes):
        if fix.entry.source_id in {adapter.id for adapter, _target in mapped}:
            continue  # connected already
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
