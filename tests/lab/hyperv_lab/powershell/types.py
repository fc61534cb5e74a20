# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which type a parameter's type name means: a built-in one, an enumeration, or a class of some module."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from . import scalars
from .enumerations import Enumerations
from .numbers import WIDTHS, integer
from .signature import Parameter
from .targets import (
    Anything,
    Array,
    Class,
    ClassList,
    CredentialTarget,
    Names,
    Nullable,
    Plain,
    Switch,
    Target,
    Text,
    Truth,
    Whole,
)
from .values import Char, PropertyBag, SecureString, Single, Uri, Version


def _integer(name: str) -> Whole:
    python = WIDTHS[name][0]
    return Whole(name, python, lambda value: integer(value, name), python(0))


BUILT_IN: dict[str, Target] = {
    **{name: _integer(name) for name in WIDTHS},
    "Double": Plain("Double", float, scalars.real(float), 0.0),
    "Single": Plain("Single", Single, scalars.real(Single), Single(0)),
    "Decimal": Plain("Decimal", Decimal, scalars.real(Decimal), Decimal(0)),
    "String": Text("String"),
    "Boolean": Truth("Boolean"),
    "SwitchParameter": Switch("SwitchParameter"),
    "Guid": Plain("Guid", uuid.UUID, scalars.guid),
    "DateTime": Plain("DateTime", datetime, scalars.date),
    "TimeSpan": Plain("TimeSpan", timedelta, scalars.span),
    "Version": Plain("Version", Version, scalars.version),
    "Uri": Plain("Uri", Uri, scalars.uri),
    "Char": Plain("Char", Char, scalars.char),
    "PSCredential": CredentialTarget("PSCredential"),
    "SecureString": Plain("SecureString", SecureString, scalars.only(SecureString)),
    "Hashtable": Plain("Hashtable", dict, scalars.only(dict)),
    "IDictionary": Plain("IDictionary", dict, scalars.only(dict)),
    "Object": Anything("Object"),
    "PSObject": Anything("PSObject"),
    "PropertyBag": Plain("PropertyBag", PropertyBag, scalars.only(PropertyBag)),
}

# Classes that the engine or their own constructors make from text (parameter-binding facts, section 10); the text
# itself stands for the object. Enumerations of which no page gives the names are here too.
_FROM_TEXT = {"CimSession", "SecurityIdentifier", "WildcardPattern", "Feature", "ModuleSpecification", "PSTypeName"} | {
    "LocalPrincipal",
    "LocalUser",
    "LocalGroup",
    "IPAddress",
    "Encoding",
    "DnsNameRepresentation",
    "FlagsExpression[FileAttributes]",
    "ProcessPriorityClass",
}
_AD_IDENTITY = re.compile(r"AD[A-Z]\w+")


class Types:
    """The types of a simulated machine: built-in ones, its enumerations, and classes."""

    def __init__(self, enumerations: Enumerations | None = None) -> None:
        self.enumerations = enumerations or Enumerations()
        self._found: dict[tuple[str, tuple[str, ...] | None, bool], Target] = {}

    def register_enum(self, type_name: str, numbers: dict[str, int], *, flags: bool = False) -> None:
        """Give an enumeration its real numbers; ``type_name`` is the full name."""
        self.enumerations.register(type_name, numbers, flags=flags)
        self._found.clear()

    def of(self, parameter: Parameter) -> Target:
        """Return the target of a parameter."""
        key = (parameter.type, parameter.values, parameter.nullable)
        found = self._found.get(key)
        if found is None:
            found = self._named(parameter.type, parameter.values)
            if parameter.nullable:
                found = Nullable(found)
            self._found[key] = found
        return found

    def _named(self, name: str, values: tuple[str, ...] | None) -> Target:
        if name.startswith("Nullable<"):
            return Nullable(self._named(name[len("Nullable<") : -1], values))
        if name.endswith("[]"):
            return Array(name, self._named(name[:-2], values))
        if name.startswith("List["):
            return ClassList(name)
        if name == "StringCollection":
            return Array(name, BUILT_IN["String"])
        if name in BUILT_IN:
            return BUILT_IN[name]
        enumeration = self.enumerations.find(name, values)
        if enumeration is not None:
            return Names(enumeration)
        return Class(name, text=name in _FROM_TEXT or _AD_IDENTITY.fullmatch(name) is not None)


TYPES = Types()
"""The types that the simulated machines share."""


def register_enum(type_name: str, numbers: dict[str, int], *, flags: bool = False) -> None:
    """Give an enumeration its real numbers in every simulated machine."""
    TYPES.register_enum(type_name, numbers, flags=flags)
