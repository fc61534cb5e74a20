# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replay of recorded bindings: one command each, over stubs that have the contract's parameters and nothing else.

The stubs' enumerations are numbered in the order in which the contract first names their values, not as on Windows, and
their objects have five properties and a null CimSession. Cases marked ``stub_only`` only show how the stubs were made,
and are skipped.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from ..powershell import contract
from ..powershell.binder import BindingFailed, Bound, ObjectNotBound, prepare
from ..powershell.enumerations import Enumerations
from ..powershell.signature import Signature
from ..powershell.texts import text_of
from ..powershell.types import Types
from ..powershell.values import Credential, Int64, LiveObject, PropertyBag, SecureString
from .report import Report

EDITION = "2022"
_BASES = {
    "VMNetworkAdapter": ("VMNetworkAdapterBase",),
    "VirtualMachine": ("VirtualMachineBase",),
    "VMSnapshot": ("VirtualMachineBase",),
}
_ID = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
_VALUES: dict[str, Any] = {
    "S": str,
    "I32": int,
    "I64": Int64,
    "D": float,
    "B": bool,
    "G": uuid.UUID,
    "Nil": lambda _: None,
    "LST": lambda items: [_value(item) for item in items],
    "DCT": dict,
    "OBJ": PropertyBag,
    "CRED": lambda pair: Credential(pair[0], SecureString(pair[1])),
    "SEC": SecureString,
}


class _Stub(LiveObject):
    PROPERTIES: ClassVar[dict[str, str]] = {
        "Name": "name",
        "Id": "identity",
        "VMName": "vm_name",
        "VMId": "identity",
        "ComputerName": "host",
        "CimSession": "session",
    }
    name = "obj-name"
    identity = _ID
    vm_name = "obj-vm"
    host = "obj-host"
    session = None


@cache
def _stub(type_name: str) -> type[_Stub]:
    names = (type_name, *_BASES.get(type_name, ()), "System.Object")
    return type(type_name, (_Stub,), {"TYPE_NAMES": names})


def _value(wire: list[Any]) -> Any:
    return _VALUES[wire[0]](wire[1])


def _flat(type_name: str) -> str:
    """Return a type name as the stubs' classes could be called: no brackets but those of an array."""
    bare = type_name.removesuffix("[]")
    return re.sub(r"\W", "_", bare) + type_name[len(bare) :]


@cache
def _declared(class_name: str) -> str:
    """Return the contract's type name for a stub class, whose name has underscores instead of brackets."""
    for signature in contract.commands(EDITION):
        for parameter in signature.parameters:
            bare = parameter.type.removesuffix("[]")
            if _flat(bare) == class_name:
                return bare
    return class_name


class Replay:
    """Plays cases against the binder, with the stubs' own types."""

    def __init__(self) -> None:
        self._types = Types(Enumerations())
        self._signatures: dict[tuple[str, str], Signature] = {}

    def differences(self, cases: Iterable[dict[str, Any]]) -> Iterator[str | None]:
        """Yield for each case that counts None, or what differs."""
        for case in cases:
            if not case.get("stub_only"):
                yield self.difference(case)

    def difference(self, case: dict[str, Any]) -> str | None:
        """Return what differs between the recorded answer and the binder's, or None."""
        wanted = dict(case["reply"])
        wanted.setdefault("errors", [])
        got = self._answer(case)
        differing = [key for key in wanted if got.get(key) != wanted[key]]
        if not differing:
            return None
        shown = "; ".join(f"{key}: recorded {wanted[key]}, lab {got.get(key)}" for key in differing)
        return f"{case['id']} {case['command']} ({case['why']}): {shown}"

    def _answer(self, case: dict[str, Any]) -> dict[str, Any]:
        signature = self._signature(case["command"], case["kind"])
        if signature is None:
            return {"state": f"no command {case['command']}"}
        arguments = [(name, _value(wire)) for name, wire in case["parameters"]]
        ahead = case["input"] is not None
        try:
            prepared = prepare(signature, arguments, ahead, self._types)
            bound = prepared.bind_object(_stub(_declared(case["input"]))()) if ahead else prepared.bound()
        except BindingFailed as failed:
            return {"state": "Failed", "errors": [_error(failed, ends=True)]}
        except ObjectNotBound as skipped:
            return {"state": "Completed", "errors": [_error(skipped, ends=False)]}
        return {"state": "Completed", "set": bound.set, "bound": _shown(bound, signature), "errors": []}

    def _signature(self, name: str, kind: Any) -> Signature | None:
        key = (name, kind)
        if key not in self._signatures:
            found = contract.signature(name, EDITION)
            if found is None:
                return None
            self._signatures[key] = replace(found, kind=kind)
        return self._signatures[key]


def _error(error: BindingFailed | ObjectNotBound, *, ends: bool) -> dict[str, Any]:
    return {"id": error.error_id, "category": error.category, "ends": ends}


def _shown(bound: Bound, signature: Signature) -> dict[str, list[str] | None]:
    types = {
        each.name: "Hashtable" if each.type == "IDictionary" else _flat(each.type) for each in signature.parameters
    }
    return {name: None if value is None else [types[name], _text(value)] for name, value in bound.parameters.items()}


def _text(value: Any) -> str:
    if isinstance(value, (list, bytes)):
        return " ".join(_text(each) for each in value)
    return _flat(text_of(value)) if isinstance(value, LiveObject) else text_of(value)


def replay_binding(path: Path) -> Report:
    """Replay a file of recorded bindings."""
    report = Report()
    with path.open(encoding="utf-8") as lines:
        for difference in Replay().differences(json.loads(line) for line in lines if line.strip()):
            report.add(difference)
    return report
