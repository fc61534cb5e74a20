# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with a Linux machine: how what it prints is bent, and the id that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import Scope
from unit.plugin_utils.asr.linux import machines
from unit.plugin_utils.asr.linux.machines import PAIRS, SSHD_TOLD, TREE, Told

N = "name:ASRMobilityService"

SDB = 'KNAME="sdb" NAME="sdb" TYPE="disk" SIZE="{}" FSTYPE="" MOUNTPOINT="" UUID=""\n'
SDB1 = 'KNAME="sdb1" NAME="sdb1" TYPE="part" SIZE="9999999999" FSTYPE="ext4" MOUNTPOINT="{}" UUID="b1"\n'


def second_disk(told: Told, point: str = "") -> Told:
    told = told.answer("tree", TREE + "sdb     sdb\n`-sdb1  sdb1\n").answer(
        "devices", PAIRS + SDB.format(42949672960) + SDB1.format(point)
    )
    return told.answer("table sdb", "# partition table of /dev/sdb\n/dev/sdb1 : start=2048, size=8, Id=83\n")


def on_lvm(told: Told, *, boot: bool = False, disks: int = 1) -> Told:
    """/ (and /boot) on logical volumes of one group over one or two disks."""
    tree = "sda sda\n|-sda1 sda1\n`-sda2 sda2\n  |-vg-root dm-0\n  `-vg-boot dm-1\n"
    tree += "sdb sdb\n`-sdb1 sdb1\n  |-vg-root dm-0\n  `-vg-boot dm-1\n" if disks == 2 else ""
    pairs = PAIRS.replace('MOUNTPOINT="/"', 'MOUNTPOINT=""') + SDB.format(42949672960) + SDB1.format("")
    pairs += 'KNAME="dm-0" NAME="vg-root" TYPE="lvm" SIZE="1" FSTYPE="xfs" MOUNTPOINT="/" UUID="r"\n'
    pairs += 'KNAME="dm-1" NAME="vg-boot" TYPE="lvm" SIZE="1" FSTYPE="xfs" MOUNTPOINT="" UUID="b"\n'
    mtab = "/dev/mapper/vg-root / xfs rw 0 0\n"
    mtab += "/dev/mapper/vg-boot /boot xfs rw 0 0\n" if boot else "/dev/sda1 /boot ext4 rw 0 0\n"
    told = told.answer("tree", tree).answer("devices", pairs).answer("mounts /etc/mtab", mtab)
    told = told.answer("dm-status", "vg-root: 0 4193 linear \nvg-boot: 0 4193 linear \n")
    return told.answer("table sdb", "# partition table of /dev/sdb\n/dev/sdb1 : start=2048, size=8, Id=8e\n")


def crypt_root(told: Told) -> Told:
    return (
        told.answer("tree", TREE.replace("|-sda2  sda2\n", "|-sda2  sda2\n| `-luks-1 dm-0\n"))
        .answer("devices", PAIRS + 'KNAME="dm-0" NAME="luks-1" TYPE="crypt" SIZE="1" FSTYPE="ext4" UUID="c"\n')
        .answer("mounts /etc/mtab", "/dev/mapper/luks-1 / ext4 rw 0 0\n/dev/sda1 /boot ext4 rw 0 0\n")
    )


def free(told: Told, megabytes: int, point: str = "/") -> Told:
    row = f"/dev/sda9  37024320 3145728 {megabytes * 1024} 9% {point}\n"
    kept = "".join(f"{line}\n" for line in machines.SPACE.splitlines() if not line.endswith(f" {point}"))
    return told.answer("space", kept + row)


def sshd(told: Told, before: str, after: str, *, files: bool = True) -> Told:
    for name in ("sshd-root", "sshd-global"):
        told = told.answer(name, SSHD_TOLD.replace(before, after))
    return told.file("/etc/ssh/sshd_config", after + "\n") if files and after else told


BOOT_ON_SDB = "/dev/sda2 / ext4 rw 0 0\n/dev/sdb1 /boot ext4 rw 0 0\n"
GRUB_LINES = "lines /boot/grub2/grub.cfg"
OLD: Mapping[str, object] = {"agent_version": (9, 19, 0, 0)}

DEFECTS: dict[str, tuple[str, Callable[[Told], Told], Mapping[str, object]]] = {
    "32 bits": ("95213", lambda told: told.value("machine", "i686"), {}),
    "unknown release": ("95213", lambda told: told.file("/etc/redhat-release", "Fedora release 33\n"), {}),
    "old release": ("95213", lambda told: told.file("/etc/redhat-release", "CentOS release 5.1 (Final)\n"), {}),
    "rolling release": ("95213", lambda told: told.file("/etc/redhat-release", "CentOS Stream release 8\n"), {}),
    "own kernel": ("os-unsupported", lambda told: told.value("kernel", "5.10.0-custom"), {}),
    "little memory": ("95572", lambda told: told.answer("memory", "MemTotal: 500000 kB\nMemFree: 400000 kB\n"), {}),
    "memory in use": (
        "95572",
        lambda told: told.answer("memory", "MemTotal: 4000000 kB\nMemFree: 90000 kB\nMemAvailable: 100000 kB\n"),
        {},
    ),
    "driver left": ("95224", lambda told: told.answer("modules", "involflt 208896 0 - Live 0x0\n"), {}),
    "no C locale": (N + "CLocaleNotAvailable", lambda told: told.answer("locale", "en_US.utf8\n"), {}),
    "no locale program": (N + "CLocaleNotAvailable", lambda told: told.answer("locale", None), {}),
    "no host name": (N + "HostNameNotSet", lambda told: told.value("hostname", "(none)"), {}),
    "busybox's no host name": (N + "HostNameNotSet", lambda told: told.value("hostname", "?"), {}),
    "secure boot": (N + "SecureBootEnabled", lambda told: told.answer("secureboot", "SecureBoot enabled\n"), {}),
    "going down": (N + "RunlevelCommandFailure", lambda told: told.answer("shutdown", "active\n"), {}),
    "run level": (
        N + "RunlevelCommandFailure",
        lambda told: told.answer("shutdown", None).answer("runlevel", "N 1\n"),
        {},
    ),
    "no modules": (N + "KernelDirectoryNotExist", lambda told: told.value("kerneldirectory", None), {}),
    "acpi off": (N + "AcpiEqualsToZeroSet", lambda told: told.file("/proc/cmdline", "ro acpi=0 quiet\n"), {}),
    "no dhclient": (N + "DhcpClientNotAvailable", lambda told: told.without("dhclient"), {}),
    "one-pass encryption": (
        N + "InstallerBlockOldOnePassEncryption",
        lambda told: told.file("/var/lib/azure_disk_encryption_config/azure_crypt_mount", "os /dev/sda2 None /\n"),
        {},
    ),
    "read-only": (N + "DirsNotWritable", lambda told: told.value("readonly /usr/local", "yes"), {}),
    "read-only for old shells": (
        N + "DirsNotWritable",
        lambda told: told.answer("mounts /etc/mtab", machines.MTAB + "/dev/sda3 /usr/local ext4 ro,noatime 0 0\n"),
        {},
    ),
    "root nearly full": (N + "FreeSpaceOnRootNotSufficient", lambda told: free(told, 900), {}),
    "root under what is asked": (N + "FreeSpaceOnRootNotSufficient", lambda told: free(told, 1500), {}),
    "root full, no push": (N + "FreeSpaceOnRootNotSufficient", lambda told: free(told, 60), {"scopes": {Scope.AGENT}}),
    "root full": ("95524", lambda told: free(told, 60), {}),
    "tmp full": ("95524", lambda told: free(told, 60, "/tmp"), {}),
    "folder full": (
        N + "FreeSpaceOnRootNotSufficient",
        lambda told: free(told, 200, "/opt"),
        {"install_directory": "/opt/asr"},
    ),
    "boot not mounted": (
        N + "BootPartitionNotMounted",
        lambda told: told.answer("mounts /etc/mtab", "/dev/sda2 / ext4 rw 0 0\n"),
        {},
    ),
    "reiserfs": (
        N + "UnsupportedRootFileSystem",
        lambda told: told.answer("mounts /etc/mtab", machines.MTAB.replace("/ ext4", "/ reiserfs")),
        {},
    ),
    "btrfs over two": (
        N + "UnsupportedRootFileSystem",
        lambda told: told.answer("mounts /etc/mtab", machines.MTAB.replace("/ ext4", "/ btrfs")).answer(
            "btrfs", "Label: none\n\tdevid 1 size 1 path /dev/sda2\n\tdevid 2 size 1 path /dev/sdb\n"
        ),
        {},
    ),
    "btrfs over two, by their UUID": (
        N + "UnsupportedRootFileSystem",
        lambda told: second_disk(told)
        .answer("mounts /etc/mtab", machines.MTAB.replace("/ ext4", "/ btrfs"))
        .answer("devices", PAIRS + SDB.format(42949672960) + SDB1.format("").replace('"b1"', f'"{machines.ROOT}"')),
        {},
    ),
    "btrfs and an old agent": (
        N + "UnsupportedRootFileSystem",
        lambda told: told.answer("mounts /etc/mtab", machines.MTAB.replace("/ ext4", "/ btrfs")),
        {"agent_version": (9, 21)},
    ),
    "ext2 for boot": (
        N + "UnsupportedBootFileSystem",
        lambda told: told.answer("mounts /etc/mtab", machines.MTAB.replace("/boot ext4", "/boot ext2")),
        {},
    ),
    "raw disk": (
        "150039",
        lambda told: told.answer("tree", TREE + "sdb sdb\n")
        .answer("devices", PAIRS + SDB.format(42949672960))
        .answer("table sdb", "", 1),
        {},
    ),
    "small disk": (
        "150172",
        lambda told: second_disk(told).answer("devices", PAIRS + SDB.format(900 << 20) + SDB1.format("/data")),
        {},
    ),
    "boot on another disk": (
        "95309",
        lambda told: second_disk(told).answer("mounts /etc/mtab", BOOT_ON_SDB),
        OLD,
    ),
    "usr on another disk": (
        "95309",
        lambda told: second_disk(told).answer("mounts /etc/mtab", machines.MTAB + "/dev/sdb1 /usr ext4 rw 0 0\n"),
        OLD,
    ),
    "no disk for boot": (
        "95310",
        lambda told: told.answer("mounts /etc/mtab", machines.MTAB.replace("sda1", "ram1")).answer(
            "devices", PAIRS.replace('MOUNTPOINT="/boot"', 'MOUNTPOINT=""')
        ),
        {},
    ),
    "no disk for root": (
        N + "SystemDiskNotFound",
        lambda told: told.answer("mounts /etc/mtab", "/dev/sdz9 / ext4 rw 0 0\n/dev/sda1 /boot ext4 rw 0 0\n").answer(
            "devices", PAIRS.replace('MOUNTPOINT="/"', 'MOUNTPOINT=""')
        ),
        {},
    ),
    "two boot disks": (
        "95311",
        lambda told: second_disk(told).answer("table sdb", "/dev/sdb1 : start=2048, size=8, Id=83, bootable\n"),
        {},
    ),
    "two EFI disks": (
        "95311",
        lambda told: second_disk(told).answer(
            "table sdb", "/dev/sdb1 : start=2048, size=8, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=1\n"
        ),
        {},
    ),
    "boot over two disks": ("95311", lambda told: on_lvm(told, boot=True, disks=2), {}),
    "boot over two disks, old agent": ("95311", lambda told: on_lvm(told, boot=True, disks=2), OLD),
    "root over two disks": ("95313", lambda told: on_lvm(told, disks=2), OLD),
    "root on LVM": ("lvm-9.20", on_lvm, OLD),
    "boot on LVM": ("lvm-9.20", lambda told: on_lvm(told, boot=True), OLD),
    "thin volume": (
        "lvm-9.20",
        lambda told: on_lvm(told).answer("dm-status", "vg-root: 0 4193 thin 8 9\nvg-boot: 0 4193 linear \n"),
        {"agent_version": (9, 47)},
    ),
    "no lvm2": (N + "LvmPackageMissing", lambda told: on_lvm(told).without("vgdisplay"), {}),
    "encrypted root and 9.35": ("151137", crypt_root, {"agent_version": (9, 35, 5662, 1)}),
    "grub.cfg by name": ("95320", lambda told: told.answer(GRUB_LINES, "linux /vmlinuz root=/dev/sda2 ro\n"), {}),
    "resume by name": (
        "95320",
        lambda told: told.file("/etc/default/grub", 'GRUB_CMDLINE_LINUX="resume=/dev/sda3 quiet"\n'),
        {},
    ),
    "menu.lst by name": (
        "95320",
        lambda told: told.answer(GRUB_LINES, None).file(
            "/boot/grub/menu.lst", "title x\n\tkernel /vmlinuz ro root=/dev/sda2\n"
        ),
        {},
    ),
    "by id": ("95320", lambda told: told.answer(GRUB_LINES, "linux /v root=/dev/disk/by-id/scsi-1-part2\n"), {}),
    "missing volume": (
        "151124",
        lambda told: told.file("/etc/default/grub", 'GRUB_CMDLINE_LINUX="rd.lvm.lv=vg/gone quiet"\n'),
        {},
    ),
    "sudo user": ("95525", lambda told: told, {"push_account": "admin"}),
    "no sshd": ("95117", lambda told: told.value("sshd", None), {}),
    "sshd stopped": ("95117", lambda told: told.answer("systemd sshd", "inactive\n", 3), {}),
    "other port": ("95117", lambda told: sshd(told, "port 22", "port 2222"), {}),
    "restart due": ("95108", lambda told: told.value("sshd-due", "yes"), {}),
    "no SFTP": ("95108", lambda told: sshd(told, f"subsystem sftp {machines.SFTP}\n", "", files=False).file(
        "/etc/ssh/sshd_config", machines.SSHD_CONFIG.replace("Subsystem", "#Subsystem")), {}),
    "no password": ("95108", lambda told: sshd(told, "passwordauthentication yes", "passwordauthentication no"), {}),
    "no root": ("95108", lambda told: sshd(told, "permitrootlogin yes", "permitrootlogin without-password"), {}),
    "no ports": ("95117", lambda told: told.answer("ports", "28232 28200\n"), {}),
    "own name": ("95117", lambda told: told.file("/etc/hosts", "127.0.0.1 localhost\n"), {}),
    "own name nowhere": (
        "95117",
        lambda told: told.file("/etc/hosts", "127.0.0.1 localhost\n").value("name lin01", ""),
        {},
    ),
    "no address": ("register:no-valid-ip", lambda told: told.answer("addresses", "1: lo    inet 127.0.0.1/8\n"), {}),
    "server's name": (
        "ConfiguratorConfigurationFailedWithDNSissue",
        lambda told: told.value("name cs01", ""),
        {"server_names": ("cs01",)},
    ),
    "proxy": ("151072", lambda told: told.answer("proxy", "Address=http://10.1.1.1\nPort=\n"), {}),
    "platform": (
        "register:platform-null",
        lambda told: told.file("/usr/local/.vx_version", "VERSION=9.55.0.0\n").answer("agent", "VmPlatform=\n"),
        {},
    ),
}  # fmt: skip
