# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree held against its manifest: what is missing, short, or not what was exported."""

from __future__ import annotations

import ntpath
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from ...findings import Finding, Severity
from . import files
from . import manifest as manifests
from .export_look import folder_of
from .export_tree import size
from .manifest import Manifest, TreeFile

if TYPE_CHECKING:
    from ...session.protocol import Session

TOLD_FROM: Final = 100_000_000
"""Bytes of a file from which it is worth a line of its own."""


class Kind(str, Enum):
    """What is wrong with a file of a tree."""

    MISSING = "missing"
    SIZE = "size"
    HASH = "hash"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A file that is not as the manifest says. ``found`` is its size or hash, "" where it is missing."""

    file: TreeFile
    kind: Kind
    found: str = ""

    @property
    def evidence(self) -> str:
        """Return what is wrong, in words."""
        if self.kind is Kind.MISSING:
            return f"{self.file.path} is missing ({self.file.size} bytes)"
        if self.kind is Kind.SIZE:
            return f"{self.file.path} has {self.found} bytes, the manifest says {self.file.size}"
        return f"{self.file.path} has SHA-256 {self.found}, the manifest says {self.file.sha256}"


def find(session: Session, folder: str, vm_id: str) -> Manifest | None:
    """Return the manifest of the VM's tree below a folder of the host; None where there is none of that VM.

    Raises NoManifest for a file that is no manifest. Whether the tree is right, only ``verify`` tells.
    """
    path = ntpath.join(folder_of(folder, vm_id), manifests.FILE_NAME)
    text = files.read_texts(session, [path])[path]
    if text is None:
        return None
    manifest = manifests.parse(text, where=path)
    return manifest if manifest.vm_id.lower() == vm_id.lower() else None


def verify(
    session: Session, manifest: Manifest, folder: str, *, tell: Callable[[str], None] | None = None
) -> tuple[Problem, ...]:
    """Return every file of the VM's tree below a folder that is not as the manifest says: size first, then SHA-256."""
    home = folder_of(folder, manifest.vm_id)
    lying = {item.path.lower(): item for item in files.tree(session, home) if not item.is_folder}
    found = []
    for file in manifest.files:
        path = ntpath.join(home, file.path)
        item = lying.get(path.lower())
        if item is None:
            found.append(Problem(file=file, kind=Kind.MISSING))
        elif item.size != file.size:
            found.append(Problem(file=file, kind=Kind.SIZE, found=str(item.size)))
        else:
            if tell is not None and file.size >= TOLD_FROM:
                tell(f"{manifest.vm_name}: taking the hash of {ntpath.basename(path)} ({size(file.size)})")
            digest = files.digest(session, path, file.size)
            if digest != file.sha256:
                found.append(Problem(file=file, kind=Kind.HASH, found=digest))
    return tuple(found)


def lacking_room(name: str, folder: str, needed: int, free: int | None) -> Finding | None:
    """Return the finding that files don't fit; None where they do, or where nothing says how much is free."""
    if free is None or needed <= free:
        return None
    return Finding(
        id="space_insufficient",
        severity=Severity.BLOCKING,
        subject=name,
        evidence=f"what is to be fetched needs {size(needed)}; {size(free)} are free at {folder}",
        remedy="Free space there, or choose another path.",
    )
