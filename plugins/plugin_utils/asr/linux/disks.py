# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block devices and file systems of a Linux machine, and which disks a path rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A disk, a partition, a logical volume or another mapped device, by its kernel name."""

    kernel_name: str
    name: str
    """The name under /dev or /dev/mapper."""
    type: str = ""
    """As lsblk says: disk, part, lvm, crypt, mpath, raid1, rom, loop …"""
    size: int = 0
    file_system: str = ""
    mount_point: str = ""
    uuid: str = ""
    parents: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    """Targets of the device mapper: linear, thin, crypt, striped …"""

    @property
    def path(self) -> str:
        """The path of the device."""
        return f"/dev/mapper/{self.name}" if self.kernel_name.startswith("dm-") else f"/dev/{self.name}"

    @property
    def is_lvm(self) -> bool:
        """Whether it is a logical volume."""
        return self.type == "lvm" or (not self.type and bool(self.targets & {"linear", "thin", "striped"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mounted file system."""

    source: str
    point: str
    file_system: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Devices by kernel name, mounts, free space, and what the partition tables say."""

    devices: Mapping[str, Device] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    free_kb: Mapping[str, int] = field(default_factory=dict)
    """By mount point."""
    tables: frozenset[str] = frozenset()
    """Disks with a partition table, by kernel name, of those that could be asked."""
    boot_partitions: Mapping[str, int] = field(default_factory=dict)
    """How many active, EFI system or PReP partitions a disk has, by kernel name; disks that could be read alone."""

    def mount_of(self, path: str) -> Mount | None:
        """Return the mount that holds a path: the one with the longest mount point."""
        holding = [mount for mount in self.mounts if _holds(mount.point, path)]
        return max(holding, key=lambda mount: len(mount.point), default=None)

    def free_kb_of(self, path: str) -> tuple[str, int] | None:
        """Return the mount point that holds a path and what is free there, in KiB."""
        holding = [point for point in self.free_kb if _holds(point, path)]
        point = max(holding, key=len, default=None)
        return None if point is None else (point, self.free_kb[point])

    def device(self, source: str) -> Device | None:
        """Return the device behind a path of /dev, a ``UUID=`` or the source of a mount; None where there is none."""
        wanted = _names(source)
        for device in self.devices.values():
            if wanted & {device.kernel_name, device.name} or (device.uuid and device.uuid == _uuid(source)):
                return device
        return None

    def device_of(self, path: str) -> Device | None:
        """Return the device that a path rests on."""
        mount = self.mount_of(path)
        if mount is None:
            return None
        at_point = (device for device in self.devices.values() if device.mount_point == mount.point)
        return self.device(mount.source) or next(at_point, None)

    def disks_of(self, device: Device) -> frozenset[str]:
        """Return the kernel names of the whole disks under a device; a multipath device counts as one disk."""
        if device.type == "mpath":
            return frozenset({device.kernel_name})
        found: frozenset[str] = frozenset()
        for parent in device.parents:
            if parent in self.devices and parent != device.kernel_name:
                found |= self.disks_of(self.devices[parent])
        if found or device.type not in {"disk", ""}:
            return found
        return frozenset({self._multipath(device)})

    def disks(self) -> tuple[Device, ...]:
        """Return the whole disks."""
        return tuple(device for device in self.devices.values() if device.type == "disk" and device.size)

    def under(self, device: Device) -> Iterator[Device]:
        """Yield a device and everything beneath it."""
        yield device
        for parent in sorted(device.parents):
            if parent in self.devices and parent != device.kernel_name:
                yield from self.under(self.devices[parent])

    def holds_something(self, disk: Device) -> bool:
        """Whether a disk has partitions, a file system, or is part of something."""
        used = any(disk.kernel_name in device.parents for device in self.devices.values())
        return used or bool(disk.file_system or disk.mount_point)

    def _multipath(self, disk: Device) -> str:
        above = [each for each in self.devices.values() if disk.kernel_name in each.parents and each.type == "mpath"]
        return above[0].kernel_name if above else disk.kernel_name

    def boot_disks(self) -> tuple[str, ...]:
        """Return the disks that have a partition to boot from."""
        flagged = (name for name, count in self.boot_partitions.items() if count)
        known = (self.devices.get(name, Device(kernel_name=name, name=name, type="disk")) for name in flagged)
        return tuple(sorted({self._multipath(device) for device in known}))


def _holds(point: str, path: str) -> bool:
    return point == "/" or f"{path}/".startswith(f"{point}/")


def _uuid(source: str) -> str | None:
    found = re.fullmatch(r"(?:UUID=|/dev/disk/by-uuid/)(.+)", source)
    return found[1].strip('"') if found else None


def _names(source: str) -> set[str]:
    """Return the names a device can have by one of its paths; /dev/vg/lv is /dev/mapper/vg-lv with doubled hyphens."""
    name = source.removeprefix("/dev/mapper/").removeprefix("/dev/")
    group, slash, volume = name.partition("/")
    if slash and not source.startswith(("/dev/mapper/", "/dev/disk/")):
        return {name, mapped_name(group, volume)}
    return {name}


def mapped_name(group: str, volume: str) -> str:
    """Return the device mapper's name of a logical volume."""
    return "-".join(part.replace("-", "--") for part in (group, volume))


def by_lsblk(tree: tuple[str, ...], pairs: tuple[str, ...]) -> dict[str, Device]:
    """Return the devices from lsblk's tree (who rests on whom) and its pairs (what they are)."""
    parents: dict[str, set[str]] = {}
    above: list[str] = []
    for line in tree:
        prefix = re.match(r"(?:[|`][ -]|  )*", line)
        depth = len(prefix[0]) // 2 if prefix else 0
        name = line.split()[-1] if line.split() else ""
        above = [*above[:depth], name]
        parents.setdefault(name, set()).update(above[depth - 1 : depth] if depth else ())
    devices = {}
    for line in pairs:
        values = {key: _unescaped(value) for key, value in re.findall(r'(\w+)="([^"]*)"', line)}
        name = values.get("KNAME", "")
        devices[name] = Device(
            kernel_name=name,
            name=re.sub(r" \(dm-\d+\)$", "", values.get("NAME", name)),
            type=values.get("TYPE", ""),
            size=int(values["SIZE"]) if values.get("SIZE", "").isdigit() else 0,
            file_system=values.get("FSTYPE", ""),
            mount_point=values.get("MOUNTPOINT", ""),
            uuid=values.get("UUID", ""),
            parents=frozenset(parents.get(name, ())),
        )
    return devices


def _unescaped(text: str) -> str:
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), text)


def by_proc(partitions: tuple[str, ...], listed: tuple[str, ...], deps: tuple[str, ...]) -> dict[str, Device]:
    """Return the devices of a machine without lsblk (RHEL 5): /proc/partitions and the device mapper's own tables."""
    numbers: dict[str, str] = {}
    devices: dict[str, Device] = {}
    for line in partitions:
        words = line.split()
        if len(words) == 4 and words[0].isdigit():
            numbers[f"{words[0]}:{words[1]}"] = words[3]
            devices[words[3]] = Device(kernel_name=words[3], name=words[3], size=int(words[2]) * 1024)
    for name, device in list(devices.items()):
        if not name.startswith("dm-"):
            disk = _disk_of_partition(name, devices)
            kind = "part" if disk else "disk" if re.match(r"[shv]d|xvd|nvme|cciss", name) else "other"
            devices[name] = replace(device, type=kind, parents=frozenset({disk} if disk else ()))
    mapped = {name: numbers.get(pair) for name, pair in _mapped(listed)}
    for line in deps:
        name, _colon, rest = line.partition(":")
        kernel_name = mapped.get(name.strip())
        if kernel_name:
            on = (numbers.get(f"{major}:{minor}") for major, minor in re.findall(r"\((\d+), *(\d+)\)", rest))
            known = frozenset(each for each in on if each)
            devices[kernel_name] = replace(devices[kernel_name], name=name.strip(), parents=known)
    return devices


def _mapped(listed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for line in listed:
        found = re.match(r"(\S+)\s+\((\d+)[:,] *(\d+)\)", line)
        if found:
            yield found[1], f"{found[2]}:{found[3]}"


def _disk_of_partition(name: str, names: Mapping[str, object]) -> str | None:
    found = re.fullmatch(r"(.*?)p?\d+", name)
    return found[1] if found and found[1] in names else None


def with_blkid(devices: Mapping[str, Device], lines: tuple[str, ...]) -> dict[str, Device]:
    """Return the devices with the UUID and the type of file system that blkid knows, where they lack them."""
    known = dict(devices)
    paths = {device.path: name for name, device in devices.items()}
    for line in lines:
        path, _colon, rest = line.partition(": ")
        values = dict(re.findall(r'\b(UUID|TYPE)="([^"]*)"', rest))
        name = paths.get(path) or next((each for each, device in devices.items() if _names(path) & {device.name}), None)
        if name:
            device = known[name]
            known[name] = replace(
                device,
                uuid=device.uuid or values.get("UUID", ""),
                file_system=device.file_system or values.get("TYPE", ""),
            )
    return known


def with_targets(devices: Mapping[str, Device], status: tuple[str, ...]) -> dict[str, Device]:
    """Return the devices with the targets that ``dmsetup status`` names (its tables would show keys)."""
    targets: dict[str, set[str]] = {}
    for line in status:
        found = re.match(r"([^:]+): \d+ \d+ (\S+)", line)
        if found:
            targets.setdefault(found[1], set()).add(found[2])
    return {key: replace(device, targets=frozenset(targets.get(device.name, ()))) for key, device in devices.items()}


_EFI_SYSTEM = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"


def boot_partitions(table: tuple[str, ...]) -> int:
    """Return how many partitions of a table that ``sfdisk -d`` printed are active, EFI system or PReP ones."""
    marked = re.compile(rf"\bbootable\b|(?:type|Id)= *(?:{_EFI_SYSTEM}|ef|41)\b", re.IGNORECASE)
    return sum(1 for line in table if line.startswith("/dev/") and marked.search(line))


def mounts(lines: tuple[str, ...]) -> tuple[Mount, ...]:
    """Return the mounts of /etc/mtab or /proc/mounts; a later one on the same point hides the earlier."""
    found: dict[str, Mount] = {}
    for line in lines:
        words = [_octal_unescaped(word) for word in line.split(" ")]
        if len(words) >= 3 and words[0] != "rootfs":
            fixed = "ro" in words[3].split(",") if len(words) > 3 else False
            found[words[1]] = Mount(source=words[0], point=words[1], file_system=words[2], read_only=fixed)
    return tuple(found.values())


def _octal_unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def free_space(lines: tuple[str, ...]) -> dict[str, int]:
    """Return the free KiB by mount point from ``df -Pk``."""
    found = {}
    for line in lines:
        row = re.match(r".*?\s\d+\s+\d+\s+(-?\d+)\s+\d+%\s+(/.*)$", line)
        if row:
            found[row[2]] = int(row[1])
    return found
