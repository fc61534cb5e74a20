# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel and the system show of a machine: /proc, /sys, /etc, and the stand-ins' tables (/.lab)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .boot_files import command_line

if TYPE_CHECKING:
    from .disks import Mount
    from .shape import Shape

_TCP_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
_TCP_TAIL = "00000000:00000000 00:00000000 00000000     0        0"
FIRST_PORT, LAST_PORT = 32768, 60999


def files(shape: Shape) -> dict[str, str]:
    """Return files by path."""
    return {**_proc(shape), **_sys(shape), **_etc(shape), **_tables(shape)}


def _proc(shape: Shape) -> dict[str, str]:
    blocks = "".join(
        f" {number.split(':')[0]:>4} {number.split(':')[1]:>8} {each.size // 1024:>10} {each.kname}\n"
        for each in shape.layout.devices
        for number in (shape.layout.number(each),)
    )
    taken = "".join(
        f"{n:4}: 0200000A:{FIRST_PORT + n:04X} 0300000A:01BB 01 {_TCP_TAIL} {n + 9}\n"
        for n in range(min(shape.ports_in_use, LAST_PORT - FIRST_PORT))
    )
    found = {
        "/proc/cmdline": f"BOOT_IMAGE=/vmlinuz-{shape.kernel} {command_line(shape)}\n",
        "/proc/meminfo": _meminfo(shape),
        "/proc/mounts": "".join(_mount_line(each) for each in shape.layout.mounts if each.mounted)
        + "devpts /dev/pts devpts rw 0 0\n",
        "/proc/partitions": f"major minor  #blocks  name\n\n{blocks}",
        "/proc/modules": "sd_mod 20480 4 - Live 0x0000000000000000\nhv_vmbus 20480 4 - Live 0x0000000000000000\n",
        "/proc/version": f"Linux version {shape.kernel} (builder@lab)\n",
        "/proc/filesystems": "nodev\tproc\nnodev\tsysfs\n\text3\n\text4\n\txfs\n\tbtrfs\n",
        "/proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Stand-in\nflags\t\t: lm\n",
        "/proc/uptime": "4321.00 4000.00\n",
        "/proc/net/tcp": _TCP_HEAD + taken,
        "/proc/net/tcp6": _TCP_HEAD,
        "/proc/sys/net/ipv4/ip_local_port_range": f"{FIRST_PORT}\t{LAST_PORT}\n",
        "/proc/sys/kernel/osrelease": shape.kernel + "\n",
        "/proc/sys/kernel/random/boot_id": "5f1a9e54-0000-4000-8000-000000000000\n",
        "/proc/sys/kernel/hostname": shape.hostname + "\n",
    }
    if shape.layout.swap is not None:
        found["/proc/swaps"] = (
            f"Filename\tType\tSize\tUsed\tPriority\n{shape.layout.swap.path} partition 2097148 0 -1\n"
        )
    return found


def _meminfo(shape: Shape) -> str:
    free = shape.available_kb * 2 // 3
    lines = {"MemTotal": shape.memory_kb, "MemFree": free}
    if shape.row.init == "systemd":
        lines["MemAvailable"] = shape.available_kb
    lines |= {"Buffers": (shape.available_kb - free) // 3, "Cached": (shape.available_kb - free) * 2 // 3}
    lines |= {"SwapTotal": 2097148, "SwapFree": 2097148}
    return "".join(f"{key + ':':<16}{value:>8} kB\n" for key, value in lines.items())


def _mount_line(mount: Mount) -> str:
    return f"{mount.source} {mount.point} {mount.fstype} {mount.options} 0 0\n"


def _sys(shape: Shape) -> dict[str, str]:
    dmi = {"chassis_asset_tag": "None", "sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}
    found = {f"/sys/class/dmi/id/{name}": value + "\n" for name, value in dmi.items()}
    for disk in (each for each in shape.layout.devices if each.type == "disk"):
        found[f"/sys/block/{disk.kname}/size"] = f"{disk.size // 512}\n"
        found[f"/sys/block/{disk.kname}/removable"] = "0\n"
    found["/sys/class/net/eth0/operstate"] = "up\n"
    return found


def _etc(shape: Shape) -> dict[str, str]:
    address = shape.addresses[0] if shape.addresses else "127.0.1.1"
    own = f"{address} {shape.hostname}\n" if shape.hostname else ""
    fstab = "".join(_fstab_line(shape, each) for each in shape.layout.mounts)
    swap = shape.layout.swap
    found = {
        **shape.releases,
        "/etc/hosts": f"127.0.0.1 localhost\n{own}",
        "/etc/fstab": fstab + (f"{swap.path} swap swap defaults 0 0\n" if swap is not None else ""),
        "/etc/resolv.conf": "nameserver 127.0.0.1\n",
        "/etc/environment": 'PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\n',
    }
    if shape.row.family == "rhel":
        found["/etc/sysconfig/network"] = f"NETWORKING=yes\nHOSTNAME={shape.hostname}\n"
        found["/etc/sysconfig/selinux"] = "SELINUX=permissive\n"
    return found


def _fstab_line(shape: Shape, mount: Mount) -> str:
    device = next((each for each in shape.layout.devices if each.path == mount.source), None)
    named = mount.source if device is None or device.target or not device.uuid else f"UUID={device.uuid}"
    return f"{named} {mount.point} {mount.fstype} defaults 0 1\n"


def _tables(shape: Shape) -> dict[str, str]:
    """Return the tables below /.lab."""
    space = "".join(
        f"{each.source}\t{each.point}\t{each.fstype}\t{each.size // 1024}\t{each.free // 1024}\n"
        for each in shape.layout.mounts
    )
    return {
        "/.lab/devices": shape.layout.table(),
        "/.lab/tables": "".join(f"{name}\n" for name in sorted(shape.layout.tables)),
        "/.lab/space": space,
        "/.lab/kernel": shape.kernel + "\n",
        "/.lab/machine": shape.machine + "\n",
        "/.lab/addresses": "".join(f"{each}\n" for each in shape.addresses),
        "/.lab/names": "".join(f"{address} {name}\n" for name, address in shape.names.items()),
        "/.lab/locales": "".join(f"{each}\n" for each in shape.locales),
        "/.lab/secure-boot": "enabled\n" if shape.secure_boot else "disabled\n",
        "/.lab/runlevel": shape.runlevel + "\n",
        "/.lab/init": shape.row.init + "\n",
        "/.lab/family": shape.row.family + "\n",
        "/.lab/openssh": f"{shape.row.openssh}, OpenSSL 1.0.2\n",
        "/.lab/read-only": "".join(f"{each}\n" for each in shape.read_only),
        "/.lab/boots": f"{shape.row.grub}\n{shape.row.grub_files}\n",
        "/.lab/services/shutdown.target": "active\n" if shape.shutting_down else "inactive\n",
        f"/.lab/services/{shape.row.ssh_service}": shape.ssh_service_state + "\n",
        f"/.lab/enabled/{shape.row.ssh_service}": "",
    }
