# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our verdicts beside the analyzer's, matched by the slug of the rule's page. A difference is shown, not settled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .judged import Verdict
from .published import BY_ID, BY_SLUG
from .remedies import REMEDIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .bpa import Result
    from .judged import Judged

COMPLIANT, NONCOMPLIANT, EXCLUDED = "compliant", "noncompliant", "excluded"
AGREE, DISAGREE, NOT_COMPARED = "agree", "disagree", "not_compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the analyzer says of one rule: ``results`` are its noncompliant ones."""

    verdict: str
    results: tuple[Result, ...] = ()

    def as_plain(self) -> dict[str, Any]:
        """Return the documented form."""
        return {
            "verdict": self.verdict,
            "results": [
                {"id": item.id, "rule_id": item.rule_id, "title": item.title, "impact": item.impact}
                for item in self.results
            ],
        }


def answer_of(results: Iterable[Result], slug: str) -> Answer | None:
    """Return what the analyzer says of a rule, None where it has no result of it."""
    own = [item for item in results if item.slug == slug.lower()]
    broken = tuple(item for item in own if not item.compliant)
    standing = tuple(item for item in broken if not item.excluded)
    if standing:
        return Answer(verdict=NONCOMPLIANT, results=standing)
    if broken:
        return Answer(verdict=EXCLUDED, results=broken)
    return Answer(verdict=COMPLIANT) if own else None


def agreement(ours: str, theirs: str | None) -> str:
    """Return whether both say the same; a rule that does not apply here counts as one that isn't broken."""
    if theirs in (None, EXCLUDED) or ours == Verdict.UNKNOWN.value:
        return NOT_COMPARED
    return AGREE if (ours == NONCOMPLIANT) == (theirs == NONCOMPLIANT) else DISAGREE


def known_by_number(results: Iterable[Result], numbers: Mapping[str, str]) -> tuple[Result, ...]:
    """Return the results with the slug of those whose link names no page, by the RuleId given for our rules' ids."""
    slugs = {str(number): BY_ID[name].slug.lower() for name, number in numbers.items()}
    return tuple(
        item if item.slug in BY_SLUG else replace(item, slug=slugs.get(item.rule_id, item.slug)) for item in results
    )


def unmatched(results: Sequence[Result]) -> int:
    """Return how many results are of no rule that is judged here: other rules, or links that name no page."""
    return sum(item.slug not in BY_SLUG for item in results)


def beside(judged: Judged, results: Sequence[Result] | None, excluded: frozenset[str]) -> dict[str, Any]:
    """Return a rule with our verdict and the analyzer's, in the documented form; ``results`` None: it wasn't asked."""
    rule = judged.rule
    theirs = None if results is None else answer_of(results, rule.slug)
    return {
        "id": rule.id,
        "slug": rule.slug,
        "page": rule.page,
        "severity": rule.severity,
        "category": rule.category,
        "verdict": judged.verdict.value,
        "evidence": judged.evidence,
        "subjects": [subject.as_plain() for subject in judged.subjects],
        "remedy": REMEDIES[rule.id],
        "excluded": not excluded.isdisjoint({rule.id, rule.slug.lower()}),
        "best_practices": None if theirs is None else theirs.as_plain(),
        "agreement": agreement(judged.verdict.value, theirs.verdict if theirs else None),
    }
