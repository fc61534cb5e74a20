# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets on switches and network adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import dhcp, power
from .base import HYPERV_CLASS, HyperVCmdlet, as_list, fits, has_wildcards
from .failures import Refused

if TYPE_CHECKING:
    from .devices import NetworkAdapter
    from .switch import Switch


class GetVMSwitch(HyperVCmdlet):
    """Get-VMSwitch."""

    NAME = "Get-VMSwitch"
    CLASS = HYPERV_CLASS + "GetVMSwitch"

    def run(self) -> None:
        """Write the switches asked for."""
        kinds = [str(kind).lower() for kind in as_list(self.given("SwitchType"))]
        for switch in self._found():
            if not kinds or switch.switch_type.name.lower() in kinds:
                self.call.write(switch)

    def _found(self) -> list[Switch]:
        known = list(self.host.switches.values())
        if self.bound_to("Id"):
            wanted = as_list(self.given("Id"))
            for identifier in wanted:
                if all(switch.id != identifier for switch in known):
                    self.reject("switch_id_unknown", name=identifier)
            return [switch for switch in known if switch.id in wanted]
        name = self.given("Name")
        if name is None:
            return known
        found = [switch for switch in known if fits(switch.name, [name])]
        if not found and not has_wildcards(name):
            self.reject("switch_unknown", name=name)
        return found


class GetVMNetworkAdapter(HyperVCmdlet):
    """Get-VMNetworkAdapter of machines and checkpoints; -All with every machine. Host adapters are not simulated."""

    NAME = "Get-VMNetworkAdapter"
    CLASS = HYPERV_CLASS + "GetVMNetworkAdapter"

    def run(self) -> None:
        """Write the adapters asked for."""
        if self.switched("ManagementOS"):
            raise Refused("not_supported", what="ManagementOS")
        owners = list(self.host.vms.values()) if self.switched("All") else self.owners()
        for owner in owners:
            for adapter in adapters_named(self, owner):
                legacy = self.given("IsLegacy")
                if legacy is None or bool(legacy) == adapter.is_legacy:
                    self.call.write(adapter)


def adapters_named(cmdlet: HyperVCmdlet, owner: Any, parameter: str = "Name") -> list[NetworkAdapter]:
    """Return the adapters of a machine that a name parameter means; write an error for an unknown name."""
    names = as_list(cmdlet.given(parameter))
    if not names:
        return list(owner.adapters)
    found: list[NetworkAdapter] = []
    for name in names:
        fitting = [adapter for adapter in owner.adapters if fits(adapter.name, [name])]
        if not fitting and not has_wildcards(name):
            cmdlet.reject("adapter_unknown", name=name)
        found += [adapter for adapter in fitting if adapter not in found]
    return found


class GetVMNetworkAdapterVlan(HyperVCmdlet):
    """Get-VMNetworkAdapterVlan."""

    NAME = "Get-VMNetworkAdapterVlan"
    CLASS = HYPERV_CLASS + "GetVMNetworkAdapterVlan"

    def run(self) -> None:
        """Write the VLAN setting of every adapter asked for."""
        if self.switched("ManagementOS"):
            raise Refused("not_supported", what="ManagementOS")
        if self.bound_to("VMNetworkAdapter"):
            adapters = as_list(self.given("VMNetworkAdapter"))
        else:
            every = not (self.bound_to("VM") or self.bound_to("VMName") or self.bound_to("VMSnapshot"))
            owners = list(self.host.vms.values()) if every else self.owners()
            adapters = [a for owner in owners for a in adapters_named(self, owner, "VMNetworkAdapterName")]
        for adapter in adapters:
            self.call.write(adapter.vlan_setting)


class AdapterCmdlet(HyperVCmdlet):
    """A change of where adapters are connected, given as objects or by names."""

    def adapters(self) -> list[NetworkAdapter]:
        """Return the adapters."""
        if self.bound_to("VMNetworkAdapter"):
            return as_list(self.given("VMNetworkAdapter"))
        return [adapter for vm in self.vms() for adapter in adapters_named(self, vm)]

    def changing(self, adapter: NetworkAdapter) -> Any:
        """Return the machine of an adapter, which nothing else may be changing now. Raises Refused."""
        vm: Any = getattr(adapter.owner, "vm", adapter.owner)
        if not vm.planned:
            power.require_idle(vm)
        return vm

    def connect(self, adapter: NetworkAdapter, switch: str) -> None:
        """Set an adapter's switch ("" for none) unless its machine is being changed. Raises Refused."""
        with self.host.fleet.lock:
            self.changing(adapter)
            if switch.lower() != adapter.switch.lower():
                adapter.switch = switch
                dhcp.renew(adapter)
        self.host.fleet.clock.notify()
        self.passthru(adapter)


class ConnectVMNetworkAdapter(AdapterCmdlet):
    """Connect-VMNetworkAdapter; on a planned machine the switch is one of the planned machine's host."""

    NAME = "Connect-VMNetworkAdapter"
    CLASS = HYPERV_CLASS + "ConnectVMNetworkAdapter"

    def run(self) -> None:
        """Connect every adapter given."""
        for adapter in self.adapters():
            if not self.call.should_process(adapter.name):
                continue
            try:
                self.connect(adapter, self._switch(adapter))
            except Refused as refused:
                self.refuse(refused)

    def _switch(self, adapter: NetworkAdapter) -> str:
        host = adapter.host
        if self.switched("UseAutomaticConnection"):
            raise Refused("not_supported", what="UseAutomaticConnection")
        if self.bound_to("VMSwitch"):
            name: str = self.given("VMSwitch").name
        else:
            name = str(self.given("SwitchName"))
        found = host.switch(name)
        if found is None:
            raise Refused("switch_unknown", name=name)
        return found.name


class DisconnectVMNetworkAdapter(AdapterCmdlet):
    """Disconnect-VMNetworkAdapter."""

    NAME = "Disconnect-VMNetworkAdapter"
    CLASS = HYPERV_CLASS + "DisconnectVMNetworkAdapter"

    def run(self) -> None:
        """Disconnect every adapter given."""
        for adapter in self.adapters():
            if not self.call.should_process(adapter.name):
                continue
            try:
                self.connect(adapter, "")
            except Refused as refused:
                self.refuse(refused)


COMMANDS = (
    GetVMSwitch,
    GetVMNetworkAdapter,
    GetVMNetworkAdapterVlan,
    ConnectVMNetworkAdapter,
    DisconnectVMNetworkAdapter,
)
