# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the portal's push: what it meets on the way to a Windows machine. Pure functions over the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import Cure, finding
from .evidence import OLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import Rule, Service, WindowsEvidence

SMB_RULE, NETBIOS_RULE = "FPS-SMB-In-TCP", "FPS-NB_Session-In-TCP"
SHARING_RULES = (SMB_RULE, NETBIOS_RULE)
WMI_RULES = ("WMI-RPCSS-In-TCP", "WMI-WINMGMT-In-TCP", "WMI-ASYNC-In-TCP")
VARIANTS = ("", "-NoScope")
"""One of them per profile (facts, section 10); one that is on lets the push in."""
PUSH_SPACE = 100 * 1024 * 1024
FEW_PORTS = 256
"""Fewer free ephemeral ports than this count as used up; the number is ours, no source has one."""
BY_POLICY = "Group Policy owns the firewall's rules: allow it in the policy that the machine gets"


def wmi_closed(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """WMI can't be reached from outside: its firewall rules, its service."""
    yield from _closed(evidence, "95103", WMI_RULES)
    service = _service(evidence, "Winmgmt")
    if service is not None:
        if service.is_disabled or not service.runs:
            yield finding("95103", subject="service Winmgmt", evidence=_states(service))
    elif evidence.guard.winmgmt_start == 4:  # Disabled
        yield finding("95103", subject="service Winmgmt", evidence="Start is 4 (disabled) and WMI does not answer")


def sharing_closed(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The administrative share can't be reached: firewall rules, the Server service, policies."""
    names = SHARING_RULES if evidence.release.version <= OLD else (SMB_RULE,)
    yield from _closed(evidence, "95105", names)
    service = _service(evidence, "LanmanServer")
    if service is not None and (service.is_disabled or not service.runs):
        yield finding("95105", subject="service LanmanServer", evidence=_states(service))
    if evidence.guard.no_inplace_sharing:
        yield finding(
            "95105",
            subject="policy NoInplaceSharing",
            evidence="'Prevent users from sharing files within their profile' is on (unverified value)",
            remedy="set the policy to Disabled",
            cure=Cure.MANUAL,
        )
    if evidence.guard.admin_shares_off:
        yield finding(
            "95105",
            subject="administrative shares",
            evidence="AutoShareServer or AutoShareWks of LanmanServer is 0 (unverified)",
            remedy="take the value away and restart the Server service, so that C$ and ADMIN$ are there again",
            cure=Cure.MANUAL,
        )


def account_filtered(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """Remote UAC takes the administrator's rights from a local push account."""
    account = evidence.account
    if account is None or account.disabled or account.is_administrator is False:
        return
    if account.is_built_in and not evidence.guard.filter_administrator_token:
        return
    policy = evidence.guard.token_filter_policy
    if policy != 1:
        yield finding(
            "95107",
            subject="LocalAccountTokenFilterPolicy",
            evidence=f"{'not set' if policy is None else policy}, and the push account {account.name!r} is a local one",
        )


def account_missing(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The push account is told as one of the machine's, and the machine has none of that name."""
    if evidence.missing_account is not None:
        yield finding(
            "95107",
            subject=f"account {evidence.missing_account}",
            evidence="the machine has no such local account",
            remedy=r"make the account an administrator there, or give one of a domain as DOMAIN\user",
            cure=Cure.MANUAL,
        )


def account_no_administrator(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The local push account is not in the machine's group of administrators."""
    account = evidence.account
    if account is not None and account.is_administrator is False:
        yield finding(
            "95107",
            subject=f"account {account.name}",
            evidence="it is not in the group of administrators (S-1-5-32-544)",
            remedy="add the account to the group of administrators, or push with one that is in it",
            cure=Cure.MANUAL,
        )


def account_disabled(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The local push account is disabled. Enabling one lowers the machine's guard: done only where the id is named."""
    account = evidence.account
    if account is not None and account.disabled:
        yield finding("95519", subject=f"account {account.name}", evidence="it is disabled", cure=Cure.WEAKENING)


def account_locked(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The local push account is locked out; a lock guards against guessing, so that its id has to be named."""
    account = evidence.account
    if account is not None and account.locked and not account.disabled:
        yield finding("95520", subject=f"account {account.name}", evidence="it is locked out", cure=Cure.WEAKENING)


def domain_out_of_reach(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """Netlogon doesn't run, no domain controller answers, or the trust is broken: the first of them is named."""
    identity = evidence.identity
    if not identity.part_of_domain:
        return
    netlogon = _service(evidence, "Netlogon")
    if netlogon is not None and not netlogon.runs:
        yield finding("95522", subject="service Netlogon", evidence=_states(netlogon))
    elif identity.logon_server is False:
        yield finding(
            "95521",
            subject=f"domain {identity.domain}",
            evidence="no domain controller was found, and Netlogon runs",
            cure=Cure.MANUAL,
        )
    elif identity.secure_channel is False:
        yield finding(
            "95518",
            subject=f"domain {identity.domain}",
            evidence="the test of the secure channel failed",
            cure=Cure.MANUAL,
        )


def push_space(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The system drive has no room for the copy of the agent."""
    drive = evidence.storage.system_drive
    free = evidence.storage.free.get(drive)
    if free is not None and free < PUSH_SPACE:
        yield finding(
            "95524", subject=f"drive {drive}", evidence=f"{free >> 20} MB free, 100 MB are needed", cure=Cure.MANUAL
        )


def out_of_reach(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """What else belongs to an unreachable machine: its own name, ephemeral ports."""
    network = evidence.network
    own, addresses = network.own_addresses, network.addresses
    if own and addresses and not set(own) & set(addresses):
        yield finding(
            "95117",
            subject=f"name {evidence.identity.name}",
            evidence=f"it resolves to {', '.join(own)}; the machine has {', '.join(addresses)}",
            remedy="correct the machine's entry in DNS: servers find it by its name",
            cure=Cure.MANUAL,
        )
    if network.ports_used is not None and network.ports_there - network.ports_used < FEW_PORTS:
        yield finding(
            "95117",
            subject="ephemeral ports",
            evidence=f"{network.ports_used} of {network.ports_there} TCP ports are in use",
            remedy="find the program that keeps connections open (netstat -ano), or restart the machine",
            cure=Cure.MANUAL,
        )


def _closed(evidence: WindowsEvidence, error_id: str, names: Iterable[str]) -> Iterator[AsrFinding]:
    """Yield at most one finding about the firewall: closed rules that can be opened, or that a policy owns."""
    if evidence.guard.rules is None:
        return
    closed = [name for name in names if not opens(evidence, name)]
    if not closed:
        return
    policy = evidence.guard.policy_only
    owned = [rule.name for name in closed for rule in variants(evidence, name) if rule.by_policy]
    missing = [name for name in closed if not variants(evidence, name)]
    subject = f"firewall {', '.join(closed)}"
    if policy or owned:
        why = f"local rules do not count in the profiles {', '.join(policy)}" if policy else "the policy has them off"
        yield finding(error_id, subject=subject, evidence=why, remedy=BY_POLICY, cure=Cure.MANUAL)
    elif missing:
        yield finding(
            error_id,
            subject=subject,
            evidence=f"there is no rule {', '.join(missing)}",
            remedy="restore the firewall's default rules of the group",
            cure=Cure.MANUAL,
        )
    else:
        yield finding(error_id, subject=subject, evidence="the rules are disabled")


def opens(evidence: WindowsEvidence, name: str) -> bool:
    """Whether a rule of this stable name, for whichever profile, lets traffic in.

    Where a policy has local rules ignored it may let traffic in by rules of its own name, so that alone is no finding.
    """
    found = variants(evidence, name)
    return any(rule.enabled for rule in found) and not any(rule.blocks and rule.enabled for rule in found)


def variants(evidence: WindowsEvidence, name: str) -> tuple[Rule, ...]:
    """Return the rules of a stable name, one per profile."""
    wanted = {(name + ending).lower() for ending in VARIANTS}
    return tuple(rule for rule in evidence.guard.rules or () if rule.name.lower() in wanted)


def _service(evidence: WindowsEvidence, name: str) -> Service | None:
    return (evidence.software.services or {}).get(name.lower())


def _states(service: Service) -> str:
    return f"{service.state}, start type {service.start}"


RULES = (
    wmi_closed,
    sharing_closed,
    account_filtered,
    account_missing,
    account_no_administrator,
    account_disabled,
    account_locked,
    domain_out_of_reach,
    push_space,
    out_of_reach,
)
