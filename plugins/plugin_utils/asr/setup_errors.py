# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file into which setup and configurator write their errors, where they are told one.

``{"Errors": [{"error_name": "...", "error_params": {...}, "default_message": "..."}]}`` by the agent's source; messages
are for people and never decide anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class UnreadableErrors(Exception):
    """The text is not what the programs write; the message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class SetupError:
    """One error of the file."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The name with its parameters, for evidence."""
        said = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name} ({said})" if said else self.name

    @property
    def numbers(self) -> tuple[int, ...]:
        """Those parameters that are whole numbers, decimal or ``0x``."""
        found = []
        for value in self.parameters.values():
            try:
                found.append(int(value, 0))
            except ValueError:
                continue
        return tuple(found)


def read_setup_errors(text: str) -> tuple[SetupError, ...]:
    """Return the errors of the file's text; an empty file has none. Raises UnreadableErrors."""
    stripped = text.lstrip("\ufeff").strip()
    if not stripped:
        return ()
    try:
        content = json.loads(stripped)
    except json.JSONDecodeError as problem:
        raise UnreadableErrors(f"no JSON at line {problem.lineno}") from problem
    errors = content.get("Errors") if isinstance(content, dict) else None
    if errors is None and isinstance(content, dict) and not content:
        return ()
    if not isinstance(errors, list):
        raise UnreadableErrors("it has no list Errors")
    return tuple(_error(item) for item in errors)


def _error(item: Any) -> SetupError:
    name = item.get("error_name") if isinstance(item, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise UnreadableErrors("an error has no error_name")
    given = item.get("error_params") or {}
    parameters = given if isinstance(given, dict) else {"params": given}
    return SetupError(name=name.strip(), parameters={str(key): str(value) for key, value in parameters.items()})
