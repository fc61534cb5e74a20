# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest tells its host of itself over the key-value exchange: its system, its kernel, its addresses."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

from ...session.command import command
from ..gateway_reading import Answer, Question, ask
from ..wire_values import guid, many, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...session.protocol import Session

_NAMESPACE = "root/virtualization/v2"
_CLASS = "Msvm_KvpExchangeComponent"
_FEW = 20
"""Up to this many machines are asked for by a filter; more are read with all others of the host."""
_WINDOWS_NT = "2"
"""OSPlatformId of every Windows since NT (VER_PLATFORM_WIN32_NT); the Linux daemon sends no such item."""


class GuestSystem(str, Enum):
    """The kind of system in a guest, as far as its remedies differ."""

    WINDOWS = "windows"
    LINUX = "linux"
    FREEBSD = "freebsd"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The items a guest sends by itself; empty where it sends none. The guest writes them: they are nobody's proof."""

    PROPERTIES: ClassVar = ("SystemName", "GuestIntrinsicExchangeItems")

    vm_id: str
    items: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Exchange:
        """Return what a projected Msvm_KvpExchangeComponent describes; each item is the text of a CIM instance."""
        pairs = (_pair(text(item)) for item in many(raw.get("GuestIntrinsicExchangeItems")))
        return cls(vm_id=guid(raw.get("SystemName")) or "", items=dict(pair for pair in pairs if pair is not None))

    @property
    def system(self) -> GuestSystem:
        """The kind of system; UNKNOWN where the guest does not say.

        The Linux daemon sends the NAME of /etc/os-release as OSName, the kernel's release as OSVersion and
        OSBuildNumber, VERSION_ID as OSMajorVersion (tools/hv/hv_kvp_daemon.c).
        """
        name = self.os_name.lower()
        if self.items.get("OSPlatformId") == _WINDOWS_NT or name.startswith(
            ("windows", "microsoft windows", "hyper-v")
        ):
            return GuestSystem.WINDOWS
        if not name:
            return GuestSystem.UNKNOWN
        return GuestSystem.FREEBSD if "freebsd" in name else GuestSystem.LINUX

    @property
    def os_name(self) -> str:
        """The system's name: a Windows edition or the name of a distribution; "" where unknown."""
        return self.items.get("OSName", "")

    @property
    def answers(self) -> bool:
        """Whether the guest has sent anything."""
        return bool(self.items)

    def described(self) -> dict[str, Any]:
        """Return the documented facts on the guest; null for what it does not say."""
        is_windows = self.system is GuestSystem.WINDOWS
        distribution = None if is_windows else self.items.get("OSMajorVersion")
        return {
            "system": self.system.value,
            "os_name": self.os_name or None,
            "os_version": self.items.get("OSVersion") if is_windows else distribution,
            "kernel": None if is_windows else self.items.get("OSBuildNumber") or self.items.get("OSVersion"),
            "computer_name": self.items.get("FullyQualifiedDomainName"),
            "integration_services_version": self.items.get("IntegrationServicesVersion"),
        }


def _pair(item: str) -> tuple[str, str] | None:
    """Return the name and the data of an item, None for what is no such item."""
    if "<!" in item:  # an entity or a document type: nothing that a host writes
        return None
    try:
        root = ET.fromstring(item)  # noqa: S314 # without declarations there is nothing to expand
    except ET.ParseError:
        return None
    values = {one.get("NAME"): one.findtext("VALUE") or "" for one in root.iter("PROPERTY")}
    name = values.get("Name")
    return (name, values.get("Data") or "") if name else None


def read_exchanges(session: Session, ids: Sequence[str]) -> dict[str, Exchange] | None:
    """Return what the guests of these machines tell, by Id; a machine without an entry tells nothing.

    None where the host does not show the class (a restricted endpoint without Get-CimInstance, missing rights).
    """
    condition = " OR ".join(f"SystemName = '{vm_id.upper()}'" for vm_id in ids) if len(ids) <= _FEW else None
    source = command("Get-CimInstance", Namespace=_NAMESPACE, ClassName=_CLASS, Filter=condition)
    answer: Answer[Exchange]
    (answer,) = ask(session, Question(source, Exchange))
    return None if answer.known is None else {item.vm_id: item for item in answer.items if item.vm_id in set(ids)}
