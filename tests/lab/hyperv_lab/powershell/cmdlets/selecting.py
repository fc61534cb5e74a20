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
from ..extended import extended
from ..values import LiveObject, PropertyBag, PropertyFailed
from ..wildcards import fits, has_wildcards
from .comparing import same

ARGUMENT = (
    "System.Management.Automation.PSArgumentException",
    "System.ArgumentException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
GETTER = (
    "System.Management.Automation.GetValueInvocationException",
    "System.Management.Automation.GetValueException",
    "System.Management.Automation.ExtendedTypeSystemException",
    "System.Management.Automation.RuntimeException",
    "System.SystemException",
    "System.Exception",
    "System.Object",
)
CUSTOM = "System.Management.Automation.PSCustomObject"
_KEYS = {"name": "name", "n": "name", "label": "name", "l": "name", "expression": "expression", "e": "expression"}


class SelectObject(Cmdlet):
    """Project objects on properties, expand one, or choose objects by place."""

    NAME = "Select-Object"
    CLASS = "Microsoft.PowerShell.Commands.SelectObjectCommand"

    def begin(self) -> None:
        bound = self.call.bound
        self.first, self.last = int(bound.get("First") or 0), int(bound.get("Last") or 0)
        self.skip, self.skip_last = int(bound.get("Skip") or 0), int(bound.get("SkipLast") or 0)
        self.all = "First" not in bound and "Last" not in bound
        self.indexes = {int(number) for number in bound.get("Index") or ()}
        self.skipped = {int(number) for number in bound.get("SkipIndex") or ()}
        self.queue: deque[Any] = deque()
        self.streamed, self.count = 0, 0
        self.unique: list[tuple[Any, PropertyBag | None]] | None = [] if bound.get("Unique") else None
        self.expanded = bound.get("ExpandProperty")
        self.wanted: list[Any] | None = bound.get("Property")
        self.excluded = [str(each) for each in bound.get("ExcludeProperty") or ()]
        core: bool = self.call.session.is_core  # type: ignore[attr-defined]
        if self.wanted is None and self.excluded and core:
            self.wanted = ["*"]
        self.plain = self._plain_names()

    def _plain_names(self) -> list[str] | None:
        """Return the wanted names where nothing is to be worked out for them, else None."""
        if self.wanted is None or self.excluded:
            return None
        names = [str(each) for each in self.wanted if not isinstance(each, dict)]
        simple = len(names) == len(self.wanted) and not any(has_wildcards(name) for name in names)
        return names if simple else None

    def process(self) -> None:
        value = self.call.bound.get("InputObject")
        if value is None:
            return
        if self.indexes or self.skipped:
            self._by_index(value)
            return
        if self.all and not self.skip and not self.skip_last:
            self.emit(value)
            return
        self._enqueue(value)
        chosen = self._streaming()
        if chosen is not None:
            self.emit(chosen)
        if self.first and not self.last and self.streamed >= self.first:
            self._enough()

    def _by_index(self, value: Any) -> None:
        number = self.count
        self.count += 1
        if number in self.indexes or (self.skipped and number not in self.skipped):
            self.emit(value)
        if self.indexes and number >= max(self.indexes):
            self._enough()

    def _enough(self) -> None:
        if not self.call.bound.get("Wait"):
            raise self.call.needs_no_more()  # type: ignore[attr-defined]

    def _enqueue(self, value: Any) -> None:
        room = self.last if self.first else self.last + self.skip
        if self.last and len(self.queue) >= room:
            self.queue.popleft()
        self.queue.append(value)

    def _streaming(self) -> Any:
        """Return what can be passed on now, as the engine's own queue does."""
        if self.skip:
            if not self.last or self.first:
                self.queue.popleft()
                self.skip -= 1
            return None
        if self.skip_last:
            return self.queue.popleft() if len(self.queue) > self.skip_last else None
        if self.streamed < self.first or self.all:
            self.streamed += 1
            return self.queue.popleft()
        if not self.last:
            self.queue.popleft()
        return None

    def end(self) -> None:
        if self.last:
            left = len(self.queue)
            keep = 0 if self.first else self.skip
            while left > keep:
                left -= 1
                self.emit(self.queue.popleft())
        for value, _ in self.unique or ():
            self.call.write(value)
        self.unique = [] if self.unique is not None else None

    def emit(self, value: Any) -> None:
        """Write what is selected of one object."""
        notes = self.project(value) if self.wanted is not None else {}
        if self.expanded is not None:
            self.expand(value, str(self.expanded), notes)
        elif self.wanted is None:
            self.output(value, None)
        else:
            bag = PropertyBag({}, (_selected(value), CUSTOM, "System.Object"))
            if len({name.lower() for name in notes}) == len(self.pairs):
                bag.notes = notes
            else:
                self._fill(bag, value)
            self.output(bag, bag)

    def _fill(self, bag: PropertyBag, value: Any) -> None:
        taken: set[str] = set()
        for name, item in self.pairs:
            if name.lower() in taken:
                self.exists(value, name, "AlreadyExistingUserSpecifiedPropertyNoExpand")
            else:
                taken.add(name.lower())
                bag.notes[name] = item

    def output(self, value: Any, bag: PropertyBag | None) -> None:
        """Write an object; with -Unique keep it for the end unless an equal one is there."""
        if self.unique is None:
            self.call.write(value)
        elif not any(self._equal(value, bag, *held) for held in self.unique):
            self.unique.append((value, bag))

    def _equal(self, value: Any, bag: PropertyBag | None, other: Any, other_bag: PropertyBag | None) -> bool:
        case = not self.call.bound.get("CaseInsensitive")
        if bag is None or other_bag is None:
            return bag is other_bag and same(value, other, case=case)
        if [name.lower() for name in bag.notes] != [name.lower() for name in other_bag.notes]:
            return False
        pairs = zip(bag.notes.values(), other_bag.notes.values(), strict=True)
        return all(same(one, two, case=case) for one, two in pairs)

    def project(self, value: Any) -> dict[str, Any]:
        """Find the wanted properties (``pairs``, repeated ones too); return them by name."""
        if self.plain is not None:
            find = members.find
            self.pairs = [find(value, name) or (name, None) for name in self.plain]
        else:
            self.pairs = [pair for each in self.wanted or () for pair in self.pick(value, each)]
        return dict(self.pairs)

    def pick(self, value: Any, wanted: Any) -> list[tuple[str, Any]]:
        """Return the properties that one element of -Property means."""
        label, source = None, wanted
        if isinstance(wanted, dict):
            plain = {_KEYS.get(str(key).lower(), ""): item for key, item in wanted.items()}
            label, source = plain.get("name"), plain.get("expression")
        name = str(source)
        if has_wildcards(name):
            found = [(each, members.get(value, each)) for each in members.fitting(value, name)]
        else:
            held = members.find(value, name)
            found = [held if held is not None else (name, None)]
        if self.excluded:
            found = [pair for pair in found if not any(fits(pair[0], each) for each in self.excluded)]
        if label is None:
            return found
        if len(found) > 1:
            self.failed(value, "RenamingMultipleResults", "InvalidOperation", "Several results can't have one name.")
            return []
        return [(str(label), item) for _, item in found]

    def expand(self, value: Any, name: str, notes: dict[str, Any]) -> None:
        """Write the elements of a property, with the properties of their parent that -Property names."""
        found = members.fitting(value, name) if has_wildcards(name) else [name]
        held = members.find(value, found[0]) if len(found) == 1 else None
        if len(found) > 1:
            self.failed(value, "MutlipleExpandProperties", "InvalidArgument", "Several properties can't be expanded.")
        elif held is None:
            self.failed(value, "ExpandPropertyNotFound", "InvalidArgument", f'Property "{name}" cannot be found.')
        elif held[1] is None and _fails(value, held[0]):
            self.failed(value, "PropertyEvaluationExpand", "InvalidResult", "The getter failed.", GETTER, 0x80131501)
        else:
            elements = held[1] if isinstance(held[1], (list, bytes)) else [held[1]]
            for element in elements:
                if element is not None:
                    self.output(self.beside(value, element, notes), None)

    def beside(self, parent: Any, element: Any, notes: dict[str, Any]) -> Any:
        """Return an element with what -Property keeps of its parent."""
        if not notes:
            return element
        taken = {name.lower() for name in members.names(element)}
        kept = {}
        for name, item in notes.items():
            if name.lower() in taken:
                self.exists(parent, name, "AlreadyExistingUserSpecifiedPropertyExpand")
            else:
                kept[name] = item
        return extended(element, kept, _selected(parent))

    def exists(self, target: Any, name: str, error_id: str) -> None:
        """Write the error of a property that is there already."""
        self.failed(target, error_id, "InvalidOperation", f'The property "{name}" already exists.')

    def failed(
        self,
        target: Any,
        error_id: str,
        category: str,
        message: str,
        exception: tuple[str, ...] = ARGUMENT,
        hresult: int = 0x80070057,
    ) -> None:
        """Write an error about one input object."""
        self.call.error(
            ErrorRecord(
                error_id=error_id,
                category=category,
                message=message,
                exception=exception,
                hresult=hresult,
                target=Wrapped(target),
            )
        )


def _selected(value: Any) -> str:
    return "Selected." + (CUSTOM if isinstance(value, PropertyBag) else members.runtime_name(value))


def _fails(value: Any, name: str) -> bool:
    if not isinstance(value, LiveObject):
        return False
    try:
        value.ps_get(value.ALIASES.get(name, name))
    except PropertyFailed:
        return True
    return False
