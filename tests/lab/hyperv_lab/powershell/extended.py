# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that carry note properties beside their own: what Select-Object -ExpandProperty … -Property … makes."""

from __future__ import annotations

from typing import Any

from .values import LiveObject, PropertyBag


class Extended(LiveObject):
    """A live object with notes. It binds as the object does."""

    def __init__(self, element: LiveObject, notes: dict[str, Any]) -> None:
        self.element, self.notes = element, notes

    def ps_names(self) -> list[str]:
        return [*self.element.ps_names(), *self.notes]

    def ps_get(self, name: str) -> Any:
        return self.notes[name] if name in self.notes else self.element.ps_get(name)

    def ps_text(self) -> str:
        return self.element.ps_text()


class ExtendedScalar:
    """A scalar with notes."""

    def __init__(self, element: Any, notes: dict[str, Any]) -> None:
        self.element, self.notes = element, notes


_CLASSES: dict[type[LiveObject], type[Extended]] = {}


def extended(element: Any, notes: dict[str, Any], selected: str) -> Any:
    """Return an object with notes added; a bag becomes a bag of type Selected.X."""
    if not notes:
        return element
    if isinstance(element, PropertyBag):
        return PropertyBag({**element.notes, **notes}, (selected, *element.type_names), element.text)
    if not isinstance(element, LiveObject):
        return ExtendedScalar(element, notes)
    of = type(element)
    if of not in _CLASSES:
        held = {"TYPE_NAMES": of.TYPE_NAMES, "PROPERTIES": of.PROPERTIES, "ALIASES": of.ALIASES}
        _CLASSES[of] = type(f"Extended{of.__name__}", (Extended,), held)
    return _CLASSES[of](element, notes)


def plain(value: Any) -> Any:
    """Return the object itself, without notes: what a typed parameter gets."""
    return value.element if isinstance(value, (Extended, ExtendedScalar)) else value
