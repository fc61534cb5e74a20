# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet file says of the Best Practices Analyzer of a host."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .bpa import Bpa, BpaFinding, BpaScan
from .bpa_rules import RULES
from .schema import FleetError

if TYPE_CHECKING:
    from .host import Host
    from .schema import Section

_SLUGS = {rule.slug.lower(): rule for rule in RULES}


def read_bpa(host: Host, part: Section) -> None:
    """Give a host its analyzer, and the results of an earlier scan if the file names one."""
    host.bpa = Bpa(
        installed=part.flag("installed", True),
        model=part.flag("model", True),
        neutral_members=part.any("neutral_members"),
        scan_seconds=part.number("scan_seconds", 90.0),
    )
    for slug, answer in part.mapping("answers").items():
        if answer not in ("compliant", "noncompliant"):
            raise FleetError(f"{part.where}.answers: {slug}: {answer!r} is neither compliant nor noncompliant")
        host.bpa.answers[_slug(slug, part.where + ".answers")] = answer == "compliant"
    if part.has("scanned"):
        host.bpa.last = _earlier(host, part.section("scanned"))
    else:
        part.any("scanned")
    part.close()


def _slug(given: object, where: str) -> str:
    rule = _SLUGS.get(str(given).lower())
    if rule is None:
        raise FleetError(f"{where}: there is no rule {given!r}")
    return rule.slug


def _earlier(host: Host, part: Section) -> BpaScan:
    """Return a scan of some hours ago, in which only the rules named were broken."""
    at = host.fleet.clock.start - timedelta(hours=part.number("hours_ago", 24))
    broken = {_slug(slug, part.where) for slug in part.texts("noncompliant")}
    part.close()
    findings = tuple(
        BpaFinding(
            rule=rule,
            number=number,
            compliant=rule.slug not in broken,
            subject=host.name if rule.slug in broken else "",
        )
        for number, rule in enumerate(RULES, 1)
    )
    return BpaScan(at=at, findings=findings)
