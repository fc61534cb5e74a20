# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VMFirmware of generation 2 machines."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from ..powershell.values import EnumValue, TypedArray
from . import enums
from .components import OWNER_PROPERTIES, Component
from .live import PREFIX, ModelObject, chain

if TYPE_CHECKING:
    from .host import Host

TEMPLATE = uuid.UUID("1734c6e8-3154-4dda-ba5f-a874cc483422")


class BootSource(ModelObject):
    """VMBootSource: a device that can be booted from."""

    TYPE_NAMES: ClassVar = chain("VMBootSource")
    PROPERTIES: ClassVar = {"BootType": "boot_type", "Device": "device", "Description": "description"}
    description = "EFI SCSI Device"

    def __init__(self, host: Host, device: Component, kind: str) -> None:
        self.host = host
        self.device = device
        self.boot_type = enums.value("BootSourceType", kind)


class Firmware(Component):
    """VMFirmware."""

    TYPE_NAMES: ClassVar = chain("VMFirmware", "VMComponentObject")
    DEVICE = "Firmware"
    PROPERTIES: ClassVar = {
        "BootOrder": "boot_order",
        "PreferredNetworkBootProtocol": "protocol",
        "SecureBoot": "secure_boot",
        "SecureBootTemplateId": "template_id",
        "SecureBootTemplate": "template",
        "ConsoleMode": "console_mode",
        "PauseAfterBootFailure": "off",
        **{key: value for key, value in OWNER_PROPERTIES.items() if key not in ("Name", "Id")},
    }
    SINCE: ClassVar = {
        "SecureBootTemplate": "2016",
        "SecureBootTemplateId": "2016",
        "ConsoleMode": "2016",
        "CimSession": "2016",
    }
    protocol: EnumValue = enums.value("IPProtocolPreference", "IPv4")
    secure_boot: EnumValue = enums.value("OnOffState", "On")
    template = "MicrosoftWindows"
    template_id = TEMPLATE
    console_mode: EnumValue = enums.value("ConsoleModeType", "Default")
    off: EnumValue = enums.value("OnOffState", "Off")

    @property
    def boot_order(self) -> TypedArray:
        """Return drives first, then DVD drives and adapters."""
        owner = self.owner
        drives = [BootSource(self.host, device, "Drive") for device in [*owner.hard_drives, *owner.dvd_drives]]
        networks = [BootSource(self.host, device, "Network") for device in owner.adapters]
        return TypedArray(PREFIX + "VMBootSource", drives + networks)
