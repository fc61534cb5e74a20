# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux machine during a preflight: read by one script, cured by others that each do one whole thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ...errors import RemoteError
from . import cures, rules, sshd
from .read import read, script
from .rules_boot import MENU
from .sections import cksum, printable

if TYPE_CHECKING:
    from ...session.programs import PosixShell
    from ...session.protocol import Sessions
    from ..catalogue import AsrFinding
    from ..patient import CureStep, Wanted
    from .evidence import LinuxEvidence

_TIMEOUT_SECONDS = 300
"""Generating grub.cfg anew takes a minute on machines with many kernels."""
BY_UUID = "/dev/disk/by-uuid"


def _now() -> datetime:
    return datetime.now(timezone.utc)


class LinuxPatient:
    """Implements ``Patient[LinuxEvidence]`` over the task's own connection."""

    def __init__(self, sessions: Sessions, wanted: Wanted, *, clock: Callable[[], datetime] = _now) -> None:
        self._shell: PosixShell = sessions.posix()
        self._wanted = wanted
        self._clock = clock
        self._evidence: LinuxEvidence | None = None

    def read(self) -> LinuxEvidence:
        """Return everything the rules look at, in one run of one script."""
        self._evidence, _sections = read(
            self._shell,
            folder=self._wanted.install_directory,
            servers=self._wanted.servers,
            names=self._wanted.server_names,
        )
        return self._evidence

    def facts(self, evidence: LinuxEvidence) -> Mapping[str, Any]:
        """Return system, version, kernel, architecture, memory, and what could not be read."""
        system = evidence.system
        name, _blank, version = (system.release if system else "").partition(" ")
        return {
            "system": name or printable(evidence.release_text),
            "version": version,
            "os_id": system.os_id if system else None,
            "kernel": evidence.kernel,
            "architecture": evidence.machine,
            "memory_mb": None if evidence.memory_kb is None else evidence.memory_kb >> 10,
            "host_name": evidence.host_name,
            "agent_version": evidence.agent_version,
            "unread": list(evidence.unread()),
        }

    def judge(self, evidence: LinuxEvidence, wanted: Wanted) -> Sequence[AsrFinding]:
        """Return the findings of the wanted scopes."""
        return rules.judge(evidence, wanted)

    def plan(self, evidence: LinuxEvidence, findings: Sequence[AsrFinding], ids: frozenset[str]) -> Sequence[CureStep]:
        """Return the steps that cure those findings."""
        return cures.plan(evidence, findings, ids)

    def reverse(self, evidence: LinuxEvidence, done: Sequence[CureStep]) -> Sequence[CureStep]:
        """Return the steps that take weakening ones back."""
        return cures.reverse(evidence, done)

    def cure(self, step: CureStep) -> None:
        """Carry out one step; RemoteError says what was in the way, and the machine is as it was then."""
        does = step.details["does"]
        if does in {cures.START, cures.RESTART}:
            action = "start" if does == cures.START else "restart"
            self._run(("service", "start_sshd"), step, action, f"{sshd.MAIN_FILE}.asr-due")
            self._shell.renew()
        elif does in {cures.SSHD, cures.UNDO}:
            self._edit_sshd(step)
        else:
            self._edit_grub(step)

    def _edit_sshd(self, step: CureStep) -> None:
        evidence = self._read_before()
        files, text = evidence.ssh.files, evidence.ssh.files.get(sshd.MAIN_FILE, "")
        undoing = step.details["does"] == cures.UNDO
        settings = step.details.get("settings", {})
        edits = cures.sshd_undo(files, step.details["was"]) if undoing else cures.sshd_edits(files, settings)
        expected = [] if undoing else [f"{each.name} {settings[each.name]}" for each in edits]
        new = cures.applied(text, edits)
        self._replace(("service", "edit_sshd"), step, sshd.MAIN_FILE, text, new, *expected)
        self._shell.renew()
        kept = replace(evidence.ssh, files={**files, sshd.MAIN_FILE: new})
        self._evidence = replace(evidence, ssh=kept)

    def _edit_grub(self, step: CureStep) -> None:
        evidence, details = self._read_before(), step.details
        old, new = cures.grub_text(evidence, details)
        path, is_menu = details["path"], details["path"] == MENU
        words = [word for device in details["devices"] for word in ("device", *device)]
        config = "" if is_menu else evidence.grub.scanned or ""
        self._replace(("edit_grub",), step, path, old, new, config, BY_UUID, *words)
        changed = replace(evidence.grub, menu=new) if is_menu else replace(evidence.grub, defaults=new)
        self._evidence = replace(evidence, grub=changed)

    def _read_before(self) -> LinuxEvidence:
        return self._evidence if self._evidence is not None else self.read()

    def _replace(self, scripts: tuple[str, ...], step: CureStep, path: str, old: str, new: str, *rest: str) -> None:
        before, after = old.encode("utf-8", "surrogateescape"), new.encode("utf-8", "surrogateescape")
        suffix = f"asr-{self._clock():%Y%m%dT%H%M%SZ}"
        self._run(scripts, step, path, cksum(before), str(len(after)), suffix, *rest, stdin=after)

    def _run(self, scripts: tuple[str, ...], step: CureStep, *arguments: str, stdin: bytes | None = None) -> None:
        text = "".join(script(name) for name in ("common", *scripts))
        result = self._shell.run(text, *arguments, stdin=stdin, timeout_seconds=_TIMEOUT_SECONDS)
        if result.exit_code != 0:
            said = result.stderr.strip() or f"sh ended with {result.exit_code}"
            raise RemoteError(
                f"{self._shell.host}: {step.subject}: {said}", command=scripts[-1], exit_code=result.exit_code
            )
