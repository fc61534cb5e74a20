# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux machine as JSON: what tests look at to see what is true."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from . import agent

if TYPE_CHECKING:
    from pathlib import Path

    from .machine import LinuxMachine

_EXPECTED = frozenset({"known_hosts", "authorized_keys"})


def describe(machine: LinuxMachine) -> dict[str, Any]:
    """Return the state of a machine; files are those of its tree now."""
    tree = machine.tree
    found: dict[str, Any] = {
        "os": machine.row.name,
        "osid": machine.row.osid,
        "address": machine.address,
        "port": machine.port,
        "defects": list(machine.defects),
        "commands": machine.commands,
    }
    if tree is None or not tree.exists():
        return found
    boots = tree / ".lab/boot-count"
    return found | {
        "agent": agent.read(tree),
        "leftovers": leftovers(tree),
        "backups": backups(tree),
        "sshd_config_valid": sshd_config_valid(tree),
        "ssh_service": (tree / ".lab/services" / machine.row.ssh_service).read_text(encoding="ascii").strip(),
        "reboots": len(boots.read_text(encoding="ascii").splitlines()) if boots.exists() else 0,
        "passphrase_files": passphrase_files(tree),
    }


def leftovers(tree: Path) -> list[str]:
    """Return files and folders in places where only a task can have left them."""
    places = [tree / name for name in ("tmp", "var/tmp", "root", "home/admin", "dev/shm")]
    found = [path for place in places for path in place.iterdir() if path.name != ".ssh"]
    return sorted(f"/{path.relative_to(tree)}" for path in found)


def backups(tree: Path) -> list[str]:
    """Return files beside sshd_config and GRUB's files that a healthy machine hasn't."""
    found = [*(tree / "etc/ssh").glob("sshd_config?*"), *(tree / "etc/default").glob("grub?*")]
    for folder in ("boot/grub", "boot/grub2", "boot/loader/entries"):
        found += [path for path in (tree / folder).glob("*") if path.name.count(".") > 1 or path.name.endswith("~")]
    return sorted(f"/{path.relative_to(tree)}" for path in found if path.is_file())


def sshd_config_valid(tree: Path) -> bool:
    """Return whether the real sshd takes the machine's main file; files it includes are read from the tree."""
    text = (tree / "etc/ssh/sshd_config").read_text(encoding="utf-8", errors="surrogateescape")
    text = text.replace("/etc/ssh/", f"{tree}/etc/ssh/")
    key = f"{tree}/etc/ssh/ssh_host_ed25519_key"
    done = subprocess.run(
        ["/usr/sbin/sshd", "-t", "-h", key, "-o", "UsePAM=no", "-f", "/dev/stdin"],
        input=text.encode(errors="surrogateescape"),
        capture_output=True,
        check=False,
        timeout=30,
    )
    said = done.stderr.decode(errors="replace")
    return done.returncode == 0 or "privilege separation directory" in said


def passphrase_files(tree: Path) -> list[str]:
    """Return where the agent keeps its passphrase."""
    place = tree / "usr/local/InMage/private/connection.passphrase"
    return [f"/{place.relative_to(tree)}"] if place.exists() else []
