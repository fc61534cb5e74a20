# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables, and the plain writers Write-Output, Out-Null and Out-String."""

from __future__ import annotations

from typing import Any

from ..commands import Cmdlet, ErrorRecord
from ..texts import text_of
from ..values import PropertyBag

NAMESPACE = "Microsoft.PowerShell.Commands."
NOT_FOUND = (
    "System.Management.Automation.ItemNotFoundException",
    "System.Management.Automation.SessionStateException",
    "System.Management.Automation.RuntimeException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)


class _Variable(Cmdlet):
    def missing(self, name: str) -> None:
        """Write the error of an unknown variable."""
        self.call.error(
            ErrorRecord(
                error_id="VariableNotFound",
                category="ObjectNotFound",
                exception=NOT_FOUND,
                message=f"Cannot find a variable with the name '{name}'.",
                target=name,
            )
        )

    def asked(self) -> list[str]:
        """Return the names given."""
        names = self.call.bound.get("Name")
        return [str(each) for each in names] if isinstance(names, list) else [] if names is None else [str(names)]


class GetVariable(_Variable):
    """Write a variable, or its value alone."""

    NAME = "Get-Variable"
    CLASS = NAMESPACE + "GetVariableCommand"

    def process(self) -> None:
        held = self.call.session.variables
        for name in self.asked():
            if name.lower() not in held:
                self.missing(name)
                continue
            value = held[name.lower()]
            self.call.write(value if self.call.bound.get("ValueOnly") else self.call.session.variable(name, value))  # type: ignore[attr-defined]


class SetVariable(_Variable):
    """Keep a value: one object as itself, several as one array."""

    NAME = "Set-Variable"
    CLASS = NAMESPACE + "SetVariableCommand"

    def begin(self) -> None:
        self.held: list[Any] = []
        self.piped = False

    def process(self) -> None:
        bound = self.call.bound
        if "Value" in bound:
            self.piped = True
            self.held.append(bound["Value"])

    def end(self) -> None:
        if self.call.lost_scope and str(self.call.bound.get("Scope") or "").lower() != "global":  # type: ignore[attr-defined]
            return
        value = None if not self.held else self.held[0] if len(self.held) == 1 else list(self.held)
        for name in self.asked():
            self.call.session.variables[name.lower()] = value


class RemoveVariable(_Variable):
    """Forget variables."""

    NAME = "Remove-Variable"
    CLASS = NAMESPACE + "RemoveVariableCommand"

    def process(self) -> None:
        for name in self.asked():
            if name.lower() not in self.call.session.variables:
                self.missing(name)
            self.call.session.variables.pop(name.lower(), None)


class ClearVariable(_Variable):
    """Set variables to null."""

    NAME = "Clear-Variable"
    CLASS = NAMESPACE + "ClearVariableCommand"

    def process(self) -> None:
        for name in self.asked():
            if name.lower() not in self.call.session.variables:
                self.missing(name)
            else:
                self.call.session.variables[name.lower()] = None


class TeeObject(Cmdlet):
    """Pass objects on and keep them in a variable."""

    NAME = "Tee-Object"
    CLASS = NAMESPACE + "TeeObjectCommand"

    def begin(self) -> None:
        self.held: list[Any] = []

    def process(self) -> None:
        if "InputObject" in self.call.bound:
            self.held.append(self.call.bound["InputObject"])
            self.call.write(self.call.bound["InputObject"])

    def end(self) -> None:
        name = self.call.bound.get("Variable")
        if name:
            self.call.session.variables[str(name).lower()] = self.held[0] if len(self.held) == 1 else self.held


class WriteOutput(Cmdlet):
    """Write objects, lists enumerated."""

    NAME = "Write-Output"
    CLASS = NAMESPACE + "WriteOutputCommand"

    def process(self) -> None:
        if "InputObject" not in self.call.bound:
            return
        value = self.call.bound["InputObject"]
        if isinstance(value, list) and not self.call.bound.get("NoEnumerate"):
            for each in value:
                self.call.write(each)
        else:
            self.call.write(value)


class OutNull(Cmdlet):
    """Swallow everything."""

    NAME = "Out-Null"
    CLASS = NAMESPACE + "OutNullCommand"


class OutString(Cmdlet):
    """Write everything as one text, a line per object: the lab formats no tables."""

    NAME = "Out-String"
    CLASS = NAMESPACE + "OutStringCommand"

    def begin(self) -> None:
        self.lines: list[str] = []

    def process(self) -> None:
        if "InputObject" in self.call.bound:
            value = self.call.bound["InputObject"]
            if isinstance(value, PropertyBag):
                self.lines += [f"{name} : {text_of(item)}" for name, item in value.notes.items()]
            else:
                self.lines.append(text_of(value))

    def end(self) -> None:
        self.call.write("".join(line + "\r\n" for line in self.lines))


COMMANDS = (GetVariable, SetVariable, RemoveVariable, ClearVariable, TeeObject, WriteOutput, OutNull, OutString)
