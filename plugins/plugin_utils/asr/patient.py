# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a preflight needs of a machine, whatever its system: read it, judge it, cure it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .catalogue import AsrFinding, Scope


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the machine is judged for; None is "not told", and rules that need it say nothing."""

    scopes: frozenset[Scope]
    agent_version: tuple[int, ...] | None = None
    """The version to be installed, ``(9, 55, 6765, 1)``; rules change with it."""
    install_directory: str | None = None
    push_account: str | None = None
    """``DOMAIN\\user``, ``user@domain`` or a bare name of the machine: decides whether remote UAC matters."""
    servers: tuple[tuple[str, int], ...] = ()
    """Addresses and ports that the agent has to reach: configuration server or appliance, process server."""
    server_names: tuple[str, ...] = ()
    """Names that have to resolve on the machine."""
    supported_kernels: frozenset[str] | None = None
    """The agent package's own list, one kernel (SLES: ``kernel:sp``) each."""
    platform: str = "VmWare"
    """ "VmWare" (also physical machines) or "Azure"."""


@dataclass(frozen=True, kw_only=True)
class CureStep:
    """One planned cure of one finding: what it changes, as the diff shows it."""

    id: str
    """The id of the error it cures."""
    subject: str
    """The setting: a registry value, a file, a rule, a service."""
    before: Any
    after: Any
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the machine's own ``cure`` needs to know; never a secret. Plain JSON types: it may come back as ``undo``."""

    def as_plain(self) -> dict[str, Any]:
        """Return the step as JSON types: what the option ``undo`` takes."""
        return {
            "id": self.id,
            "subject": self.subject,
            "before": self.before,
            "after": self.after,
            "details": dict(self.details),
        }


E = TypeVar("E")


class Patient(Protocol[E]):
    """A machine during a preflight. ``E`` is its frozen evidence; everything but ``read`` and ``cure`` is pure.

    It is made of ``request.sessions`` and the ``Wanted``: what is read depends on what is asked.
    """

    def read(self) -> E:
        """Return everything the rules look at, in as few round trips as it can be had."""

    def facts(self, evidence: E) -> Mapping[str, Any]:
        """Return what playbooks get to see of the evidence: system, version, kernel, architecture, memory."""

    def judge(self, evidence: E, wanted: Wanted) -> Sequence[AsrFinding]:
        """Return the findings of the wanted scopes."""

    def plan(self, evidence: E, findings: Sequence[AsrFinding], ids: frozenset[str]) -> Sequence[CureStep]:
        """Return the steps that cure those findings whose id is in ``ids``, in the order they have to be done."""

    def reverse(self, evidence: E, done: Sequence[CureStep]) -> Sequence[CureStep]:
        """Return the steps that take back weakening steps of an earlier run, without what is as it was already.

        InvalidRequest for a step that is none of this machine's own weakening ones: it came through a playbook.
        """

    def cure(self, step: CureStep) -> None:
        """Carry out one step, or leave the machine as it was and raise what was in the way."""
