# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates over the VM and what it needs from the destination host, storage apart."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Finding, Severity
from ..compatibility import mapped_switch
from ..migration.decide import INTERRUPTING, TRANSITIONAL
from .facts import MoveFacts

ONLY_2012_R2 = ("5.0",)
"""What a host supports that has no Get-VMHostSupportedVersion (facts, 2.1)."""
COMPATIBILITY_REMEDY = (
    "Turn on processor compatibility, which needs the VM to be powered off (a restart of the guest is not enough): "
    "hyperv.mobility.vm_processor with compatibility_for_migration_enabled: true and power: restart, or "
    "processor_compatibility: enable here."
)


def _finding(
    move: MoveFacts, identifier: str, evidence: str, remedy: str, severity: Severity = Severity.BLOCKING
) -> Finding:
    return Finding(id=identifier, severity=severity, subject=move.vm.name, evidence=evidence, remedy=remedy)


def version_unsupported(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding when the destination can't run the VM's configuration version."""
    supported = move.destination.supported_versions or ONLY_2012_R2
    if move.vm.version not in supported:
        yield _finding(
            move,
            "configuration_version_unsupported",
            f"configuration version {move.vm.version}; {move.destination.inventory_name} runs {', '.join(supported)}",
            "Move it to a host that runs this version, or, for an old version, upgrade it on a host between "
            "(Update-VMVersion; no way back).",
        )


def cpu_incompatible(move: MoveFacts) -> Iterator[Finding]:
    """Yield findings when processor state can't go: by vendor, or by generation with the flag off (facts, 2.2)."""
    source, destination = move.source, move.destination
    if not (source.cpu_vendor and destination.cpu_vendor):
        return
    checkpoints = move.vm.memory_checkpoints
    if not (move.vm.has_cpu_state or checkpoints):
        return
    names = f"{source.cpu_name or source.cpu_vendor} and {destination.cpu_name or destination.cpu_vendor}"
    if source.cpu_vendor != destination.cpu_vendor:
        yield _finding(
            move,
            "cpu_vendor_differs",
            f"the processors are of different vendors ({names}), and the VM {_state(move)}",
            "Turn the VM off and delete its saved state and its checkpoints with memory first, or choose "
            "a host of the same vendor.",
        )
    elif (source.cpu_family, source.cpu_model) != (destination.cpu_family, destination.cpu_model):
        yield from _generation(move, names)


def _generation(move: MoveFacts, names: str) -> Iterator[Finding]:
    if move.vm.bound_checkpoints:
        yield _finding(
            move,
            "checkpoint_cpu_state",
            f"checkpoints hold the processor state of another generation ({names}): "
            f"{', '.join(move.vm.bound_checkpoints)}",
            "Power the VM off and turn on processor compatibility (hyperv.mobility.vm_processor); apply "
            "or delete these "
            "checkpoints, which keep the features of their day.",
        )
    if move.vm.has_cpu_state and not move.vm.compatibility_enabled:
        curable = move.enable_compatibility and move.may_power_off and move.vm.seen.state == "Running"
        yield _finding(
            move,
            "cpu_model_differs",
            f"the processors are of different generations ({names}), the VM {_state(move)}, and "
            "CompatibilityForMigrationEnabled is off",
            "It will be shut down, set and started before the move." if curable else COMPATIBILITY_REMEDY,
            Severity.INFO if curable else Severity.BLOCKING,
        )


def _state(move: MoveFacts) -> str:
    if move.vm.has_cpu_state:
        return f"is {move.vm.seen.state}"
    return f"has checkpoints with memory state ({', '.join(move.vm.memory_checkpoints)})"


def switch_missing(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each switch, after the map, that the destination lacks. Checkpoints' adapters count too."""
    there = {name.lower() for name in move.destination.switches}
    for switch in sorted({adapter.switch for adapter in move.vm.adapters if adapter.switch}):
        wanted = mapped_switch(move.switch_map, switch) or switch
        if wanted.lower() in there:
            continue
        users = [
            f"{a.name} (checkpoint {a.checkpoint})" if a.checkpoint else a.name
            for a in move.vm.adapters
            if a.switch == switch
        ]
        mapped = f" (mapped from {switch})" if wanted != switch else ""
        yield _finding(
            move,
            "switch_missing",
            f"{move.destination.inventory_name} has no switch {wanted}{mapped}, which is used by {', '.join(users)}",
            f"Create the switch there, or give switch_map with one of: "
            f"{', '.join(sorted(move.destination.switches)) or '-'}.",
        )


def switch_map_impossible(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for each mapped switch whose own name the destination has too, on a source of 2012 R2.

    There the VM of a report does not say that it is a planned one, so only adapters that the report complains of can
    be connected; these would arrive at the switch of their old name.
    """
    if not move.source.is_2012_r2:
        return
    there = {name.lower() for name in move.destination.switches}
    for switch in sorted({a.switch for a in move.vm.adapters if a.switch and a.checkpoint is None}):
        wanted = mapped_switch(move.switch_map, switch)
        if wanted is not None and wanted.lower() != switch.lower() and switch.lower() in there:
            yield _finding(
                move,
                "switch_map_impossible",
                f"{switch} is mapped to {wanted}, but {move.destination.inventory_name} has a switch {switch} too, and "
                f"{move.source.inventory_name} (2012 R2) can't keep adapters from it",
                "Rename that switch there for the move, or migrate it cold (hyperv.mobility.vm_cold_migration).",
            )


def tpm_certificates(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding when a VM with a virtual TPM lacks its certificates at the destination (facts, 3.6)."""
    if not move.vm.tpm:
        return
    here, there = move.source.certificates, move.destination.certificates
    remedy = (
        "Export both certificates (signing and encryption) with their keys from the source's store 'Shielded VM Local "
        "Certificates' and import them into the same store of the destination."
    )
    if here is None or there is None:
        yield _finding(
            move, "tpm_certificates_unknown", "the certificates for virtual TPMs could not be read on "
            "both hosts", remedy,
            Severity.WARNING,
        )  # fmt: skip
    elif here - there:
        yield _finding(
            move,
            "tpm_certificates_missing",
            f"{move.destination.inventory_name} lacks certificates of the source: {', '.join(sorted(here - there))}",
            remedy,
        )


def replication(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for a VM that is replicated: as primary a warning, as replica a refusal (facts, 3.4)."""
    mode = move.vm.replication_mode
    if mode == "Primary":
        yield _finding(
            move,
            "replication_primary",
            "the VM is replicated from this host",
            "Let the Replica server accept it from the destination too (same trust group), else replication stops.",
            Severity.WARNING,
        )
    elif mode not in {None, "", "None"}:
        yield _finding(
            move,
            "replication_replica",
            f"the VM's replication mode on this host is {mode}",
            "Move the primary side; a moved replica would leave the primary pointing at this host.",
        )


def clustered(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for a VM that is a cluster role."""
    if move.vm.clustered:
        yield _finding(
            move, "vm_clustered", "the VM is a role of a failover cluster", "Remove it from the cluster "
            "before it leaves."
        )  # fmt: skip


def name_taken(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding when another VM of this name is at the destination: legal, but commands by name act on both.

    It blocks where the task was given the name: once the VM is there, no later run could tell the two apart.
    """
    name = move.vm.name.lower()
    others = sorted(i for i, n in move.destination.vm_names.items() if n.lower() == name and i != move.vm.id)
    if others:
        yield _finding(
            move,
            "name_taken",
            f"{move.destination.inventory_name} has another VM of this name: {', '.join(others)}",
            f"Rename one of them; until then address both by Id (this one is {move.vm.id}).",
            Severity.BLOCKING if move.chosen_by_name else Severity.WARNING,
        )


def planned_leftover(move: MoveFacts) -> Iterator[Finding]:
    """Say that a planned VM of this Id is at the destination; it is removed before the move if nothing uses it."""
    if move.planned_at_destination:
        yield _finding(
            move,
            "planned_leftover",
            f"{move.destination.inventory_name} has a planned VM of this Id, and no move of it runs",
            "It is removed before the move.",
            Severity.INFO,
        )


def in_transition(move: MoveFacts) -> Iterator[Finding]:
    """Yield a finding for a VM between two states, and a warning for one that something else works on."""
    if move.vm.seen.state in TRANSITIONAL:
        yield _finding(
            move, "vm_in_transition", f"the VM is {move.vm.seen.state}", "Run again when it has come to rest."
        )  # fmt: skip
    elif move.vm.seen.is_interrupted:
        backup = "BackingUpVirtualMachine" in move.vm.seen.statuses
        known = sorted(move.vm.seen.statuses & INTERRUPTING) or sorted(move.vm.seen.statuses)
        yield _finding(
            move,
            "backup_running" if backup else "vm_busy",
            f"operational status: {', '.join(known)}",
            "The move waits for it, at most wait_for_backup_seconds.",
            Severity.WARNING,
        )


PREDICATES = (
    version_unsupported,
    cpu_incompatible,
    switch_missing,
    switch_map_impossible,
    tpm_certificates,
    replication,
    clustered,
    name_taken,
    planned_leftover,
    in_transition,
)
