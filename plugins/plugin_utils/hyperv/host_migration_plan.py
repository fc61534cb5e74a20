# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live-migration settings of a host: what is wanted, and what has to be changed for it. No input or output here."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest, NotPossible
from ..findings import Finding, Severity
from ..operation import Diff

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .gateway_host import MigrationFacts
    from .model_host import Host, MigrationNetwork

_UINT32 = 2**32
LIMITS = ("maximum_virtual_machine_migrations", "maximum_storage_migrations")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedNetwork:
    """A network to be listed; ``priority`` None leaves that of an existing entry as it is."""

    subnet: str
    priority: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The desired state; None leaves a setting as it is."""

    enabled: bool
    authentication_type: str | None = None
    performance_option: str | None = None
    maximum_virtual_machine_migrations: int | None = None
    maximum_storage_migrations: int | None = None
    use_any_network: bool | None = None
    networks: tuple[WantedNetwork, ...] = ()
    purge_networks: bool = False
    firewall_rule: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMigrationPlan:
    """What to change, in the order it is done. Empty where the host is as wanted."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    make_service_automatic: bool = False
    start_service: bool = False
    settings: tuple[tuple[str, Any], ...] = ()
    """Parameters of one Set-VMHost."""
    add: tuple[WantedNetwork, ...] = ()
    change: tuple[WantedNetwork, ...] = ()
    """Existing entries with another priority, by the subnet as the host spells it."""
    remove: tuple[str, ...] = ()
    enable: bool | None = None
    open_firewall: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        todo = (self.settings, self.add, self.change, self.remove, self.enable is not None)
        return any(todo) or self.make_service_automatic or self.start_service or self.open_firewall

    def diff(self) -> Diff:
        """Return the settings before and after."""
        return Diff(before=dict(self.before), after=dict(self.after))


def parse(arguments: Mapping[str, Any]) -> Wanted:
    """Return what validated arguments ask for; InvalidRequest for what can never be."""
    for option in LIMITS:
        value = arguments.get(option)
        if value is not None and not 0 <= value < _UINT32:
            raise InvalidRequest(f"{option}: {value} is out of range; it must be 0 or more")
    networks = tuple(_wanted_network(item) for item in arguments.get("networks") or ())
    subnets = [network.subnet for network in networks]
    for subnet in subnets:
        if subnets.count(subnet) > 1:
            raise InvalidRequest(f"networks: {subnet} is listed more than once")
    wanted = Wanted(
        enabled=arguments.get("state", "enabled") == "enabled",
        authentication_type=arguments.get("authentication_type"),
        performance_option=arguments.get("performance_option"),
        maximum_virtual_machine_migrations=arguments.get(LIMITS[0]),
        maximum_storage_migrations=arguments.get(LIMITS[1]),
        use_any_network=arguments.get("use_any_network"),
        networks=networks,
        purge_networks=bool(arguments.get("purge_networks")),
        firewall_rule=bool(arguments.get("firewall_rule", True)),
    )
    if wanted.enabled and wanted.use_any_network is False and wanted.purge_networks and not networks:
        raise InvalidRequest(
            "networks is empty, purge_networks removes every other network and use_any_network is false: the host "
            "could not receive any migration; list a network, or set use_any_network: true"
        )
    return wanted


def _wanted_network(item: Mapping[str, Any]) -> WantedNetwork:
    priority = item.get("priority")
    if priority is not None and not 0 <= priority < _UINT32:
        raise InvalidRequest(f"networks: priority {priority} of {item['subnet']} is out of range; it must be 0 or more")
    return WantedNetwork(subnet=normal_subnet(str(item["subnet"])), priority=priority)


def normal_subnet(text: str) -> str:
    """Return a subnet as ``network/prefix``, a single address with its full prefix; InvalidRequest for others."""
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as problem:
        raise InvalidRequest(f"networks: {text!r} is neither an address nor a network in CIDR form") from problem
    raise InvalidRequest(f"networks: {text!r} is an address inside a network; did you mean {network}?")


def _same_subnet(text: str) -> str:
    try:
        return normal_subnet(text)
    except InvalidRequest:
        return text.lower()


def plan(facts: MigrationFacts, wanted: Wanted, *, host: str) -> HostMigrationPlan:
    """Return what has to be changed. NotPossible where the result could not receive a migration."""
    service = facts.service
    starts = wanted.enabled and service is not None and service.status != "Running"
    automatic = wanted.enabled and service is not None and service.start_type not in (None, "Automatic")
    rule = facts.rule
    opens = wanted.enabled and wanted.firewall_rule and rule is not None and not rule.enabled
    if facts.host is None:
        return _unreadable(facts, starts=starts, automatic=automatic, opens=opens, host=host)
    settings = _settings(facts.host, wanted)
    add, change, remove = _networks(facts.networks, wanted)
    result = _resulting_networks(facts.networks, add, change, remove)
    any_network = _after(wanted.use_any_network, facts.host.use_any_network_for_migration)
    if wanted.enabled and not result and not any_network:
        raise NotPossible(f"{host} could not receive migrations", findings=[_no_network(host)])
    before = _shown(facts.host, facts.networks, facts)
    after = _wanted_view(before, wanted, result, opens=opens, starts=starts, automatic=automatic)
    return HostMigrationPlan(
        before=before,
        after=after,
        make_service_automatic=automatic,
        start_service=starts,
        settings=settings,
        add=add,
        change=change,
        remove=remove,
        enable=None if facts.host.virtual_machine_migration_enabled is wanted.enabled else wanted.enabled,
        open_firewall=opens,
    )


def _unreadable(facts: MigrationFacts, *, starts: bool, automatic: bool, opens: bool, host: str) -> HostMigrationPlan:
    """Plan the start of the management service, without which the host can't say its settings."""
    if not starts:
        evidence = "; ".join(facts.problems) or "Get-VMHost gave nothing"
        raise NotPossible(
            f"{host} does not say its Hyper-V settings",
            findings=[
                Finding(
                    id="host_settings_unreadable",
                    severity=Severity.BLOCKING,
                    subject=host,
                    evidence=evidence,
                    remedy="install the Hyper-V role and its PowerShell module (vm_host_feature), and connect as a "
                    "member of Administrators or Hyper-V Administrators",
                )
            ],
        )
    status = facts.service.status if facts.service else ""
    return HostMigrationPlan(
        before={"service": status},
        after={"service": "Running"},
        make_service_automatic=automatic,
        start_service=starts,
        open_firewall=opens,
    )


def _after(wanted: Any, current: Any) -> Any:
    return current if wanted is None else wanted


_SETTINGS = (
    ("authentication_type", "authentication_type", "VirtualMachineMigrationAuthenticationType"),
    ("performance_option", "performance_option", "VirtualMachineMigrationPerformanceOption"),
    (LIMITS[0], LIMITS[0], "MaximumVirtualMachineMigrations"),
    (LIMITS[1], LIMITS[1], "MaximumStorageMigrations"),
    ("use_any_network", "use_any_network_for_migration", "UseAnyNetworkForMigration"),
)
"""Option, field of Host, parameter of Set-VMHost."""


def _settings(host: Host, wanted: Wanted) -> tuple[tuple[str, Any], ...]:
    found = []
    for option, current, parameter in _SETTINGS:
        value = getattr(wanted, option)
        if value is not None and value != getattr(host, current):
            found.append((parameter, value))
    return tuple(found)


def _networks(
    current: Sequence[MigrationNetwork], wanted: Wanted
) -> tuple[tuple[WantedNetwork, ...], tuple[WantedNetwork, ...], tuple[str, ...]]:
    """Return what to add, to change and to remove. Set-VMMigrationNetwork only edits an existing entry (facts, 1.1)."""
    listed = {_same_subnet(network.subnet): network for network in current}
    add = tuple(network for network in wanted.networks if network.subnet not in listed)
    change = tuple(
        WantedNetwork(subnet=listed[network.subnet].subnet, priority=network.priority)
        for network in wanted.networks
        if network.subnet in listed
        and network.priority is not None
        and network.priority != listed[network.subnet].priority
    )
    kept = {network.subnet for network in wanted.networks}
    remove = (
        tuple(network.subnet for key, network in listed.items() if key not in kept) if wanted.purge_networks else ()
    )
    return add, change, remove


def _resulting_networks(
    current: Sequence[MigrationNetwork],
    add: Sequence[WantedNetwork],
    change: Sequence[WantedNetwork],
    remove: Sequence[str],
) -> list[dict[str, Any]]:
    priorities = {network.subnet: network.priority for network in current if network.subnet not in remove}
    priorities |= {network.subnet: network.priority for network in (*change, *add)}
    return [{"subnet": subnet, "priority": priorities[subnet]} for subnet in sorted(priorities)]


def _shown(host: Host, networks: Sequence[MigrationNetwork], facts: MigrationFacts) -> dict[str, Any]:
    listed = [{"subnet": item.subnet, "priority": item.priority} for item in networks]
    return {
        "state": "enabled" if host.virtual_machine_migration_enabled else "disabled",
        **{option: getattr(host, current) for option, current, _parameter in _SETTINGS},
        "networks": sorted(listed, key=lambda item: str(item["subnet"])),
        "service": facts.service.status if facts.service else None,
        "service_start_type": facts.service.start_type if facts.service else None,
        "firewall_rule_enabled": facts.rule.enabled if facts.rule else None,
    }


def _wanted_view(
    before: Mapping[str, Any],
    wanted: Wanted,
    networks: list[dict[str, Any]],
    *,
    opens: bool,
    starts: bool,
    automatic: bool,
) -> dict[str, Any]:
    after = dict(before)
    after["state"] = "enabled" if wanted.enabled else "disabled"
    for option, _current, _parameter in _SETTINGS:
        after[option] = _after(getattr(wanted, option), before[option])
    after["networks"] = networks
    if starts:
        after["service"] = "Running"
    if automatic:
        after["service_start_type"] = "Automatic"
    if opens:
        after["firewall_rule_enabled"] = True
    return after


def _no_network(host: str) -> Finding:
    return Finding(
        id="no_migration_network",
        severity=Severity.BLOCKING,
        subject=host,
        evidence="no network for incoming migrations would be listed, and any network is not allowed",
        remedy="list one in networks, or set use_any_network: true",
    )
