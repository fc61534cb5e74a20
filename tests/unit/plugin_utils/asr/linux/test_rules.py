# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each defect gives exactly its id (or documented pair); a healthy machine of each row gives none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import Cure, Scope
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux import rules
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.patient import Wanted
from ansible_collections.hyperv.mobility.plugins.plugin_utils.findings import Severity
from unit.plugin_utils.asr.linux import machines
from unit.plugin_utils.asr.linux.machines import OS_IDS, PAIRS, RELEASES, SSHD_TOLD, TREE, Told, healthy

EVERYTHING = frozenset({Scope.PUSH, Scope.AGENT, Scope.REGISTER})
N = "name:ASRMobilityService"


def wanted(**more: object) -> Wanted:
    return Wanted(**{"scopes": EVERYTHING, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("row", RELEASES)
def test_a_healthy_machine_of_each_row_has_no_finding(row: str) -> None:
    evidence = healthy(row).evidence()
    assert evidence.system is not None
    assert evidence.system.os_id == OS_IDS[row]
    listed = frozenset({evidence.kernel})
    assert rules.judge(evidence, wanted()) == ()
    assert rules.judge(evidence, wanted(agent_version=(9, 19), supported_kernels=listed)) == ()


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


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_gives_its_id_alone(name: str) -> None:
    error_id, defect, more = DEFECTS[name]
    found = rules.judge(defect(healthy()).evidence(), wanted(**more))
    assert {item.id for item in found} == {error_id}
    assert len({(item.id, item.subject) for item in found}) == len(found) == 1
    assert found[0].as_plain()["id"] == error_id


def test_a_defect_of_a_scope_that_is_not_asked_for_is_not_named() -> None:
    broken = sshd(healthy(), "passwordauthentication yes", "passwordauthentication no").evidence()
    assert rules.judge(broken, wanted(scopes={Scope.AGENT, Scope.REGISTER})) == ()


def test_a_port_that_does_not_open_is_named_and_one_that_nobody_could_try_is_not() -> None:
    told = healthy().answer("tcp", "10.9.9.9 443 1\n10.9.9.9 9443 0\n10.9.9.8 443 125\n10.9.9.7 9443 143\n")
    servers = (("10.9.9.9", 443), ("10.9.9.9", 9443), ("10.9.9.8", 443), ("10.9.9.7", 9443))
    found = rules.judge(told.evidence(*servers), wanted(servers=servers))
    assert [(item.id, item.subject) for item in found] == [
        ("register:curl-7", "10.9.9.9:443"),
        ("78169", "10.9.9.7:9443"),
    ]


@pytest.mark.parametrize("row", ["rhel-5.11", "centos-6.10"])
def test_old_red_hats_need_the_hyper_v_driver_except_in_azure(row: str) -> None:
    told = healthy(row)
    path = next(name for name in told.values if name.startswith("storvsc "))
    told = told.value(path, "")
    assert [item.id for item in rules.judge(told.evidence(), wanted())] == [N + "LisDriversNotAvailable"]
    assert rules.judge(told.evidence(), wanted(platform="Azure")) == ()


@pytest.mark.parametrize(
    ("row", "kernel"),
    [
        ("rhel-8.4", "4.18.0-305.el8.x86_64"),
        ("rhel-8.4", "4.18.0-348.2.1.el8_5.x86_64"),
        ("rhel-6.10", "2.6.32-70.el6.x86_64"),
        ("rhel-7.9", "5.4.17-2011.el7uek.x86_64.debug"),
        ("oracle-6.10", "2.6.32-300.el6.x86_64"),
        ("oracle-8.4", "4.18.0-372.el8.x86_64"),
        ("sles-11.3", "3.0.101-0.47-pae"),
    ],
)
def test_kernels_outside_the_rule_of_their_system_are_refused(row: str, kernel: str) -> None:
    found = rules.judge(healthy(row).value("kernel", kernel).evidence(), wanted())
    assert [item.id for item in found] == ["os-unsupported"]
    assert (
        rules.judge(healthy(row).value("kernel", kernel).evidence(), wanted(supported_kernels=frozenset({kernel})))
        == ()
    )


def test_ubuntus_kernel_is_only_judged_by_a_list() -> None:
    evidence = healthy("ubuntu-18.04").evidence()
    assert rules.judge(evidence, wanted()) == ()
    assert [item.id for item in rules.judge(evidence, wanted(supported_kernels=frozenset({"4.15.0-20-generic"})))] == [
        "os-unsupported"
    ]


def test_sles_kernels_of_other_flavours_are_listed_with_their_service_pack() -> None:
    evidence = healthy("sles-15.2").value("kernel", "5.3.18-18.5-azure").evidence()
    assert rules.judge(evidence, wanted(supported_kernels=frozenset({"5.3.18-18.5-azure:2"}))) == ()
    assert [
        item.id for item in rules.judge(evidence, wanted(supported_kernels=frozenset({"5.3.18-18.5-azure:3"})))
    ] == ["os-unsupported"]


def test_a_release_that_is_too_new_for_the_agent_or_the_table() -> None:
    newer = healthy().file("/etc/redhat-release", "Red Hat Enterprise Linux release 8.9 (Ootpa)\n")
    newer = newer.value("kernel", "4.18.0-513.5.1.el8_9.x86_64")
    assert [item.id for item in rules.judge(newer.evidence(), wanted(agent_version=(9, 56)))] == ["95213"]
    assert rules.judge(newer.evidence(), wanted(agent_version=(9, 57))) == ()
    newest = newer.file("/etc/redhat-release", "Red Hat Enterprise Linux release 8.10 (Ootpa)\n")
    (found,) = rules.judge(newest.evidence(), wanted())
    assert (found.id, found.severity) == ("95213", Severity.WARNING)


def test_dhcp_clients_by_distribution() -> None:
    for row, program in (("sles-11.4", "dhcpcd"), ("sles-15.2", "wickedd-dhcp4"), ("sles-12.5", "dhclient")):
        (found,) = rules.judge(healthy(row).without(program).evidence(), wanted())
        assert (found.id, found.subject) == (N + "DhcpClientNotAvailable", program)


def test_layouts_that_newer_agents_take_are_no_finding() -> None:
    for told in (on_lvm(healthy()), on_lvm(healthy(), boot=True), on_lvm(healthy(), disks=2)):
        assert rules.judge(told.evidence(), wanted(agent_version=(9, 20))) == ()
        assert rules.judge(told.evidence(), wanted()) == ()


def test_paths_of_one_disk_are_one_disk() -> None:
    tree = "".join(f"{disk} {disk}\n`-mpatha dm-0\n  |-mpatha1 dm-1\n  `-mpatha2 dm-2\n" for disk in ("sda", "sdb"))
    names = [("sda", "sda", "disk"), ("sdb", "sdb", "disk"), ("dm-0", "mpatha", "mpath")]
    names += [("dm-1", "mpatha1", "part"), ("dm-2", "mpatha2", "part")]
    pairs = "".join(f'KNAME="{k}" NAME="{n}" TYPE="{t}" SIZE="42949672960"\n' for k, n, t in names)
    told = healthy().answer("tree", tree).answer("devices", pairs)
    told = told.answer("mounts /etc/mtab", "/dev/mapper/mpatha2 / ext4 rw 0 0\n/dev/mapper/mpatha1 /boot ext4 rw 0 0\n")
    told = told.answer("table sdb", machines.TABLE.replace("sda", "sdb"))
    assert rules.judge(told.evidence(), wanted(agent_version=(9, 19))) == ()


def test_a_machine_without_lsblk_is_read_from_proc_and_the_device_mapper() -> None:
    told = healthy("rhel-5.11").answer("tree", None).answer("devices", None)
    told = told.answer(
        "partitions",
        "major minor  #blocks  name\n\n   8 0 41943040 sda\n   8 1 104391 sda1\n   8 2 41833942 sda2\n"
        "   8 16 41943040 sdb\n   8 17 41943040 sdb1\n 253 0 39780352 dm-0\n",
    )
    told = told.answer("dm-list", "VolGroup00-LogVol00\t(253, 0)\n")
    told = told.answer("dm-deps", "VolGroup00-LogVol00: 2 dependencies\t: (8, 17) (8, 2)\n")
    told = told.answer("dm-status", "VolGroup00-LogVol00: 0 79560704 linear \n")
    told = told.answer(
        "mounts /etc/mtab", "/dev/mapper/VolGroup00-LogVol00 / ext3 rw 0 0\n/dev/sda1 /boot ext3 rw 0 0\n"
    )
    told = told.answer(GRUB_LINES, None).file(
        "/boot/grub/menu.lst", "title x\n  kernel /vmlinuz ro root=/dev/VolGroup00/LogVol00 rhgb\n"
    )
    assert rules.judge(told.evidence(), wanted()) == ()
    assert [item.id for item in rules.judge(told.evidence(), wanted(agent_version=(9, 19)))] == ["95313"]


def test_what_a_match_block_says_is_left_to_people() -> None:
    told = sshd(healthy(), "passwordauthentication yes", "passwordauthentication no", files=False)
    told = told.file(
        "/etc/ssh/sshd_config",
        "PasswordAuthentication yes\nPermitRootLogin yes\nMatch User root\n PasswordAuthentication no\n",
    )
    (found,) = rules.judge(told.evidence(), wanted())
    assert (found.id, found.cure) == ("95108", Cure.MANUAL)


def test_kinds_of_cures() -> None:
    def cure(name: str) -> Cure:
        _id, defect, more = DEFECTS[name]
        return rules.judge(defect(healthy()).evidence(), wanted(**more))[0].cure

    assert {cure(name) for name in ("no SFTP", "sshd stopped", "grub.cfg by name", "menu.lst by name")} == {Cure.SAFE}
    assert {cure(name) for name in ("no password", "no root")} == {Cure.WEAKENING}
    assert {cure(name) for name in ("by id", "missing volume", "other port", "root full")} == {Cure.MANUAL}


def test_another_systems_root_is_not_rewritten() -> None:
    told = second_disk(healthy()).answer(GRUB_LINES, "linux /v root=/dev/sda2\nlinux /v2 root=/dev/sdb1\n")
    (found,) = rules.judge(told.evidence(), wanted())
    assert (found.id, found.cure) == ("95320", Cure.MANUAL)
    assert "/dev/sdb1 is not what is mounted on /" in found.evidence


def test_sftp_is_reported_with_its_unverified_twin() -> None:
    (found,) = rules.judge(DEFECTS["no SFTP"][1](healthy()).evidence(), wanted())
    assert found.ids == ("95108", "95106")
