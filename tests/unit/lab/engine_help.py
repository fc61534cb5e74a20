# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short forms for tests of the engine: a session with the module Samples, calls, and what came back."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from hyperv_lab.conform.pipelines import Call
from hyperv_lab.powershell import engine
from hyperv_lab.powershell.clixml_error import full_id
from hyperv_lab.powershell.commands import ErrorRecord
from hyperv_lab.powershell.restricted import Endpoint
from hyperv_lab.powershell.runspace import Runspace
from hyperv_lab.powershell.values import PropertyBag
from samples import COMMANDS, SIGNATURES

SELECT = "Microsoft.PowerShell.Utility\\Select-Object"


@dataclass
class Reply:
    """Everything that came back."""

    outputs: list[Any] = field(default_factory=list)
    errors: list[ErrorRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    progressed: list[dict[str, Any]] = field(default_factory=list)
    end: ErrorRecord | None = None
    state: str = ""

    def output(self, value: Any) -> None:
        self.outputs.append(value)

    def error(self, record: ErrorRecord, activity: str) -> None:
        del activity
        self.errors.append(record)

    def ended(self, record: ErrorRecord, activity: str) -> None:
        del activity
        self.end = record

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def verbose(self, text: str) -> None:
        self.outputs.append(("verbose", text))

    def debug(self, text: str) -> None:
        self.outputs.append(("debug", text))

    def information(self, value: Any, tags: tuple[str, ...], source: str) -> None:
        self.outputs.append(("information", value, tags, source))

    def progress(self, record: dict[str, Any]) -> None:
        self.progressed.append(record)

    @property
    def ids(self) -> list[str]:
        """Return the ids of the error records."""
        return [full_id(record) for record in self.errors]

    @property
    def ended_by(self) -> str:
        """Return the id of the error that ended the invocation."""
        return full_id(self.end) if self.end else ""

    @property
    def names(self) -> list[str]:
        """Return the Name of each output."""
        return [each.notes["Name"] if isinstance(each, PropertyBag) else each.name for each in self.outputs]


def call(name: str, *arguments: Any, **parameters: Any) -> Call:
    """Return a command of a statement."""
    return Call(name, (*((None, each) for each in arguments), *parameters.items()), is_script=False)


def script(text: str) -> Call:
    """Return a script as a command."""
    return Call(text, (), is_script=True)


def session(endpoint: Endpoint | None = None, edition: str = "7") -> Runspace:
    """Return a session with the module Samples."""
    return engine.open_session(edition=edition, find=COMMANDS.get, by_hand=SIGNATURES, endpoint=endpoint)


def run(runspace: Runspace, *statements: Call | list[Call], stopping: threading.Event | None = None) -> Reply:
    """Run statements (a list is a pipeline) and return what came back."""
    reply = Reply()
    several = [each if isinstance(each, list) else [each] for each in statements]
    reply.state = runspace.invoke(several, reply, stopping=stopping)
    return reply
