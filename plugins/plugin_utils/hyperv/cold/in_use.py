# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs of a host live in a folder: an exported tree that was imported in place is a VM, and no copy any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...findings import Finding, Severity
from ...session.command import command, select
from ..wire_values import guid, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...session.protocol import Session

_FOLDERS = ("ConfigurationLocation", "Path", "SnapshotFileLocation", "SmartPagingFilePath")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A VM and the folders and files that it lives in, in lower case."""

    id: str
    name: str
    paths: frozenset[str]

    def lives_in(self, folder: str) -> bool:
        """Whether anything of it lies in a folder."""
        below = folder.rstrip("\\").lower() + "\\"
        return any((path + "\\").startswith(below) for path in self.paths)


def read_residents(session: Session) -> tuple[Resident, ...]:
    """Return all VMs of a host with where they live; RemoteError where the host doesn't say all of it."""
    machines, disks, snapshot_disks = session.invoke(
        command("Get-VM") | select("Id", "Name", *_FOLDERS),
        command("Get-VM") | command("Get-VMHardDiskDrive") | select("VMId", "Path"),
        command("Get-VM") | command("Get-VMSnapshot") | command("Get-VMHardDiskDrive") | select("VMId", "Path"),
        timeout_seconds=300,
    ).check()
    files: dict[str, set[str]] = {}
    for raw in (*disks.objects, *snapshot_disks.objects):
        files.setdefault(guid(raw.get("VMId")) or "", set()).add(_path(raw.get("Path")))
    return tuple(_resident(raw, files) for raw in machines.objects)


def _resident(raw: dict[str, Any], files: dict[str, set[str]]) -> Resident:
    vm_id = guid(raw.get("Id")) or ""
    paths = {_path(raw.get(name)) for name in _FOLDERS} | files.get(vm_id, set())
    return Resident(id=vm_id, name=text(raw.get("Name")), paths=frozenset(path for path in paths if path))


def _path(value: Any) -> str:
    return text(value).rstrip("\\").lower()


def in_use(residents: Iterable[Resident], folder: str) -> tuple[Finding, ...]:
    """Return a blocking finding for each VM that lives in a folder."""
    return tuple(
        Finding(
            id="files_in_use",
            severity=Severity.BLOCKING,
            subject=resident.name,
            evidence=f"the VM {resident.name} ({resident.id}) uses files in {folder}",
            remedy="Nothing there is touched. Move the VM's storage away first (hyperv.mobility.vm_storage_migration), "
            "or use another path.",
        )
        for resident in residents
        if resident.lives_in(folder)
    )
