# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-VMNetworkAdapter, Set-VMNetworkAdapterVlan, and the adapters and addresses of the host itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.commands import ErrorRecord
from . import enums, mac_pool, messages
from .base import HYPERV_CLASS, HostCmdlet, as_list, fits, has_wildcards
from .cmdlets_around import CIM_EXCEPTION
from .cmdlets_network import AdapterCmdlet, adapters_named
from .cmdlets_system import only
from .devices import Trunk
from .failures import Refused
from .net_adapters import net_adapters, net_addresses

if TYPE_CHECKING:
    from .devices import NetworkAdapter
    from .host import Host

LAST_VLAN = 4094
messages.add(
    {
        "net_adapter_missing": (
            "No MSFT_NetAdapter objects found with property '{member}' equal to '{name}'.",
            "Aucun objet MSFT_NetAdapter trouvé dont la propriété « {member} » est égale à « {name} ».",
        )
    }
)


class ChangingAdapters(AdapterCmdlet):
    """A change of settings of adapters; a refusal of one does not stop the others."""

    NAMES = "Name"

    def run(self) -> None:
        """Change every adapter given."""
        if self.switched("ManagementOS"):
            raise Refused("not_supported", what="ManagementOS")
        self.check()
        for adapter in self.chosen():
            if not self.call.should_process(adapter.name):
                continue
            try:
                with self.host.fleet.lock:
                    self.apply(adapter)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.host.fleet.clock.notify()
            self.passthru(self.result(adapter))

    def chosen(self) -> list[NetworkAdapter]:
        """Return the adapters that the call means."""
        if self.bound_to("VMNetworkAdapter"):
            return as_list(self.given("VMNetworkAdapter"))
        return [adapter for vm in self.vms() for adapter in adapters_named(self, vm, self.NAMES)]

    def check(self) -> None:
        """Refuse what can't be, whatever the adapter. Raises Refused."""

    def apply(self, adapter: NetworkAdapter) -> None:
        """Change one adapter. Raises Refused."""
        raise NotImplementedError  # each cmdlet has its own; cmdlets are looked up by class, none is abstract

    def result(self, adapter: NetworkAdapter) -> Any:
        """Return what -Passthru writes."""
        return adapter


_ON_OFF = {
    "MacAddressSpoofing": "mac_spoofing",
    "DhcpGuard": "dhcp_guard",
    "RouterGuard": "router_guard",
    "AllowTeaming": "allow_teaming",
}
_PLAYED = {
    "VMName", "VM", "VMNetworkAdapter", "Name", "StaticMacAddress", "DynamicMacAddress", "TestReplicaSwitchName",
    "Passthru", "ComputerName", "WhatIf", "Confirm", "ErrorAction", "WarningAction", "Verbose", "Debug", *_ON_OFF,
}  # fmt: skip


class SetVMNetworkAdapter(ChangingAdapters):
    """Set-VMNetworkAdapter: MAC addresses while the machine is off, guards and the test switch at any time.

    That a MAC address needs the machine off: the settings page of the product shows it so, and users' hosts refuse it;
    that an address of a group is refused was seen (field errors). Id and category are those of other settings
    (assumed).
    """

    NAME = "Set-VMNetworkAdapter"
    CLASS = HYPERV_CLASS + "SetVMNetworkAdapter"
    mac: str | None = None

    def check(self) -> None:
        """Refuse contradictions, what isn't played, and MAC addresses that no machine can have."""
        other = sorted(set(self.call.bound) - _PLAYED)
        if other:
            raise Refused("not_supported", what=other[0])
        given = self.given("StaticMacAddress")
        if given is not None and self.switched("DynamicMacAddress"):
            raise Refused("parameter", what="StaticMacAddress, DynamicMacAddress")
        if given is not None:
            plain = re.sub(r"[-:]", "", str(given)).upper()
            if not re.fullmatch(r"[0-9A-F]{12}", plain) or int(plain[:2], 16) & 1 or plain == mac_pool.NEVER:
                raise Refused("parameter", what=f"StaticMacAddress {given}")
            self.mac = plain

    def apply(self, adapter: NetworkAdapter) -> None:
        """Set what is given."""
        vm = self.changing(adapter)
        to_dynamic = self.switched("DynamicMacAddress") and not adapter.dynamic_mac
        if (self.mac or to_dynamic) and not vm.planned and vm.state != "Off":
            raise Refused("invalid_state", vm)
        if self.mac:
            adapter.mac_address, adapter.dynamic_mac = self.mac, False
        elif to_dynamic:
            adapter.mac_address, adapter.dynamic_mac = mac_pool.NEVER, True
        for parameter, field in _ON_OFF.items():
            if self.bound_to(parameter):
                setattr(adapter, field, enums.value("OnOffState", str(getattr(self.given(parameter), "name", "On"))))
        if self.bound_to("TestReplicaSwitchName"):
            adapter.test_replica_switch = self._switch(adapter.host, str(self.given("TestReplicaSwitchName") or ""))

    def _switch(self, host: Host, name: str) -> str:
        found = host.switch(name) if name else None
        if name and found is None:
            raise Refused("switch_unknown", name=name)
        return found.name if found else ""


_MODES: dict[str, tuple[str, ...]] = {
    "Untagged": (),
    "Access": ("VlanId",),
    "Trunk": ("AllowedVlanIdList", "NativeVlanId"),
    "Isolated": ("PrimaryVlanId", "SecondaryVlanId"),
    "Community": ("PrimaryVlanId", "SecondaryVlanId"),
    "Promiscuous": ("PrimaryVlanId", "SecondaryVlanIdList"),
}


class SetVMNetworkAdapterVlan(ChangingAdapters):
    """Set-VMNetworkAdapterVlan: exclusive modes with the ids that belong to them (facts on Hyper-V, 8).

    It is set while the machine runs, too (unverified there).
    """

    NAME = "Set-VMNetworkAdapterVlan"
    CLASS = HYPERV_CLASS + "SetVMNetworkAdapterVlan"
    NAMES = "VMNetworkAdapterName"
    vlan: int | None = None
    trunk: Trunk | None = None

    def check(self) -> None:
        """Refuse anything but one mode with exactly its ids."""
        modes = [mode for mode in _MODES if self.switched(mode)]
        if len(modes) != 1:
            raise Refused("parameter", what=", ".join(modes or _MODES))
        needed = _MODES[modes[0]]
        ids = {name for names in _MODES.values() for name in names}
        wrong = [name for name in sorted(ids) if (name in needed) != self.bound_to(name)]
        if wrong:
            raise Refused("parameter", what=f"{modes[0]}, {wrong[0]}")
        if modes[0] not in ("Untagged", "Access", "Trunk"):
            raise Refused("not_supported", what=modes[0])
        if modes[0] == "Access":
            self.vlan = self._number("VlanId", 1)
        elif modes[0] == "Trunk":
            self.trunk = Trunk(self._number("NativeVlanId", 0), self._allowed())

    def _number(self, name: str, least: int) -> int:
        number = int(self.given(name))
        if not least <= number <= LAST_VLAN:
            raise Refused("parameter", what=f"{name} {number}")
        return number

    def _allowed(self) -> tuple[int, ...]:
        text = str(self.given("AllowedVlanIdList"))
        found: set[int] = set()
        for part in text.split(","):
            match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
            if not 1 <= first <= last <= LAST_VLAN:
                raise Refused("parameter", what=f"AllowedVlanIdList {text}")
            found.update(range(first, last + 1))
        return tuple(sorted(found))

    def apply(self, adapter: NetworkAdapter) -> None:
        """Set the mode."""
        self.changing(adapter)
        adapter.vlan, adapter.trunk = self.vlan, self.trunk

    def result(self, adapter: NetworkAdapter) -> Any:
        """Return the setting."""
        return adapter.vlan_setting


class GetNetAdapter(HostCmdlet):
    """Get-NetAdapter of a Hyper-V host. Names and descriptions are patterns; a plain one that fits none is an error."""

    NAME = "Get-NetAdapter"
    CLASS = "Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetAdapter."
    KEYS: ClassVar = {"Name": "Name", "InterfaceDescription": "InterfaceDescription"}

    def process(self) -> None:
        """Write the adapters asked for."""
        found = net_adapters(self.host)
        if self.switched("Physical"):
            found = [one for one in found if one.values["HardwareInterface"]]
        for parameter, key in self.KEYS.items():
            for pattern in map(str, as_list(self.given(parameter))):
                fitting = [one for one in found if fits(str(one.values[key]), [pattern])]
                if not fitting and not has_wildcards(pattern):
                    self._missing(key, pattern)
        for one in found:
            wanted = [(key, as_list(self.given(parameter))) for parameter, key in self.KEYS.items()]
            if all(not names or fits(str(one.values[key]), map(str, names)) for key, names in wanted):
                self.call.write(one)

    def _missing(self, key: str, name: str) -> None:
        self.fail(
            ErrorRecord(
                error_id=f"CmdletizationQuery_NotFound_{key}",
                category="ObjectNotFound",
                message=messages.text(self.host.language, "net_adapter_missing", member=key, name=name),
                exception=CIM_EXCEPTION,
                class_name="Get-NetAdapter",
            )
        )


class GetNetIPAddress(HostCmdlet):
    """Get-NetIPAddress of a Hyper-V host: those of its network, and of the loopback."""

    NAME = "Get-NetIPAddress"
    CLASS = "Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetIPAddress."
    FILTERS: ClassVar = {
        "IPAddress": "IPAddress",
        "AddressFamily": "AddressFamily",
        "InterfaceAlias": "InterfaceAlias",
        "InterfaceIndex": "InterfaceIndex",
    }

    def process(self) -> None:
        """Write the addresses asked for."""
        only(self, *self.FILTERS)
        for one in net_addresses(self.host):
            wanted = [(key, as_list(self.given(parameter))) for parameter, key in self.FILTERS.items()]
            if all(not values or fits(str(one.values[key]), map(str, values)) for key, values in wanted):
                self.call.write(one)


COMMANDS = (SetVMNetworkAdapter, SetVMNetworkAdapterVlan, GetNetAdapter, GetNetIPAddress)
