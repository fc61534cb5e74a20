# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file tree of a machine: everything that a session in it can see."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from . import keys

if TYPE_CHECKING:
    from pathlib import Path

    from .base import Base
    from .machine import LinuxMachine

FOLDERS = (
    *("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "usr/libexec/sudo", "usr/local/bin", "usr/share"),
    *("etc/ssh", "etc/default", "etc/sysconfig", "etc/pam.d", "etc/sudoers.d", "dev/pts", "proc", "sys"),
    *("var/log", "var/lib", "var/run", "var/tmp", "run/sshd", "root", "home/admin", "boot", "opt", "srv", "tmp"),
    *(".lab", "mnt"),
)
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "dev/ptmx": "pts/ptmx"}
_SHELLS = {"debian": "dash"}
_SYSTEM_FOLDER = {"sshd": "usr/sbin", "busybox": "usr/bin"}
ADMIN = 1000


def write(tree: Path, text: str, path: str, *, mode: int = 0o644) -> None:
    """Write a file by its path inside of the machine, with the folders above it."""
    target = tree / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    target.chmod(mode)


def build(machine: LinuxMachine, base: Base, tree: Path, client_key: str) -> str:
    """Make the tree of a healthy machine; return its public host key."""
    for folder in FOLDERS:
        (tree / folder).mkdir(parents=True, exist_ok=True)
    for name, target in LINKS.items():
        (tree / name).symlink_to(target)
    (tree / "tmp").chmod(0o1777)
    (tree / "root").chmod(0o700)
    _programs(machine, base, tree)
    _devices(tree)
    _accounts(machine, tree, client_key)
    _ssh(machine, tree)
    for path, text in machine.row.releases.items():
        write(tree, text, path)
    write(tree, machine.name + "\n", "/etc/hostname")
    return keys.write_key(tree / "etc/ssh/ssh_host_ed25519_key")


def _programs(machine: LinuxMachine, base: Base, tree: Path) -> None:
    for target, source in base.links.items():
        (tree / target).parent.mkdir(parents=True, exist_ok=True)
        os.link(base.root / source, tree / target)
    own = {each.name for each in (base.root / "standins").iterdir()} - {"login"}
    for name in sorted({each.name for each in (base.root / "bin").iterdir()} - {"sftp-server"} - own):
        if name not in machine.row.absent:
            os.link(base.root / "bin" / name, tree / _SYSTEM_FOLDER.get(name, "usr/bin") / name)
    for name in sorted(own - machine.row.absent):
        os.link(base.root / "standins" / name, tree / "usr/sbin" / name)
    os.link(base.root / "standins" / "login", tree / ".lab/login")
    shell = _SHELLS.get(machine.row.family, "bash")
    (tree / "usr/bin/sh").symlink_to(shell)
    sftp = tree / machine.row.sftp.lstrip("/")
    sftp.parent.mkdir(parents=True, exist_ok=True)
    os.link(base.root / "bin/sftp-server", sftp)
    taken = own | {"sh", "ash", *machine.row.absent}
    for applet in base.applets:
        if applet not in taken:
            (tree / "usr/bin" / applet).symlink_to("busybox")


def _devices(tree: Path) -> None:
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (tree / "dev" / name).touch()
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
    shadow = "".join(
        f"{name}:{hashes.get(name, '*')}:19000:0:99999:7:::\n" for name in ("root", "admin", "sshd", "nobody")
    )
    write(tree, shadow, "/etc/shadow", mode=0o640)
    free = "NOPASSWD: " if machine.become == "sudo_nopasswd" else ""
    sudoers = "Defaults secure_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\nDefaults !fqdn\n"
    write(tree, f"{sudoers}root ALL=(ALL) ALL\nadmin ALL=(ALL) {free}ALL\n", "/etc/sudoers", mode=0o440)
    pam = "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n"
    for service in ("sudo", "other"):
        write(tree, pam, f"/etc/pam.d/{service}")
    for home, owner in (("root", 0), ("home/admin", ADMIN)):
        write(tree, client_key + "\n", f"/{home}/.ssh/authorized_keys", mode=0o600)
        (tree / home / ".ssh").chmod(0o700)
        if os.geteuid() == 0:
            for path in (tree / home, tree / home / ".ssh", tree / home / ".ssh/authorized_keys"):
                shutil.chown(path, owner, owner)


def _ssh(machine: LinuxMachine, tree: Path) -> None:
    lines = [
        "# Package generated configuration file",
        "Port 22",
        "#ListenAddress 0.0.0.0",
        "HostKey /etc/ssh/ssh_host_ed25519_key",
        "SyslogFacility AUTHPRIV" if machine.row.family != "debian" else "SyslogFacility AUTH",
        "PermitRootLogin yes",
        "PasswordAuthentication yes",
        "UsePAM yes",
        "X11Forwarding yes",
        "AcceptEnv LANG LC_*",
        f"Subsystem sftp {machine.row.sftp}",
    ]
    write(tree, "\n".join(lines) + "\n", "/etc/ssh/sshd_config", mode=0o600)
