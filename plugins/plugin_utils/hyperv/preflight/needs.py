# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VM takes at its destination, as a task returns it: tasks from several hosts don't know of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class VolumeNeed:
    """Bytes that are to be written to one volume, and its free bytes; None where the host does not say."""

    volume: str
    bytes: int
    free_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Memory, room, files and name, with what there is."""

    memory_bytes: int = 0
    """0 for a VM that does not run there."""
    memory_free_bytes: int | None = None
    """None where the host does not say."""
    volumes: tuple[VolumeNeed, ...] = ()
    files: tuple[str, ...] = ()
    """Paths that nothing else may have."""
    sole_name: bool = False
    """Whether no other VM there may have its name: the task chose it by that, and so would a later run."""

    def as_plain(self) -> dict[str, Any]:
        """Return the needs as JSON types."""
        return {
            "memory_bytes": self.memory_bytes,
            "memory_free_bytes": self.memory_free_bytes,
            "volumes": [{"volume": v.volume, "bytes": v.bytes, "free_bytes": v.free_bytes} for v in self.volumes],
            "files": list(self.files),
            "sole_name": self.sole_name,
        }
