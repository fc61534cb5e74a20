# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses for a failover: what has to be changed on either copy, and how the guest comes up. No input or output."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...findings import Finding, Severity, blocking
from ...operation import Diff
from ...session.command import ON
from .copies import FailoverSetting, FamilySetting
from .judging import subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .addresses import AdapterWish, Address
    from .copies import Copy, FailoverAdapter

SET_ADDRESSES, SET_ADAPTER = "Set-VMNetworkAdapterFailoverConfiguration", "Set-VMNetworkAdapter"
_CLEAR = {"ipv4": "ClearFailoverIPv4Settings", "ipv6": "ClearFailoverIPv6Settings"}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One adapter on one copy: what is set now, and what will be."""

    host: str
    adapter: FailoverAdapter
    now: FailoverSetting
    wanted: FailoverSetting
    is_read: bool = True
    """Whether what is set now could be read."""
    test_switch: str | None = None
    """The switch it is to have for a test failover."""
    commands: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether what stands there after the commands is known, though what stands there now may not be."""
        cleared = {name for _command, parameters in self.commands for name in parameters}
        return (
            self.is_read
            or any(one is not None for _family, one in _families(self.wanted))
            or cleared.issuperset(_CLEAR.values())
        )

    @property
    def before(self) -> dict[str, Any]:
        """What is set now."""
        return {**self.now.described(), "test_switch": self.adapter.test_switch}

    @property
    def after(self) -> dict[str, Any]:
        """What is to be set."""
        return {**self.wanted.described(), "test_switch": self.test_switch}


@dataclass(frozen=True, kw_only=True)
class AdapterTarget:
    """One adapter of a machine on both copies; ``replica`` is None where that copy was not looked at."""

    here: Side
    replica: Side | None = None
    here_is_replica: bool = False
    findings: tuple[Finding, ...] = ()
    """What was found on this adapter alone."""

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides, the replica's first: it is the one that a failover needs."""
        return (self.here,) if self.replica is None else (self.replica, self.here)

    @property
    def addresses_on_both(self) -> tuple[str, ...]:
        """The addresses that both copies have, or will: on the way back the guest would come up with them at home."""
        if self.replica is None:
            return ()
        both = zip(_families(self.here.wanted), _families(self.replica.wanted), strict=True)
        return tuple(
            here.address
            for (_name, here), (_same, there) in both
            if here is not None and there is not None and here.address == there.address
        )

    @property
    def decisive(self) -> Side | None:
        """The side that a failover goes by, None where it was not looked at."""
        return self.here if self.here_is_replica else self.replica


@dataclass(frozen=True, kw_only=True)
class VmTarget:
    """One machine: its copies, its adapters, what was found. A blocked one is left as it is."""

    copy: Copy
    replica_host: str | None = None
    adapters: tuple[AdapterTarget, ...] = ()
    machine_findings: tuple[Finding, ...] = ()
    reading: bool = False
    """Nothing was asked for it."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found on the machine and its adapters."""
        return (*self.machine_findings, *(finding for one in self.adapters for finding in one.findings))

    @property
    def is_blocked(self) -> bool:
        """Whether a finding keeps it from being changed."""
        return not self.reading and bool(blocking(self.findings))

    @property
    def is_due(self) -> bool:
        """Whether anything is to be changed."""
        return not self.is_blocked and any(side.commands for one in self.adapters for side in one.sides)


@dataclass(frozen=True, kw_only=True)
class FailoverPlan:
    """What to change, machine by machine."""

    targets: tuple[VmTarget, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything differs on a machine that is not blocked."""
        return any(target.is_due for target in self.targets)

    def diff(self) -> Diff:
        """Return the differing adapters before and after, by machine and host."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for target in self.targets:
            for side in (side for one in target.adapters for side in one.sides):
                if target.is_due and side.commands:
                    name = f"{subject_of(target.copy)}, {side.adapter.name} on {side.host}"
                    before[name], after[name] = side.before, side.after
        return Diff(before=before, after=after)


def find_adapter(copy: Copy, wish: AdapterWish) -> list[FailoverAdapter]:
    """Return the adapters that a wish names: one, none or several."""
    if wish.id is not None:
        asked = wish.id.lower()
        return [one for one in copy.adapters if asked in (one.id.lower(), one.device)]
    if wish.mac_address is not None:
        return [one for one in copy.adapters if one.mac_address == wish.mac_address]
    if wish.name is not None:
        return [one for one in copy.adapters if one.name.lower() == wish.name.lower()]
    return list(copy.adapters)


def counterpart(replica: Copy, adapter: FailoverAdapter) -> FailoverAdapter | None:
    """Return the same adapter of the other copy: by its GUID, else by a name or a MAC address that only one has."""
    by_device = [one for one in replica.adapters if one.device == adapter.device]
    by_name = [one for one in replica.adapters if one.name.lower() == adapter.name.lower()]
    by_mac = [one for one in replica.adapters if one.mac_address and one.mac_address == adapter.mac_address]
    return next((found[0] for found in (by_device, by_name, by_mac) if len(found) == 1), None)


def side_of(copy: Copy, adapter: FailoverAdapter, wish: AdapterWish | None) -> Side:
    """Return one side of an adapter with the commands that make it as wished.

    Where what is set can't be read, everything that is asked for is sent.
    """
    now, is_read = copy.setting(adapter), adapter.id in copy.settings
    wanted = now
    commands: list[tuple[str, Mapping[str, Any]]] = []
    for family in wish.clear if wish is not None else ():
        if now.family(family) is not None or not is_read:
            commands.append((SET_ADDRESSES, {_CLEAR[family]: ON}))
            wanted = _with(wanted, family, None)
    for address in wish.addresses if wish is not None else ():
        changes, target = _address_commands(now.family(address.family), address)
        commands += changes
        wanted = _with(wanted, address.family, target)
    switch = adapter.test_switch
    test_switch = wish.test_switch if wish is not None else None
    if test_switch is not None and test_switch.lower() != (switch or "").lower():
        commands.append((SET_ADAPTER, {"TestReplicaSwitchName": test_switch}))
        switch = test_switch
    return Side(
        host=copy.host,
        adapter=adapter,
        now=now,
        wanted=wanted,
        is_read=is_read,
        test_switch=switch,
        commands=tuple(commands),
    )


def _address_commands(
    now: FamilySetting | None, wish: Address
) -> tuple[list[tuple[str, Mapping[str, Any]]], FamilySetting]:
    """Return the commands that give an adapter an address of one family, and what stands there afterwards.

    The only way to remove a gateway of another subnet is to clear the family, so what is to stay is sent again.
    """
    if now is not None and _outgrown(now, wish):
        target = _merged(replace(now, gateway=None), wish)
        return [(SET_ADDRESSES, {_CLEAR[wish.family]: ON}), (SET_ADDRESSES, wish.parameters(target.dns))], target
    target = _merged(now, wish)
    return ([] if target == now else [(SET_ADDRESSES, wish.parameters())]), target


def _with(setting: FailoverSetting, family: str, value: FamilySetting | None) -> FailoverSetting:
    return replace(setting, ipv4=value) if family == "ipv4" else replace(setting, ipv6=value)


def _outgrown(now: FamilySetting, wish: Address) -> bool:
    """Whether the gateway that stands there, and would stay, is of another subnet than the address asked for."""
    if now.gateway is None or wish.gateway is not None:
        return False
    try:
        gateway = ipaddress.ip_address(now.gateway)
    except ValueError:
        return True
    is_local = gateway.version == 6 and gateway.is_link_local
    return not is_local and gateway not in ipaddress.ip_network(f"{wish.address}/{wish.prefix}", strict=False)


def _merged(now: FamilySetting | None, wish: Address) -> FamilySetting:
    """Return what stands there afterwards: gateway and servers that are not asked for stay."""
    gateway, servers = (now.gateway, now.dns) if now is not None else (None, (None, None))
    asked = (*wish.dns, *servers[len(wish.dns) :])
    return FamilySetting(
        address=wish.address, prefix=wish.prefix, gateway=wish.gateway or gateway, dns=(asked[0], asked[1])
    )


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """How a guest comes up on the replica after a failover, as far as that is known."""

    addresses: Mapping[str, str | None]
    keeps: bool | None
    """Whether it keeps the primary's address; None where it can't be told."""
    why: tuple[str, ...] = ()
    """Ids of the findings behind it, or ``replica_not_read``, ``failover_setting_not_read``."""


_NOTHING: Mapping[str, str | None] = {"ipv4": None, "ipv6": None}
_DOUBTS = frozenset({"guest_not_judged", "guest_takes_no_addresses"})


def outlook(target: AdapterTarget, findings: Sequence[Finding], *, done: bool) -> Outlook:
    """Return how the guest comes up; ``done`` says whether what is wanted stands there (or will, in check mode).

    ``findings`` are those on this adapter and on its machine as a whole.
    """
    side = target.decisive
    hindering = tuple(dict.fromkeys(one.id for one in findings if one.id in _HINDERING and _hinders(one)))
    if side is None:
        return Outlook(addresses=_NOTHING, keeps=None, why=("replica_not_read", *hindering))
    if not (side.is_known if done else side.is_read):
        return Outlook(addresses=_NOTHING, keeps=None, why=("failover_setting_not_read", *hindering))
    setting = side.wanted if done else side.now
    addresses = {name: one.address if one is not None else None for name, one in _families(setting)}
    if not any(addresses.values()):
        return Outlook(addresses=addresses, keeps=True, why=("failover_address_missing", *hindering))
    if hindering:
        return Outlook(addresses=_NOTHING, keeps=True, why=hindering)
    doubts = tuple(dict.fromkeys(one.id for one in findings if one.id in _DOUBTS))
    return Outlook(addresses=addresses, keeps=None if doubts else False, why=doubts)


def _families(setting: FailoverSetting) -> tuple[tuple[str, FamilySetting | None], ...]:
    return (("ipv4", setting.ipv4), ("ipv6", setting.ipv6))


_HINDERING = frozenset(
    {
        "key_value_exchange_disabled",
        "key_value_exchange_silent",
        "key_value_exchange_outdated",
        "key_value_exchange_unknown",
        "legacy_adapter_takes_no_address",
    }
)
"""Findings that mean that the guest does not apply an address."""


def _hinders(finding: Finding) -> bool:
    return finding.severity is Severity.BLOCKING
