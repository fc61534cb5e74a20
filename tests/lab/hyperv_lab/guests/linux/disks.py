# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks, partitions, volumes and mounts of a machine: a table that the stand-ins of lsblk, blkid and others read."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .rows import Row

GB = 1 << 30
MB = 1 << 20
COLUMNS = ("kname", "name", "type", "size", "fstype", "uuid", "parents", "number", "target", "group", "boot")


@dataclass(kw_only=True)
class Device:
    """A block device; ``parents`` are kernel names of what it rests on."""

    kname: str
    size: int
    type: str = "part"
    """As lsblk says it: disk, part, lvm, crypt, rom."""
    name: str = ""
    """For mapped devices the name below /dev/mapper; else the kernel name."""
    fstype: str = ""
    uuid: str = ""
    parents: tuple[str, ...] = ()
    target: str = ""
    """What the device mapper does: linear, crypt, thin."""
    group: str = ""
    """The volume group: of a logical volume or of a physical one."""
    boot: str = ""
    """ "bootable", "efi" or nothing."""

    @property
    def path(self) -> str:
        """Return the path programs name it by."""
        return f"/dev/mapper/{self.name}" if self.target else f"/dev/{self.kname}"

    @property
    def volume(self) -> str:
        """Return the name of a logical volume in its group."""
        return self.name.removeprefix(self.group + "-") if self.type == "lvm" else ""


@dataclass(kw_only=True)
class Mount:
    """A mounted file system, with its size and what is free."""

    source: str
    point: str
    fstype: str
    size: int
    free: int
    mounted: bool = True
    """False: fstab names it, but it isn't mounted."""
    options: str = "rw,relatime"


@dataclass(kw_only=True)
class Layout:
    """All devices and mounts."""

    devices: list[Device] = field(default_factory=list)
    mounts: list[Mount] = field(default_factory=list)
    tables: set[str] = field(default_factory=lambda: {"sda"})
    """Disks that have a partition table."""

    def device(self, kname: str) -> Device:
        """Return a device by its kernel name; KeyError."""
        for each in self.devices:
            if each.kname == kname:
                return each
        raise KeyError(kname)

    def mount(self, point: str) -> Mount:
        """Return the mount of a point; KeyError."""
        for each in self.mounts:
            if each.point == point:
                return each
        raise KeyError(point)

    @property
    def root(self) -> Device:
        """Return the device that / is on."""
        source = self.mount("/").source
        return next(each for each in self.devices if each.path == source)

    @property
    def swap(self) -> Device | None:
        """Return the swap device."""
        return next((each for each in self.devices if each.fstype == "swap"), None)

    def table(self) -> str:
        """Return the table of the stand-ins, a device a line, columns parted by tabs (empty ones are "-")."""
        lines = []
        for each in self.devices:
            values = (each.kname, each.name or each.kname, each.type, str(each.size), each.fstype, each.uuid)
            more = (",".join(each.parents), self.number(each), each.target, each.group, each.boot)
            lines.append("\t".join(value or "-" for value in (*values, *more)))
        return "\n".join(lines) + "\n"

    def number(self, device: Device) -> str:
        """Return major and minor number."""
        if device.kname.startswith("dm-"):
            return f"253:{device.kname[3:]}"
        if device.kname.startswith("sr"):
            return f"11:{device.kname[2:]}"
        if device.kname.startswith("ram"):
            return f"1:{device.kname[3:]}"
        disk = ord(device.kname[2]) - ord("a")
        return f"8:{disk * 16 + int(device.kname[3:] or 0)}"


def fresh_uuid(machine: str, kname: str) -> str:
    """Return the UUID of a device, the same every time."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{machine}/{kname}"))


def _disk(kname: str = "sda", size: int = 40 * GB) -> Device:
    return Device(kname=kname, size=size, type="disk")


def plain(row: Row, machine: str) -> Layout:
    """Return partitions without LVM: /boot of its own in Red Hat's family, all on / in the others."""
    separate = row.family == "rhel"
    boot, root, swap = ("sda1", "sda2", "sda3") if separate else ("", "sda1", "sda2")
    devices = [_disk()]
    if boot:
        devices.append(_filesystem(machine, boot, 1 * GB, _boot_filesystem(row), bootable=True))
    devices.append(_filesystem(machine, root, 36 * GB, row.filesystem, bootable=not boot))
    devices.append(_filesystem(machine, swap, 2 * GB, "swap"))
    mounts = [Mount(source=f"/dev/{root}", point="/", fstype=row.filesystem, size=36 * GB, free=24 * GB)]
    if boot:
        mounts.append(_boot_mount(row))
    return Layout(devices=devices, mounts=mounts)


def on_lvm(row: Row, machine: str) -> Layout:
    """Return / and swap on logical volumes of one disk, /boot on a partition, as Red Hat's installer does."""
    major = int(row.name.split("-")[1].split(".")[0])
    group = row.name.split("-")[0] if major >= 7 else "VolGroup" if major == 6 else "VolGroup00"
    root, swap = ("root", "swap") if major >= 7 else ("lv_root", "lv_swap") if major == 6 else ("LogVol00", "LogVol01")
    physical = Device(
        kname="sda2", size=38 * GB, fstype="LVM2_member", uuid=_lvm_uuid(machine), parents=("sda",), group=group
    )
    devices = [
        _disk(),
        _filesystem(machine, "sda1", 1 * GB, _boot_filesystem(row), bootable=True),
        physical,
        logical(machine, "dm-0", f"{group}-{root}", group, 35 * GB, row.filesystem),
        logical(machine, "dm-1", f"{group}-{swap}", group, 2 * GB, "swap"),
    ]
    source = f"/dev/mapper/{group}-{root}"
    mounts = [Mount(source=source, point="/", fstype=row.filesystem, size=35 * GB, free=24 * GB), _boot_mount(row)]
    return Layout(devices=devices, mounts=mounts)


def logical(
    machine: str, kname: str, name: str, group: str, size: int, fstype: str, parents: tuple[str, ...] = ("sda2",)
) -> Device:
    """Return a logical volume."""
    return Device(
        kname=kname,
        size=size,
        type="lvm",
        name=name,
        fstype=fstype,
        uuid=fresh_uuid(machine, name),
        parents=parents,
        target="linear",
        group=group,
    )


def _lvm_uuid(machine: str) -> str:
    text = uuid.uuid5(uuid.NAMESPACE_DNS, f"{machine}/pv").hex
    return "-".join((text[:6], text[6:10], text[10:14], text[14:18], text[18:22], text[22:26], text[26:]))


def _filesystem(machine: str, kname: str, size: int, fstype: str, *, bootable: bool = False) -> Device:
    return Device(
        kname=kname,
        size=size,
        fstype=fstype,
        uuid=fresh_uuid(machine, kname),
        parents=(kname[:3],),
        boot="bootable" if bootable else "",
    )


def _boot_filesystem(row: Row) -> str:
    return "ext3" if row.filesystem == "ext3" else "xfs" if row.filesystem == "xfs" else "ext4"


def _boot_mount(row: Row) -> Mount:
    return Mount(source="/dev/sda1", point="/boot", fstype=_boot_filesystem(row), size=1 * GB, free=800 * MB)


def healthy(row: Row, machine: str) -> Layout:
    """Return the layout a machine has when nothing is said: LVM on half of Red Hat's family."""
    on_volumes = row.family == "rhel" and not row.name.startswith("centos") and row.grub != "bls"
    return on_lvm(row, machine) if on_volumes else plain(row, machine)
