# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Native programs as commands of a pipeline (facts on the engine, section 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .outcomes import NOT_FOUND, RUNTIME, Ended, engine_error
from .texts import text_of

if TYPE_CHECKING:
    from .state import State

Program = Callable[[str, Sequence[str]], "tuple[int, str, str] | None"]
REMOTE = ("System.Management.Automation.RemoteException", *RUNTIME)


class NativeCommand:
    """A native program in a pipeline: lines of its output as texts, lines of its error stream as records."""

    def __init__(self, program: Program, call: Any, state: State) -> None:
        self._program, self._name, self.session = program, call.name, state
        self._arguments = [
            text_of(each) for _, value in call.parameters for each in (value if isinstance(value, list) else [value])
        ]
        self.downstream: Callable[[Any], None] = lambda _value: None

    def begin(self) -> None:
        """Nothing is bound for a program."""

    def process(self, _value: Any = None, *, has_input: bool = False) -> None:
        """Programs of the lab read no input."""

    def end(self) -> None:
        """Run it, and keep its exit code."""
        answer = self._program(self._name, self._arguments)
        if answer is None:
            message = self.session.text("unknown", name=self._name)
            record = engine_error("CommandNotFoundException", "ObjectNotFound", message, NOT_FOUND, target=self._name)
            raise Ended(record, engine=True)
        code, output, errors = answer
        for line in output.splitlines():
            self.downstream(line)
        for line in errors.splitlines():
            record = engine_error("NativeCommandError", "NotSpecified", line, REMOTE, target=line)
            self.session.sink.error(record, self._name)
        self.session.variables["lastexitcode"] = code
