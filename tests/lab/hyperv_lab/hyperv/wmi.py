# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System.Management's objects: what Get-WmiObject gives, with methods that ForEach-Object -MemberName can call.

The engine converts a method's arguments by the types of its parameters, so that a list becomes an array of texts
(public sources of the WMI adapter: the method's arguments go through the same conversion as those of .NET methods).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from ..powershell.values import OBJECT, LiveObject, PropertyBag
from .cim import METHODS, PARAMETERS, CimInstance

_BASE = ("System.Management.ManagementBaseObject", "System.ComponentModel.Component", "System.MarshalByRefObject")


class ManagementObject(LiveObject):
    """System.Management.ManagementObject: dates are texts of WMI."""

    HIDDEN: ClassVar = {"__PATH": "path"}

    def __init__(self, instance: CimInstance, host: Any = None, identity: Any = None) -> None:
        self.instance = instance
        self.owner = host
        self.identity = identity
        space = instance.namespace.replace("/", "\\")
        kind = "System.Management.ManagementObject"
        self.__dict__["TYPE_NAMES"] = (f"{kind}#{space}\\{instance.class_name}", kind, *_BASE, OBJECT)

    def ps_names(self) -> list[str]:
        """Return the system properties with the class and the path, and the properties of the class."""
        return ["__CLASS", "__PATH", *(name for name in self.instance.values if name != "PSComputerName")]

    def ps_get(self, name: str) -> Any:
        """Return a property's value."""
        if name == "__CLASS":
            return self.instance.class_name
        if name == "__PATH":
            return self.path
        value = self.instance.values[name]
        return value.strftime("%Y%m%d%H%M%S.%f+000") if isinstance(value, datetime) else value

    @property
    def path(self) -> str:
        """Return the object's path with its keys, as far as the lab knows which these are."""
        values = self.instance.values
        keys = [key for key in ("InstanceID",) if key in values] or [
            key for key in ("CreationClassName", "Name") if key in values
        ]
        space = self.instance.namespace.replace("/", "\\")
        text = ",".join(f'{key}="{_escaped(values[key])}"' for key in keys)
        name = getattr(self.owner, "name", ".")
        return f"\\\\{name}\\{space}:{self.instance.class_name}" + (f".{text}" if text else "")

    def ps_text(self) -> str:
        """Return the path of the object."""
        return self.path

    def ps_call(self, name: str, arguments: list[Any]) -> Any:
        """Call a method with arguments by position; raise KeyError for a method or a number of arguments unknown."""
        key = (self.instance.class_name.lower(), name.lower())
        known = PARAMETERS[key]
        if len(arguments) != len(known):
            raise KeyError(name)
        given = {
            parameter: (value if isinstance(value, list) else [value]) if is_list else value
            for (parameter, is_list), value in zip(known, arguments, strict=True)
        }
        values = METHODS[key](self.owner, self.instance, given, self.identity)
        kind = "System.Management.ManagementBaseObject"
        return PropertyBag(dict(values), (f"{kind}#\\__PARAMETERS", *_BASE, OBJECT), kind)


def _escaped(value: Any) -> str:
    return str(value).replace("\\", "\\\\").replace('"', '\\"')
