# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of each era as the reading script prints them: literal files and answers of programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux.evidence import LinuxEvidence
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux.read import evidence
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux.sections import Answer, Sections

ROOT, BOOT, SWAP = "1b2c3d4e-0000-4000-8000-000000000002", "1b2c3d4e-0000-4000-8000-000000000001", "swap-0003"
SFTP = "/usr/libexec/openssh/sftp-server"
SSHD_CONFIG = f"#PasswordAuthentication yes\nPermitRootLogin yes\nSubsystem\tsftp\t{SFTP}\n"
SSHD_TOLD = f"port 22\npermitrootlogin yes\npasswordauthentication yes\nsubsystem sftp {SFTP}\n"

RELEASES: Mapping[str, tuple[Mapping[str, str], str]] = {
    "rhel-5.11": (
        {"/etc/redhat-release": "Red Hat Enterprise Linux Server release 5.11 (Tikanga)\n"},
        "2.6.18-398.el5",
    ),
    "rhel-6.10": (
        {"/etc/redhat-release": "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n"},
        "2.6.32-754.35.1.el6.x86_64",
    ),
    "rhel-7.9": (
        {"/etc/redhat-release": "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n"},
        "3.10.0-1160.el7.x86_64",
    ),
    "rhel-8.4": (
        {"/etc/redhat-release": "Red Hat Enterprise Linux release 8.4 (Ootpa)\n"},
        "4.18.0-305.30.1.el8_4.x86_64",
    ),
    "centos-5.11": ({"/etc/redhat-release": "CentOS release 5.11 (Final)\n"}, "2.6.18-398.el5xen"),
    "centos-6.10": ({"/etc/redhat-release": "CentOS release 6.10 (Final)\n"}, "2.6.32-754.el6.x86_64"),
    "centos-7.9": ({"/etc/redhat-release": "CentOS Linux release 7.9.2009 (Core)\n"}, "3.10.0-1160.2.1.el7.x86_64"),
    "centos-8.3": ({"/etc/redhat-release": "CentOS Linux release 8.3.2011\n"}, "4.18.0-240.el8.x86_64"),
    "oracle-6.10": (
        {
            "/etc/oracle-release": "Oracle Linux Server release 6.10\n",
            "/etc/redhat-release": "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n",
        },
        "4.1.12-124.16.4.el6uek.x86_64",
    ),
    "oracle-7.9": (
        {
            "/etc/oracle-release": "Oracle Linux Server release 7.9\n",
            "/etc/redhat-release": "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n",
        },
        "5.4.17-2011.6.2.el7uek.x86_64",
    ),
    "oracle-8.4": (
        {
            "/etc/oracle-release": "Oracle Linux Server release 8.4\n",
            "/etc/redhat-release": "Red Hat Enterprise Linux release 8.4 (Ootpa)\n",
        },
        "5.4.17-2102.201.3.el8uek.x86_64",
    ),
    "sles-11.3": (
        {"/etc/SuSE-release": "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 3\n"},
        "3.0.101-0.47.71-default",
    ),
    "sles-11.4": (
        {"/etc/SuSE-release": "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n"},
        "3.0.101-108.13-xen",
    ),
    "sles-12.5": (
        {
            "/etc/SuSE-release": "SUSE Linux Enterprise Server 12 (x86_64)\nVERSION = 12\nPATCHLEVEL = 5\n",
            "/etc/os-release": 'NAME="SLES"\nVERSION="12-SP5"\nVERSION_ID="12.5"\nID="sles"\n',
        },
        "4.12.14-120-default",
    ),
    "sles-15.2": (
        {"/etc/os-release": 'NAME="SLES"\nVERSION="15-SP2"\nVERSION_ID="15.2"\nID="sles"\n'},
        "5.3.18-22-default",
    ),
    "ubuntu-14.04": (
        {
            "/etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=14.04\nDISTRIB_CODENAME=trusty\n",
            "/etc/debian_version": "jessie/sid\n",
        },
        "4.4.0-142-generic",
    ),
    "ubuntu-18.04": (
        {
            "/etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=18.04\nDISTRIB_CODENAME=bionic\n",
            "/etc/debian_version": "buster/sid\n",
            "/etc/os-release": 'ID=ubuntu\nVERSION_ID="18.04"\n',
        },
        "4.15.0-112-generic",
    ),
    "ubuntu-20.04": (
        {"/etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=20.04\n", "/etc/debian_version": "bullseye/sid\n"},
        "5.4.0-42-generic",
    ),
    "debian-7": ({"/etc/debian_version": "7.11\n"}, "3.2.0-6-amd64"),
    "debian-8": ({"/etc/debian_version": "8.11\n", "/etc/os-release": "ID=debian\n"}, "3.16.0-11-amd64"),
    "debian-9": ({"/etc/debian_version": "9.13\n", "/etc/os-release": "ID=debian\n"}, "4.9.0-13-amd64"),
}
OS_IDS = {
    "rhel-5.11": "RHEL5-64",
    "rhel-6.10": "RHEL6-64",
    "rhel-7.9": "RHEL7-64",
    "rhel-8.4": "RHEL8-64",
    "centos-5.11": "RHEL5-64",
    "centos-6.10": "RHEL6-64",
    "centos-7.9": "RHEL7-64",
    "centos-8.3": "RHEL8-64",
    "oracle-6.10": "OL6-64",
    "oracle-7.9": "OL7-64",
    "oracle-8.4": "OL8-64",
    "sles-11.3": "SLES11-SP3-64",
    "sles-11.4": "SLES11-SP4-64",
    "sles-12.5": "SLES12-64",
    "sles-15.2": "SLES15-64",
    "ubuntu-14.04": "UBUNTU-14.04-64",
    "ubuntu-18.04": "UBUNTU-18.04-64",
    "ubuntu-20.04": "UBUNTU-20.04-64",
    "debian-7": "DEBIAN7-64",
    "debian-8": "DEBIAN8-64",
    "debian-9": "DEBIAN9-64",
}

TREE = "sda     sda\n|-sda1  sda1\n|-sda2  sda2\n`-sda3  sda3\nsr0     sr0\n"
PAIRS = f"""KNAME="sda" NAME="sda" TYPE="disk" SIZE="42949672960" FSTYPE="" MOUNTPOINT="" UUID=""
KNAME="sda1" NAME="sda1" TYPE="part" SIZE="524288000" FSTYPE="ext4" MOUNTPOINT="/boot" UUID="{BOOT}"
KNAME="sda2" NAME="sda2" TYPE="part" SIZE="38654705664" FSTYPE="ext4" MOUNTPOINT="/" UUID="{ROOT}"
KNAME="sda3" NAME="sda3" TYPE="part" SIZE="2147483648" FSTYPE="swap" MOUNTPOINT="[SWAP]" UUID="{SWAP}"
KNAME="sr0" NAME="sr0" TYPE="rom" SIZE="1073741312" FSTYPE="" MOUNTPOINT="" UUID=""
"""
MTAB = "/dev/sda2 / ext4 rw 0 0\n/dev/sda1 /boot ext4 rw 0 0\n"
SPACE = """Filesystem     1024-blocks    Used Available Capacity Mounted on
/dev/sda2         37024320 3145728  31997952       9% /
/dev/sda1           487634   88934    373100      20% /boot
"""
TABLE = """# partition table of /dev/sda
unit: sectors

/dev/sda1 : start=     2048, size=  1024000, Id=83, bootable
/dev/sda2 : start=  1026048, size= 75497472, Id=83
/dev/sda3 : start= 76523520, size=  4194304, Id=82
/dev/sda4 : start=        0, size=        0, Id= 0
"""
GRUB_CFG = f"""set timeout=5
menuentry 'Linux' --class gnu-linux {{
  search --no-floppy --fs-uuid --set=root {BOOT}
  linux /vmlinuz root=UUID={ROOT} ro quiet
}}
"""
DEFAULTS = 'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX="quiet crashkernel=auto"\n'
PROGRAMS: tuple[str, ...] = ("sfdisk", "dmsetup", "blkid", "lvdisplay", "vgdisplay", "which", "locale", "bash")
PROGRAMS += ("dhclient", "dhcpcd", "wickedd-dhcp4", "grub2-mkconfig")


HEALTHY: Mapping[str, str] = {
    "memory": "MemTotal:        4045360 kB\nMemFree: 3000000 kB\nBuffers: 1000 kB\nCached: 100000 kB\n",
    "locale": "C\nPOSIX\nen_US.utf8\n",
    "shutdown": "inactive\n",
    "fstab": f"UUID={BOOT} /boot ext4 defaults 1 2\n",
    "mounts /etc/mtab": MTAB,
    "space": SPACE,
    "tree": TREE,
    "devices": PAIRS,
    "dm-status": "No devices found\n",
    "table sda": TABLE,
    "lines /boot/grub2/grub.cfg": "\n".join(line for line in GRUB_CFG.splitlines() if "linux" in line) + "\n",
    "sshd-global": SSHD_TOLD,
    "sshd-root": SSHD_TOLD,
    "systemd sshd": "active\n",
    "addresses": "1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet 10.1.2.3/24 scope global\n",
    "ports": "28232 40\n",
    "tcp": "",
}


@dataclass(frozen=True)
class Told:
    """What the script would print, in parts that a test can exchange."""

    files: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def file(self, path: str, text: str | None) -> Told:
        """With another file, or without it."""
        kept = {name: each for name, each in self.files.items() if name != path}
        return replace(self, files=kept if text is None else {**kept, path: text})

    def answer(self, name: str, text: str | None, exit_code: int = 0) -> Told:
        """With another answer of a program, or without the program."""
        kept = {each: answer for each, answer in self.answers.items() if each != name}
        return replace(self, answers=kept if text is None else {**kept, name: Answer(exit_code=exit_code, text=text)})

    def value(self, name: str, text: str | None) -> Told:
        """With another value, or without it."""
        kept = {each: value for each, value in self.values.items() if each != name}
        return replace(self, values=kept if text is None else {**kept, name: text})

    def without(self, program: str) -> Told:
        """Without a program."""
        return self.value(f"program {program}", None)

    def sections(self) -> Sections:
        return Sections(files=self.files, answers=self.answers, values=self.values)

    def evidence(self, *servers: tuple[str, int]) -> LinuxEvidence:
        return evidence(self.sections(), servers)


def healthy(row: str = "rhel-7.9") -> Told:
    """A healthy machine: partitions for /boot, / and swap on one disk."""
    files, kernel = RELEASES[row]
    codes = {"systemd ssh": Answer(exit_code=3, text="inactive\n")}
    return Told(
        files={
            **files,
            "/proc/cmdline": f"BOOT_IMAGE=/vmlinuz root=UUID={ROOT} ro quiet\n",
            "/etc/hosts": "127.0.0.1 localhost\n10.1.2.3 lin01.example.org lin01\n",
            "/etc/default/grub": DEFAULTS,
            "/etc/ssh/sshd_config": SSHD_CONFIG,
        },
        answers={**{name: Answer(exit_code=0, text=text) for name, text in HEALTHY.items()}, **codes},
        values={
            "uid": "0",
            "kernel": kernel,
            "machine": "x86_64",
            "hostname": "lin01",
            "kerneldirectory": "yes",
            "sshd": "/usr/sbin/sshd",
            "ssh-version": "OpenSSH_7.4p1, OpenSSL 1.0.2k-fips  26 Jan 2017",
            f"sftp {SFTP}": "yes",
            f"storvsc /boot/initrd-{kernel}.img": "lib/hv_storvsc.ko",
            "name lin01": "10.1.2.3 lin01",
            **{f"program {name}": "yes" for name in PROGRAMS},
        },
    )
