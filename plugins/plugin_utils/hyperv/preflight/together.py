# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several tasks ask of one destination together: each has judged its own VMs alone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...findings import Finding, Severity

_MB = 1024**2
_Vm = Mapping[str, Any]


def lacking(results: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Return findings about destinations where the VMs of more than one task don't fit together.

    ``results`` are what tasks that move VMs returned. VMs that are not going to move, and those with a blocking
    finding of their own, take nothing. A VM that two tasks name goes with the first one.
    """
    asked: dict[str, list[list[_Vm]]] = {}
    seen: set[tuple[str, str]] = set()
    for result in results:
        by_destination: dict[str, list[_Vm]] = {}
        for vm in result["vms"]:
            key = str(vm["destination"]), str(vm["id"])
            if vm.get("needs") and key not in seen and not _is_blocked(vm):
                seen.add(key)
                by_destination.setdefault(key[0], []).append(vm)
        for destination, vms in by_destination.items():
            asked.setdefault(destination, []).append(vms)
    several = {name: groups for name, groups in sorted(asked.items()) if len(groups) > 1}
    return tuple(finding for name, groups in several.items() for finding in _judged(name, groups))


def _is_blocked(vm: _Vm) -> bool:
    """Whether a finding of its own keeps a VM where it is."""
    return any(found["severity"] == "blocking" for found in vm["findings"])


def _judged(destination: str, groups: Sequence[Sequence[_Vm]]) -> Iterator[Finding]:
    vms = [vm for group in groups for vm in group]
    yield from _memory(destination, vms)
    yield from _space(destination, vms)
    yield from _files(destination, groups)
    yield from _names(destination, groups)


def _finding(identifier: str, destination: str, evidence: str, remedy: str) -> Finding:
    return Finding(id=identifier, severity=Severity.BLOCKING, subject=destination, evidence=evidence, remedy=remedy)


def _memory(destination: str, vms: Sequence[_Vm]) -> Iterator[Finding]:
    running = [vm for vm in vms if vm["needs"]["memory_bytes"]]
    free = _least(vm["needs"]["memory_free_bytes"] for vm in running)
    needed = sum(vm["needs"]["memory_bytes"] for vm in running)
    if free is not None and needed > free:
        yield _finding(
            "memory_insufficient",
            destination,
            f"{_who(running)} together need {needed // _MB} MB of memory; {destination} has {free // _MB} MB free",
            "Free memory there, send some of them elsewhere or later, or turn VMs off for the move.",
        )


def _space(destination: str, vms: Sequence[_Vm]) -> Iterator[Finding]:
    for volume in sorted({need["volume"] for vm in vms for need in vm["needs"]["volumes"]}):
        there = [(vm, need) for vm in vms for need in vm["needs"]["volumes"] if need["volume"] == volume]
        free = _least(need["free_bytes"] for _vm, need in there)
        needed = sum(need["bytes"] for _vm, need in there)
        if free is not None and needed > free:
            yield _finding(
                "space_insufficient",
                destination,
                f"{_who([vm for vm, _need in there])} together need {needed // _MB} MB on {volume}; "
                f"{destination} has {free // _MB} MB free there",
                "Free space there, or send some of them to another volume, elsewhere, or later.",
            )


def _files(destination: str, groups: Sequence[Sequence[_Vm]]) -> Iterator[Finding]:
    """Yield each file that VMs of two tasks would have."""
    for path, one, other in _shared(groups, lambda vm: vm["needs"]["files"]):
        yield _finding(
            "target_shared",
            destination,
            f"{path} would be a file of {_one(one)} and of {_one(other)}",
            "Give one of them a destination_storage_path of its own, or send it in a later run.",
        )


def _names(destination: str, groups: Sequence[Sequence[_Vm]]) -> Iterator[Finding]:
    """Yield each name that VMs of two tasks have, where one was chosen by it."""
    for _name, one, other in _shared(groups, lambda vm: [vm["name"]]):
        if one["needs"]["sole_name"] or other["needs"]["sole_name"]:
            yield _finding(
                "name_taken",
                destination,
                f"{_one(one)} and {_one(other)} have one name",
                f"Rename one of them, or address both by Id ({one['id']}, {other['id']}).",
            )


def _shared(groups: Sequence[Sequence[_Vm]], having: Callable[[_Vm], Sequence[str]]) -> Iterator[tuple[str, _Vm, _Vm]]:
    """Yield what VMs of two tasks have, whatever its case; those of one task it has judged itself."""
    owners: dict[str, tuple[int, _Vm]] = {}
    for number, vm in [(number, vm) for number, group in enumerate(groups) for vm in group]:
        for thing in having(vm):
            first, owner = owners.setdefault(thing.lower(), (number, vm))
            if first != number:
                yield thing, owner, vm


def _least(numbers: Iterator[int | None]) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def _who(vms: Sequence[_Vm]) -> str:
    sources = sorted({str(vm["source"]) for vm in vms})
    return f"{len(vms)} VMs of {', '.join(sources)}"


def _one(vm: _Vm) -> str:
    return f"{vm['name']} ({vm['source']})"
