# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about a host: its settings, networks, versions, processors, volumes, features, rules, rights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import RemoteError
from ..session.command import command
from .gateway_reading import Question, ask
from .model_host import (
    ComputerSystem,
    Feature,
    FirewallRule,
    Host,
    HostCpu,
    Listener,
    MigrationNetwork,
    OperatingSystem,
    SupportedVersion,
    Switch,
    Volume,
    WindowsService,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..session.protocol import Session
    from .gateway_reading import Answer

FIREWALL_RULES = (
    "VIRT-MIGL-In-TCP-NoScope",
    "VIRT-VMMS-RPC-EPMAP-In-NoScope",
    "VIRT-VMMS-RPC-In-NoScope",
    "VIRT-WMI-RPCSS-In-TCP-NoScope",
    "VIRT-WMI-WINMGMT-In-TCP-NoScope",
    "VIRT-WMI-ASYNC-In-TCP-NoScope",
)
"""Rules of the role by their stable names (facts, 1.3); the first one lets migrations in."""
MIGRATION_RULE = FIREWALL_RULES[0]
FEATURES = ("Hyper-V", "Hyper-V-PowerShell", "RSAT-Hyper-V-Tools", "Failover-Clustering", "RSAT-AD-PowerShell")
WHOAMI = "C:\\Windows\\System32\\whoami.exe"
ADMINISTRATORS, HYPER_V_ADMINISTRATORS = "S-1-5-32-544", "S-1-5-32-578"
_SID = re.compile(r'"(S-1-[0-9-]+)"')
_VIRTUALIZATION = "root\\virtualization\\v2"
_LOCAL_DISK = "DriveType=3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What the token of the session holds; groups as SIDs, which are the same in every language."""

    sids: tuple[str, ...]
    is_administrator: bool
    is_hyper_v_administrator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationFacts:
    """What decides about receiving live migrations; None is what could not be read, with the reason in ``problems``."""

    host: Host | None
    networks: tuple[MigrationNetwork, ...] = ()
    listener_addresses: tuple[str, ...] | None = None
    service: WindowsService | None = None
    rule: FirewallRule | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """All facts of a host; None is what its edition, its endpoint or the caller's rights don't show."""

    settings: Host | None
    computer: ComputerSystem | None
    operating_system: OperatingSystem | None
    processors: tuple[HostCpu, ...] | None
    migration_networks: tuple[MigrationNetwork, ...] | None
    listener_addresses: tuple[str, ...] | None
    switches: tuple[Switch, ...] | None
    volumes: tuple[Volume, ...] | None
    supported_versions: tuple[SupportedVersion, ...] | None
    features: tuple[Feature, ...] | None
    firewall_rules: tuple[FirewallRule, ...] | None
    services: tuple[WindowsService, ...] | None
    rights: Rights | None
    unread: tuple[str, ...] = ()
    """Error ids of what could not be read, each with the command that gave it."""


def cim(class_name: str, kind: type[Any], *, namespace: str | None = None, query: str | None = None) -> Question[Any]:
    """Return the question for the instances of a CIM class."""
    return Question(command("Get-CimInstance", ClassName=class_name, Namespace=namespace, Filter=query), kind)


_HOST_QUESTIONS: dict[str, Question[Any]] = {
    "computer": cim("Win32_ComputerSystem", ComputerSystem),
    "operating_system": cim("Win32_OperatingSystem", OperatingSystem),
    "processors": cim("Win32_Processor", HostCpu),
    "volumes": cim("Win32_Volume", Volume, query=_LOCAL_DISK),
    "services": Question(
        command("Get-Service", Name=["vmms", "WinRM"], ErrorAction="SilentlyContinue"), WindowsService
    ),
    "firewall_rules": Question(
        command("Get-NetFirewallRule", Name=list(FIREWALL_RULES), ErrorAction="SilentlyContinue"), FirewallRule
    ),
    "settings": Question(command("Get-VMHost"), Host),
    "migration_networks": Question(command("Get-VMMigrationNetwork"), MigrationNetwork),
    "switches": Question(command("Get-VMSwitch"), Switch),
    "listener": cim("Msvm_VirtualSystemMigrationService", Listener, namespace=_VIRTUALIZATION),
    "features": Question(command("Get-WindowsFeature", Name=list(FEATURES), ErrorAction="SilentlyContinue"), Feature),
    "supported_versions": Question(command("Get-VMHostSupportedVersion"), SupportedVersion),
    "rights": Question(command(WHOAMI, "/groups", "/fo", "csv", "/nh")),
}
"""What not every host can answer stands last: each such question costs one more invocation."""


def read_host_facts(session: Session) -> HostFacts:
    """Return all facts of the host, in one invocation where it can answer everything."""
    return read_host_facts_and(session)[0]


def read_host_facts_and(session: Session, *more: Question[Any]) -> tuple[HostFacts, list[Answer[Any]]]:
    """Return all facts of the host and the answers to further questions, in the same invocation."""
    answered = ask(session, *_HOST_QUESTIONS.values(), *more)
    own, others = answered[: len(_HOST_QUESTIONS)], answered[len(_HOST_QUESTIONS) :]
    return _host_facts(dict(zip(_HOST_QUESTIONS, own, strict=True))), others


def _host_facts(answers: dict[str, Answer[Any]]) -> HostFacts:
    listener = answers["listener"].first
    return HostFacts(
        settings=answers["settings"].first,
        computer=answers["computer"].first,
        operating_system=answers["operating_system"].first,
        processors=answers["processors"].known,
        migration_networks=answers["migration_networks"].known,
        listener_addresses=listener.addresses if listener else None,
        switches=answers["switches"].known,
        volumes=answers["volumes"].known,
        supported_versions=answers["supported_versions"].known,
        features=answers["features"].known,
        firewall_rules=answers["firewall_rules"].known,
        services=answers["services"].known,
        rights=rights_of(answers["rights"]),
        unread=_unread(answers),
    )


def read_rights(session: Session) -> Rights | None:
    """Return the rights of the caller on the host; None where the endpoint hides them."""
    (answer,) = ask(session, _HOST_QUESTIONS["rights"])
    return rights_of(answer)


def rights_of(answer: Answer[Any]) -> Rights | None:
    """Return the rights that the lines of whoami show; None where the endpoint hides it or no SID came."""
    sids = tuple(dict.fromkeys(sid for line in answer.items for sid in _SID.findall(str(line))))
    if not sids:
        return None
    return Rights(
        sids=sids, is_administrator=ADMINISTRATORS in sids, is_hyper_v_administrator=HYPER_V_ADMINISTRATORS in sids
    )


_SINGLE = ("settings", "computer", "operating_system", "listener")
"""What every host that can answer has exactly one of."""


def _unread(answers: dict[str, Answer[Any]]) -> tuple[str, ...]:
    found = [f"{name}: {error.error_id}" for name, item in answers.items() for error in item.errors if not item.items]
    silent = [name for name in _SINGLE if not answers[name].items and not answers[name].errors]
    return (*found, *(f"{name}: no answer" for name in silent))


_MIGRATION_QUESTIONS: tuple[Question[Any], ...] = (
    _HOST_QUESTIONS["settings"],
    _HOST_QUESTIONS["migration_networks"],
    _HOST_QUESTIONS["listener"],
    Question(command("Get-Service", Name="vmms", ErrorAction="SilentlyContinue"), WindowsService),
    Question(command("Get-NetFirewallRule", Name=MIGRATION_RULE, ErrorAction="SilentlyContinue"), FirewallRule),
)


def read_migration_facts(session: Session) -> MigrationFacts:
    """Return what decides about receiving live migrations, in one invocation.

    With a stopped management service the host can't say its settings: ``host`` is None then, ``service`` says why.
    """
    host, networks, listener, service, rule = ask(session, *_MIGRATION_QUESTIONS)
    found = listener.first
    return MigrationFacts(
        host=host.first,
        networks=networks.items,
        listener_addresses=found.addresses if found else None,
        service=service.first,
        rule=rule.first,
        problems=tuple(error.as_error().msg for error in (*host.errors, *networks.errors, *listener.errors)),
    )


def read_listener(session: Session) -> tuple[str, ...]:
    """Return the addresses at which the host receives migrations now."""
    (answer,) = ask(session, _HOST_QUESTIONS["listener"])
    found = answer.first
    return found.addresses if found else ()


def read_features(session: Session, names: Sequence[str]) -> dict[str, Feature]:
    """Return Windows features by name. Raises RemoteError where the host can't say (no server, no rights)."""
    (answer,) = ask(session, Question(command("Get-WindowsFeature", Name=list(names)), Feature))
    if answer.errors and not answer.items:
        raise RemoteError(answer.errors[0].as_error().msg, error_id=answer.errors[0].error_id)
    return {feature.name: feature for feature in answer.items}
