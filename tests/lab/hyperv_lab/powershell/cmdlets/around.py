# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-Command, Get-Date, New-TimeSpan and Start-Sleep."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ..commands import Cmdlet, ErrorRecord
from ..outcomes import PipelineStopped
from ..values import EnumValue, LiveObject
from ..wildcards import fits, has_wildcards

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
        session: Any = self.call.session
        names = self.call.bound.get("Name")
        found: list[Any] = []
        for name in [str(each) for each in names] if names is not None else ["*"]:
            entries = [each for each in self._named(session, name) if self._wanted(each)]
            if not entries and not has_wildcards(name) and not self.call.bound.get("ParameterName"):
                self._missing(name)
            found += [each for each in entries if each not in found]
        limit = self.call.bound.get("TotalCount")
        for entry in found if limit is None else found[: int(limit)]:
            info = FunctionInfo if entry.is_function else CommandInfo
            self.call.write(info(entry.name, entry.signature.module, function=entry.is_function))

    @staticmethod
    def _named(session: Any, name: str) -> list[Any]:
        if not has_wildcards(name):
            every: list[Any] = session.commands(name)
            return every if every and every[0].is_function and len(every) > 1 else every[:1]
        return [each for each in session.visible() if fits(each.name, name)]

    def _wanted(self, entry: Any) -> bool:
        bound = self.call.bound
        verb, _, noun = entry.name.partition("-")
        checks = (("Verb", verb), ("Noun", noun), ("Module", entry.signature.module))
        if any(bound.get(key) and not any(fits(text, str(one)) for one in bound[key]) for key, text in checks):
            return False
        kind = str(bound.get("CommandType") or "All").split(", ")
        if "All" not in kind and ("Function" if entry.is_function else "Cmdlet") not in kind:
            return False
        return all(self.has(entry, str(each)) for each in bound.get("ParameterName") or ())

    def _missing(self, name: str) -> None:
        self.call.error(
            ErrorRecord(
                error_id="CommandNotFoundException",
                category="ObjectNotFound",
                exception=NOT_FOUND,
                target=name,
                message=f"The term '{name}' is not recognized.",
            )
        )

    @staticmethod
    def has(entry: Any, parameter: str) -> bool:
        """Return whether a command has a parameter of this name, pattern or alias."""
        return any(fits(name, parameter) for each in entry.signature.parameters for name in (each.name, *each.aliases))


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
