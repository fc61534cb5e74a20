# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows machine during a preflight: which channel reads and cures it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import cures, hands, read_cmdlets, read_programs, registry, rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...session.protocol import Sessions
    from ..catalogue import AsrFinding
    from ..patient import CureStep, Wanted
    from .evidence import WindowsEvidence


class WindowsPatient:
    """Read by cmdlets from Windows Server 2012 on, by the system's own programs before."""

    def __init__(self, sessions: Sessions, wanted: Wanted) -> None:
        self._sessions = sessions
        self._wanted = wanted
        self._old: bool | None = None

    def read(self) -> WindowsEvidence:
        """Return the evidence; the first question, which every Windows answers, decides about the channel."""
        if self._old:
            return read_programs.read(self._sessions.programs(), self._wanted)
        keys = read_cmdlets.read_keys(self._sessions.here())
        self._old = registry.release(keys).is_old
        if self._old:
            return read_programs.read(self._sessions.programs(), self._wanted)
        return read_cmdlets.read(self._sessions.here(), self._wanted, keys)

    def facts(self, evidence: WindowsEvidence) -> Mapping[str, Any]:
        """Return system, version, architecture, memory, and what could not be read."""
        release, memory = evidence.release, evidence.memory_bytes
        return {
            "system": release.product,
            "version": ".".join(str(part) for part in (*release.version, release.build)),
            "service_pack": release.service_pack,
            "installation_type": release.installation_type,
            "architecture": release.architecture,
            "memory_mb": None if memory is None else memory >> 20,
            "domain": evidence.identity.domain if evidence.identity.part_of_domain else None,
            "read_by": "programs" if release.is_old else "cmdlets",
            "agent_version": evidence.agent.version if evidence.agent else None,
            "unread": list(evidence.unread),
        }

    def judge(self, evidence: WindowsEvidence, wanted: Wanted) -> Sequence[AsrFinding]:
        """Return the findings of the wanted scopes."""
        return rules.judge(evidence, wanted)

    def plan(
        self, evidence: WindowsEvidence, findings: Sequence[AsrFinding], ids: frozenset[str]
    ) -> Sequence[CureStep]:
        """Return the steps that cure those findings."""
        return cures.steps(evidence, [item for item in findings if item.id in ids], self._wanted)

    def reverse(self, evidence: WindowsEvidence, done: Sequence[CureStep]) -> Sequence[CureStep]:
        """Return the steps that take weakening ones back."""
        return cures.reversing(evidence, done)

    def cure(self, step: CureStep) -> None:
        """Carry out one step by the channel that read the machine."""
        hands.carry_out(self._hand(), step)

    def _hand(self) -> hands.Hand:
        if self._old:
            return hands.ProgramHand(self._sessions.programs())
        return hands.CmdletHand(self._sessions.here())
