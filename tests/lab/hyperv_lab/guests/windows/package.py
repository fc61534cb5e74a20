# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in installer packages for Windows: one small file that says what it stands for, and a digest that seals it.

No byte of it is the vendor's. ``python -m hyperv_lab packages`` writes such files.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from .dispatch import STAND_IN

PROGRAM = "asr-package"
NEWEST = "9.66.7567.1"
SIGNER = "CN=Microsoft Corporation, O=Microsoft Corporation, L=Redmond, S=Washington, C=US"
"""The signer's name that a sound stand-in claims: an installer check has to have one to look at."""
SIGNATURES = ("valid", "untrusted", "none")
_DATES = {
    "9.48": "24Feb2022",
    "9.30": "22Oct2019",
    "9.64": "11Mar2025",
    "9.65": "23Apr2025",
    "9.66": "20Sep2025",
}
_SEAL = b"digest: "
_NAME = re.compile(r"Microsoft-ASR_UA_(?P<version>[\d.]+)_(?P<os>[A-Za-z0-9.-]+)_GA_(?P<date>\w+)_release\.exe", re.I)


@dataclass(frozen=True, kw_only=True)
class Package:
    """What a package stands for."""

    version: str
    os: str = "Windows"
    signature: str = "valid"
    """How it was signed: "valid", "untrusted" (by another authority) or "none"."""

    @property
    def file_name(self) -> str:
        """Return its name by the vendor's grammar (facts, section 5)."""
        date = _DATES.get(".".join(self.version.split(".")[:2]), "15Aug2023")
        return f"Microsoft-ASR_UA_{self.version}_{self.os}_GA_{date}_release.exe"

    def content(self) -> bytes:
        """Return the file's bytes."""
        lines = (f"version: {self.version}", f"os: {self.os}", f"signature: {self.signature}")
        body = STAND_IN + PROGRAM.encode() + b"\n" + "".join(f"{line}\n" for line in lines).encode()
        body += b"This is no installer: it is a stand-in of the lab of the Ansible collection hyperv.mobility.\n"
        return body + _SEAL + hashlib.sha256(body).hexdigest().encode() + b"\n"


def read(content: bytes) -> Package | None:
    """Return what a package's bytes stand for; None for damaged ones and for any other file."""
    body, seal, digest = content.rpartition(_SEAL)
    first = STAND_IN + PROGRAM.encode() + b"\n"
    if not seal or not body.startswith(first) or digest != hashlib.sha256(body).hexdigest().encode() + b"\n":
        return None
    rows = dict(line.split(": ", 1) for line in body.decode().splitlines()[1:4])
    return Package(version=rows["version"], os=rows["os"], signature=rows["signature"])


def signature_status(content: bytes) -> str:
    """Return the Authenticode status of a file's bytes: Valid, HashMismatch, NotTrusted or NotSigned."""
    if not content.startswith(STAND_IN + PROGRAM.encode()):
        return "NotSigned"
    known = read(content)
    if known is None:
        return "HashMismatch"
    return {"valid": "Valid", "untrusted": "NotTrusted", "none": "NotSigned"}[known.signature]


def signer(content: bytes) -> str | None:
    """Return the subject of the certificate that a file claims to be signed with, None for an unsigned one."""
    known = read(content)
    status = signature_status(content)
    if status == "NotSigned":
        return None
    return "CN=Somebody Else" if known is not None and known.signature == "untrusted" else SIGNER


def named(file_name: str) -> Package | None:
    """Return the package that a file name of the vendor's grammar means, None for another name."""
    found = _NAME.fullmatch(file_name)
    return Package(version=found["version"], os=found["os"]) if found else None


def stand_in(program: str, version: str) -> bytes:
    """Return the file of a stand-in's program, as the package brings it."""
    return STAND_IN + f"{program}\nversion: {version}\n".encode()
