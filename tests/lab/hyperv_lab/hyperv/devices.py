# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives and network adapters of virtual machines and checkpoints."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.values import EnumValue, TypedArray, UInt32, UInt64
from . import dhcp, enums, messages
from .components import OWNER_PROPERTIES, SNAPSHOT_ALIASES, Component
from .failover_settings import NO_ADDRESSES, FailoverAddresses
from .guest import SETTLING_SECONDS, IpConfiguration
from .live import NO_ID, PREFIX, ModelObject, chain

if TYPE_CHECKING:
    from .host import Host
    from .machine import VirtualMachineBase

IDE_CONTROLLER = "83F8638B-8DCA-4152-9EDA-2CA8B33039B4"


class Drive(Component):
    """What hard drives and DVD drives share: a place on a controller and a path."""

    NAME_KEY = ""
    LETTER = "D"
    pool_name = "Primordial"
    path = ""

    def __init__(
        self, owner: VirtualMachineBase, path: str = "", *, controller: str = "SCSI", number: int = 0, location: int = 0
    ) -> None:
        super().__init__(owner)
        self.path = path
        self.controller_type: EnumValue = enums.value("ControllerType", controller)
        self.controller_number = number
        self.controller_location = location

    @property
    def name(self) -> str:  # type: ignore[override]
        """Return the localised name; older builds leave the place out (field objects)."""
        host = self.host
        key = self.NAME_KEY + ("_short" if host.edition in ("2012R2", "2016") else "_place")
        return messages.text(
            host.language,
            key,
            type=self.controller_type.name,
            number=self.controller_number,
            location=self.controller_location,
        )

    @property
    def controller_id(self) -> str:
        """Return the GUID of the controller, upper case."""
        if self.controller_type.name == "IDE":
            return IDE_CONTROLLER
        return str(uuid.uuid5(self.vm_id, f"scsi{self.controller_number}")).upper()

    @property
    def ps_id(self) -> str:
        """Return Microsoft:<machine>\\<controller>\\<number>\\<location>\\D."""
        place = f"{self.controller_number}\\{self.controller_location}\\{self.LETTER}"
        return f"Microsoft:{str(self.owner.id).upper()}\\{self.controller_id}\\{place}"

    def copy_to(self, owner: VirtualMachineBase) -> Drive:
        """Return the same drive of another machine or checkpoint."""
        twin = type(self)(owner, self.path)
        twin.__dict__.update(self.__dict__, owner=owner)
        return twin


class HardDrive(Drive):
    """HardDiskDrive. ``shared``: a shared VHDX; ``disk_number``: a pass-through disk."""

    TYPE_NAMES: ClassVar = chain("HardDiskDrive", "Drive", "VMDevice", "VMComponentObject")
    NAME_KEY = "hard_drive"
    PROPERTIES: ClassVar = {
        "Path": "path",
        "DiskNumber": "disk_number",
        "MaximumIOPS": "maximum_iops",
        "MinimumIOPS": "minimum_iops",
        "QoSPolicyID": "qos_policy_id",
        "SupportPersistentReservations": "shared",
        "WriteHardeningMethod": "write_hardening_method",
        "ControllerLocation": "controller_location",
        "ControllerNumber": "controller_number",
        "ControllerType": "controller_type",
        "Name": "name",
        "PoolName": "pool_name",
        **{key: OWNER_PROPERTIES[key] for key in list(OWNER_PROPERTIES)[1:]},
    }
    SINCE: ClassVar = {"WriteHardeningMethod": "2019", "QoSPolicyID": "2016", "CimSession": "2016"}
    disk_number: int | None = None
    shared = False
    maximum_iops: UInt64 = UInt64(0)
    minimum_iops: UInt64 = UInt64(0)
    qos_policy_id = NO_ID
    write_hardening_method: EnumValue = enums.value("CacheAttributes", "Default")


class DvdDrive(Drive):
    """DvdDrive."""

    TYPE_NAMES: ClassVar = chain("DvdDrive", "Drive", "VMDevice", "VMComponentObject")
    NAME_KEY = "dvd_drive"
    PROPERTIES: ClassVar = {
        "DvdMediaType": "media_type",
        "Path": "path_or_none",
        "ControllerLocation": "controller_location",
        "ControllerNumber": "controller_number",
        "ControllerType": "controller_type",
        "Name": "name",
        "PoolName": "pool_name",
        **{key: OWNER_PROPERTIES[key] for key in list(OWNER_PROPERTIES)[1:]},
    }
    SINCE: ClassVar = {"CimSession": "2016"}
    inserted_at = 0.0
    """Moment of the clock at which what is in it was put in."""

    @property
    def media_type(self) -> EnumValue:
        """Return whether an ISO is in it."""
        return enums.value("DvdMediaType", "ISO" if self.path else "None")

    @property
    def path_or_none(self) -> str | None:
        """Return the ISO's path, null without one."""
        return self.path or None


@dataclass(frozen=True, slots=True)
class Trunk:
    """Trunk mode of an adapter: the VLAN of untagged frames (0: none), and those that it lets through."""

    native: int
    allowed: tuple[int, ...]

    @property
    def text(self) -> str:
        """Return the VLANs as ranges: "1-100,200"."""
        runs: list[list[int]] = []
        for number in self.allowed:
            if runs and number == runs[-1][1] + 1:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


class VlanSetting(ModelObject):
    """VMNetworkAdapterVlanSetting of an adapter."""

    TYPE_NAMES: ClassVar = chain("VMNetworkAdapterVlanSetting", "VMNetworkAdapterFeatureBase")
    PROPERTIES: ClassVar = {
        "OperationMode": "operation_mode",
        "AccessVlanId": "access_vlan",
        "NativeVlanId": "native_vlan",
        "AllowedVlanIdList": "allowed",
        "AllowedVlanIdListString": "allowed_text",
        "PrivateVlanMode": "zero",
        "PrimaryVlanId": "zero",
        "SecondaryVlanId": "zero",
        "SecondaryVlanIdList": "nothing",
        "SecondaryVlanIdListString": "empty",
        "ParentAdapter": "adapter",
        "IsTemplate": "is_template",
        "CimSession": "cim_session",
        "ComputerName": "computer_name",
        "IsDeleted": "is_deleted",
    }
    SINCE: ClassVar = {"CimSession": "2016"}
    zero = 0
    empty = ""
    nothing = None
    is_template = False

    def __init__(self, adapter: NetworkAdapter) -> None:
        self.adapter = adapter

    @property
    def host(self) -> Host:  # type: ignore[override]
        """Return the host of the adapter."""
        return self.adapter.host

    @property
    def access_vlan(self) -> int:
        """Return the VLAN of access mode, else 0."""
        return self.adapter.vlan or 0

    @property
    def native_vlan(self) -> int:
        """Return the native VLAN of trunk mode, else 0."""
        return self.adapter.trunk.native if self.adapter.trunk else 0

    @property
    def operation_mode(self) -> EnumValue:
        """Return Untagged, Access or Trunk."""
        mode = "Trunk" if self.adapter.trunk else "Access" if self.adapter.vlan else "Untagged"
        return enums.value("VMNetworkAdapterVlanMode", mode)

    @property
    def allowed(self) -> TypedArray:
        """Return the VLANs of trunk mode, else none."""
        return TypedArray("System.Int32", list(self.adapter.trunk.allowed) if self.adapter.trunk else [])

    @property
    def allowed_text(self) -> str:
        """Return the VLANs of trunk mode as a text of ranges."""
        return self.adapter.trunk.text if self.adapter.trunk else ""


class NetworkAdapter(Component):
    """VMNetworkAdapter. ``switch`` is the name it wants; it is connected where the host has a switch of that name."""

    TYPE_NAMES: ClassVar = chain("VMNetworkAdapter", "VMNetworkAdapterBase", "VMDevice", "VMComponentObject")
    PROPERTIES: ClassVar = {
        "ClusterMonitored": "yes",
        "MacAddress": "mac_address",
        "DynamicMacAddressEnabled": "dynamic_mac",
        "IsLegacy": "is_legacy",
        "IsSynthetic": "is_synthetic",
        "IPAddresses": "ip_addresses",
        "DeviceNaming": "off",
        "IovWeight": "iov_weight",
        "IovQueuePairsRequested": "one",
        "IovQueuePairsAssigned": "zero",
        "IovUsage": "number_zero",
        "PoolName": "pool_name",
        "Connected": "connected",
        "SwitchName": "switch_name",
        "AdapterId": "adapter_id",
        "TestReplicaPoolName": "empty",
        "TestReplicaSwitchName": "test_replica_switch",
        "StatusDescription": "status_description",
        "Status": "status",
        "IsManagementOs": "no",
        "IsExternalAdapter": "no",
        "Id": "ps_id",
        "SwitchId": "switch_id",
        "VlanSetting": "vlan_setting",
        "CurrentIsolationMode": "isolation",
        "MacAddressSpoofing": "mac_spoofing",
        "DhcpGuard": "dhcp_guard",
        "RouterGuard": "router_guard",
        "IeeePriorityTag": "off",
        "AllowTeaming": "allow_teaming",
        "VirtualSubnetId": "zero",
        "DynamicIPAddressLimit": "zero",
        "StormLimit": "zero",
        "VMQWeight": "vmq_weight",
        "MandatoryFeatureId": "mandatory_features",
        "VmqUsage": "zero",
        "BandwidthPercentage": "zero",
        "IsTemplate": "no",
        "Name": "name",
        **{key: OWNER_PROPERTIES[key] for key in list(OWNER_PROPERTIES)[2:]},
    }
    SINCE: ClassVar = {"DeviceNaming": "2016", "CimSession": "2016", "CurrentIsolationMode": "2016"}
    ALIASES: ClassVar = SNAPSHOT_ALIASES
    yes, no = True, False
    off: EnumValue = enums.value("OnOffState", "Off")
    mac_spoofing = dhcp_guard = router_guard = allow_teaming = off
    isolation: EnumValue = enums.value("VMNetworkAdapterIsolationMode", "None")
    one: UInt32 = UInt32(1)
    zero: UInt32 = UInt32(0)
    number_zero = 0
    iov_weight: UInt32 = UInt32(0)
    vmq_weight: UInt32 = UInt32(100)
    pool_name = "Primordial"
    empty = ""
    is_legacy = False
    dynamic_mac = True
    mac_address = "000000000000"
    vlan: int | None = None
    """The VLAN of access mode."""
    trunk: Trunk | None = None
    mandatory: tuple[str, ...] = ()
    """Features of switch extensions without which it passes no traffic."""
    test_replica_switch = ""
    """The switch that a test failover connects it to."""
    name = "Network Adapter"
    switch = ""
    configuration: IpConfiguration = IpConfiguration()
    """What the guest has on it, whether anybody is told or not."""
    failover: FailoverAddresses = NO_ADDRESSES
    """The addresses that this side keeps for the time after a failover."""
    settles_at = 0.0
    """Moment of the clock until which the guest reports no address of it."""

    def __init__(self, owner: VirtualMachineBase, number: int = 0, switch: str = "") -> None:
        super().__init__(owner)
        self.switch = switch
        self.device = uuid.uuid5(owner.id, f"adapter{number}")

    @property
    def adapter_id(self) -> str:
        """Return the adapter's GUID in upper case."""
        return str(self.device).upper()

    @property
    def ps_id(self) -> str:
        """Return Microsoft:<machine>\\<adapter>."""
        return f"Microsoft:{str(self.owner.id).upper()}\\{self.adapter_id}"

    @property
    def is_synthetic(self) -> bool:
        """Return whether it is no legacy adapter."""
        return not self.is_legacy

    @property
    def connected(self) -> bool:
        """Return whether its switch is there (a planned machine's may be missing)."""
        return bool(self.switch) and self.host.switch(self.switch) is not None

    @property
    def switch_name(self) -> str:
        """Return the wanted switch's name, also while it is missing (field objects on 33012)."""
        return self.switch

    @property
    def switch_id(self) -> uuid.UUID | None:
        """Return the switch's Id where connected."""
        found = self.host.switch(self.switch) if self.switch else None
        return found.id if found else None

    @property
    def vlan_setting(self) -> VlanSetting:
        """Return the VLAN setting."""
        return VlanSetting(self)

    @property
    def mandatory_features(self) -> TypedArray:
        """Return MandatoryFeatureId."""
        return TypedArray("System.String", list(self.mandatory))

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the addresses that the guest has on it."""
        return self.configuration.addresses

    def take(self, configuration: IpConfiguration, moment: float) -> None:
        """Have these addresses in the guest from a moment of the clock on; for a while it reports none."""
        with self.host.fleet.lock:
            self.configuration = configuration.over(self.configuration)
            dhcp.renew(self)
            self.settles_at = moment + SETTLING_SECONDS

    @property
    def ip_addresses(self) -> TypedArray:
        """Return what the guest reports through the key-value pair service; nothing while off or just started."""
        told = self.connected and self.owner.exchanges_pairs and self.host.fleet.clock.now() >= self.settles_at
        return TypedArray("System.String", self.addresses if told else ())

    @property
    def status(self) -> TypedArray:
        """Return Ok while the machine is on."""
        items = [enums.value("VMNetworkAdapterOperationalStatus", "Ok")] if self.owner.is_on else []
        return TypedArray(PREFIX + "VMNetworkAdapterOperationalStatus", items)

    @property
    def status_description(self) -> TypedArray:
        """Return the localised status."""
        items = [messages.text(self.host.language, "status_component_ok")] if self.owner.is_on else []
        return TypedArray("System.String", items)

    def ps_text(self) -> str:
        """Return the form of ParentAdapter lines (field objects)."""
        return f"VMNetworkAdapter (Name = '{self.name}', VMName = '{self.vm_name}') [VMId = '{self.vm_id}']"

    def copy_to(self, owner: VirtualMachineBase) -> NetworkAdapter:
        """Return the same adapter of another machine or checkpoint."""
        twin = NetworkAdapter(owner)
        values: dict[str, Any] = dict(self.__dict__, owner=owner)
        twin.__dict__.update(values)
        return twin
