# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file of a machine or checkpoint: everything that makes it, as the lab writes it.

Windows' own formats (binary .vmcx, .xml of version 5.0) aren't played: the bytes are a line that says so, a hash, and
JSON. An import reads nothing else, so a machine can come from another fleet, and from another run of the lab.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from .checkpoint import Snapshot
from .definition_values import attributes, frozen, give
from .devices import DvdDrive, HardDrive, NetworkAdapter
from .machine import VirtualMachineBase
from .vm import VM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .cpu import CpuFeatures
    from .host import Host

MARK = b"hyperv-lab configuration of a virtual machine, format 1\n"
PARTS = ("processor", "memory", "security")
DEVICES: dict[str, Any] = {"hard_drives": HardDrive, "dvd_drives": DvdDrive, "adapters": NetworkAdapter}
BELONGS_TO_HOST = frozenset({"host", "owner", "vm", "parent", "snapshot", "snapshots", *PARTS, *DEVICES})
LEFT_BEHIND = BELONGS_TO_HOST | {
    "name", "id", "_state", "is_deleted", "started_at", "transition", "activity", "backup", "replication", "faults",
    "power_ons", "moves", "arrived_at", "unseen_until",
}  # fmt: skip
"""What an import doesn't bring: what goes on just now, replication (assumed), and what tests order or count."""


class NoDefinition(Exception):
    """The bytes are no configuration, or a damaged one."""


def write(vm: VM, *, state: str, paths: Mapping[str, str] | None = None, cpu: CpuFeatures | None = None) -> bytes:
    """Return the contents of a machine's configuration file.

    ``state``: the one it will have (Off or Saved; ``cpu``: what its memory then depends on). ``paths`` replaces paths
    of disks (lower case -> other path).
    """
    body = _body(vm, paths or {})
    body["own"].pop("cpu", None)
    if state == "Saved":
        body["own"]["cpu"] = frozen(cpu or vm.cpu)
    content = {
        "name": vm.name,
        "id": str(vm.id),
        "version": str(vm.version),
        "state": state,
        "guardian": vm.host.name,
        "body": body,
        "snapshots": [str(snapshot.id) for snapshot in vm.snapshots],
        "on": str(vm.snapshot.id) if vm.snapshot else None,
    }
    return sealed(content)


def write_snapshot(snapshot: Snapshot, paths: Mapping[str, str] | None = None) -> bytes:
    """Return the contents of a checkpoint's configuration file."""
    parent = str(snapshot.parent.id) if snapshot.parent else None
    body = _body(snapshot, paths or {})
    return sealed({"name": snapshot.name, "id": str(snapshot.id), "parent": parent, "body": body})


def sealed(content: dict[str, Any]) -> bytes:
    """Return content with the mark and a hash, so that a damaged file is told apart."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True).encode()
    return MARK + hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def read(data: bytes | None) -> dict[str, Any]:
    """Return what a configuration file says; NoDefinition for other bytes and for damaged ones."""
    digest, _newline, text = (data or b"").removeprefix(MARK).partition(b"\n")
    if not (data or b"").startswith(MARK) or hashlib.sha256(text).hexdigest().encode() != digest:
        raise NoDefinition
    found: dict[str, Any] = json.loads(text)
    return found


def _body(body: VirtualMachineBase, paths: Mapping[str, str]) -> dict[str, Any]:
    devices = {key: [attributes(each, BELONGS_TO_HOST) for each in getattr(body, key)] for key in DEVICES}
    for drive in devices["hard_drives"]:
        drive["path"] = paths.get(str(drive["path"]).lower(), drive["path"])
    return {
        "own": attributes(body, LEFT_BEHIND),
        "parts": {key: attributes(getattr(body, key), BELONGS_TO_HOST) for key in PARTS},
        **devices,
    }


def fill(body: VirtualMachineBase, content: dict[str, Any]) -> None:
    """Give a new machine or checkpoint the settings and devices of a definition's ``body``."""
    give(body, content["own"])
    for key in PARTS:
        give(getattr(body, key), content["parts"][key])
    for key, kind in DEVICES.items():
        devices = []
        for plain in content[key]:
            device = kind(body)
            give(device, plain)
            devices.append(device)
        setattr(body, key, devices)


def rebuild(vm: VM, content: dict[str, Any], snapshots: Mapping[str, dict[str, Any]]) -> None:
    """Make a new machine what a definition says, with those of its checkpoints whose definitions are given by Id."""
    fill(vm, content["body"])
    made: dict[str, Snapshot] = {}
    for identifier in content["snapshots"]:
        found = snapshots.get(identifier)
        if found is None:
            continue
        snapshot = Snapshot(vm, found["name"], uuid.UUID(identifier), made.get(found["parent"] or ""))
        fill(snapshot, found["body"])
        made[identifier] = snapshot
        vm.snapshots.append(snapshot)
    vm.snapshot = made.get(content["on"] or "")


def refresh(host: Host, path: str) -> None:
    """Bring the configuration file of a registered machine or checkpoint up to date, as the service keeps it.

    Nothing happens for other files. Called under the fleet's lock before somebody reads the bytes.
    """
    file = host.storage.file(path)
    name = path.rpartition("\\")[2]
    stem, dot, ending = name.rpartition(".")
    if file is None or not dot or ending.lower() not in ("vmcx", "xml"):
        return
    try:
        identifier = uuid.UUID(stem)
    except ValueError:
        return
    vm = host.vms.get(identifier)
    if vm is not None and path.lower() in [each.lower() for each in vm.configuration_files()]:
        file.content = write(vm, state="Saved" if vm.state == "Saved" else "Off")
        return
    for each in list(host.vms.values()):
        for snapshot in each.snapshots:
            if snapshot.id == identifier and path.lower() in [one.lower() for one in snapshot.own_files()]:
                file.content = write_snapshot(snapshot)
                return
