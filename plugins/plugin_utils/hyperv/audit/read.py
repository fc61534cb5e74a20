# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the evidence of a host: two invocations where it can answer everything, a third where it has Replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import RemoteError
from ...session.command import command
from ..gateway import kept, read_details
from ..gateway_host import cim, read_host_facts_and
from ..gateway_reading import Question, ask
from ..guest.copies import FailoverSetting, live_adapter
from ..guest.exchange import Exchange
from .evidence import Evidence
from .models import (
    Certificate,
    GroupThrottle,
    HostClock,
    IpAddress,
    NetAdapter,
    PortFeature,
    RequiredFeatures,
    ServiceState,
    SwitchExtension,
    Throttle,
)
from .models_replication import (
    AuthorizationEntry,
    GuestAddresses,
    ReplicationHealth,
    ReplicationServer,
    ReplicationSettings,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...session.protocol import Session
    from ..gateway import VmDetails

_VIRTUALIZATION, _STANDARD = "root\\virtualization\\v2", "root\\StandardCimv2"
CERTIFICATES = "Cert:\\LocalMachine\\My"
"""Where Hyper-V Replica looks for the certificate of a Replica server."""
GROUP_POLICIES = "HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows\\QoS"
"""A key for each policy of bandwidth that a group policy brings. It is missing where there is none."""
_PARTS = ("network_adapters", "checkpoints", "integration_services", "replication")

_OF_HOST: dict[str, Question[Any]] = {
    "clock": cim("Win32_OperatingSystem", HostClock),
    "service": cim("Win32_Service", ServiceState, query="Name='vmms'"),
    "adapters": Question(command("Get-NetAdapter"), NetAdapter),
    "addresses": Question(command("Get-NetIPAddress"), IpAddress),
    "throttles": cim("MSFT_NetQosPolicySettingData", Throttle, namespace=_STANDARD),
    "server": Question(command("Get-VMReplicationServer"), ReplicationServer),
    "entries": Question(command("Get-VMReplicationAuthorizationEntry"), AuthorizationEntry),
    "replications": Question(command("Get-VMReplication"), ReplicationSettings),
    "healths": Question(command("Measure-VMReplication"), ReplicationHealth),
    "exchanges": cim("Msvm_KvpExchangeComponent", Exchange, namespace=_VIRTUALIZATION),
    "guest_addresses": cim("Msvm_GuestNetworkAdapterConfiguration", GuestAddresses, namespace=_VIRTUALIZATION),
    "extensions": Question(command("Get-VMSwitch") | command("Get-VMSwitchExtension"), SwitchExtension),
    "port_features": Question(command("Get-VMSystemSwitchExtensionPortFeature"), PortFeature),
    # A restricted endpoint has neither of these two drives.
    "certificates": Question(command("Get-ChildItem", Path=CERTIFICATES), Certificate),
    "group_throttles": Question(
        command("Get-ChildItem", Path=GROUP_POLICIES, ErrorAction="SilentlyContinue") | command("Get-ItemProperty"),
        GroupThrottle,
    ),
}
_OF_MACHINES: dict[str, Question[Any]] = {
    "required_features": Question(kept() | command("Get-VMNetworkAdapter"), RequiredFeatures),
}
_SINGLE = ("clock", "service", "server")
_AT_ONCE = 60
"""Questions per invocation."""


def read_evidence(session: Session) -> Evidence:
    """Return everything the rules look at. What a host can't say is None, with the reason; link failures are raised."""
    machines, problem = _machines(session)
    more = {**(_OF_MACHINES if machines else {}), **_OF_HOST}
    facts, answers = read_host_facts_and(session, *more.values())
    found: dict[str, Any] = {} if machines else dict.fromkeys(_OF_MACHINES, ())
    unread = {} if problem is None else {"machines": problem}
    for (name, question), answer in zip(more.items(), answers, strict=True):
        found[name] = answer.first if name in _SINGLE else answer.known
        if found[name] is None:
            said = answer.errors[0].error_id if answer.errors else "no answer"
            unread[name] = f"{question.source.last} gave no answer: {said}"
    clock = found.pop("clock")
    return Evidence(
        host=session.host,
        facts=facts,
        now=clock.now if clock else None,
        machines=machines,
        failover_settings=_failover_settings(session, machines or (), found["replications"] or ()),
        unread=unread,
        **found,
    )


def _failover_settings(
    session: Session, machines: Sequence[VmDetails], replications: Sequence[ReplicationSettings]
) -> dict[str, FailoverSetting]:
    """Return what is set, by the Id of each Replica's adapter: one question each, as a setting doesn't say whose it is.

    An adapter whose setting can't be read is missing.
    """
    replicas = {item.vm_id for item in replications if item.is_replica}
    adapters = [adapter for machine in machines if machine.vm.id in replicas for adapter in machine.adapters]
    found: dict[str, FailoverSetting] = {}
    for first in range(0, len(adapters), _AT_ONCE):
        part = adapters[first : first + _AT_ONCE]
        questions = [
            Question(live_adapter(one) | command("Get-VMNetworkAdapterFailoverConfiguration"), FailoverSetting)
            for one in part
        ]
        answers = ask(session, *questions)
        found.update({one.id: a.first for one, a in zip(part, answers, strict=True) if a.first is not None})
    return found


def _machines(session: Session) -> tuple[tuple[VmDetails, ...] | None, str | None]:
    try:
        return read_details(session, parts=_PARTS), None
    except RemoteError as problem:
        return None, f"Get-VM gave no answer: {problem.details.get('error_id') or problem.msg}"
