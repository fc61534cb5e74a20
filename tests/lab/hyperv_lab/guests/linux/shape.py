# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine is, before its files are written: healthy by its row, then bent by its defects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import disks

if TYPE_CHECKING:
    from .machine import LinuxMachine
    from .rows import Row

GRUB_COMMENT = "# If you change this file, run the generator of grub.cfg afterwards.\n"


@dataclass(kw_only=True)
class Shape:
    """Everything that the tree is made from."""

    row: Row
    name: str
    hostname: str
    layout: disks.Layout
    kernel: str
    machine: str = "x86_64"
    memory_kb: int = 4 << 20
    available_kb: int = 3 << 20
    boot_options: str = ""
    """Added to the kernel's line: acpi=0 …"""
    stale_volume: str = ""
    """A logical volume that GRUB asks for but isn't there."""
    grub_by_name: bool = False
    """GRUB names devices: root= and resume= on kernel lines."""
    sshd: list[str] = field(default_factory=list)
    """Lines of sshd_config."""
    sshd_drop_ins: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    """Programs that are missing."""
    locales: list[str] = field(default_factory=lambda: ["C", "POSIX", "en_US.utf8"])
    secure_boot: bool = False
    runlevel: str = "3"
    shutting_down: bool = False
    kernel_folder: bool = True
    storvsc: bool = True
    releases: dict[str, str] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    """IPv4 addresses of eth0."""
    ssh_stopped: bool = False
    """Nobody listens; without it sshd may still be there, started by hand."""
    ssh_service_state: str = "active"
    read_only: list[str] = field(default_factory=list)
    """Folders mounted read-only."""
    names: dict[str, str] = field(default_factory=dict)
    """Names that resolve besides the machine's own -> address."""
    extra_files: dict[str, str] = field(default_factory=dict)
    damaged_platform: bool = False
    """The agent's drscout.conf has lost its platform."""
    ports_in_use: int = 12
    """How many ephemeral ports are taken."""

    @property
    def lvm(self) -> bool:
        """Return whether / is a logical volume."""
        return self.layout.root.type == "lvm"


def healthy(machine: LinuxMachine, number: int) -> Shape:
    """Return a machine in which nothing is wrong."""
    row = machine.row
    first, second = divmod(number, 250)
    return Shape(
        row=row,
        name=machine.name,
        hostname=machine.name,
        layout=disks.healthy(row, machine.name),
        kernel=row.kernel,
        sshd=_sshd(row),
        sshd_drop_ins={},
        releases=dict(row.releases),
        absent=set(row.absent),
        runlevel="2" if row.family == "debian" and row.init != "systemd" else "5" if row.init == "systemd" else "3",
        addresses=[f"10.63.{first}.{second + 2}"],
    )


def _sshd(row: Row) -> list[str]:
    included = ["Include /etc/ssh/sshd_config.d/*.conf"] if row.name == "ubuntu-20.04" else []
    return [
        "# This is the sshd server system-wide configuration file.",
        *included,
        "Port 22",
        "#ListenAddress 0.0.0.0",
        "HostKey /etc/ssh/ssh_host_ed25519_key",
        "SyslogFacility AUTH" if row.family == "debian" else "SyslogFacility AUTHPRIV",
        "PermitRootLogin yes",
        "#PubkeyAuthentication yes",
        "PasswordAuthentication yes",
        "ChallengeResponseAuthentication no",
        "UsePAM yes",
        "X11Forwarding yes",
        "AcceptEnv LANG LC_*",
        "# override default of no subsystems",
        f"Subsystem sftp {row.sftp}",
    ]
