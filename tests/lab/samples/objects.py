# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live objects of the module: a machine with one property of every type that the wire knows, and its parts."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar

from hyperv_lab.powershell import values as v
from hyperv_lab.powershell.types import register_enum

STATES = {"Other": 1, "Running": 2, "Off": 3, "Saved": 6, "Paused": 32776}
STATE = "Sample.SampleState"
_ASSEMBLY = "Samples, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null"
register_enum(STATE, STATES)


def state(name: str) -> v.EnumValue:
    """Return a state by its name."""
    return v.EnumValue(STATE, name, STATES[name])


def strings(*items: str) -> v.TypedArray:
    """Return a String[]."""
    return v.TypedArray("String", items)


def typed_list(class_name: str, *items: Any) -> v.TypedList:
    """Return a List<T> of a class of this module."""
    return v.TypedList(f"{class_name}, {_ASSEMBLY}", items)


class Adapter(v.LiveObject):
    """A network adapter."""

    TYPE_NAMES = ("Sample.Adapter", v.OBJECT)
    PROPERTIES: ClassVar[dict[str, str]] = {
        "Name": "name",
        "SwitchName": "switch",
        "IPAddresses": "addresses",
        "Connected": "connected",
    }

    def __init__(self, name: str, switch: str | None = None, *addresses: str, connected: bool = False) -> None:
        self.name, self.switch, self.addresses, self.connected = name, switch, strings(*addresses), connected

    def ps_text(self) -> str:
        return f"Adapter (Name = '{self.name}')"


class Disk(v.LiveObject):
    """A disk."""

    TYPE_NAMES = ("Sample.Disk", v.OBJECT)
    PROPERTIES: ClassVar[dict[str, str]] = {"Path": "path", "Size": "size", "Deep": "deep"}

    def __init__(self, path: str, size: int) -> None:
        self.path, self.size, self.deep = path, v.Int64(size), Adapter("deep")


class Finding(v.LiveObject):
    """One finding of a comparison."""

    TYPE_NAMES = ("Sample.Finding", v.OBJECT)
    PROPERTIES: ClassVar[dict[str, str]] = {"MessageId": "number", "Message": "message", "Source": "source"}

    def __init__(self, number: int, message: str, source: Any) -> None:
        self.number, self.message, self.source = number, message, source


class Report(v.LiveObject):
    """What a comparison found."""

    TYPE_NAMES = ("Sample.Report", v.OBJECT)
    PROPERTIES: ClassVar[dict[str, str]] = {"VM": "vm", "Incompatibilities": "findings", "Path": "path"}

    def __init__(self, vm: VM) -> None:
        self.vm, self.path = vm, "C:\\x"
        self.findings = typed_list("Sample.Finding")

    def compare(self) -> None:
        """Find again what doesn't fit."""
        self.findings.clear()
        for adapter in self.vm.adapters:
            if adapter.switch == "LAN":
                self.findings.append(Finding(33012, "no switch", adapter))
        for disk in self.vm.disks:
            if disk.path.startswith("D:"):
                self.findings.append(Finding(40010, "no disk", disk))
        if self.vm.state.name == "Running":
            self.findings.append(Finding(24004, "cpu", self.vm))


class VM(v.LiveObject):
    """A machine."""

    TYPE_NAMES = ("Sample.VM", v.OBJECT)
    PROPERTIES: ClassVar[dict[str, str]] = {
        "Id": "id",
        "Name": "name",
        "State": "state",
        "Uptime": "uptime",
        "CreationTime": "created",
        "LocalTime": "local",
        "MemoryAssigned": "memory",
        "CPUUsage": "cpu",
        "Slots": "slots",
        "Big": "big",
        "Port": "port",
        "Load": "load",
        "Clustered": "clustered",
        "Version": "version",
        "Nothing": "nothing",
        "Empty": "empty",
        "Tags": "tags",
        "None": "none",
        "NetworkAdapters": "adapters",
        "HardDrives": "disks",
        "First": "first",
        "Letter": "letter",
        "Bytes": "bytes",
        "Table": "table",
        "States": "states",
        "MaybeInt": "nothing",
        "MaybeState": "maybe_state",
        "Money": "money",
        "Uri": "uri",
        "MaybeId": "nothing",
        "Broken": "broken",
    }
    uptime = timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=5)
    created = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    local = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a date without a zone is what it has to be
    cpu, slots, big, port, load, clustered = 7, v.UInt32(2), v.UInt64(2**64 - 1), v.UInt16(5986), 0.5, False
    version, nothing, empty, letter = v.Version("10.0"), None, "", v.Char("x")
    bytes, money, uri = b"\x01\x02\xff", Decimal("1.10"), v.Uri("http://h/x")
    maybe_state = state("Off")

    def __init__(self, name: str, identity: str, running: str, memory: int) -> None:
        self.name, self.id, self.state, self.memory = name, uuid.UUID(identity), state(running), v.Int64(memory)
        self.tags, self.none = strings("a", "b"), strings()
        self.adapters = v.TypedArray(
            "Sample.Adapter",
            [Adapter("net1", "LAN", "10.0.0.1", "fe80::1", connected=True), Adapter("net2", "")],
        )
        self.disks = typed_list("Sample.Disk", Disk("C:\\vm\\a.vhdx", 5 << 30))
        self.table: dict[str, Any] = {"k": "v"}
        self.states = v.TypedArray(STATE, [state("Running"), state("Off")])

    @property
    def first(self) -> Adapter:
        """Return the first adapter: the same object as in the list."""
        found: Adapter = self.adapters[0]
        return found

    @property
    def broken(self) -> str:
        """Fail, as a getter can."""
        raise v.PropertyFailed

    def ps_text(self) -> str:
        return f"VM (Name = '{self.name}')"


def machines() -> list[VM]:
    """Return the four machines, new ones each time."""
    return [
        VM("web", "11111111-1111-1111-1111-111111111111", "Running", 4 << 30),
        VM("db", "22222222-2222-2222-2222-222222222222", "Off", 8 << 30),
        VM("Web", "33333333-3333-3333-3333-333333333333", "Saved", 1 << 30),
        VM("O'Brien [x] `$y", "44444444-4444-4444-4444-444444444444", "Off", 2 << 30),
    ]
