# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""What an exported tree consists of: a small JSON file beside the tree, by which any later run knows and verifies it.

An export lies in ``<path>\<Id of the VM>``: the tree that Export-VM makes there (a folder with the VM's name), and
``manifest.json``. Folders by Id keep VMs of the same name apart. The file is there from the beginning, with the state
``exporting``: a tree without a manifest is not ours, and one whose manifest is not ``complete`` is torn or still being
made. Once Export-VM has succeeded it is ``hashing``: the tree is whole, and a later run needs to take the hashes only.
It becomes ``complete`` after every hash was taken. Each step is a new file, moved over the old one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ...errors import MobilityError

FILE_NAME: Final = "manifest.json"
FORMAT: Final = 1
EXPORTING: Final = "exporting"
HASHING: Final = "hashing"
COMPLETE: Final = "complete"
LEASE_SECONDS: Final = 600
HASHING_SECONDS: Final = 60
"""The most that is waited for another controller's run while it takes hashes: the tree is whole then, and hashes that
are taken twice are the same."""


class NoManifest(MobilityError):
    """A text that should be a manifest is none, or one of a format that this version does not know."""

    kind = "no_manifest"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFile:
    """A file of the tree. ``path`` is relative to the folder of the manifest, with backslashes."""

    path: str
    size: int
    """Bytes."""
    sha256: str
    """64 hexadecimal digits, lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An export and its files. ``files`` is empty while the state is ``exporting``."""

    state: str
    vm_id: str
    """Lower case, without braces."""
    vm_name: str
    version: str
    """Configuration version."""
    source_host: str
    """Computer name of the host, as Windows has it."""
    capture: str
    """``off``, or the name of the CaptureLiveState mode."""
    started: str
    """When the export began, ISO 8601 UTC."""
    token: str
    """Which run made it: random, for telling one's own from another's."""
    configuration_file: str = ""
    """Relative path of the .vmcx or .xml that an import names."""
    files: tuple[TreeFile, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    """What the VM was like when the export began, by name of the thing (``evidence.seen_of``)."""
    lease_seconds: int = LEASE_SECONDS
    """How long after its last change an unfinished manifest says that its run is at work: another controller's run
    can't be asked."""

    @property
    def waited_for(self) -> int:
        """Return the seconds after its last change for which its run counts as being at work."""
        return min(self.lease_seconds, HASHING_SECONDS) if self.state == HASHING else self.lease_seconds

    @property
    def complete(self) -> bool:
        """Whether the tree is finished and its hashes were taken."""
        return self.state == COMPLETE

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)

    def as_text(self) -> str:
        """Return the file's text: ASCII, so that no encoding of a cmdlet can change it."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1)


def parse(text: str, *, where: str) -> Manifest:
    """Return the manifest that a file's text is; NoManifest names ``where`` it was read."""
    try:
        raw: Any = json.loads(text.lstrip("\ufeff"))
        if raw["format"] != FORMAT:
            raise NoManifest(f"{where} has format {raw['format']!r}; this version knows {FORMAT}", path=where)
        fields = {key: str(raw[key]) for key in _TEXTS}
        files = tuple(
            TreeFile(path=str(one["path"]), size=int(one["size"]), sha256=str(one["sha256"]).lower())
            for one in raw["files"]
        )
        seen = {str(key): str(value) for key, value in dict(raw.get("seen") or {}).items()}
        lease = int(raw.get("lease_seconds", LEASE_SECONDS))
    except (ValueError, KeyError, TypeError) as error:
        raise NoManifest(f"{where} is no manifest of an export: {type(error).__name__}: {error}", path=where) from error
    for file in files:
        _check_path(file.path, where)
    if fields["configuration_file"]:
        _check_path(fields["configuration_file"], where)
    return Manifest(files=files, seen=seen, lease_seconds=lease, **fields)


_TEXTS: Final = (
    "state", "vm_id", "vm_name", "version", "source_host", "capture", "started", "token", "configuration_file",
)  # fmt: skip


def _check_path(path: str, where: str) -> None:
    """Refuse a path that leads out of the tree: whoever wrote the file must not choose what is overwritten."""
    parts = path.replace("/", "\\").split("\\")
    if not path or ":" in path or any(not part.rstrip(" .") for part in parts):
        raise NoManifest(f"{where}: the path {path!r} leads out of the tree", path=where)
