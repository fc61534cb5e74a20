# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the commands of a runspace share: variables, preferences, and where they run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import messages
from .lists import ArrayList
from .types import register_enum
from .values import EnumValue, LiveObject
from .wildcards import fits

if TYPE_CHECKING:
    from .streams import Sink
    from .table import Entry

ACTION = "System.Management.Automation.ActionPreference"
ACTIONS = {
    "SilentlyContinue": 0,
    "Stop": 1,
    "Continue": 2,
    "Inquire": 3,
    "Ignore": 4,
    "Suspend": 5,
    "Break": 6,
}
register_enum(ACTION, ACTIONS)
LANGUAGE_MODE = "System.Management.Automation.PSLanguageMode"
PREFERENCES = {
    "DebugPreference": "SilentlyContinue",
    "ErrorActionPreference": "Continue",
    "InformationPreference": "SilentlyContinue",
    "ProgressPreference": "Continue",
    "VerbosePreference": "SilentlyContinue",
    "WarningPreference": "Continue",
}


def action(text: Any) -> EnumValue | None:
    """Return the action preference that a value means, or None."""
    wanted = str(text).lower()
    for name, number in ACTIONS.items():
        if wanted in (name.lower(), str(number)):
            return EnumValue(ACTION, name, number)
    return None


class SessionStateObject(LiveObject):
    """$ExecutionContext.SessionState, as far as somebody asks a session for it."""

    TYPE_NAMES = ("System.Management.Automation.SessionState", "System.Object")
    PROPERTIES = {"LanguageMode": "mode"}  # noqa: RUF012 - a table shared by all, never changed

    def __init__(self, mode: EnumValue) -> None:
        self.mode = mode


class ExecutionContext(LiveObject):
    """$ExecutionContext."""

    TYPE_NAMES = ("System.Management.Automation.EngineIntrinsics", "System.Object")
    PROPERTIES = {"SessionState": "state"}  # noqa: RUF012 - as above

    def __init__(self, *, restricted: bool) -> None:
        name, number = ("NoLanguage", 2) if restricted else ("FullLanguage", 0)
        self.state = SessionStateObject(EnumValue(LANGUAGE_MODE, name, number))


class State:
    """What the commands of a runspace share (commands.SessionState)."""

    def __init__(
        self,
        *,
        host: Any = None,
        identity: Any = None,
        language: str = "en",
        restricted: bool = False,
        edition: str = "2022",
    ) -> None:
        self.host, self.identity, self.language, self.restricted = host, identity, language, restricted
        self.edition = edition
        """Edition of the machine; "7" is PowerShell 7."""
        self.spelling: dict[str, str] = {}
        """Names of variables as they were first written, by lower-case name."""
        self.variables: dict[str, Any] = {}
        self.stopping = threading.Event()
        self.sink: Sink
        self.resolver: Callable[[str], Entry | None] = lambda _name: None
        self.lister: Callable[[], list[Entry]] = list
        self.finder: Callable[[str], list[Entry]] = lambda _name: []
        for name, preference in PREFERENCES.items():
            self.keep(name, action(preference))
        for name, value in {"true": True, "false": False, "null": None, "WhatIfPreference": False}.items():
            self.keep(name, value)
        self.keep("ExecutionContext", ExecutionContext(restricted=restricted))

    @property
    def is_core(self) -> bool:
        """Whether this is PowerShell 7, not Windows PowerShell."""
        return self.edition == "7"

    def text(self, key: str, **values: Any) -> str:
        """Return one of the engine's own messages in the language of the host."""
        return messages.text(self.language, key, **values)

    def preference(self, name: str) -> str:
        """Return a preference variable in lower case ("continue" unless it was set)."""
        return str(self.variables.get(name, "Continue")).lower()

    def keep(self, name: str, value: Any) -> None:
        """Set a variable; a preference becomes a value of its enumeration."""
        key = name.lower()
        self.spelling.setdefault(key, name)
        if key in _PREFERENCE_NAMES:
            value = action(value) or value
        self.variables[key] = value

    def resolve(self, name: str) -> Entry | None:
        """Return the command that a name means here, or None."""
        return self.resolver(name)

    def commands(self, name: str) -> list[Entry]:
        """Return every command of this name."""
        return self.finder(name)

    def visible(self) -> list[Entry]:
        """Return the commands that Get-Command lists by itself."""
        return self.lister()

    def start_list(self, name: str) -> None:
        """Begin the list that -OutVariable or -ErrorVariable fills."""
        self.keep(name, ArrayList())

    def append(self, name: str, value: Any) -> None:
        """Add to such a list; a + before the name adds to what is there."""
        plain = name.lstrip("+").lower()
        held = self.variables.get(plain)
        if not isinstance(held, ArrayList):
            held = ArrayList([] if held is None else [held])
            self.keep(name.lstrip("+"), held)
        held.append(value)

    def with_defaults(
        self, entry: Entry, arguments: Sequence[tuple[str | None, Any]]
    ) -> Sequence[tuple[str | None, Any]]:
        """Return the arguments with what $PSDefaultParameterValues adds: it reaches even the command behind a proxy."""
        held = self.variables.get("psdefaultparametervalues")
        if not isinstance(held, dict) or not held or held.get("Disabled"):
            return arguments
        given = [str(name).lower() for name, _ in arguments if name is not None]
        found = list(arguments)
        for key, value in held.items():
            command, _, name = str(key).strip().partition(":")
            parameter = next((each for each in entry.signature.parameters if fits(each.name, name.strip())), None)
            if parameter is None or not fits(entry.name, command.strip()):
                continue
            names = (parameter.name.lower(), *(alias.lower() for alias in parameter.aliases))
            if not any(each.startswith(one) for one in given for each in names):
                found.append((parameter.name, value))
        return found


_PREFERENCE_NAMES = frozenset(name.lower() for name in PREFERENCES)
