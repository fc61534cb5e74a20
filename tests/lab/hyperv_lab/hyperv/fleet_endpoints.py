# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restricted endpoints of a host in a fleet file (JEA: NoLanguage, RestrictedRemoteServer, a virtual account)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..powershell.restricted import Endpoint, Grant, ParameterGrant
from .schema import FleetError, Section


@dataclass(frozen=True)
class RestrictedEndpoint:
    """A session configuration beside Microsoft.PowerShell."""

    name: str
    visible: Endpoint
    users: tuple[str, ...] = ()
    """SIDs of accounts and groups that may open it beside those who may use WinRM anyway."""


def build(section: Section, member: Any) -> dict[str, RestrictedEndpoint]:
    """Return the endpoints of a host's section by lower-case name; ``member`` gives the SID of a name."""
    found: dict[str, RestrictedEndpoint] = {}
    for name, values in section.mapping("endpoints").items():
        part = Section(values, f"{section.where}.endpoints.{name}")
        if str(name).lower() == "microsoft.powershell":
            raise FleetError(f"{part.where}: this endpoint is there already, and never restricted")
        users = tuple(member(user) for user in part.texts("users"))
        grants = tuple(_grant(item, part.where) for item in part.any("visible", []))
        part.close()
        found[str(name).lower()] = RestrictedEndpoint(str(name), Endpoint(grants), users)
    return found


def _grant(item: Any, where: str) -> Grant:
    if isinstance(item, str):
        return Grant(item)
    part = Section(item, f"{where}.visible")
    name = part.text("name")
    given = part.any("parameters")
    part.close()
    if given is None:
        return Grant(name)
    if not isinstance(given, list):
        raise FleetError(f"{where}.visible: parameters of {name} must be a list, not {given!r}")
    return Grant(name, tuple(_parameter(each, f"{where}.visible.{name}") for each in given))


def _parameter(item: Any, where: str) -> ParameterGrant:
    if isinstance(item, str):
        return ParameterGrant(item)
    part = Section(item, where)
    name, pattern = part.text("name"), part.text("pattern", None)
    values = tuple(part.texts("values")) if part.has("values") else None
    part.close()
    if pattern is not None:
        try:
            re.compile(pattern)
        except re.error as problem:
            raise FleetError(f"{where}.{name}: {pattern!r} is no pattern: {problem}") from problem
    return ParameterGrant(name, values, None if pattern is None else f"^(?:{pattern})$")
