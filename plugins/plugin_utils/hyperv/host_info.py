# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All facts of a host: read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..operation import Outcome
from .gateway_host import HostFacts, read_host_facts
from .wire_values import plain

if TYPE_CHECKING:
    from ..operation import Request


def operate(request: Request) -> Outcome:
    """Return the facts under ``host``; nothing is changed, so check mode reads as well."""
    return Outcome(values={"host": describe(read_host_facts(request.sessions.here()))})


def describe(facts: HostFacts) -> dict[str, Any]:
    """Return the facts as the documented, stable return value."""
    described: dict[str, Any] = plain(facts)
    settings, computer = facts.settings, facts.computer
    name = settings.name if settings else computer.name if computer else None
    described["name"] = name
    described["fully_qualified_domain_name"] = _full_name(facts) or name
    supported = facts.supported_versions
    described["supported_versions"] = None if supported is None else [item.version for item in supported]
    default = next((item.version for item in supported or () if item.is_default), None)
    described["default_version"] = default
    for listed in ("features", "firewall_rules", "services"):
        items = described[listed]
        described[listed] = None if items is None else {item.pop("name"): item for item in items}
    return described


def _full_name(facts: HostFacts) -> str | None:
    computer = facts.computer
    if computer is None or not computer.part_of_domain or not computer.domain:
        return None
    return f"{computer.dns_host_name or computer.name}.{computer.domain}".lower()
