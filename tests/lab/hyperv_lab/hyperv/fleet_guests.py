# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet file says about a machine's guest, its addresses and its replication, and about Replica servers."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import TYPE_CHECKING

from . import enums
from .failover_settings import NO_ADDRESSES, FailoverAddresses, FamilyAddress, wrong
from .guest import DEFAULT_GUEST, STATES, Guest, IpConfiguration, usual_subnets
from .integration import INTEGRATION_SERVICES
from .replica_server import AuthorizationEntry, ReplicaSettings
from .replication import Replication
from .schema import FleetError

if TYPE_CHECKING:
    from .host import Host
    from .schema import Section
    from .vm import VM

STORAGE = "D:\\Hyper-V Replica"
"""Where copies lie on a Replica server for which the fleet file names no place."""


def read_guest(part: Section) -> Guest:
    """Return the guest that a machine's section ``guest`` describes; raise FleetError."""
    system = part.choice("system", ("windows", "linux"), "windows")
    usual = DEFAULT_GUEST.heartbeat if system == "windows" else "OkApplicationsUnknown"
    return Guest(
        system=system,
        version=part.text("version", ""),
        kernel=part.text("kernel", ""),
        shutdown_seconds=part.number("shutdown_seconds", DEFAULT_GUEST.shutdown_seconds),
        ignores_shutdown=part.flag("ignores_shutdown"),
        locked=part.flag("locked"),
        boot_seconds=part.number("boot_seconds", DEFAULT_GUEST.boot_seconds),
        heartbeat=part.choice("heartbeat", enums.ENUMERATIONS[enums.full_name("VMHeartbeatStatus")], usual),
        dirty_mb_per_second=part.number("dirty_mb", DEFAULT_GUEST.dirty_mb_per_second),
        services=_services(part.section("services")),
        update_service=_switch(part, "update_service", default=True),
        installs_disc=_switch(part, "installs_disc", default=False),
    )


def _services(part: Section) -> dict[str, str]:
    states = {key: part.choice(key, STATES, "") for key in INTEGRATION_SERVICES}
    part.close()
    return {key: state for key, state in states.items() if state}


def _switch(part: Section, key: str, *, default: bool) -> bool:
    """Return on or off: YAML makes true and false of the bare words, and leaves quoted ones."""
    value = part.any(key, default)
    if isinstance(value, bool):
        return value
    if value in ("on", "off"):
        return bool(value == "on")
    raise FleetError(f"{part.where}.{key}: must be on or off, not {value!r}")


def read_addresses(entry: Section) -> IpConfiguration:
    """Return the addresses that an adapter of a fleet file has in its guest; raise FleetError."""
    given = {key: tuple(entry.texts(key)) for key in ("addresses", "gateways", "dns")}
    for key, values in given.items():
        for text in values:
            try:
                ipaddress.ip_address(text)
            except ValueError as problem:
                raise FleetError(f"{entry.where}.{key}: {text!r} is no address") from problem
    subnets = tuple(entry.texts("subnets", usual_subnets(given["addresses"])))
    if len(subnets) != len(given["addresses"]):
        raise FleetError(f"{entry.where}.subnets: one for each address, not {len(subnets)}")
    return IpConfiguration(
        dhcp=entry.flag("dhcp"),
        addresses=given["addresses"],
        subnets=subnets,
        gateways=given["gateways"],
        dns=given["dns"],
    )


def read_replication(vm: VM, part: Section) -> Replication:
    """Return the replication that a machine's section describes; raise FleetError."""
    replication = Replication(vm)
    for key, kind, field in (
        ("mode", "VMReplicationMode", "mode"),
        ("state", "VMReplicationState", "state"),
        ("health", "VMReplicationHealthState", "health"),
    ):
        if part.has(key):
            known = enums.ENUMERATIONS[enums.full_name(kind)]
            setattr(replication, field, enums.value(kind, part.choice(key, known)))
    replication.primary_server = part.text("primary_server", vm.host.fqdn)
    replication.replica_server = part.text("replica_server", "")
    replication.trust_group = part.text("trust_group", "DEFAULT")
    replication.frequency = part.whole("frequency_seconds", 300)
    replication.recovery_history = part.whole("recovery_history", 0)
    replication.compression_enabled = part.flag("compression", True)
    known = enums.ENUMERATIONS[enums.full_name("ReplicationAuthenticationType")]
    kind = part.choice("authentication", known, "Kerberos")
    replication.authentication = enums.value("ReplicationAuthenticationType", kind)
    replication.port = 443 if kind == "Certificate" else 80
    if replication.state.name != "Replicating":
        replication.stopped_at = 0.0
    replication.auto_resynchronize_enabled = part.flag("auto_resynchronize", True)
    hours = part.any("resynchronize_hours", [18.5, 6])
    if len(hours) != 2 or not all(isinstance(hour, int | float) and 0 <= hour <= 24 for hour in hours):
        raise FleetError(f"{part.where}.resynchronize_hours: must be two hours of the day, not {hours!r}")
    replication.resynchronize_from, replication.resynchronize_until = (timedelta(hours=hour) for hour in hours)
    replication.__dict__["copy"] = part.section("replica")
    part.close()
    return replication


def read_replica_server(host: Host, section: Section) -> ReplicaSettings:
    """Return the Replica-server settings of a host; raise FleetError."""
    part = section.section("replica_server")
    known = enums.ENUMERATIONS[enums.full_name("RecoveryAuthenticationType")]
    settings = ReplicaSettings(
        enabled=part.flag("enabled", bool(part.values)),
        authentication=part.choice("authentication", known, "Kerberos"),
        thumbprint=part.text("certificate", ""),
        any_server=part.flag("any_server"),
        storage=part.text("storage", STORAGE if part.values else ""),
    )
    for entry in part.sections("entries"):
        given = (entry.text("primary"), entry.text("storage", settings.storage), entry.text("trust_group", "DEFAULT"))
        settings.entries.append(AuthorizationEntry(host, *given))
        entry.close()
    part.close()
    return settings


def read_failover(entry: Section) -> FailoverAddresses:
    """Return what an adapter of a fleet file keeps for a failover; raise FleetError."""
    part = entry.section("failover")
    if not part.values:
        return NO_ADDRESSES
    found = FailoverAddresses(ipv4=_family(part.section("ipv4"), 4), ipv6=_family(part.section("ipv6"), 6))
    part.close()
    return found


def _family(part: Section, version: int) -> FamilyAddress:
    servers = [*part.texts("dns"), "", ""]
    family = FamilyAddress(
        address=part.text("address", ""),
        subnet=part.text("subnet", ""),
        gateway=part.text("gateway", ""),
        preferred_dns=servers[0],
        alternate_dns=servers[1],
    )
    part.close()
    mistake = wrong(family, version)
    if mistake is not None:
        raise FleetError(f"{part.where}: {mistake!r} can't be")
    return family
