# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs a machine has: real ones, busybox's applets, and stand-ins, as far as its system knows them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .base import Base
    from .shape import Shape

_LVM = (
    "lvs",
    "vgs",
    "pvs",
    "lvdisplay",
    "vgdisplay",
    "pvdisplay",
    "vgscan",
    "lvscan",
    "pvscan",
    "vgchange",
    "lvchange",
)
ALIASES = {
    **dict.fromkeys(_LVM, "lvm"),
    "grub-mkconfig": "grub2-mkconfig",
    "grub-script-check": "grub2-script-check",
    "lsinitramfs": "lsinitrd",
}
"""Other names of stand-ins."""
_INNER = ("login", "lab-service", "initscript", "sshd-4")
"""Stand-ins that are no programs by their own names."""
_NEVER = frozenset(
    [
        "poweroff",
        "halt",
        "init",
        "linuxrc",
        "run-init",
        "switch_root",
        "pivot_root",
        "login",
        "telnetd",
        "su",
        "insmod",
        "rmmod",
        "depmod",
        "modinfo",
        "swapon",
        "swapoff",
        "mkswap",
        "losetup",
        "hwclock",
        "findfs",
        "chroot",
        "fdisk",
        "mke2fs",
        "mkdosfs",
        "sulogin",
        "getty",
        "dnsdomainname",
        "watchdog",
        "sh",
        "ash",
    ]
)
"""Applets that would speak of, or touch, the machine that the lab runs on; shells come from elsewhere."""
WICKED = "wickedd-dhcp4"


BASE = "/.lab/base"
"""Where machines see the shared files (read-only)."""


def link(shape: Shape, base: Base, tree: Path) -> None:
    """Give a machine its programs: links to a shared set, which is made for the first machine that has it."""
    chosen = _chosen(shape, base)
    digest = hashlib.sha256(repr(sorted(chosen.items())).encode()).hexdigest()[:16]
    folder = base.root / "sets" / digest
    if not folder.exists():
        folder.mkdir(parents=True)
        for name, target in chosen.items():
            (folder / name).symlink_to(target)
    for name in ("usr/bin", "usr/sbin"):
        (tree / name).symlink_to(f"{BASE}/sets/{digest}")
    for name in base.libraries:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).symlink_to(f"{BASE}/{name}")
    _services(shape, tree)


def _chosen(shape: Shape, base: Base) -> dict[str, str]:
    """Return the programs by name, each with what it is a link to."""
    standins = {
        each.name: each.name for each in (base.root / "standins").iterdir() if each.name not in _INNER
    } | ALIASES
    real = {each.name for each in (base.root / "bin").iterdir()} - {"sftp-server", "sshd"}
    found = dict.fromkeys(sorted(set(base.applets) - _NEVER), f"{BASE}/bin/busybox")
    found |= {name: f"{BASE}/bin/{name}" for name in sorted(real)}
    found |= {name: f"{BASE}/standins/{target}" for name, target in sorted(standins.items())}
    found["sh"] = "dash" if shape.row.family == "debian" else "bash"
    old = shape.row.openssh.startswith("OpenSSH_4")
    found["sshd"] = f"{BASE}/standins/sshd-4" if old else f"{BASE}/bin/sshd"
    return {name: target for name, target in found.items() if name not in shape.absent}


def _services(shape: Shape, tree: Path) -> None:
    (tree / ".lab/login").symlink_to(f"{BASE}/standins/login")
    (tree / ".lab/service").symlink_to(f"{BASE}/standins/lab-service")
    sftp = tree / shape.row.sftp.lstrip("/")
    sftp.parent.mkdir(parents=True, exist_ok=True)
    sftp.symlink_to(f"{BASE}/bin/sftp-server")
    script = f"{BASE}/standins/initscript"
    if shape.row.init != "systemd" or shape.row.family == "debian":
        (tree / "etc/init.d" / shape.row.ssh_service).symlink_to(script)
    if shape.row.init == "upstart" and shape.row.family == "debian":
        (tree / "etc/init").mkdir()
        (tree / "etc/init/ssh.conf").write_text("# Stand-in of the lab\nexec /usr/sbin/sshd -D\n", encoding="utf-8")
    if shape.row.osid.startswith("SLES15") and WICKED not in shape.absent:
        wicked = tree / "usr/lib/wicked/bin"
        wicked.mkdir(parents=True)
        (wicked / WICKED).symlink_to(f"{BASE}/standins/dhclient")
