# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which virtual machines a task is about: by name, by Id, or by a JMESPath expression over what vm_info returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jmespath
from jmespath.exceptions import JMESPathError

from ..errors import Ambiguous, InvalidRequest, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .model import Vm


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What was asked for; all empty means every machine of the host."""

    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    expression: Any = None
    """The compiled JMESPath expression, or None."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows the choice."""
        return not (self.names or self.ids or self.expression is not None)


def parse_selection(arguments: Mapping[str, Any]) -> Selection:
    """Return the selection of validated arguments ``names``, ``ids``, ``select``; InvalidRequest for what can't be."""
    names = tuple(str(name) for name in arguments.get("names") or ())
    ids = tuple(_guid(value) for value in arguments.get("ids") or ())
    if any(not name.strip() for name in names):
        raise InvalidRequest("names: an empty name matches no virtual machine")
    return Selection(names=names, ids=ids, expression=compile_expression(arguments.get("select")))


def _guid(value: Any) -> str:
    found = str(value).strip().strip("{}").lower()
    parts = found.split("-")
    lengths = (8, 4, 4, 4, 12)
    if tuple(len(part) for part in parts) != lengths or any(set(part) - set("0123456789abcdef") for part in parts):
        raise InvalidRequest(f"ids: {str(value)!r} is no Id of a virtual machine (a GUID)")
    return found


def compile_expression(expression: str | None) -> Any:
    """Return the compiled JMESPath expression, None for None; InvalidRequest, on one line, for one that is wrong."""
    if expression is None:
        return None
    try:
        return jmespath.compile(expression)
    except JMESPathError as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise InvalidRequest(f"select: {expression!r} is no JMESPath expression: {reason}") from problem


def choose(vms: Sequence[Vm], selection: Selection, *, host: str) -> tuple[Vm, ...]:
    """Return the machines that names and Ids mean, each once, in the order asked; all of them where neither is given.

    Raises NotFound for a name or Id that matches nothing, Ambiguous for a name that matches several.
    """
    if not selection.names and not selection.ids:
        return tuple(vms)
    chosen = [_by_id(vms, vm_id, host) for vm_id in selection.ids]
    chosen += [_by_name(vms, name, host) for name in selection.names]
    return tuple({vm.id: vm for vm in chosen}.values())


def _by_id(vms: Sequence[Vm], vm_id: str, host: str) -> Vm:
    for vm in vms:
        if vm.id == vm_id:
            return vm
    raise NotFound(f"{host} has no virtual machine with the Id {vm_id}", name=vm_id, host=host)


def _by_name(vms: Sequence[Vm], name: str, host: str) -> Vm:
    found = [vm for vm in vms if vm.name.lower() == name.lower()]
    if not found:
        raise NotFound(f"{host} has no virtual machine named {name!r}", name=name, host=host)
    if len(found) > 1:
        ids = ", ".join(vm.id for vm in found)
        raise Ambiguous(
            f"{host} has {len(found)} virtual machines named {name!r}: choose one by its Id: {ids}",
            name=name,
            candidates=[{"id": vm.id, "name": vm.name} for vm in found],
        )
    return found[0]


def search(selection: Selection, machines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of the described machines that the expression selects, in its order; all of them without one.

    Raises InvalidRequest where it fails over the result, or gives something else than machines.
    """
    if selection.expression is None:
        return list(machines)
    text = selection.expression.expression
    try:
        found = selection.expression.search(list(machines))
    except JMESPathError as problem:
        reason = str(problem).splitlines()[0]
        raise InvalidRequest(f"select: {text!r} does not fit the virtual machines: {reason}") from problem
    if isinstance(found, dict):
        found = [found]
    by_id = {machine["id"]: machine for machine in machines}
    return [by_id[key] for key in _ids(found, by_id, text)]


def _ids(found: Any, known: Mapping[str, Any], text: str) -> Iterable[str]:
    if found is None:
        return []
    items = found if isinstance(found, list) else [found]
    keys = [str(item.get("id")) if isinstance(item, dict) else str(item) for item in items]
    if any(key not in known for key in keys):
        raise InvalidRequest(
            f"select: {text!r} gives something else than virtual machines; it must keep whole entries or their ids, "
            "like [?state=='Running']"
        )
    return dict.fromkeys(keys)
