# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks the installer for a machine and verifies it: ``asr_installer``. Changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InvalidRequest, NotPossible
from ...findings import Finding, Severity
from ...operation import Outcome
from ..installers import WINDOWS, choose, listed
from .checksums import local_sha256
from .linux import LinuxRepository
from .machine import Proof
from .request import CONTROLLER, is_address, is_on_machine, on_controller, parse_request
from .windows import WindowsRepository

if TYPE_CHECKING:
    from ...operation import Request
    from ...session.protocol import Sessions
    from ..installers import Installer
    from .checksums import Expected
    from .machine import Look, RepositoryMachine
    from .request import Wanted


def operate(request: Request) -> Outcome:
    """Return the installer for the task's machine, verified as far as it can be seen from here.

    Raises NotFound (no installer for the system or of the version, no such folder or file), NotPossible (a system that
    gets no agent; a file that is not what it has to be), RemoteError (a signature that is not the vendor's).
    """
    wanted = parse_request(request.arguments)
    sessions = request.sessions
    machine = _machine(sessions, wanted)
    here = wanted.on == CONTROLLER
    look = machine.look(None if here else wanted.folder)
    files = look.files if wanted.folder and not here else _given(wanted)
    if look.os_id is None:
        raise _unsupported(request.host, machine, ())
    choice = choose(files, look.os_id, wanted.version, where=wanted.shown)
    chosen = choice.installer
    refused = machine.unsupported(chosen.version)
    if refused is not None:
        raise NotPossible(
            f"{request.host} can't get the agent {chosen.shown_version}: {refused.evidence}", findings=[refused]
        )
    expected = _expected(wanted, chosen)
    proof = _prove(machine, chosen, wanted, expected, on_controller=here)
    if proof is not None:
        _compare(chosen, proof, expected)
    return Outcome(
        values={
            "installer": _plain(chosen, proof, expected),
            "system": _system(look),
            "verified": _verified(proof, expected),
        },
        warnings=choice.warnings,
    )


def _machine(sessions: Sessions, wanted: Wanted) -> RepositoryMachine:
    if sessions.kind == "posix":
        return LinuxRepository(sessions.posix())
    return WindowsRepository(sessions, wanted.credential)


def _given(wanted: Wanted) -> tuple[Installer, ...]:
    return on_controller(wanted) if wanted.folder else listed(wanted.names)


def _unsupported(host: str, machine: RepositoryMachine, version: tuple[int, ...]) -> NotPossible:
    found = machine.unsupported(version)
    why = found.evidence if found else "no installer is made for its system"
    return NotPossible(f"{host} can't get the agent: {why}", findings=[found] if found else [])


def _expected(wanted: Wanted, chosen: Installer) -> Expected | None:
    """Return what the file has to be; a table that leaves the chosen file out is no proof of it."""
    expected = wanted.expected.get(chosen.name.lower())
    if wanted.expected and expected is None:
        raise InvalidRequest(
            f"checksums: {chosen.name} is the installer for this machine, and no sum is given for it", name=chosen.name
        )
    return expected


def _prove(
    machine: RepositoryMachine, chosen: Installer, wanted: Wanted, expected: Expected | None, *, on_controller: bool
) -> Proof | None:
    """Return what the file is, where there is something to verify and it can be looked at from here.

    That is not behind an address, and not where only its name is known.
    """
    hashed = bool(expected and expected.sha256)
    if is_address(chosen.path):
        return None
    if on_controller:
        path = Path(chosen.path).expanduser()
        if not path.is_file():
            return None
        return Proof(size=path.stat().st_size, sha256=local_sha256(path) if hashed else None)
    if not is_on_machine(chosen.path):
        return None
    signed = wanted.verify_signature and chosen.os_id == WINDOWS
    if expected is None and not signed:
        return None
    return machine.prove(chosen.path, hashed=hashed, signed=signed)


def _compare(chosen: Installer, proof: Proof, expected: Expected | None) -> None:
    """Raise NotPossible where the file is not what it has to be."""
    wrong = []
    if expected and expected.size is not None and proof.size != expected.size:
        wrong.append(f"it has {proof.size} bytes, {expected.size} are expected")
    if expected and expected.sha256 and proof.sha256 and proof.sha256 != expected.sha256:
        wrong.append(f"its SHA-256 is {proof.sha256}, expected is {expected.sha256}")
    if not wrong:
        return
    finding = Finding(
        id="installer_checksum",
        severity=Severity.BLOCKING,
        subject=chosen.path,
        evidence="; ".join(wrong),
        remedy="fetch the file again; don't install it",
    )
    raise NotPossible(f"{chosen.path} is not the file that was meant: {finding.evidence}", findings=[finding])


def _plain(chosen: Installer, proof: Proof | None, expected: Expected | None) -> dict[str, object]:
    """Return the installer; what is expected of a file that could not be looked at is handed on for its download."""
    sha256 = (proof.sha256 if proof else None) or (expected.sha256 if expected else None)
    size = proof.size if proof else expected.size if expected else None
    return {**chosen.as_plain(), "sha256": sha256, "size": size}


def _system(look: Look) -> dict[str, object]:
    return {"name": look.system, "os_id": look.os_id}


def _verified(proof: Proof | None, expected: Expected | None) -> list[str]:
    if proof is None:
        return []
    found = ["size"] if expected and expected.size is not None else []
    found += ["sha256"] if expected and expected.sha256 and proof.sha256 else []
    return found + (["signature"] if proof.signature_verified else [])
