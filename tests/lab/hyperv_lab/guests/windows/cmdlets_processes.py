# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Process: programs that run on a machine just now, whoever started them, and a few of the system's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...hyperv import messages
from ...hyperv.base import POWERSHELL_CLASS, as_list, fits, has_wildcards
from ...hyperv.cmdlets_system import only
from ...powershell.commands import ErrorRecord
from ...powershell.values import OBJECT, PropertyBag
from .cmdlets_network import GuestCmdlet
from .dispatch import RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SYSTEM = ("lsass", "services", "smss", "svchost", "System", "wininit", "wsmprovhost")
messages.add(
    {
        "process_missing": (
            'Cannot find a process with the name "{name}". Verify the process name and call the cmdlet again.',
            "Impossible de trouver un processus nommé «\u00a0{name}\u00a0». Vérifiez le nom du processus.",
        ),
    }
)


class GetProcess(GuestCmdlet):
    """Get-Process by name."""

    NAME = "Get-Process"
    CLASS = POWERSHELL_CLASS + "GetProcessCommand"

    def process(self) -> None:
        """Write the processes asked for; a name without a pattern that fits none is an error."""
        only(self, "Name")
        names = [str(name) for name in as_list(self.given("Name"))]
        there = list(self._running())
        for name in names or ["*"]:
            found = [each for each in there if fits(each, [name])]
            for each in found:
                self.call.write(_process(each))
            if not found and not has_wildcards(name):
                self._missing(name)

    def _running(self) -> Iterator[str]:
        yield from _SYSTEM
        for name, count in list(self.machine.notes.get(RUNNING, {}).items()):
            yield from [name] * count

    def _missing(self, name: str) -> None:
        self.fail(
            ErrorRecord(
                error_id="NoProcessFoundForGivenName",
                category="ObjectNotFound",
                message=messages.text(self.machine.language, "process_missing", name=name),
                target=name,
            )
        )


def _process(name: str) -> PropertyBag:
    values: dict[str, Any] = {"Name": name, "ProcessName": name}
    return PropertyBag(values, ("System.Diagnostics.Process", "System.ComponentModel.Component", OBJECT), name)


COMMANDS = (GetProcess,)
