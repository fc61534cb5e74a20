# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select-Object."""

from __future__ import annotations

from collections import deque
from typing import Any

from .. import members
from ..commands import Cmdlet, ErrorRecord
from ..error_objects import Wrapped
from ..values import EnumValue, LiveObject, PropertyBag

CLASS = "Microsoft.PowerShell.Commands.SelectObjectCommand"
ARGUMENT = (
    "System.Management.Automation.PSArgumentException",
    "System.ArgumentException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)


class SelectObject(Cmdlet):
    """Project objects on properties, expand one, or choose objects by place."""

    NAME = "Select-Object"
    CLASS = CLASS

    def begin(self) -> None:
        bound = self.call.bound
        self.first, self.last, self.skip = bound.get("First"), bound.get("Last"), int(bound.get("Skip") or 0)
        self.indexes = {int(number) for number in bound.get("Index") or ()}
        self.seen: list[Any] = []
        self.waiting: deque[Any] = deque()
        self.count = 0

    def process(self) -> None:
        value = self.call.bound.get("InputObject")
        if "InputObject" not in self.call.bound:
            return
        number = self.count
        self.count += 1
        if self.indexes:
            if number in self.indexes:
                self.emit(value)
        elif self.last is not None:
            self.waiting.append(value)
        elif number >= self.skip and (self.first is None or number - self.skip < int(self.first)):
            self.emit(value)

    def end(self) -> None:
        if self.last is None:
            return
        kept = list(self.waiting)[: len(self.waiting) - self.skip if self.skip else None]
        for value in kept[max(0, len(kept) - int(self.last)) :]:
            self.emit(value)

    def emit(self, value: Any) -> None:
        """Write what is selected of one object."""
        bound = self.call.bound
        if bound.get("ExpandProperty") is not None:
            self.expand(value, str(bound["ExpandProperty"]))
            return
        if bound.get("Property") is None and bound.get("ExcludeProperty") is None:
            self.output(value)
            return
        self.output(self.project(value))

    def output(self, value: Any) -> None:
        """Write an object unless an equal one was written and -Unique is on."""
        if self.call.bound.get("Unique"):
            key = _key(value)
            if key in self.seen:
                return
            self.seen.append(key)
        self.call.write(value)

    def project(self, value: Any) -> PropertyBag:
        """Return the bag of the wanted properties."""
        bag = PropertyBag(
            {}, ("Selected." + members.type_name(value), "System.Management.Automation.PSCustomObject", "System.Object")
        )
        wanted = self.call.bound.get("Property")
        for each in wanted if wanted is not None else ["*"]:
            for name, item in self.pick(value, each):
                if any(name.lower() == held.lower() for held in bag.notes):
                    self.call.error(self.exists(value, name))
                    continue
                bag.notes[name] = item
        return bag

    def pick(self, value: Any, wanted: Any) -> list[tuple[str, Any]]:
        """Return the properties that one element of -Property means."""
        if isinstance(wanted, dict):
            plain = {str(key).lower(): item for key, item in wanted.items()}
            label = plain.get("name", plain.get("label", plain.get("n", plain.get("l"))))
            source = str(plain.get("expression", plain.get("e")))
            return [(str(label if label is not None else source), members.get(value, source))]
        name = str(wanted)
        if any(sign in name for sign in "*?["):
            excluded = {str(each).lower() for each in self.call.bound.get("ExcludeProperty") or ()}
            return [
                (each, members.get(value, each))
                for each in members.fitting(value, name)
                if each.lower() not in excluded
            ]
        found = members.find(value, name)
        return [found if found is not None else (name, None)]

    def expand(self, value: Any, name: str) -> None:
        """Write the elements of a property, with the properties of their parent that -Property names."""
        found = members.find(value, name)
        if found is None:
            self.call.error(
                ErrorRecord(
                    error_id="ExpandPropertyNotFound",
                    category="InvalidArgument",
                    message=f'Property "{name}" cannot be found.',
                    exception=ARGUMENT,
                    hresult=0x80070057,
                    target=Wrapped(value),
                )
            )
            return
        item = found[1]
        elements = item if isinstance(item, list) else [] if item is None else [item]
        for element in elements:
            self.output(self.beside(value, element))

    def beside(self, parent: Any, element: Any) -> Any:
        """Return an element with what -Property keeps of its parent."""
        wanted = self.call.bound.get("Property")
        if not wanted:
            return element
        kept = dict(pair for each in wanted for pair in self.pick(parent, each))
        taken = {name.lower() for name in members.names(element)}
        for name in [name for name in kept if name.lower() in taken]:
            self.call.error(self.exists(element, name, expand=True))
            kept.pop(name)
        return Extended(element, kept) if kept else element

    def exists(self, target: Any, name: str, *, expand: bool = False) -> ErrorRecord:
        """Return the error of a property that is there already."""
        error_id = (
            "AlreadyExistingUserSpecifiedPropertyExpand" if expand else "AlreadyExistingUserSpecifiedPropertyNoExpand"
        )
        return ErrorRecord(
            error_id=error_id,
            category="InvalidOperation",
            exception=ARGUMENT,
            hresult=0x80070057,
            message=f'The property cannot be processed because the property "{name}" already exists.',
            target=Wrapped(target),
        )


class Extended(LiveObject):
    """A live object that Select-Object gave note properties of its parent."""

    def __init__(self, element: Any, notes: dict[str, Any]) -> None:
        self.element, self.notes = element, notes
        self.TYPE_NAMES = ("Selected." + members.type_name(element), *getattr(element, "TYPE_NAMES", ()))  # type: ignore[misc]

    def ps_names(self) -> list[str]:
        return [*members.names(self.element), *self.notes]

    def ps_get(self, name: str) -> Any:
        return self.notes[name] if name in self.notes else members.get(self.element, name)

    def ps_text(self) -> str:
        return str(self.element.ps_text()) if isinstance(self.element, LiveObject) else str(self.element)


def _key(value: Any) -> Any:
    if isinstance(value, PropertyBag):
        return tuple((name, _key(item)) for name, item in value.notes.items())
    if isinstance(value, EnumValue):
        return (value.type_name, value.number)
    if isinstance(value, list):
        return tuple(_key(item) for item in value)
    return id(value) if isinstance(value, LiveObject) else value
