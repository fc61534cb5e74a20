# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values of the engine's type system look in Python.

| .NET | Python | | .NET | Python |
| --- | --- | --- | --- | --- |
| String | str | | Guid | uuid.UUID |
| Boolean | bool | | DateTime | datetime (aware: UTC kind; naive: unspecified) |
| Int32 | int | | TimeSpan | timedelta |
| Int64, UInt32 … | the same names (subclasses of int) | | Version, Uri, Char | the same names (subclasses of str) |
| Double, Single | float, Single | | Byte[] | bytes |
| Decimal | decimal.Decimal | | Object[] | list; a typed array is TypedArray, a List<T> is TypedList |
| null | None | | Hashtable | dict |
| enumeration | EnumValue | | PSCustomObject, property bag | PropertyBag |
| SecureString, PSCredential | SecureString, Credential | | live .NET object | subclass of LiveObject |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

OBJECT = "System.Object"


class Int64(int):
    """A 64-bit signed number."""


class UInt64(int):
    """A 64-bit unsigned number."""


class UInt32(int):
    """A 32-bit unsigned number."""


class Int16(int):
    """A 16-bit signed number."""


class UInt16(int):
    """A 16-bit unsigned number."""


class SByte(int):
    """An 8-bit signed number."""


class Byte(int):
    """An 8-bit unsigned number."""


class Single(float):
    """A single-precision number."""


class Version(str):
    """A System.Version as text."""

    __slots__ = ()


class Uri(str):
    """A System.Uri as text."""

    __slots__ = ()


class Char(str):
    """One character."""

    __slots__ = ()


@dataclass(frozen=True)
class EnumValue:
    """A value of an enumeration: full type name, member name, number."""

    type_name: str
    name: str
    number: int

    def __str__(self) -> str:
        return self.name


class TypedArray(list[Any]):
    """An array of a known element type (``String[]``); a plain list is ``Object[]``."""

    def __init__(self, element_type: str, items: Any = ()) -> None:
        super().__init__(items)
        self.element_type = element_type


class TypedList(list[Any]):
    """A List<T> of a known element type (full name); on the wire it is a complex object, not an array."""

    def __init__(self, element_type: str, items: Any = ()) -> None:
        super().__init__(items)
        self.element_type = element_type


@dataclass(frozen=True)
class SecureString:
    """A SecureString with its text in the clear (the lab has to compare it)."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Credential:
    """A PSCredential."""

    username: str
    password: SecureString


class PropertyFailed(Exception):
    """The getter of a property threw: the serializer leaves the property out."""


class LiveObject:
    """A live .NET object of the simulated host, with identity: cmdlets change it in place.

    ``TYPE_NAMES`` run from the most derived class to System.Object. ``PROPERTIES`` gives the adapted properties in the
    object's order and spelling: PowerShell name -> Python attribute name. A property may be a Python property that
    raises PropertyFailed.
    """

    TYPE_NAMES: ClassVar[tuple[str, ...]] = (OBJECT,)
    PROPERTIES: ClassVar[dict[str, str]] = {}
    ALIASES: ClassVar[dict[str, str]] = {}
    """Alias properties of the type extension (VMName -> Name): readable and selectable."""

    def ps_names(self) -> list[str]:
        """Return the names of the adapted properties, in order."""
        return list(self.PROPERTIES)

    def ps_get(self, name: str) -> Any:
        """Return a property's value by its exact PowerShell name; raise KeyError for an unknown one."""
        return getattr(self, self.PROPERTIES[name])

    def ps_text(self) -> str:
        """Return what ToString() gives: the class name unless a subclass says otherwise."""
        return self.TYPE_NAMES[0]


class PropertyBag:
    """A PSObject made of note properties (PSCustomObject, Selected.X, an object received from a client)."""

    def __init__(
        self,
        notes: dict[str, Any] | None = None,
        type_names: tuple[str, ...] = ("System.Management.Automation.PSCustomObject", OBJECT),
        text: str | None = None,
    ) -> None:
        self.notes: dict[str, Any] = dict(notes or {})
        self.type_names = type_names
        self.text = text
