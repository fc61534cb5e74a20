# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file tree of a machine: everything that a session in it can see."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from . import boot_files, keys, programs, system_files
from .defects import DEFECTS
from .shape import healthy

if TYPE_CHECKING:
    from pathlib import Path

    from .base import Base
    from .machine import LinuxMachine
    from .shape import Shape

FOLDERS = (
    *("usr/lib/modules", "usr/lib64", "usr/libexec", "usr/local/bin", "usr/share", ".lab/base"),
    *(
        "etc/ssh",
        "etc/default",
        "etc/sysconfig",
        "etc/pam.d",
        "etc/init.d",
        "etc/cron.d",
        "dev/pts",
        "dev/shm",
        "proc",
        "sys",
    ),
    *("var/log", "var/lib", "var/run", "var/tmp", "run/sshd", "root", "home/admin", "boot", "opt", "srv", "tmp", "mnt"),
    *("dev/mapper", "dev/disk/by-uuid", ".lab/services", ".lab/enabled", ".lab/proc"),
)
LINKS = {
    "bin": "usr/bin",
    "sbin": "usr/sbin",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "dev/ptmx": "pts/ptmx",
    "dev/fd": "/proc/self/fd",
    "dev/stdin": "fd/0",
    "dev/stdout": "fd/1",
    "dev/stderr": "fd/2",
    "proc/self": "/.lab/proc/self",
}
ADMIN = 1000


def write(tree: Path, content: str | bytes, path: str, *, mode: int = 0o644) -> None:
    """Write a file by its path inside of the machine, with the folders above it."""
    target = tree / path.lstrip("/")
    if not target.parent.is_dir():
        target.parent.mkdir(parents=True)
    target.write_bytes(content if isinstance(content, bytes) else content.encode())
    target.chmod(mode)


def bent(machine: LinuxMachine, number: int, names: dict[str, str]) -> Shape:
    """Return the shape of a machine with its defects; ``names`` are those that resolve on a healthy one."""
    shape = healthy(machine, number)
    shape.names = dict(names)
    for name in machine.defects:
        DEFECTS[name](shape)
    return shape


def build(machine: LinuxMachine, shape: Shape, base: Base, tree: Path, client_key: str) -> str:
    """Make the tree of a machine; return its public host key."""
    for folder in FOLDERS:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    for name, target in LINKS.items():
        (tree / name).symlink_to(target)
    for folder in ("tmp", "var/tmp", "dev/shm"):
        (tree / folder).chmod(0o1777)
    (tree / "proc").chmod(0o777)
    (tree / "root").chmod(0o700)
    programs.link(shape, base, tree)
    _devices(shape, tree)
    _accounts(machine, tree, client_key)
    _ssh(shape, tree)
    for path, content in {**system_files.files(shape), **boot_files.files(shape), **shape.extra_files}.items():
        write(tree, content, path)
    _kernel(shape, tree)
    if shape.row.init == "sysv":
        write(tree, (tree / "proc/mounts").read_bytes(), "/etc/mtab")
    else:
        (tree / "etc/mtab").symlink_to("../proc/mounts")
    write(tree, shape.hostname + "\n", "/etc/hostname")
    return keys.write_key(tree / "etc/ssh/ssh_host_ed25519_key")


def _kernel(shape: Shape, tree: Path) -> None:
    folder = tree / f"usr/lib/modules/{shape.kernel}/kernel/drivers"
    folder.mkdir(parents=True)
    if shape.kernel_folder:
        (folder / "char").mkdir()
    if shape.row.grub == "legacy" and shape.row.family == "rhel":
        (tree / "boot/grub/menu.lst").symlink_to("./grub.conf")
        (tree / "etc/grub.conf").symlink_to("../boot/grub/grub.conf")
    if shape.row.init == "systemd":
        (tree / "run/systemd/system").mkdir(parents=True)


def _devices(shape: Shape, tree: Path) -> None:
    """Make what stands for devices: plain files, since nobody inside may make real ones, and the usual links."""
    for name in ("null", "zero", "full", "random", "urandom", "tty", *(each.kname for each in shape.layout.devices)):
        (tree / "dev" / name).touch()
    for each in shape.layout.devices:
        if each.target:
            (tree / "dev/mapper" / each.name).symlink_to(f"../{each.kname}")
        if each.type == "lvm":
            (tree / "dev" / each.group).mkdir(exist_ok=True)
            (tree / "dev" / each.group / each.volume).symlink_to(f"../{each.kname}")
        link = tree / "dev/disk/by-uuid" / each.uuid
        if each.uuid and not link.is_symlink():
            link.symlink_to(f"../../{each.kname}")
    os.mkfifo(tree / ".lab/journal", 0o622)
    (tree / ".lab/journal").chmod(0o622)


def _accounts(machine: LinuxMachine, tree: Path, client_key: str) -> None:
    passwd = (
        "root:x:0:0:root:/root:/.lab/login\n"
        f"admin:x:{ADMIN}:{ADMIN}:admin:/home/admin:/.lab/login\n"
        "sshd:x:74:74:sshd:/run/sshd:/usr/sbin/nologin\n"
        "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
    )
    write(tree, passwd, "/etc/passwd")
    write(tree, f"root:x:0:\ntty:x:5:\nadmin:x:{ADMIN}:\nsshd:x:74:\nnogroup:x:65534:\n", "/etc/group")
    hashes = {name: keys.shadow_hash(machine.passwords[name]) for name in ("root", "admin")}
    names = (*hashes, "sshd", "nobody")
    shadow = "".join(f"{name}:{hashes.get(name, '*')}:19000:0:99999:7:::\n" for name in names)
    write(tree, shadow, "/etc/shadow", mode=0o640)
    free = "NOPASSWD: " if machine.become == "sudo_nopasswd" else ""
    sudoers = "Defaults secure_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\nDefaults !fqdn, !admin_flag\n"
    write(tree, f"{sudoers}root ALL=(ALL) ALL\nadmin ALL=(ALL) {free}ALL\n", "/etc/sudoers", mode=0o440)
    pam = "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
    for service in ("sudo", "other"):
        write(tree, pam, f"/etc/pam.d/{service}")
    for home in ("root", "home/admin"):
        write(tree, client_key + "\n", f"/{home}/.ssh/authorized_keys", mode=0o600)
        (tree / home / ".ssh").chmod(0o700)


def _ssh(shape: Shape, tree: Path) -> None:
    write(tree, "\n".join(shape.sshd) + "\n", "/etc/ssh/sshd_config", mode=0o600)
    for name, text in shape.sshd_drop_ins.items():
        write(tree, text, f"/etc/ssh/sshd_config.d/{name}", mode=0o600)
    if any(line.startswith("Include") for line in shape.sshd):
        (tree / "etc/ssh/sshd_config.d").mkdir(exist_ok=True)
    if shape.ssh_stopped:
        write(tree, "", "/.lab/ssh-stopped")
