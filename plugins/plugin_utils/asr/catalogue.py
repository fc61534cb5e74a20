# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of Site Recovery's errors around the Mobility service, read from ``catalogue.json`` beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotFound
from ..findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping


class Scope(str, Enum):
    """When an error matters."""

    PUSH = "push"
    """Only where the portal pushes or updates the agent."""
    AGENT = "agent"
    """For any installation."""
    REGISTER = "register"
    """When the agent registers with its server."""
    SERVICE = "service"
    """On the side of Azure or of the servers; nothing on the machine shows it."""


class Cure(str, Enum):
    """How an error's cause can be taken away."""

    SAFE = "safe"
    """Restores a documented default, or adds only what the agent needs."""
    WEAKENING = "weakening"
    """Lowers the machine's guard; done only where its id is named."""
    MANUAL = "manual"


class Treatment(str, Enum):
    """What the collection does about an error."""

    CHECKED = "checked"
    """Code reads the evidence before an attempt."""
    RECOGNISED = "recognised"
    """Code names it after an attempt: by exit code, errors JSON, log or HRESULT."""
    EXPLAINED = "explained"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One error. ``pair`` are ids that share its evidence, so that only all of them together can be named."""

    id: str
    os: str
    """"windows", "linux" or "any"."""
    phase: str
    scope: Scope
    title: str
    causes: tuple[str, ...]
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]
    """What can be done by a program; empty where there is nothing."""
    manual: tuple[str, ...]
    cure: Cure
    treatment: Treatment
    severity: str
    """"error" or "warning", as Site Recovery sees it."""
    source: str
    pair: tuple[str, ...] = ()

    def as_plain(self) -> dict[str, Any]:
        """Return the entry as JSON types."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


@cache
def entries() -> Mapping[str, Entry]:
    """Return every entry by its id."""
    found = json.loads(Path(__file__).with_name("catalogue.json").read_text(encoding="utf-8"))
    return {item["id"]: _entry(item) for item in found}


def entry(error_id: str) -> Entry:
    """Return the entry of an id; NotFound names the id."""
    try:
        return entries()[error_id]
    except KeyError:
        raise NotFound(f"the catalogue has no Site Recovery error {error_id!r}", error_id=error_id) from None


def _entry(item: Mapping[str, Any]) -> Entry:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in item.items()}
    kinds: dict[str, Any] = {"scope": Scope, "cure": Cure, "treatment": Treatment}
    return Entry(**{key: kinds[key](value) if key in kinds else value for key, value in values.items()})


@dataclass(frozen=True, kw_only=True)
class AsrFinding(Finding):
    """A finding about an error of the catalogue; ``id`` is the error's. Build it by ``finding``."""

    ids: tuple[str, ...]
    """The id and those that share its evidence."""
    scope: Scope
    cure: Cure

    def as_plain(self) -> dict[str, Any]:
        """Return the finding as JSON types."""
        return {**super().as_plain(), "ids": list(self.ids), "scope": self.scope.value, "cure": self.cure.value}


def finding(
    error_id: str,
    *,
    subject: str,
    evidence: str,
    remedy: str | None = None,
    severity: Severity | None = None,
    cure: Cure | None = None,
    scope: Scope | None = None,
) -> AsrFinding:
    """Return the finding of a catalogued error; what is not given comes from its entry.

    ``evidence`` says what was read and its value; ``remedy`` what to do. An error is blocking unless told otherwise.
    """
    known = entry(error_id)
    advice = remedy or "; ".join((*known.remedies, *known.manual)) or known.title
    return AsrFinding(
        id=error_id,
        severity=severity or (Severity.BLOCKING if known.severity == "error" else Severity.WARNING),
        subject=subject,
        evidence=evidence,
        remedy=advice,
        ids=(error_id, *known.pair),
        scope=scope or known.scope,
        cure=cure or known.cure,
    )
