# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter types: what is of a type already, and what becomes of a value that is not.

A target converts as a compiled cmdlet does; ``conversion.convert`` turns refusals into those of a function.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from .enumerations import Enumeration, short_name
from .numbers import WIDTHS, is_number
from .signature import Kind
from .texts import text_of
from .values import Credential, EnumValue, LiveObject, TypedArray

UNCONVERTIBLE = "CannotConvertArgumentNoMessage"
UNACCEPTABLE = "CannotConvertArgument"
TRANSFORMATION = "ParameterArgumentTransformationError"
NULL_REFUSED = "ParameterArgumentValidationErrorNullNotAllowed"


class ConversionRefused(Exception):
    """A value that can't become the parameter's type: the engine's error id and category."""

    def __init__(self, error_id: str = UNCONVERTIBLE, category: str = "InvalidArgument") -> None:
        super().__init__(error_id)
        self.error_id = error_id
        self.category = category


class Target:
    """A type of a parameter."""

    enumerates = False
    """Whether a list is taken as a whole; other types refuse it."""
    transforms = False
    """Whether a value of another type is an error even where no conversion is tried."""

    def __init__(self, name: str) -> None:
        self.name = name

    def holds(self, value: Any) -> bool:
        """Return whether the value has the type already."""
        raise NotImplementedError

    def convert(self, value: Any, kind: Kind) -> Any:
        """Return the value as this type, or raise ConversionRefused. Never called with null."""
        raise NotImplementedError

    def null(self, kind: Kind) -> Any:
        """Return what null becomes."""
        del kind

    def takes_null(self, kind: Kind) -> bool:
        """Return whether null needs no conversion."""
        try:
            return self.null(kind) is None
        except ConversionRefused:
            return False


class Plain(Target):
    """A type of one Python class, with a function that gives the value or None."""

    def __init__(self, name: str, python: type, convert: Callable[[Any], Any], null: Any = None) -> None:
        super().__init__(name)
        self._python = python
        self._convert = convert
        self._null = null

    def holds(self, value: Any) -> bool:
        return type(value) is self._python

    def convert(self, value: Any, kind: Kind) -> Any:
        found = value if self.holds(value) else self._convert(value)
        if found is None:
            raise ConversionRefused
        return found

    def null(self, kind: Kind) -> Any:
        return self._null


class Whole(Plain):
    """An integer type. A Python number is of the type only within its range."""

    def holds(self, value: Any) -> bool:
        _, smallest, largest = WIDTHS[self.name]
        return super().holds(value) and smallest <= value <= largest


class Text(Target):
    """String: any scalar as text; a function joins a list by blanks, a compiled cmdlet refuses it."""

    enumerates = True

    def holds(self, value: Any) -> bool:
        return type(value) is str

    def convert(self, value: Any, kind: Kind) -> Any:
        if isinstance(value, (list, bytes)):
            if kind == "compiled":
                raise ConversionRefused(UNACCEPTABLE)
            return " ".join(text_of(each) for each in value)
        return value if type(value) is str else text_of(value)

    def null(self, kind: Kind) -> Any:
        return None if kind == "compiled" else ""


class Truth(Target):
    """Boolean: a Boolean or a number, never a text."""

    def holds(self, value: Any) -> bool:
        return isinstance(value, bool)

    def convert(self, value: Any, kind: Kind) -> Any:
        if not isinstance(value, bool) and not is_number(value):
            raise ConversionRefused(UNACCEPTABLE)
        return bool(value)

    def null(self, kind: Kind) -> Any:
        if kind == "compiled":
            raise ConversionRefused(NULL_REFUSED)
        raise ConversionRefused


class Switch(Target):
    """SwitchParameter: a Boolean; a compiled cmdlet takes a number too, and null as true."""

    def holds(self, value: Any) -> bool:
        return False

    def convert(self, value: Any, kind: Kind) -> Any:
        if isinstance(value, bool) or (kind == "compiled" and is_number(value)):
            return bool(value)
        raise ConversionRefused(UNACCEPTABLE)

    def null(self, kind: Kind) -> Any:
        return kind == "compiled"


class Names(Target):
    """An enumeration. Lists are or-ed."""

    enumerates = True

    def __init__(self, enumeration: Enumeration) -> None:
        super().__init__(enumeration.type_name)
        self._enumeration = enumeration
        self._short = short_name(enumeration.type_name)

    def holds(self, value: Any) -> bool:
        return isinstance(value, EnumValue) and short_name(value.type_name) == self._short

    def convert(self, value: Any, kind: Kind) -> Any:
        found: EnumValue | None = None
        if self.holds(value):
            found = self._enumeration.of_number(value.number) or value
        elif isinstance(value, list):
            found = self._enumeration.of_text(",".join(text_of(each) for each in value))
        elif isinstance(value, str):
            found = self._enumeration.of_text(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            found = self._enumeration.of_number(value)
        if found is None:
            raise ConversionRefused
        return found

    def null(self, kind: Kind) -> Any:
        raise ConversionRefused


class CredentialTarget(Target):
    """PSCredential: text would ask a host for the password, so it fails as a transformation."""

    transforms = True

    def holds(self, value: Any) -> bool:
        return isinstance(value, Credential)

    def convert(self, value: Any, kind: Kind) -> Any:
        if not self.holds(value):
            raise ConversionRefused(TRANSFORMATION, "InvalidData")
        return value


class Anything(Target):
    """Object and PSObject."""

    enumerates = True

    def holds(self, value: Any) -> bool:
        return True

    def convert(self, value: Any, kind: Kind) -> Any:
        return value


class Class(Target):
    """A class of some module: takes live objects of it or of a class derived from it."""

    def __init__(self, name: str, *, text: bool = False) -> None:
        super().__init__(name)
        self._text = text

    def holds(self, value: Any) -> bool:
        return isinstance(value, LiveObject) and any(
            each == self.name or short_name(each) == self.name for each in type(value).TYPE_NAMES
        )

    def convert(self, value: Any, kind: Kind) -> Any:
        if self.holds(value):
            return value
        if self._text and isinstance(value, (str, uuid.UUID)):
            return str(value)
        raise ConversionRefused


class ClassList(Class):
    """A generic list of some class: takes such a list, or one object, as the documented use pipes them one by one."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._element = Class(name[len("List[") : -1])

    def convert(self, value: Any, kind: Kind) -> Any:
        return [value] if self._element.holds(value) else super().convert(value, kind)


class Nullable(Target):
    """A value type that null may stand for."""

    def __init__(self, inner: Target) -> None:
        super().__init__(f"Nullable<{inner.name}>")
        self._inner = inner
        self.enumerates = inner.enumerates

    def holds(self, value: Any) -> bool:
        return self._inner.holds(value)

    def convert(self, value: Any, kind: Kind) -> Any:
        return self._inner.convert(value, kind)


class Array(Target):
    """An array: each element is converted, one value is wrapped."""

    enumerates = True

    def __init__(self, name: str, element: Target) -> None:
        super().__init__(name)
        self._element = element

    def holds(self, value: Any) -> bool:
        if isinstance(value, bytes):
            return self._element.name == "Byte"
        if isinstance(value, list):
            return all(self._element.holds(each) for each in value)
        return self._element.holds(value)

    def convert(self, value: Any, kind: Kind) -> Any:
        if isinstance(value, bytes) and self._element.name == "Byte":
            return value
        several = value if isinstance(value, (list, bytes)) else [value]
        try:
            found = [self._one(each, kind) for each in several]
        except ConversionRefused as refused:
            # The transformation of a credential belongs to the parameter itself, not to its elements.
            raise ConversionRefused if refused.error_id == TRANSFORMATION else refused from None
        return bytes(found) if self._element.name == "Byte" else TypedArray(self._element.name, found)

    def _one(self, value: Any, kind: Kind) -> Any:
        if value is None:
            return None if kind == "compiled" else self._element.null(kind)
        return convert_scalar(self._element, value, kind)


def convert_scalar(target: Target, value: Any, kind: Kind) -> Any:
    """Convert one value that isn't null; a list is refused where the type wants one value."""
    if isinstance(value, (list, bytes)) and not target.enumerates:
        raise ConversionRefused(UNACCEPTABLE)
    return target.convert(value, kind)
