# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says about its virtual machines: read-only, a constant number of invocations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..operation import Outcome
from .gateway import PARTS, VmDetails, read_details, read_vms
from .model_enums import IntegrationService, VmState
from .power import left_off
from .selection import Selection, choose, parse_selection, search
from .wire_values import plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..operation import Request
    from ..session.protocol import Session
    from .model import Vm

_SERVICE_KEYS = {service.value: service.name.lower() for service in IntegrationService}


def operate(request: Request) -> Outcome:
    """Return the machines under ``vms``; nothing is changed, so check mode reads as well."""
    selection = parse_selection(request.arguments)
    asked = request.arguments.get("parts")
    parts = tuple(PARTS) if asked is None else tuple(asked)
    return Outcome(values={"vms": machines(request.sessions.here(), selection, host=request.host, parts=parts)})


def machines(
    session: Session,
    selection: Selection,
    *,
    host: str,
    parts: Collection[str] = tuple(PARTS),
    resuming: bool = False,
) -> list[dict[str, Any]]:
    """Return the selected machines as described values with these parts, in the order of the selection.

    With ``resuming`` machines that a killed run left off are described as running: an expression that chose such a
    machine for its first run chooses it for the one that starts it again.

    Raises NotFound, Ambiguous or InvalidRequest as ``selection`` says.
    """
    details = _details(session, selection, host=host, parts=parts)
    unread = [part for part in PARTS if part not in parts]
    described = [describe(item) for item in details]
    if resuming:
        off = {item.vm.id for item in details if left_off(item.vm)}
        for value in described:
            value["state"] = VmState.RUNNING.value if value["id"] in off else value["state"]
    for value in described:
        for part in unread:
            del value[part]
    return search(selection, described)


def _details(session: Session, selection: Selection, *, host: str, parts: Collection[str]) -> tuple[VmDetails, ...]:
    ids: list[str] | None = None
    vms: tuple[Vm, ...] | None = None
    if selection.names or selection.ids:
        vms = tuple(choose(read_vms(session), selection, host=host))
        ids = [vm.id for vm in vms]
    if not parts:
        return tuple(VmDetails(vm=vm) for vm in (read_vms(session) if vms is None else vms))
    details = read_details(session, ids, parts=parts)
    if ids is not None:
        place = {vm_id: number for number, vm_id in enumerate(ids)}
        details = tuple(sorted(details, key=lambda item: place.get(item.vm.id, len(place))))
    return details


def describe(details: VmDetails) -> dict[str, Any]:
    """Return a machine as the documented, stable return value."""
    described: dict[str, Any] = plain(details.vm)
    files = {vhd.path.lower(): vhd for vhd in details.vhds}
    vlans = {vlan.adapter: vlan for vlan in details.vlans}
    described["processor"] = _part(details.processor)
    described["hard_disk_drives"] = [
        {**_part(disk), "vhd": _file(files, disk.path), "parents": _parents(files, disk.path)} for disk in details.disks
    ]
    described["dvd_drives"] = [_part(drive) for drive in details.dvd_drives]
    described["network_adapters"] = [
        {**_part(adapter), "vlan": _part(vlans.get(adapter.id))} for adapter in details.adapters
    ]
    described["checkpoints"] = [
        {**_part(checkpoint), "has_memory": checkpoint.has_memory} for checkpoint in details.checkpoints
    ]
    described["integration_services"] = {
        _SERVICE_KEYS.get(service.service_id, service.service_id): _part(service) for service in details.services
    }
    described["security"] = _part(details.security)
    described["replication"] = [_part(replication) for replication in details.replications]
    return described


def _part(part: Any) -> Any:
    """Return a part without what only links it to its machine."""
    value = plain(part)
    if isinstance(value, dict):
        for link in ("vm_id", "checkpoint_id", "adapter"):
            value.pop(link, None)
    return value


def _file(files: dict[str, Any], path: str) -> Any:
    return plain(files.get(path.lower()))


def _parents(files: dict[str, Any], path: str) -> list[str]:
    found: list[str] = []
    vhd = files.get(path.lower())
    while vhd is not None and vhd.parent_path and vhd.parent_path not in found:
        found.append(vhd.parent_path)
        vhd = files.get(vhd.parent_path.lower())
    return found
