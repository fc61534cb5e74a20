# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which distribution a machine is, as the vendor's own detection sees it, and whether both are supported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A distribution by the agent package's OS id (facts, section 5)."""

    os_id: str
    """``RHEL7-64``, ``SLES11-SP3-64``, ``UBUNTU-18.04-64`` …"""
    name: str
    """``redhat``, ``centos``, ``oracle``, ``sles``, ``ubuntu``, ``debian``, or another rebuild of Red Hat's."""
    major: int
    minor: int | None = None
    """The minor release or the service pack; None where the machine doesn't say."""

    @property
    def release(self) -> str:
        """The release as people write it."""
        if self.name == "ubuntu":
            return f"{self.name} {self.major}.{self.minor or 0:02}"
        return f"{self.name} {self.major}" if self.minor is None else f"{self.name} {self.major}.{self.minor}"

    @property
    def family(self) -> str:
        """The OS id without its bits: ``RHEL7``, ``SLES11-SP3``."""
        return self.os_id.removesuffix("-64")


_RELEASE = re.compile(r"release (\d+)(?:\.(\d+))?")
_RED_HATS = {"red hat": "redhat", "centos": "centos", "rocky": "rocky", "alma": "alma"}


def detect(files: Mapping[str, str]) -> Distribution | None:
    """Return the distribution, or None where the vendor's detection finds none.

    ``files`` are the texts of the release files by path. The order is that of OS_details.sh: Oracle before Red Hat,
    since Oracle Linux has both files; SLES 12 is known by SuSE-release alone.
    """
    for path, reader in _READERS:
        found = reader(files[path]) if path in files else None
        if found is not None:
            return found
    return None


def _oracle(text: str) -> Distribution | None:
    found = _RELEASE.search(text)
    return _numbered("OL", "oracle", found) if found else None


def _red_hat(text: str) -> Distribution | None:
    found = _RELEASE.search(text)
    name = next((name for word, name in _RED_HATS.items() if text.lower().startswith(word)), None)
    return _numbered("RHEL", name, found) if found and name else None


def _numbered(prefix: str, name: str, found: re.Match[str]) -> Distribution:
    minor = None if found[2] is None else int(found[2])
    return Distribution(os_id=f"{prefix}{found[1]}-64", name=name, major=int(found[1]), minor=minor)


def _suse(text: str) -> Distribution | None:
    major = re.search(r"^VERSION\s*=\s*(\d+)", text, re.MULTILINE)
    patch = re.search(r"^PATCHLEVEL\s*=\s*(\d+)", text, re.MULTILINE)
    if not text.startswith("SUSE Linux Enterprise") or major is None or major[1] not in {"11", "12"}:
        return None
    level = int(patch[1]) if patch else 0
    os_id = f"SLES11-SP{level}-64" if major[1] == "11" else "SLES12-64"
    return Distribution(os_id=os_id, name="sles", major=int(major[1]), minor=level)


def _os_release(text: str) -> Distribution | None:
    values = dict(re.findall(r"^(ID|VERSION_ID)=[\"']?([^\"'\n]*)", text, re.MULTILINE))
    version = re.fullmatch(r"15(?:\.(\d+))?", values.get("VERSION_ID", ""))
    if version is None or values.get("ID") not in {"sles", "sles_sap", "opensuse-leap"}:
        return None
    return Distribution(os_id="SLES15-64", name="sles", major=15, minor=int(version[1] or 0))


def _ubuntu(text: str) -> Distribution | None:
    found = re.search(r"^DISTRIB_RELEASE=[\"']?(\d+)\.(\d+)", text, re.MULTILINE)
    if found is None or re.search(r"^DISTRIB_ID=[\"']?Ubuntu", text, re.MULTILINE) is None:
        return None
    return Distribution(
        os_id=f"UBUNTU-{found[1]}.{found[2]}-64", name="ubuntu", major=int(found[1]), minor=int(found[2])
    )


def _debian(text: str) -> Distribution | None:
    found = re.match(r"(\d+)(?:\.(\d+))?", text)
    if found is None:
        return None
    minor = int(found[2]) if found[2] else None
    return Distribution(os_id=f"DEBIAN{found[1]}-64", name="debian", major=int(found[1]), minor=minor)


_READERS = (
    ("/etc/oracle-release", _oracle),
    ("/etc/redhat-release", _red_hat),
    ("/etc/SuSE-release", _suse),
    ("/etc/os-release", _os_release),
    ("/etc/lsb-release", _ubuntu),
    ("/etc/debian_version", _debian),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table of supported systems: the minor releases it spans, and the first agent that knows them."""

    first: int = 0
    last: int = 99
    since: tuple[int, ...] = ()
    later: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """Minor releases that a later agent brought: from this one on, that version."""


ROWS: Mapping[str, Row] = {
    "RHEL5": Row(first=2, last=11),
    "RHEL6": Row(first=1, last=10),
    "RHEL7": Row(last=9),
    "RHEL8": Row(last=9, later=((9, (9, 57)),)),
    "RHEL9": Row(last=8, since=(9, 54), later=((2, (9, 60)),)),
    "OL6": Row(first=4, last=10),
    "OL7": Row(last=9),
    "OL8": Row(last=9),
    "OL9": Row(first=2, last=6, since=(9, 60)),
    "SLES11-SP3": Row(),
    "SLES11-SP4": Row(),
    "SLES12": Row(first=1, last=5),
    "SLES15": Row(last=7),
    "UBUNTU-14.04": Row(),
    "UBUNTU-16.04": Row(),
    "UBUNTU-18.04": Row(),
    "UBUNTU-20.04": Row(),
    "UBUNTU-22.04": Row(since=(9, 53)),
    "UBUNTU-24.04": Row(since=(9, 64)),
    "DEBIAN7": Row(),
    "DEBIAN8": Row(),
    "DEBIAN9": Row(first=1, last=13),
    "DEBIAN10": Row(),
    "DEBIAN11": Row(since=(9, 52)),
    "DEBIAN12": Row(since=(9, 61)),
}
"""Facts, section 7. A release that the vendor's script knows isn't thereby supported: RHEL 10 is left out."""


def older_than(agent: tuple[int, ...] | None, version: tuple[int, ...]) -> bool:
    """Whether the agent is known and older than a version."""
    return agent is not None and agent[: len(version)] < version


def unsupported(system: Distribution | None, agent: tuple[int, ...] | None) -> str | None:
    """Return why the release isn't in the table of supported systems, or None where it is."""
    if system is None:
        return "none of the release files in /etc names a distribution that the agent knows"
    row = ROWS.get(system.family)
    if row is None:
        return f"{system.release} is not in the table of supported systems"
    if system.minor is None and row != Row():
        return f"{system.release}: the machine names no minor release, as rolling previews do"
    if (system.minor or 0) < row.first and not system.family.startswith("UBUNTU"):
        return f"{system.release} is older than the first supported release, {system.major}.{row.first}"
    needed = max((row.since, *(since for minor, since in row.later if (system.minor or 0) >= minor)))
    if older_than(agent, needed):
        return f"{system.release} needs agent {'.'.join(map(str, needed))} or newer"
    return None


def is_newer_than_table(system: Distribution) -> bool:
    """Whether the minor release is above the last one that the facts name: it may be supported by now."""
    row = ROWS.get(system.family)
    return row is not None and system.minor is not None and system.minor > row.last


_NUMBERS = re.compile(r"-(\d+(?:\.\d+)*)\.")
_FLOORS = ((305, (305, 30, 1)), (348, (348, 5, 1)))
"""RHEL 8: of these two kernel lines only the builds from there on (S)."""


def _build(kernel: str) -> tuple[int, ...]:
    found = _NUMBERS.search(kernel)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _within(kernel: str, base: str, first: int, last: int, suffix: str) -> bool:
    build = _build(kernel)
    return kernel.startswith(base) and suffix in kernel and bool(build) and first <= build[0] <= last


def _above_floor(kernel: str) -> bool:
    build = _build(kernel)
    return all(build[:1] != (line,) or build >= floor for line, floor in _FLOORS)


def _fits_rule(kernel: str, family: str) -> bool | None:
    """Whether the kernel fits the rule of its OS id (S); None where only a list can tell."""
    rules = {
        "RHEL5": lambda: re.fullmatch(r"2\.6\.18.*\.el5(xen)?(\.x86_64)?", kernel) is not None,
        "RHEL6": lambda: _within(kernel, "2.6.32-", 71, 754, ".el6"),
        "RHEL7": lambda: kernel.endswith(".el7.x86_64"),
        "RHEL8": lambda: ".el8" in kernel and _above_floor(kernel),
        "RHEL9": lambda: ".el9" in kernel,  # by analogy: no source gives a rule for release 9
        "OL6": lambda: (
            _within(kernel, "2.6.32-", 358, 754, ".el6") or re.match(r"(3\.8\.13|4\.1\.12)-.*uek", kernel) is not None
        ),
        "OL7": lambda: re.search(r"\.el7(uek)?\.x86_64$", kernel) is not None,
        "OL8": lambda: "uek" in kernel or (_within(kernel, "4.18.0-", 80, 348, ".el8") and _above_floor(kernel)),
        "OL9": lambda: ".el9" in kernel,
    }
    if family in rules:
        return rules[family]()
    if family.startswith("SLES11"):
        return re.fullmatch(r"3\.0.*-(default|xen)", kernel) is not None
    return True if family.startswith("SLES") and kernel.endswith("-default") else None


def kernel_refused(kernel: str, system: Distribution, listed: frozenset[str] | None) -> str | None:
    """Return why the agent would refuse the running kernel; None where it fits, or no list is given that could tell.

    ``listed`` is the agent package's own list, SLES kernels as ``kernel:sp``.
    """
    spellings = {kernel, f"{kernel}:{system.minor}", f"{kernel}:SP{system.minor}"}
    if listed is not None and listed & spellings:
        return None
    fits = _fits_rule(kernel, system.family)
    if fits is False:
        return f"kernel {kernel} is none of those that the agent knows for {system.os_id}"
    if fits is None and listed is not None:
        return f"kernel {kernel} is not in the given list of supported kernels ({len(listed)} kernels)"
    return None
