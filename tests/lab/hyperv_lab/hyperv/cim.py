# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CIM instances: classes by namespace, WQL filters, methods. Other files register their classes here.

``provide(namespace, class)`` decorates a function ``host -> list[CimInstance]``; ``method(class, name)`` one that takes
``(host, instance, arguments, identity)`` and returns the output parameters, ReturnValue among them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from ..powershell.values import OBJECT, LiveObject

if TYPE_CHECKING:
    from collections.abc import Callable

    from .host import Host

    Provider: TypeAlias = Callable[[Host], list["CimInstance"]]
    Method: TypeAlias = Callable[[Host, "CimInstance", dict[str, Any], Any], dict[str, Any]]

VIRTUALIZATION = "root/virtualization/v2"
CIMV2 = "root/cimv2"
DEVICE_GUARD = "root/microsoft/windows/deviceguard"
PROVIDERS: dict[tuple[str, str], Provider] = {}
"""(namespace, lower-case class) -> what lists the instances of a host."""
CLASS_NAMES: dict[tuple[str, str], str] = {}
SINCE: dict[tuple[str, str], str] = {}
"""(namespace, lower-case class) -> oldest edition that has it, where that is not the oldest of all."""
METHODS: dict[tuple[str, str], Method] = {}
"""(lower-case class, lower-case method) -> what it does."""

PARAMETERS: dict[tuple[str, str], tuple[tuple[str, bool], ...]] = {}
"""(lower-case class, lower-case method) -> its parameters in order, and whether each is an array."""


class CimInstance(LiveObject):
    """An instance of a CIM class as Get-CimInstance gives it. ``subject`` is what of the model it stands for."""

    TYPE_NAMES: ClassVar = ("Microsoft.Management.Infrastructure.CimInstance", OBJECT)

    def __init__(
        self,
        namespace: str,
        class_name: str,
        values: dict[str, Any],
        *,
        bases: tuple[str, ...] = (),
        subject: Any = None,
    ) -> None:
        self.namespace = namespace
        self.class_name = class_name
        self.values = {**values, "PSComputerName": None}
        self.subject = subject
        prefix = "Microsoft.Management.Infrastructure.CimInstance#" + namespace + "/"
        own = tuple(prefix + name for name in (class_name, *bases))
        self.__dict__["TYPE_NAMES"] = (*own, *CimInstance.TYPE_NAMES)

    def ps_names(self) -> list[str]:
        """Return the names of the class's properties."""
        return list(self.values)

    def ps_get(self, name: str) -> Any:
        """Return a property's value."""
        return self.values[name]

    def ps_text(self) -> str:
        """Return the text of the object: class and key."""
        key = next(iter(self.values.items()))
        return f'{self.class_name} ({key[0]} = "{key[1]}")'


def normal(namespace: str) -> str:
    """Return a namespace with slashes, lower case."""
    return namespace.replace("\\", "/").strip("/").lower()


def provide(namespace: str, class_name: str, *, since: str | None = None) -> Callable[[Provider], Provider]:
    """Register a class, one that came with an edition where ``since`` says so."""

    def register(function: Provider) -> Provider:
        if (normal(namespace), class_name.lower()) in PROVIDERS:
            raise ValueError(f"{class_name} has two providers")
        PROVIDERS[normal(namespace), class_name.lower()] = function
        CLASS_NAMES[normal(namespace), class_name.lower()] = class_name
        if since is not None:
            SINCE[normal(namespace), class_name.lower()] = since
        return function

    return register


def method(
    class_name: str, name: str, parameters: tuple[tuple[str, bool], ...] | None = None
) -> Callable[[Method], Method]:
    """Register a method; with ``parameters`` in order (name, whether an array) it can be called by position, too."""

    def register(function: Method) -> Method:
        METHODS[class_name.lower(), name.lower()] = function
        if parameters is not None:
            PARAMETERS[class_name.lower(), name.lower()] = parameters
        return function

    return register


def provider_of(host: Host, namespace: str, class_name: str) -> Provider | None:
    """Return what lists the instances of a class, None where the host has no such class."""
    key = (normal(namespace), class_name.lower())
    provider = host.own_classes().get(key) or PROVIDERS.get(key)
    return provider if key not in SINCE or host.is_new(SINCE[key]) else None


def has_namespace(host: Host, namespace: str) -> bool:
    """Return whether a host has any class in a namespace."""
    plain = normal(namespace)
    return any(space == plain and provider_of(host, space, name) is not None for space, name in PROVIDERS)


class BadQuery(Exception):
    """A filter that the lab doesn't understand, or that is wrong."""


_TERM = re.compile(
    r"\s*(?P<name>\w+)\s*(?P<operator>=|<>|!=|<=|>=|<|>|like\b)\s*"
    r"(?P<value>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|-?\d+|true\b|false\b|null\b)\s*",
    re.IGNORECASE,
)


def matcher(query: str) -> Callable[[CimInstance], bool]:
    """Return the test of a WQL filter: comparisons joined by AND, or by OR; raise BadQuery."""
    terms: list[tuple[str, str, Any]] = []
    joins: set[str] = set()
    position = 0
    while True:
        found = _TERM.match(query, position)
        if found is None:
            raise BadQuery(query)
        terms.append((found["name"], found["operator"].lower(), _literal(found["value"])))
        position = found.end()
        if position == len(query):
            break
        join = re.compile(r"(and|or)\b", re.IGNORECASE).match(query, position)
        if join is None:
            raise BadQuery(query)
        joins.add(join[1].lower())
        position = join.end()
    if len(joins) > 1:
        raise BadQuery(query)
    combine = any if "or" in joins else all
    return lambda instance: combine(_holds(instance, *term) for term in terms)


def _literal(text: str) -> Any:
    if text[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    lowered = text.lower()
    return {"true": True, "false": False, "null": None}[lowered] if lowered in ("true", "false", "null") else int(text)


def _holds(instance: CimInstance, name: str, operator: str, wanted: Any) -> bool:
    known = next((key for key in instance.values if key.lower() == name.lower()), None)
    if known is None:
        raise BadQuery(name)
    value = instance.values[known]
    if operator == "like":
        return _like(str(wanted)).fullmatch(str(value)) is not None
    if isinstance(value, str) or isinstance(wanted, str):
        value, wanted = str(value).lower(), str(wanted).lower()
    if operator in ("=", "<>", "!="):
        return bool(value == wanted) == (operator == "=")
    if value is None or wanted is None:
        return False
    return bool({"<": value < wanted, ">": value > wanted, "<=": value <= wanted, ">=": value >= wanted}[operator])


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace("%", ".*").replace("_", "."), re.IGNORECASE | re.DOTALL)
