# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes out of replaying a file of recordings."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Report:
    """How many recorded cases agree, and one line for each that does not."""

    agree: int = 0
    differ: list[str] = field(default_factory=list)

    def add(self, difference: str | None) -> None:
        """Count a case: None is agreement, a text says what differs."""
        if difference is None:
            self.agree += 1
        else:
            self.differ.append(difference)

    def merge(self, other: Report) -> None:
        """Add another report's cases to this one."""
        self.agree += other.agree
        self.differ.extend(other.differ)
