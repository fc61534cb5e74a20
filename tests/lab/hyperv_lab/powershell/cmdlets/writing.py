# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write-Output and its kin, Out-Null, Out-String, Tee-Object, and commands that do nothing for a remote client."""

from __future__ import annotations

from typing import Any

from ..commands import Cmdlet
from ..texts import text_of
from ..values import PropertyBag

NAMESPACE = "Microsoft.PowerShell.Commands."


def joined(value: Any) -> str:
    """Return a value as the engine converts it to a text: a list's elements with blanks between them."""
    if value is None:
        return ""
    return " ".join(joined(each) for each in value) if isinstance(value, (list, bytes)) else text_of(value)


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
            value = self.held[0] if len(self.held) == 1 else self.held
            self.call.session.keep(str(name), value)  # type: ignore[attr-defined]


class WriteOutput(Cmdlet):
    """Write objects, lists enumerated."""

    NAME = "Write-Output"
    CLASS = NAMESPACE + "WriteOutputCommand"

    def process(self) -> None:
        if "InputObject" not in self.call.bound:
            # Mandatory, though null and an empty list are allowed: the binder refuses those for what is mandatory.
            self.call.missing("InputObject")  # type: ignore[attr-defined]
        value = self.call.bound["InputObject"]
        if isinstance(value, list) and not self.call.bound.get("NoEnumerate"):
            for each in value:
                self.call.write(each)
        else:
            self.call.write(value)


class WriteWarning(Cmdlet):
    """Write a warning."""

    NAME = "Write-Warning"
    CLASS = NAMESPACE + "WriteWarningCommand"

    def process(self) -> None:
        self.call.warn(text_of(self.call.bound.get("Message")))


class WriteVerbose(Cmdlet):
    """Write a verbose text."""

    NAME = "Write-Verbose"
    CLASS = NAMESPACE + "WriteVerboseCommand"

    def process(self) -> None:
        self.call.verbose(text_of(self.call.bound.get("Message")))  # type: ignore[attr-defined]


class WriteDebug(Cmdlet):
    """Write a debug text."""

    NAME = "Write-Debug"
    CLASS = NAMESPACE + "WriteDebugCommand"

    def process(self) -> None:
        self.call.debug(text_of(self.call.bound.get("Message")))  # type: ignore[attr-defined]


class OutNull(Cmdlet):
    """Swallow everything."""

    NAME = "Out-Null"
    CLASS = NAMESPACE + "OutNullCommand"


class OutDefault(Cmdlet):
    """Show everything on the host, which a client that sends typed pipelines doesn't see."""

    NAME = "Out-Default"
    CLASS = NAMESPACE + "OutDefaultCommand"


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
        # The recorded PowerShell 7 ran on Linux, the fleet's hosts are Windows.
        ending = "\n" if self.call.session.is_core else "\r\n"  # type: ignore[attr-defined]
        if self.call.bound.get("Stream"):
            for line in self.lines:
                self.call.write(line)
        else:
            self.call.write("".join(line + ending for line in self.lines))


COMMANDS = (TeeObject, WriteOutput, WriteWarning, WriteVerbose, WriteDebug, OutNull, OutDefault, OutString)
