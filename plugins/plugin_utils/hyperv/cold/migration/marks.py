# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cold migration writes into the notes of a VM, so that any later run, and any person, knows where it stands.

The line is set before the VM is stopped. Export-VM copies the notes with the configuration, so the imported VM carries
it too: there it means "not finished yet", and it is taken out as the last step. The source keeps it, off, and is told
just before that the migration is done: a copy that is gone from the destination then is not made a second time. Before
the first of its disks is deleted, it is told that it is being removed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

_LINE = re.compile(
    r"\[hyperv\.mobility: (?P<what>cold migration to|cold migrated to|removing, migrated to|rolled back to)"
    r" (?P<host>[^;\]]*)"
    r"; was (?P<was>\w+); automatic start (?P<start>\w+)(?:; run (?P<run>\w+))?"
    r"(?:; addresses (?P<addresses>[^\]]*))?\]"
)
_ADDRESSES = re.compile(r"(?P<adapter>[0-9A-Fa-f-]+)=(?P<found>[\w.:,-]+)")
"""One adapter's entry; what can't be read of the addresses costs them, not the line."""
NEVER = "Nothing"
"""AutomaticStartAction of a VM that its host never starts by itself."""


class Kind(str, Enum):
    """What the line says, in the words that stand there."""

    BEGUN = "cold migration to"
    DONE = "cold migrated to"
    REMOVING = "removing, migrated to"
    """Of a source whose disks may be gone already: nothing goes back to it."""
    ROLLED_BACK = "rolled back to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What stands in the line."""

    host: str
    """Computer name of the destination; of the source in the mark of a rolled back copy."""
    was: str
    """State before it was stopped."""
    start_action: str
    """AutomaticStartAction before it was turned off."""
    kind: Kind = Kind.BEGUN
    run: str = ""
    """Which run of a playbook wrote that it is done, for a later one to know that it is another."""
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the guest reported before it was stopped, by the adapter's GUID: a VM that is off reports nothing."""

    @property
    def rolled_back(self) -> bool:
        """Whether it is on a copy that a rollback left."""
        return self.kind is Kind.ROLLED_BACK

    @property
    def ran(self) -> bool:
        """Whether the VM ran before the migration."""
        return self.was == "Running"

    def line(self) -> str:
        """Return the line for the notes."""
        host = re.sub(r"[;\]\s]", "_", self.host)
        run = f"; run {self.run}" if self.run else ""
        known = " ".join(f"{adapter}={','.join(found)}" for adapter, found in self.addresses.items())
        rest = f"{run}; addresses {known}" if known else run
        return f"[hyperv.mobility: {self.kind.value} {host}; was {self.was}; automatic start {self.start_action}{rest}]"


def find(notes: str) -> Mark | None:
    """Return the mark in a VM's notes, the last one where there are several, or None."""
    found = None
    for match in _LINE.finditer(notes):
        found = Mark(
            host=match["host"],
            was=match["was"],
            start_action=match["start"],
            kind=Kind(match["what"]),
            run=match["run"] or "",
            addresses={
                known["adapter"]: tuple(known["found"].split(","))
                for known in map(_ADDRESSES.fullmatch, (match["addresses"] or "").split())
                if known is not None
            },
        )
    return found


def without(notes: str) -> str:
    """Return the notes as people wrote them."""
    if _LINE.search(notes) is None:
        return notes
    kept = [_LINE.sub("", line) for line in notes.split("\n") if _LINE.fullmatch(line.strip()) is None]
    return "\n".join(kept).rstrip()


def put(notes: str, mark: Mark) -> str:
    """Return the notes with this mark and no other."""
    own = without(notes).rstrip()
    return f"{own}\n{mark.line()}".lstrip("\n")
