# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Command, Get-Date, New-TimeSpan and Start-Sleep."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ..commands import Cmdlet, ErrorRecord
from ..running import PipelineStopped
from ..values import EnumValue, LiveObject

NAMESPACE = "Microsoft.PowerShell.Commands."
TYPES_OF_COMMANDS = "System.Management.Automation.CommandTypes"
NOT_FOUND = (
    "System.Management.Automation.CommandNotFoundException",
    "System.Management.Automation.RuntimeException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)


class CommandInfo(LiveObject):
    """What Get-Command gives for a cmdlet."""

    TYPE_NAMES = (
        "System.Management.Automation.CmdletInfo",
        "System.Management.Automation.CommandInfo",
        "System.Object",
    )
    PROPERTIES = {  # noqa: RUF012 - a table shared by all, never changed
        "Name": "name",
        "CommandType": "kind",
        "ModuleName": "module",
        "Source": "module",
    }

    def __init__(self, name: str, module: str, *, function: bool) -> None:
        self.name, self.module = name, module
        self.kind = (
            EnumValue(TYPES_OF_COMMANDS, "Function", 2) if function else EnumValue(TYPES_OF_COMMANDS, "Cmdlet", 8)
        )

    def ps_text(self) -> str:
        return self.name


class FunctionInfo(CommandInfo):
    """What Get-Command gives for a function."""

    TYPE_NAMES = (
        "System.Management.Automation.FunctionInfo",
        "System.Management.Automation.CommandInfo",
        "System.Object",
    )


class GetCommand(Cmdlet):
    """Write the commands of the names given, with the parameters asked for."""

    NAME = "Get-Command"
    CLASS = NAMESPACE + "GetCommandCommand"

    def process(self) -> None:
        names = self.call.bound.get("Name")
        wanted = self.call.bound.get("ParameterName") or []
        for name in names if names is not None else self.call.session.visible():  # type: ignore[attr-defined]
            entry = self.call.session.resolve(str(name))  # type: ignore[attr-defined]
            if entry is None:
                self.call.error(
                    ErrorRecord(
                        error_id="CommandNotFoundException",
                        category="ObjectNotFound",
                        exception=NOT_FOUND,
                        target=str(name),
                        message=f"The term '{name}' is not recognized.",
                    )
                )
                continue
            if all(self.has(entry, str(each)) for each in wanted):
                info = FunctionInfo if entry.is_function else CommandInfo
                self.call.write(info(entry.name, entry.signature.module, function=entry.is_function))

    @staticmethod
    def has(entry: Any, parameter: str) -> bool:
        """Return whether a command has a parameter of this name or alias."""
        lowered = parameter.lower()
        return any(
            lowered == each.name.lower() or lowered in (alias.lower() for alias in each.aliases)
            for each in entry.signature.parameters
        )


class GetDate(Cmdlet):
    """Write a date: the one given, or the machine's now."""

    NAME = "Get-Date"
    CLASS = NAMESPACE + "GetDateCommand"

    def process(self) -> None:
        given = self.call.bound.get("Date")
        if isinstance(given, datetime):
            self.call.write(given)
            return
        host = self.call.session.host
        self.call.write(host.fleet.clock.date() if host is not None else datetime.now(timezone.utc))


class NewTimeSpan(Cmdlet):
    """Write a time span made of parts."""

    NAME = "New-TimeSpan"
    CLASS = NAMESPACE + "NewTimeSpanCommand"

    def process(self) -> None:
        bound = self.call.bound
        parts = {key.lower(): int(bound.get(key) or 0) for key in ("Days", "Hours", "Minutes", "Seconds")}
        self.call.write(timedelta(**parts))


class StartSleep(Cmdlet):
    """Wait by the clock of the machine."""

    NAME = "Start-Sleep"
    CLASS = NAMESPACE + "StartSleepCommand"

    def process(self) -> None:
        bound = self.call.bound
        seconds = float(bound.get("Seconds") or 0) + float(bound.get("Milliseconds") or 0) / 1000
        host = self.call.session.host
        speed = host.fleet.clock.speed if host is not None else 1.0
        if self.call.stopping.wait(seconds / speed):
            raise PipelineStopped


COMMANDS = (GetCommand, GetDate, NewTimeSpan, StartSleep)
