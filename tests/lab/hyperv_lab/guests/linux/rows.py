# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systems that machines can have: one row for each of the published table, as far as the Mobility service cares.

What tells a system apart (release files, kernel, boot loader, init, programs that exist) follows the distribution's
own; versions of kernels are ones that it shipped.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """A system. Paths are those inside of a machine."""

    name: str
    family: str
    """ "rhel" (with CentOS and Oracle), "sles", "debian" (with Ubuntu)."""
    osid: str
    """The id in the names of the agent's packages."""
    kernel: str
    releases: dict[str, str]
    """Release files by path; what isn't here doesn't exist."""
    init: str
    """ "systemd", "upstart" or "sysv"."""
    grub: str
    """ "legacy" (menu.lst), "grub" (/boot/grub/grub.cfg), "grub2" (/boot/grub2/grub.cfg), "bls" (that with entries)."""
    sftp: str
    """The path of the SFTP server that its sshd_config names."""
    filesystem: str = "ext4"
    absent: frozenset[str] = frozenset()
    """Programs that this system hasn't, of those that others have."""
    openssh: str = "OpenSSH_7.4p1"
    """What its ssh -V says."""

    @property
    def ssh_service(self) -> str:
        """Return what its SSH service is called."""
        return "ssh" if self.family == "debian" else "sshd"

    @property
    def grub_files(self) -> str:
        """Return the folder of GRUB's files."""
        return "/boot/grub2" if self.grub in ("grub2", "bls") else "/boot/grub"


_BEFORE_UTIL_LINUX_2_19 = frozenset({"lsblk", "findmnt"})
_BEFORE_COREUTILS_7 = frozenset({"timeout", "sha256sum", "sha512sum", "base64", "nproc", "truncate", "realpath"})
_NO_SYSTEMD = frozenset({"systemctl", "hostnamectl", "journalctl"})
_NO_SYSV = frozenset({"chkconfig", "initctl"})
_REDHAT_ONLY = frozenset({"grubby", "lsinitrd", "getenforce", "grub2-mkconfig", "grub2-script-check", "chkconfig"})
_DEBIAN_ONLY = frozenset({"update-grub", "grub-mkconfig", "grub-script-check", "lsinitramfs", "update-rc.d"})
_SLES_ONLY = frozenset({"rcsshd", "dhcpcd"})
_GRUB2 = frozenset({"grub2-mkconfig", "grub2-script-check"})


def _os_release(name: str, id_: str, version: str, version_id: str, **more: str) -> str:
    lines = {"NAME": name, "VERSION": version, "ID": id_, "VERSION_ID": version_id, **more}
    return "".join(f'{key}="{value}"\n' for key, value in lines.items())


def _redhat(name: str, *, version: str, kernel: str) -> Row:
    """Return a row of RHEL, CentOS or Oracle Linux."""
    major = int(version.split(".", maxsplit=1)[0])
    title = "Red Hat Enterprise Linux Server" if major < 8 else "Red Hat Enterprise Linux"
    code = _RHEL_NAMES[major]
    if name == "centos":
        title, code = ("CentOS", "Final") if major < 7 else ("CentOS Linux", "Core")
    releases = {"/etc/redhat-release": f"{title} release {version} ({code})\n"}
    if name == "oracle":
        releases["/etc/oracle-release"] = f"Oracle Linux Server release {version}\n"
    if major >= 7:
        shown = "Oracle Linux Server" if name == "oracle" else title
        short = {"oracle": "ol"}.get(name, name)
        ids = version if name != "centos" else str(major)
        releases["/etc/os-release"] = _os_release(shown, short, f"{ids} ({code})", ids, ID_LIKE="fedora")
    absent = _DEBIAN_ONLY | _SLES_ONLY | {"dpkg", "dpkg-deb", "rpm", "btrfs"}
    if major < 6:
        absent |= _BEFORE_UTIL_LINUX_2_19 | _BEFORE_COREUTILS_7 | {"mokutil"}
    if major != 6:
        absent |= {"initctl"}
    if major > 5:
        absent |= {"wget"}
    if major < 7:
        absent |= _NO_SYSTEMD | _GRUB2 | {"realpath"}
    return Row(
        name=f"{name}-{version}",
        family="rhel",
        osid=f"{'OL' if name == 'oracle' else 'RHEL'}{major}-64",
        kernel=kernel,
        releases=releases,
        init="systemd" if major >= 7 else "upstart" if major == 6 else "sysv",
        grub="legacy" if major < 7 else "grub2" if major == 7 else "bls",
        sftp="/usr/libexec/openssh/sftp-server",
        openssh={5: "OpenSSH_4.3p2", 6: "OpenSSH_5.3p1", 7: "OpenSSH_7.4p1", 8: "OpenSSH_8.0p1"}[major],
        filesystem="ext3" if major == 5 else "ext4" if major == 6 else "xfs",
        absent=frozenset(absent),
    )


_RHEL_NAMES = {5: "Tikanga", 6: "Santiago", 7: "Maipo", 8: "Ootpa"}


def _sles(version: str, kernel: str) -> Row:
    major, patch = version.split(".")
    releases = {}
    if major != "15":
        releases["/etc/SuSE-release"] = (
            f"SUSE Linux Enterprise Server {major} (x86_64)\nVERSION = {major}\nPATCHLEVEL = {patch}\n"
        )
    if major != "11" or patch == "4":
        dotted = version if patch != "0" else major
        shown = f"{major}-SP{patch}" if major != "11" else f"{major}.{patch}"
        releases["/etc/os-release"] = _os_release("SLES", "sles", shown, dotted)
    absent = _DEBIAN_ONLY | frozenset({"grubby", "getenforce", "initctl", "dpkg", "dpkg-deb", "rpm"})
    old = major == "11"
    if old:
        absent |= _NO_SYSTEMD | _GRUB2 | {"dhclient", "realpath", "lsinitrd"}
    else:
        absent |= {"dhcpcd"}
    if major == "15":
        absent |= {"dhclient"}
    return Row(
        name=f"sles-{version}",
        family="sles",
        osid=f"SLES11-SP{patch}-64" if old else f"SLES{major}-64",
        kernel=kernel,
        releases=releases,
        init="sysv" if old else "systemd",
        grub="legacy" if old else "grub2",
        sftp="/usr/lib64/ssh/sftp-server" if old else "/usr/lib/ssh/sftp-server",
        openssh={"11": "OpenSSH_6.6.1p1", "12": "OpenSSH_7.2p2", "15": "OpenSSH_8.1p1"}[major],
        filesystem="ext3" if old else "btrfs" if major == "15" else "ext4",
        absent=frozenset(absent),
    )


def _ubuntu(version: str, code: str, kernel: str, *, init: str) -> Row:
    releases = {
        "/etc/os-release": _os_release(
            "Ubuntu",
            "ubuntu",
            f"{version} LTS ({code})",
            version,
            PRETTY_NAME=f"Ubuntu {version} LTS",
        ),
        "/etc/lsb-release": (
            f"DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE={version}\nDISTRIB_CODENAME={code.split(maxsplit=1)[0].lower()}\n"
            f'DISTRIB_DESCRIPTION="Ubuntu {version} LTS"\n'
        ),
        "/etc/debian_version": {"14.04": "jessie/sid", "16.04": "stretch/sid", "18.04": "buster/sid"}.get(
            version, "bullseye/sid"
        )
        + "\n",
    }
    return _deb(f"ubuntu-{version}", f"UBUNTU-{version}-64", kernel, releases, init)


def _debian(version: str, point: str, code: str, kernel: str, *, init: str) -> Row:
    releases = {
        "/etc/os-release": _os_release("Debian GNU/Linux", "debian", f"{version} ({code})", version),
        "/etc/debian_version": point + "\n",
    }
    return _deb(f"debian-{version}", f"DEBIAN{version}-64", kernel, releases, init)


_DEB_OPENSSH = {
    "ubuntu-14.04": "OpenSSH_6.6.1p1",
    "ubuntu-16.04": "OpenSSH_7.2p2",
    "ubuntu-18.04": "OpenSSH_7.6p1",
    "ubuntu-20.04": "OpenSSH_8.2p1",
    "debian-7": "OpenSSH_6.0p1",
    "debian-8": "OpenSSH_6.7p1",
    "debian-9": "OpenSSH_7.4p1",
}


def _deb(name: str, osid: str, kernel: str, releases: dict[str, str], init: str) -> Row:
    absent = _REDHAT_ONLY | _SLES_ONLY | {"curl", "rpm", "dpkg", "btrfs", "openssl"}
    if init != "systemd":
        absent |= _NO_SYSTEMD
    if init != "upstart":
        absent |= {"initctl"}
    return Row(
        name=name,
        family="debian",
        osid=osid,
        kernel=kernel,
        releases=releases,
        init=init,
        grub="grub",
        sftp="/usr/lib/openssh/sftp-server",
        openssh=_DEB_OPENSSH[name],
        absent=frozenset(absent),
    )


ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        _redhat("rhel", version="5.11", kernel="2.6.18-398.el5"),
        _redhat("rhel", version="6.10", kernel="2.6.32-754.el6.x86_64"),
        _redhat("rhel", version="7.9", kernel="3.10.0-1160.el7.x86_64"),
        _redhat("rhel", version="8.4", kernel="4.18.0-305.30.1.el8_4.x86_64"),
        _redhat("centos", version="5.11", kernel="2.6.18-398.el5"),
        _redhat("centos", version="6.10", kernel="2.6.32-754.el6.x86_64"),
        _redhat("centos", version="7.9", kernel="3.10.0-1160.el7.x86_64"),
        _redhat("centos", version="8.3", kernel="4.18.0-240.el8.x86_64"),
        _redhat("oracle", version="6.10", kernel="2.6.32-754.el6.x86_64"),
        _redhat("oracle", version="7.9", kernel="3.10.0-1160.el7.x86_64"),
        _redhat("oracle", version="8.4", kernel="4.18.0-305.30.1.el8_4.x86_64"),
        _sles("11.3", "3.0.76-0.11-default"),
        _sles("11.4", "3.0.101-63-default"),
        _sles("12.5", "4.12.14-120-default"),
        _sles("15.2", "5.3.18-22-default"),
        _ubuntu("14.04", "Trusty Tahr", "3.13.0-170-generic", init="upstart"),
        _ubuntu("16.04", "Xenial Xerus", "4.4.0-210-generic", init="systemd"),
        _ubuntu("18.04", "Bionic Beaver", "4.15.0-213-generic", init="systemd"),
        _ubuntu("20.04", "Focal Fossa", "5.4.0-150-generic", init="systemd"),
        _debian("7", "7.11", "wheezy", "3.2.0-6-amd64", init="sysv"),
        _debian("8", "8.11", "jessie", "3.16.0-11-amd64", init="systemd"),
        _debian("9", "9.13", "stretch", "4.9.0-19-amd64", init="systemd"),
    )
}
