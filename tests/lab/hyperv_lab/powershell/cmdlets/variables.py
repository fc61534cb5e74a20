# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables: get, set, new, clear, remove."""

from __future__ import annotations

from typing import Any

from ..commands import Cmdlet, ErrorRecord, Terminating
from ..state import State
from ..values import EnumValue, LiveObject, TypedList
from ..wildcards import fits, has_wildcards

NAMESPACE = "Microsoft.PowerShell.Commands."
SESSION = (
    "System.Management.Automation.SessionStateException",
    "System.Management.Automation.RuntimeException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
NOT_FOUND = ("System.Management.Automation.ItemNotFoundException", *SESSION)
NOT_WRITABLE = ("System.Management.Automation.SessionStateUnauthorizedAccessException", *SESSION)
OUT_OF_RANGE = (
    "System.Management.Automation.PSArgumentOutOfRangeException",
    "System.ArgumentOutOfRangeException",
    "System.ArgumentException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
ARGUMENT = ("System.Management.Automation.PSArgumentException", *OUT_OF_RANGE[2:])
CONSTANT = frozenset({"true", "false", "null", "executioncontext"})
LOCAL = frozenset({"", "local", "0", "private"})
OPTIONS = "System.Management.Automation.ScopedItemOptions"
VISIBILITY = "System.Management.Automation.SessionStateEntryVisibility"


class PSVariable(LiveObject):
    """What Get-Variable gives without -ValueOnly."""

    TYPE_NAMES = ("System.Management.Automation.PSVariable", "System.Object")
    PROPERTIES = {  # noqa: RUF012 - a table shared by all, never changed
        "Name": "name",
        "Description": "description",
        "Value": "value",
        "Visibility": "visibility",
        "Module": "module",
        "ModuleName": "module_name",
        "Options": "options",
        "Attributes": "attributes",
    }
    description, module, module_name = "", None, ""
    visibility = EnumValue(VISIBILITY, "Public", 0)

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value
        constant = name.lower() in CONSTANT
        self.options = EnumValue(OPTIONS, "Constant" if constant else "None", 2 if constant else 0)
        self.attributes = TypedList("System.Attribute")


class _Variable(Cmdlet):
    @property
    def state(self) -> State:
        """Return the runspace's own state."""
        held: Any = self.call.session
        found: State = held
        return found

    def asked(self) -> list[str]:
        """Return the names given."""
        names = self.call.bound.get("Name")
        return [str(each) for each in names] if isinstance(names, list) else [] if names is None else [str(names)]

    def fitting(self, pattern: str) -> list[str]:
        """Return the keys of the variables that a name or pattern means."""
        if not has_wildcards(pattern):
            key = pattern.replace("`", "").lower()
            return [key] if key in self.state.variables else []
        return sorted(key for key in self.state.variables if fits(key, pattern))

    def chosen(self) -> list[str]:
        """Return the keys asked for, a name that means nothing as an error."""
        self.check_scope()
        found: list[str] = []
        for name in self.asked() or ["*"]:
            keys = self.fitting(name)
            if not keys and not has_wildcards(name):
                self.missing(name)
            found += [key for key in keys if self.included(key)]
        return found

    def included(self, key: str) -> bool:
        """Return whether -Include and -Exclude let a name pass."""
        only, never = self.call.bound.get("Include"), self.call.bound.get("Exclude")
        if only and not any(fits(key, str(each)) for each in only):
            return False
        return not any(fits(key, str(each)) for each in never or ())

    def check_scope(self) -> None:
        """Refuse a scope that isn't there: a pipeline sent from outside runs in the global one."""
        scope = str(self.call.bound.get("Scope") or "")
        deepest = 1 if self.call.lost_scope else 0  # type: ignore[attr-defined]
        if scope.isdigit() and int(scope) > deepest:
            raise self.bad_scope("ScopeIDExceedsAvailableScopes", scope, OUT_OF_RANGE, 0x80131502)
        if scope and not scope.isdigit() and scope.lower() not in {"global", "local", "script", "private"}:
            raise self.bad_scope("InvalidScopeIdArgument", scope, ARGUMENT, 0x80070057)

    @staticmethod
    def bad_scope(error_id: str, scope: str, exception: tuple[str, ...], hresult: int) -> Terminating:
        """Return the error of a scope."""
        return Terminating(
            ErrorRecord(
                error_id=error_id,
                category="InvalidArgument",
                exception=exception,
                hresult=hresult,
                message=f"The scope '{scope}' is not there.",
            )
        )

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

    def refused(self, name: str, error_id: str = "VariableNotWritable") -> None:
        """Write the error of a variable that can't be changed."""
        self.call.error(
            ErrorRecord(
                error_id=error_id,
                category="WriteError" if error_id != "VariableAlreadyExists" else "ResourceExists",
                exception=NOT_WRITABLE if error_id != "VariableAlreadyExists" else SESSION,
                message=f"The variable {name} can't be changed.",
                target=name,
            )
        )


class GetVariable(_Variable):
    """Write variables, or their values alone."""

    NAME = "Get-Variable"
    CLASS = NAMESPACE + "GetVariableCommand"

    def process(self) -> None:
        for key in self.chosen():
            value = self.state.variables[key]
            if self.call.bound.get("ValueOnly"):
                self.call.write(value)
            else:
                self.call.write(PSVariable(self.state.spelling.get(key, key), value))


class SetVariable(_Variable):
    """Keep a value: one object as itself, several as one array."""

    NAME = "Set-Variable"
    CLASS = NAMESPACE + "SetVariableCommand"

    def begin(self) -> None:
        self.held: list[Any] = []

    def process(self) -> None:
        bound = self.call.bound
        if "Value" in bound:
            self.held.append(bound["Value"])

    def end(self) -> None:
        self.check_scope()
        value = None if not self.held else self.held[0] if len(self.held) == 1 else list(self.held)
        for name in self.asked():
            self.keep(name, value)

    def keep(self, name: str, value: Any) -> None:
        """Set one variable, or all that a pattern means."""
        for key in self.fitting(name) if has_wildcards(name) else [name]:
            if not self.included(key) or not self.call.should_process(key):
                continue
            if key.lower() in CONSTANT:
                self.refused(key)
            elif not self.own_scope():
                self.state.keep(key, value)
            if self.call.bound.get("PassThru") and key.lower() not in CONSTANT:
                self.call.write(PSVariable(key, value))

    def own_scope(self) -> bool:
        """Return whether the value goes to the scope of a proxy function, and so is lost at once."""
        scope = str(self.call.bound.get("Scope") or "").lower()
        return bool(self.call.lost_scope) and scope in LOCAL  # type: ignore[attr-defined]


class NewVariable(SetVariable):
    """Keep a value under a new name."""

    NAME = "New-Variable"
    CLASS = NAMESPACE + "NewVariableCommand"

    def process(self) -> None:
        self.held = [self.call.bound.get("Value")]

    def keep(self, name: str, value: Any) -> None:
        """Set a variable that isn't there yet."""
        if name.lower() in self.state.variables and not self.call.bound.get("Force"):
            self.refused(name, "VariableAlreadyExists")
        else:
            super().keep(name, value)


class RemoveVariable(_Variable):
    """Forget variables."""

    NAME = "Remove-Variable"
    CLASS = NAMESPACE + "RemoveVariableCommand"

    def process(self) -> None:
        for key in self.chosen():
            if key in CONSTANT:
                self.refused(key, "VariableNotRemovable")
            elif self.call.should_process(key):
                self.state.variables.pop(key, None)
                self.state.spelling.pop(key, None)


class ClearVariable(_Variable):
    """Set variables to null."""

    NAME = "Clear-Variable"
    CLASS = NAMESPACE + "ClearVariableCommand"

    def process(self) -> None:
        for key in self.chosen():
            if key in CONSTANT:
                self.refused(key)
            elif self.call.should_process(key):
                self.state.variables[key] = None


COMMANDS = (GetVariable, SetVariable, NewVariable, RemoveVariable, ClearVariable)
