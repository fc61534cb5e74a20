# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what is to be imported: the configuration file, the files beside it, and the manifest where there is one."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ...errors import Ambiguous, NotFound
from . import manifest as manifests
from .files import read_texts, stat, tree
from .import_order import VIRTUAL_MACHINES, root_of
from .manifest import Manifest, NoManifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...session.protocol import Session
    from .files import Item

XML: Final = ".xml"
VMCX: Final = ".vmcx"
EXP: Final = ".exp"
"""Windows Server 2008 and 2008 R2 export this."""
PART: Final = ".part"
"""End of a file's name while a transfer writes it."""
CONFIGURATION_FILES: Final = (VMCX, XML, EXP)
DISK_FILES: Final = (".vhdx", ".vhd", ".avhdx", ".avhd", ".vhds")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DRIVE_ROOT = re.compile(r"[A-Za-z]:\\?")


@dataclass(frozen=True, kw_only=True)
class Source:
    """What lies there to be imported. ``files`` are those of the tree by path as written, in bytes."""

    configuration_file: str
    files: Mapping[str, int] = field(default_factory=dict)
    manifest: Manifest | None = None

    @property
    def ending(self) -> str:
        """Return the configuration file's ending in lower case: .vmcx, .xml or .exp."""
        return ntpath.splitext(self.configuration_file)[1].lower()

    @property
    def vm_id(self) -> str | None:
        """Return the VM's Id as the manifest or the file's name says it; None where neither does."""
        if self.manifest is not None:
            return self.manifest.vm_id.lower()
        stem = ntpath.splitext(ntpath.basename(self.configuration_file))[0].lower()
        return stem if _GUID.fullmatch(stem) else None

    @property
    def home(self) -> str | None:
        """Return the folder that holds the manifest; None for files that are no export of ours."""
        named = self.manifest.configuration_file if self.manifest is not None else ""
        fits = named and self.configuration_file.lower().endswith(f"\\{named}".lower())
        return self.configuration_file[: -len(named) - 1] if fits else None

    @property
    def name(self) -> str:
        """Return what to call the VM before the host has read it."""
        if self.manifest is not None:
            return self.manifest.vm_name
        return ntpath.basename(root_of(self.configuration_file)) or ntpath.basename(self.configuration_file)

    @property
    def disks(self) -> dict[str, int]:
        """Return the virtual hard disk files of the tree, with their bytes."""
        return {path: size for path, size in self.files.items() if path.lower().endswith(DISK_FILES)}


def find_source(session: Session, path: str) -> Source:
    """Return what there is to import at a path; NotFound for none, Ambiguous where a folder holds several.

    A configuration file stands for itself. In a folder the manifest says which it is; without one it is the only
    configuration file in a folder ``Virtual Machines`` below (those of checkpoints lie in ``Snapshots``).
    """
    if ntpath.splitext(path)[1].lower() in CONFIGURATION_FILES:
        return _of_file(session, path)
    listed = tree(session, path)
    if not listed and not stat(session, [path]):
        raise NotFound(f"{session.host}: {path} is not there", path=path)
    own = ntpath.join(path, manifests.FILE_NAME)
    manifest = _manifest(session, own) if _has(listed, own) else None
    if manifest is not None and manifest.configuration_file:
        return Source(
            configuration_file=ntpath.join(path, manifest.configuration_file), files=_sizes(listed), manifest=manifest
        )
    found = [item.path for item in listed if not item.is_folder and _is_configuration(item.path)]
    if not found:
        raise NotFound(
            f"{session.host}: {path} holds no configuration of a virtual machine: no .vmcx or .xml file in a folder "
            "'Virtual Machines' below it",
            path=path,
        )
    if len(found) > 1:
        raise Ambiguous(
            f"{session.host}: {path} holds {len(found)} virtual machines; give the configuration file of one: "
            f"{', '.join(sorted(found))}",
            candidates=sorted(found),
        )
    return Source(
        configuration_file=found[0], files=_sizes(listed), manifest=manifest or _manifest_beside(session, found[0])
    )


def _of_file(session: Session, path: str) -> Source:
    if not stat(session, [path]):
        raise NotFound(f"{session.host}: {path} is not there", path=path)
    root = root_of(path)
    deep = root != ntpath.dirname(path) and not _DRIVE_ROOT.fullmatch(root)
    return Source(
        configuration_file=path,
        files=_sizes(tree(session, root, deep=deep)),
        manifest=_manifest_beside(session, path),
    )


def _manifest_beside(session: Session, configuration_file: str) -> Manifest | None:
    """Return the manifest of the export that a configuration file belongs to, if it is one of ours."""
    above = ntpath.dirname(root_of(configuration_file))
    found = _manifest(session, ntpath.join(above, manifests.FILE_NAME))
    if found is None or not found.configuration_file:
        return found
    named = ntpath.join(above, found.configuration_file)
    return found if named.lower() == configuration_file.lower() else None


def _manifest(session: Session, path: str) -> Manifest | None:
    text = read_texts(session, [path])[path]
    if text is None:
        return None
    try:
        return manifests.parse(text, where=path)
    except NoManifest:
        return None  # somebody else's file of that name


def _has(listed: Sequence[Item], path: str) -> bool:
    return any(item.path.lower() == path.lower() for item in listed)


def _is_configuration(path: str) -> bool:
    folder, name = ntpath.split(path)
    return (
        ntpath.splitext(name)[1].lower() in CONFIGURATION_FILES and ntpath.basename(folder).lower() == VIRTUAL_MACHINES
    )


def _sizes(listed: Sequence[Item]) -> dict[str, int]:
    return {item.path: item.size for item in listed if not item.is_folder}
