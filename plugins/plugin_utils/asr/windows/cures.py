# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps cure which finding of a Windows machine, and which take a weakening back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import InvalidRequest
from ..patient import CureStep
from . import registry
from .rules_push import SHARING_RULES, SMB_RULE, WMI_RULES, opens, variants
from .rules_system import AGENT_SERVICES
from .rules_vss import COM_STARTS, NEEDED, not_excluded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import WindowsEvidence

    Planner = Callable[[WindowsEvidence, AsrFinding, Wanted], Iterator[CureStep]]

SHARING_GROUP, WMI_GROUP = "@FirewallAPI.dll,-28502", "@FirewallAPI.dll,-34251"
"""The groups as resource strings, the same in every language: netsh of old systems takes no stable names."""
START_TYPES = {
    "Winmgmt": "Automatic", "LanmanServer": "Automatic", "Netlogon": "Automatic", **COM_STARTS, **NEEDED,
    "svagents": "Automatic", "InMage Scout Application Service": "Automatic", registry.VSS_PROVIDER: "Automatic",
}  # fmt: skip
"""Default start types: Netlogon's is that of a member of a domain."""
WORDS = {"Auto": "Automatic"}


def steps(evidence: WindowsEvidence, findings: Sequence[AsrFinding], wanted: Wanted) -> tuple[CureStep, ...]:
    """Return the steps that cure the findings, in order; a finding without a known cure gives none."""
    found = [
        step for item in findings if (planner := PLANNERS.get(item.id)) for step in planner(evidence, item, wanted)
    ]
    return tuple({(step.id, step.subject): step for step in found}.values())


def _wmi(evidence: WindowsEvidence, item: AsrFinding, wanted: Wanted) -> Iterator[CureStep]:
    if item.subject.startswith("firewall"):
        yield from _rules(evidence, item, WMI_RULES, WMI_GROUP)
    else:
        yield from _service(evidence, item, wanted)


def _sharing(evidence: WindowsEvidence, item: AsrFinding, wanted: Wanted) -> Iterator[CureStep]:
    if item.subject.startswith("firewall"):
        names = SHARING_RULES if evidence.release.is_old else (SMB_RULE,)
        yield from _rules(evidence, item, names, SHARING_GROUP)
    else:
        yield from _service(evidence, item, wanted)


def _rules(evidence: WindowsEvidence, item: AsrFinding, names: Sequence[str], group: str) -> Iterator[CureStep]:
    closed = [rule.name for name in names if not opens(evidence, name) for rule in variants(evidence, name)]
    if closed:
        yield CureStep(
            id=item.id,
            subject=f"firewall rules {', '.join(closed)}",
            before="disabled",
            after="enabled",
            details={"action": "firewall", "rules": closed, "group": group},
        )


def _service(evidence: WindowsEvidence, item: AsrFinding, _wanted: Wanted) -> Iterator[CureStep]:
    name = item.subject.removeprefix("service ")
    yield _service_step(evidence, item.id, "Winmgmt" if name == "WMI" else name)


def _agent_services(evidence: WindowsEvidence, item: AsrFinding, _wanted: Wanted) -> Iterator[CureStep]:
    known = evidence.software.services or {}
    for name in AGENT_SERVICES:
        if name.lower() in known and not known[name.lower()].runs:
            yield _service_step(evidence, item.id, name)


def _service_step(evidence: WindowsEvidence, error_id: str, name: str) -> CureStep:
    """Return the step that gives a service its default start type where it is disabled, and starts it."""
    start = START_TYPES[next(known for known in START_TYPES if known.lower() == name.lower())]
    service = (evidence.software.services or {}).get(name.lower())
    disabled = service is None or service.is_disabled
    run = start == "Automatic" and (service is None or not service.runs)
    before = "disabled" if service is None else f"{service.state}, {WORDS.get(service.start, service.start)}"
    after = f"{'Running' if run or service is None else service.state}, " + (
        start if disabled or service is None else WORDS.get(service.start, service.start)
    )
    details = {"action": "service", "name": name, "start": start if disabled else None, "run": run}
    return CureStep(id=error_id, subject=f"service {name}", before=before, after=after, details=details)


def _exclusions(evidence: WindowsEvidence, item: AsrFinding, wanted: Wanted) -> Iterator[CureStep]:
    before = list(evidence.software.exclusions or ())
    added = list(not_excluded(evidence, wanted))
    details = {"action": "exclusion", "paths": added}
    yield CureStep(id=item.id, subject="Defender exclusions", before=before, after=[*before, *added], details=details)


def _token_filter(evidence: WindowsEvidence, item: AsrFinding, _wanted: Wanted) -> Iterator[CureStep]:
    yield _token_filter_step(item.id, before=evidence.guard.token_filter_policy, after=1)


def _token_filter_step(error_id: str, *, before: int | None, after: int | None) -> CureStep:
    return CureStep(
        id=error_id, subject=registry.TOKEN_FILTER, before=before, after=after, details={"action": "token_filter"}
    )


def _account(evidence: WindowsEvidence, item: AsrFinding, _wanted: Wanted) -> Iterator[CureStep]:
    if evidence.account is not None:
        yield _account_step(item.id, evidence.account.name, active=True)


def _account_step(error_id: str, name: str, *, active: bool) -> CureStep:
    shut = "disabled" if error_id == "95519" else "locked out"
    before, after = (shut, "active") if active else ("active", shut)
    details = {"action": "account", "account": name, "active": active}
    return CureStep(id=error_id, subject=f"account {name}", before=before, after=after, details=details)


PLANNERS: dict[str, Planner] = {
    "95103": _wmi,
    "95105": _sharing,
    "95107": _token_filter,
    "95519": _account,
    "95520": _account,
    "95522": _service,
    "151025": _service,
    "vss:0x8004E00F": _service,
    "vss:0x80070422": _service,
    "vss:0x800706BE": _exclusions,
    "78174": _agent_services,
    "name:ASRMobilityServiceInstallerWMIQueryFailure": _service,
}


def reversing(evidence: WindowsEvidence, done: Sequence[CureStep]) -> tuple[CureStep, ...]:
    """Return the steps that take weakening ones back; nothing for what is as it was, or can't be taken back.

    The steps came through a playbook, so that they are made anew here: only their id, account and value before count.
    """
    found = []
    for step in done:
        if step.id == "95107" and (step.before is None or type(step.before) is int):
            if evidence.guard.token_filter_policy == 1 and step.before != 1:
                found.append(_token_filter_step(step.id, before=1, after=step.before))
        elif step.id == "95519" and isinstance(step.details.get("account"), str):
            account = evidence.account
            if account is not None and not account.disabled:
                found.append(_account_step(step.id, account.name, active=False))
        elif step.id != "95520":  # a lock that was taken away can't be set again
            raise InvalidRequest(f"undo: {step.id} ({step.subject}) is nothing that a preflight of Windows weakens")
    return tuple(found)
