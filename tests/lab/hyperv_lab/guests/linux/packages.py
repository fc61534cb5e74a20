# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in installer packages for Linux: the vendor's file names, our own scripts; same input, same bytes."""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..windows import package as windows
from .rows import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCRIPTS = Path(__file__).with_name("package")
DATES = {"9.30": "22Oct2019", "9.48": "24Feb2022", "9.64": "11Mar2025", "9.65": "23Apr2025", "9.66": "20Sep2025"}
OSIDS = tuple(dict.fromkeys(row.osid for row in ROWS.values()))
_SECONDS_PER_STEP = 0.2
_RHEL8 = (
    *("4.18.0-80*.el8*", "4.18.0-147*.el8*", "4.18.0-193*.el8*", "4.18.0-240*.el8*", "4.18.0-372*", "4.18.0-425*"),
    *("4.18.0-305.[3-9][0-9].*", "4.18.0-305.1[0-9][0-9].*", "4.18.0-348.[5-9].*", "4.18.0-348.[1-9][0-9].*"),
)
KERNELS: dict[str, tuple[str, ...]] = {
    "RHEL5-64": ("2.6.18*.el5", "2.6.18*.el5xen"),
    "RHEL6-64": ("2.6.32-*.el6.x86_64",),
    "RHEL7-64": ("*.el7.x86_64", "*.el7_*.x86_64"),
    "RHEL8-64": _RHEL8,
    "OL6-64": ("2.6.32-*.el6.x86_64", "3.8.13-*", "4.1.12-*"),
    "OL7-64": ("*.el7.x86_64", "*.el7uek.x86_64"),
    "OL8-64": (*_RHEL8, "*uek*"),
    "SLES11-SP3-64": ("3.0*-default", "3.0*-xen"),
    "SLES11-SP4-64": ("3.0*-default", "3.0*-xen"),
    "SLES12-64": ("*-default",),
    "SLES15-64": ("*-default",),
}
"""Patterns of kernels by OS id (facts, 6.4); Ubuntu and Debian list exact ones, those of the lab's rows."""


def date_of(version: str) -> str:
    """Return the date in the name of a package; for versions whose date isn't known one of the lab's own."""
    return DATES.get(".".join(version.split(".")[:2]), "15Aug2023")


def file_name(version: str, osid: str) -> str:
    """Return a package's name by the vendor's grammar (facts, section 5)."""
    return f"Microsoft-ASR_UA_{version}_{osid}_GA_{date_of(version)}_release.tar.gz"


def supported_kernels(osid: str) -> tuple[str, ...]:
    """Return the lines of the package's list of kernels."""
    return KERNELS.get(osid) or tuple(row.kernel for row in ROWS.values() if row.osid == osid)


def content(version: str, osid: str, *, seconds_per_step: float = _SECONDS_PER_STEP) -> bytes:
    """Return a package's bytes: a flat .tar.gz with ``install`` in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text, mode in _members(version, osid, seconds_per_step):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), mode
            archive.addfile(entry, io.BytesIO(text))
    return gzip.compress(packed.getvalue(), 6, mtime=0)


def _members(version: str, osid: str, seconds_per_step: float) -> Iterator[tuple[str, bytes, int]]:
    date = date_of(version)
    day = f"{date[2:5]}_{date[:2]}_{date[5:]}"
    conf = f"VERSION={version}\nOSID={osid}\nBUILD_DAY={day}\nSECONDS_PER_STEP={seconds_per_step}\n"
    yield "package.conf", conf.encode(), 0o644
    yield "supported_kernels", "".join(f"{line}\n" for line in supported_kernels(osid)).encode(), 0o644
    for path in sorted(SCRIPTS.rglob("*")):
        if path.is_file():
            name = path.relative_to(SCRIPTS).as_posix()
            yield name, path.read_bytes(), 0o644 if name == "common.sh" else 0o755


def write(folder: Path, versions: Sequence[str], osids: Sequence[str]) -> list[Path]:
    """Write the packages of these versions and systems ("Windows" is one) and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for version in versions:
        for osid in osids:
            if osid == "Windows":
                made = windows.Package(version=version)
                path, bytes_ = folder / made.file_name, made.content()
            else:
                path, bytes_ = folder / file_name(version, osid), content(version, osid)
            path.write_bytes(bytes_)
            written.append(path)
    return written


def main(argv: Sequence[str]) -> int:
    """Run the command ``packages``; return the exit status."""
    parser = argparse.ArgumentParser(prog="hyperv_lab packages", description="Write stand-in installer packages.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--version", action="append", help=f"of the agent, may be repeated ({windows.NEWEST})")
    parser.add_argument("--os", action="append", help="Windows or an OS id, may be repeated (all)")
    arguments = parser.parse_args(argv)
    osids = arguments.os or ["Windows", *OSIDS]
    unknown = [each for each in osids if each != "Windows" and each not in OSIDS]
    if unknown:
        print(f"unknown: {', '.join(unknown)} (known: Windows, {', '.join(OSIDS)})", file=sys.stderr)
        return 2
    for path in write(arguments.folder, arguments.version or [windows.NEWEST], osids):
        print(path)
    return 0
