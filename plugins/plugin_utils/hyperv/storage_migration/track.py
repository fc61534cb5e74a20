# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One VM on its way through a task of storage migrations, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..migration.outcome import Result, error_as_plain
from ..migration.way import Way

if TYPE_CHECKING:
    from .intent import Intent


@dataclass(kw_only=True)
class Track(Way):
    """The state of one VM's storage within a task. Changed by the main thread only."""

    intent: Intent
    wanted: Intent
    """As it was decided first: what the task tells."""
    unsure: bool = False
    """Whether a migration of ours was started of which nobody has seen the end."""

    @property
    def id(self) -> str:
        """Return the VM's Id."""
        return self.wanted.vm.id

    @property
    def name(self) -> str:
        """Return the VM's name."""
        return self.wanted.vm.name

    @property
    def changed(self) -> bool:
        """Whether a file or folder is elsewhere than at the first look, or a migration of ours may still move it."""
        now, first = self.intent, self.wanted
        return self.unsure or (now.moves, now.folders) != (first.moves, first.folders)

    def as_plain(self) -> dict[str, Any]:
        """Return the documented result as JSON types; times in seconds."""
        took = None if self.started is None or self.ended is None else round(self.ended - self.started, 1)
        return {
            "id": self.id,
            "name": self.name,
            "outcome": (self.result or Result.SKIPPED).value,
            "started": self.started_at,
            "seconds": took,
            "bytes": self.wanted.bytes if self.began else None,
            "moved": {
                "before": self.wanted.before(),
                "after": self.wanted.after(),
            },
            "findings": [finding.as_plain() for finding in self.findings],
            "error": None if self.error is None else error_as_plain(self.error),
        }
