# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a preflight has read of a Linux machine. None means that the machine could not tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .disks import Storage
from .distribution import Distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class SshServer:
    """The SSH server: its files, and what it says of itself."""

    files: Mapping[str, str] = field(default_factory=dict)
    """sshd_config and everything it includes, by path."""
    reported: Mapping[str, str] | None = None
    """What ``sshd -T`` prints for root's login, by keyword in small letters; ``subsystem sftp`` is one of them."""
    ports: tuple[int, ...] = ()
    version: tuple[int, ...] | None = None
    installed: bool = True
    active: bool | None = None
    restart_due: bool = False
    """A run that was killed had replaced sshd_config, and not come to restart the server."""
    sftp_servers: tuple[str, ...] = ()
    """Programs of the SFTP subsystem that the machine has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grub:
    """The boot loader: the file the vendor's scan reads, and those that can be edited."""

    scanned: str | None = None
    """The first of grub.cfg, grub2/grub.cfg and menu.lst that exists."""
    lines: tuple[str, ...] = ()
    """Its lines that name a kernel."""
    menu: str | None = None
    """The whole text of menu.lst."""
    defaults: str | None = None
    """The whole text of /etc/default/grub."""
    has_entries: bool = False
    """Whether /boot/loader/entries holds entries of their own, which grub.cfg doesn't name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Addresses, names and connections as the machine sees them."""

    addresses: tuple[tuple[str, str], ...] = ()
    """Interfaces other than the loopback and their IPv4 addresses."""
    addresses_known: bool = True
    ports: tuple[int, int] | None = None
    """How many ephemeral ports there are, and how many are in use."""
    names: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    """Addresses by name; empty where the name doesn't resolve, None where the machine can't ask."""
    connections: Mapping[tuple[str, int], bool | None] = field(default_factory=dict)
    """Whether a TCP connection came about; None where the machine has no program that could try."""
    hosts: str = ""
    """The text of /etc/hosts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxEvidence:
    """Everything the rules look at."""

    user_id: int = 0
    kernel: str = ""
    machine: str = "x86_64"
    host_name: str = ""
    system: Distribution | None = None
    release_text: str = ""
    """The first line of what the release files say, for people."""
    memory_kb: int | None = None
    available_kb: int | None = None
    programs: frozenset[str] = frozenset()
    locales: frozenset[str] | None = None
    secure_boot: bool | None = None
    shutting_down: bool | None = None
    run_level: str | None = None
    boot_options: tuple[str, ...] = ()
    has_kernel_directory: bool = True
    storvsc: Mapping[str, bool] = field(default_factory=dict)
    """Whether an initial RAM disk holds Hyper-V's disk driver, by its path; RHEL 5 and 6 alone are asked."""
    driver_loaded: bool = False
    read_only: tuple[str, ...] = ()
    boot_in_fstab: bool = False
    btrfs_devices: int | None = None
    one_pass_encryption: str = ""
    storage: Storage = field(default_factory=Storage)
    grub: Grub = field(default_factory=Grub)
    ssh: SshServer = field(default_factory=SshServer)
    network: Network = field(default_factory=Network)
    agent_version: str | None = None
    agent_folder: str | None = None
    proxy: Mapping[str, str] | None = None
    """Address and Port of ProxyInfo.conf, in small letters; None where there is no such file."""
    platform: str | None = None
    """VmPlatform of drscout.conf; None where there is no such file."""

    def unread(self) -> tuple[str, ...]:
        """Return what the machine could not tell, so that the rules about it say nothing."""
        unknown = {
            "memory": self.memory_kb is None,
            "Secure Boot": self.secure_boot is None,
            "run level": self.shutting_down is None and self.run_level is None,
            "disks": not self.storage.devices,
            "partition tables": not self.storage.boot_partitions,
            "free space": not self.storage.free_kb,
            "GRUB": self.grub.scanned is None,
            "settings in force of sshd": self.ssh.reported is None,
            "state of sshd": self.ssh.active is None,
            "addresses": not self.network.addresses_known,
            "ephemeral ports": self.network.ports is None,
            "names": any(found is None for found in self.network.names.values()),
            "TCP ports of servers": any(opened is None for opened in self.network.connections.values()),
        }
        return tuple(name for name, is_unknown in unknown.items() if is_unknown)
