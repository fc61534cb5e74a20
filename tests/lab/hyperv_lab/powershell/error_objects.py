# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error records as values: what -ErrorVariable keeps, and what an error's target is on the wire."""

from __future__ import annotations

from typing import Any

from .commands import ErrorRecord
from .values import LiveObject


class Wrapped:
    """An object as the engine's own PSObject around it: the target of an error about an input object."""

    def __init__(self, value: Any) -> None:
        self.value = value


class ErrorObject(LiveObject):
    """An error record that passes a pipeline or stays in a variable."""

    TYPE_NAMES = ("System.Management.Automation.ErrorRecord", "System.Object")
    PROPERTIES = {  # noqa: RUF012 - a table shared by all, never changed
        "Exception": "exception",
        "TargetObject": "target",
        "CategoryInfo": "category",
        "FullyQualifiedErrorId": "full_id",
        "ErrorDetails": "nothing",
        "InvocationInfo": "nothing",
        "ScriptStackTrace": "nothing",
    }
    nothing = None

    def __init__(self, record: ErrorRecord, activity: str, edition: str) -> None:
        self.record, self.activity, self.edition = record, activity, edition

    @property
    def exception(self) -> ExceptionObject:
        """Return the exception inside."""
        return ExceptionObject(self.record)

    @property
    def target(self) -> Any:
        """Return the object that the error is about."""
        held = self.record.target
        return held.value if isinstance(held, Wrapped) else held

    @property
    def full_id(self) -> str:
        """Return the FullyQualifiedErrorId."""
        return f"{self.record.error_id},{self.record.class_name}" if self.record.class_name else self.record.error_id

    @property
    def category(self) -> CategoryInfo:
        """Return the category's own object."""
        return CategoryInfo(self.record, self.activity)

    def ps_text(self) -> str:
        return self.record.message


class ExceptionObject(LiveObject):
    """The exception of an error record."""

    PROPERTIES = {"Message": "message", "HResult": "hresult"}  # noqa: RUF012 - as above

    def __init__(self, record: ErrorRecord) -> None:
        self.TYPE_NAMES = record.exception  # type: ignore[misc] # each has its own
        self.record, self.message = record, record.message
        self.hresult = record.hresult - (1 << 32) if record.hresult >= 1 << 31 else record.hresult

    def ps_names(self) -> list[str]:
        return ["Message", *self.record.properties, "HResult"]

    def ps_get(self, name: str) -> Any:
        return self.record.properties[name] if name in self.record.properties else super().ps_get(name)

    def ps_text(self) -> str:
        return f"{self.record.exception[0]}: {self.message}"


class CategoryInfo(LiveObject):
    """ErrorCategoryInfo."""

    TYPE_NAMES = ("System.Management.Automation.ErrorCategoryInfo", "System.Object")
    PROPERTIES = {"Category": "category", "Activity": "activity", "Reason": "reason"}  # noqa: RUF012 - as above

    def __init__(self, record: ErrorRecord, activity: str) -> None:
        self.category, self.activity = record.category, activity
        self.reason = record.exception[0].rpartition(".")[2]
