# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asked of vm_migration and vm_compatibility, checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest
from ..compatibility import check_switch_map
from ..network.named import VARIABLE, networks_of, switches_by_name
from ..network.wishes import parse_wishes
from ..preflight.facts import Readdressing
from .placement import Parts, check_path, check_vhd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..network.named import Network

PART_OPTIONS = ("virtual_machine_path", "snapshot_file_path", "smart_paging_file_path", "vhds")


@dataclass(frozen=True, kw_only=True)
class Storage:
    """Which storage moves: none, all under one folder (``folder`` None: a default per VM), or per part."""

    include: bool = True
    folder: str | None = None
    parts: Parts | None = None


@dataclass(frozen=True, kw_only=True)
class MoveRequest:
    """Everything asked of a migration apart from the selection of VMs."""

    destination: str
    storage: Storage
    switch_map: Mapping[str, str]
    names: frozenset[str] = frozenset()
    """Names by which VMs are chosen, in lower case."""
    resource_pool_name: str | None = None
    retain_vhd_copies_on_source: bool = False
    remove_source_unmanaged_vhds: bool = False
    enable_processor_compatibility: bool = False
    power: str = "require_off"
    force: bool = False
    shutdown_timeout_seconds: int = 300
    eject_iso: bool = False
    concurrency: int | None = None
    """None is "auto"."""
    wait_for_backup_seconds: int = 3600
    timeout_seconds: int = 0
    """For each VM, from its start; 0 is no limit."""
    retries: int = 2
    remove_empty_source_folders: bool = False
    verify_heartbeat: bool = False
    verify_network: bool = False
    preflight_only: bool = False
    skip_blocked: bool = False
    networks: tuple[Mapping[str, Network], Mapping[str, Network]] = ({}, {})
    """The named networks of the source and of the destination."""
    addresses: Mapping[str, Any] = field(default_factory=dict)
    """What adapters get at the destination, by the name or the Id of the VM."""

    @property
    def names_networks(self) -> bool:
        """Whether anything is said of the destination's networks, or of addresses there."""
        return bool(self.networks[1] or self.addresses)

    def readdressing(self, vm_id: str, name: str) -> Readdressing:
        """Return what one VM's adapters get; InvalidRequest for what can't be."""
        keys = {vm_id.lower(), name.lower()}
        given = [(key, value) for key, value in self.addresses.items() if str(key).strip("{}").lower() in keys]
        source, destination = self.networks
        wishes = tuple(
            wish for key, value in given for wish in parse_wishes(_listed(value), destination, where=_where(key))
        )
        return Readdressing(source=source, destination=destination, wishes=wishes)


def parse(
    arguments: Mapping[str, Any],
    *,
    host: str,
    inventory_hosts: tuple[str, ...],
    variable: Callable[[str, str], Any] = lambda _host, _name: None,
) -> MoveRequest:
    """Return the request; InvalidRequest names the option and the value of what can't be.

    ``host`` is the inventory host the task runs on, ``variable`` gives variables of inventory hosts.
    """
    destination = _destination(arguments["destination_host"], host, inventory_hosts)
    networks = _networks(variable, host, destination)
    verify = arguments.get("verify") or {}
    request = MoveRequest(
        destination=destination,
        storage=_storage(arguments),
        switch_map=_switch_map(arguments, networks),
        names=frozenset(str(name).lower() for name in arguments.get("names") or ()),
        resource_pool_name=arguments.get("resource_pool_name"),
        retain_vhd_copies_on_source=bool(arguments.get("retain_vhd_copies_on_source")),
        remove_source_unmanaged_vhds=bool(arguments.get("remove_source_unmanaged_vhds")),
        enable_processor_compatibility=arguments.get("processor_compatibility") == "enable",
        power=arguments.get("power") or "require_off",
        force=bool(arguments.get("force")),
        shutdown_timeout_seconds=number_of(arguments, "shutdown_timeout_seconds", 300),
        eject_iso=bool(arguments.get("eject_iso")),
        concurrency=concurrency_of(arguments.get("concurrency")),
        wait_for_backup_seconds=number_of(arguments, "wait_for_backup_seconds", 3600),
        timeout_seconds=number_of(arguments, "timeout_seconds", 0),
        retries=number_of(arguments, "retries", 2),
        remove_empty_source_folders=bool(arguments.get("remove_empty_source_folders")),
        verify_heartbeat=bool(verify.get("heartbeat")),
        verify_network=bool(verify.get("network")),
        preflight_only=bool(arguments.get("preflight_only")),
        skip_blocked=bool(arguments.get("skip_blocked")),
        networks=networks,
        addresses=arguments.get("addresses") or {},
    )
    return _checked(request)


def _checked(request: MoveRequest) -> MoveRequest:
    _check_unmanaged(request)
    _check_addresses(request)
    return request


def _check_addresses(request: MoveRequest) -> None:
    """Refuse entries that can't be, whichever VM they are about."""
    destination = request.networks[1]
    for vm, value in request.addresses.items():
        entries = [one for one in _listed(value) if not _is_of_another_host(one, destination)]
        if entries or not _listed(value):
            parse_wishes(entries, destination, where=_where(vm))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _where(vm: Any) -> str:
    return f"addresses: {vm}"


def _is_of_another_host(entry: Any, networks: Mapping[str, Network]) -> bool:
    """Whether an entry may be about a VM of another move: a task's addresses may serve several destinations.

    Such an entry is judged once it is known which VMs move, before the first change.
    """
    name = entry.get("network") if isinstance(entry, dict) else None
    return name is not None and str(name) not in networks


def _networks(
    variable: Callable[[str, str], Any], source: str, destination: str
) -> tuple[dict[str, Network], dict[str, Network]]:
    return (
        networks_of(variable(source, VARIABLE), host=source),
        networks_of(variable(destination, VARIABLE), host=destination),
    )


def _switch_map(
    arguments: Mapping[str, Any], networks: tuple[Mapping[str, Network], Mapping[str, Network]]
) -> dict[str, str]:
    """Return the map with the switches that the networks' names lead to; what people say wins.

    Without those names where a report can't be corrected (see ``_check_unmanaged``).
    """
    switch_map = check_switch_map(arguments.get("switch_map") or {})
    if arguments.get("remove_source_unmanaged_vhds"):
        return switch_map
    said = {name.lower() for name in switch_map}
    named = switches_by_name(*networks)
    return {**{name: target for name, target in named.items() if name.lower() not in said}, **switch_map}


def number_of(arguments: Mapping[str, Any], option: str, default: int) -> int:
    """Return a number of the arguments; InvalidRequest for a negative one."""
    value = arguments.get(option)
    if value is None:
        return default
    if value < 0:
        raise InvalidRequest(f"{option}: {value} is negative")
    return int(value)


def _destination(name: str, host: str, inventory_hosts: tuple[str, ...]) -> str:
    if name not in inventory_hosts:
        raise InvalidRequest(f"destination_host: the inventory has no host {name!r}")
    if name == host:
        raise InvalidRequest(f"destination_host: {name!r} is the source host itself")
    return name


def _storage(arguments: Mapping[str, Any]) -> Storage:
    include, folder = arguments.get("include_storage"), arguments.get("destination_storage_path")
    given = [option for option in PART_OPTIONS if arguments.get(option)]
    if folder is not None and given:
        raise InvalidRequest(
            f"destination_storage_path and {given[0]} contradict each other: give all storage or parts"
        )
    if include is False and (folder is not None or given):
        option = "destination_storage_path" if folder is not None else given[0]
        raise InvalidRequest(f"include_storage is false, but {option} says where storage goes")
    if given:
        return Storage(parts=parts_of(arguments))
    checked = None if folder is None else check_path("destination_storage_path", folder)
    return Storage(include=include is not False, folder=checked)


def parts_of(arguments: Mapping[str, Any]) -> Parts:
    """Return the storage given per part; InvalidRequest for impossible paths and for a disk that is given twice."""
    paths = {o: check_path(o, arguments[o]) for o in PART_OPTIONS[:3] if arguments.get(o)}
    vhds = tuple(
        check_vhd(vhd["source_file_path"], vhd["destination_file_path"]) for vhd in arguments.get("vhds") or []
    )
    for column in range(2):
        seen: set[str] = set()
        for pair in vhds:
            if pair[column].lower() in seen:
                raise InvalidRequest(f"vhds: {pair[column]!r} is given twice")
            seen.add(pair[column].lower())
    return Parts(vhds=vhds, **paths)


def concurrency_of(value: Any) -> int | None:
    """Return the limit that was asked for, None for "auto"; InvalidRequest for what is neither."""
    text = str("auto" if value is None else value).strip().lower()
    if text == "auto":
        return None
    if not text.lstrip("-").isdigit():
        raise InvalidRequest(f"concurrency: {value!r} is neither auto nor a number")
    if int(text) < 1:
        raise InvalidRequest(f"concurrency: {value} is less than 1")
    return int(text)


def _check_unmanaged(request: MoveRequest) -> None:
    """Refuse what Move-VM has no parameter set for: a fixed report can't take -RemoveSourceUnmanagedVhds."""
    if not request.remove_source_unmanaged_vhds:
        return
    other = "switch_map" if request.switch_map else "eject_iso" if request.eject_iso else None
    if other:
        raise InvalidRequest(
            f"remove_source_unmanaged_vhds and {other} contradict each other: a move from a corrected compatibility "
            "report can't remove parent disks"
        )
    if request.retain_vhd_copies_on_source:
        raise InvalidRequest("remove_source_unmanaged_vhds and retain_vhd_copies_on_source contradict each other")
