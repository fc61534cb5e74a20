# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asked of vm_cold_migration, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ....errors import InvalidRequest
from ....session.command import Credential, Secret
from ...compatibility import check_switch_map
from ...migration.placement import check_path
from ..route import route_of
from .decide import Start

SMB, HTTP, EXTERNAL = "smb", "http", "external"
REGISTER, RESTORE = "register", "restore"
GRACEFUL, REQUIRE_OFF, FORCE = "graceful", "require_off", "force"


@dataclass(frozen=True, kw_only=True)
class ColdRequest:
    """Everything asked of a cold migration apart from the selection of VMs. None stands for a default of the hosts."""

    destination: str
    export_path: str | None = None
    source_share: str | None = None
    """UNC path, or address of a web server, under which the destination sees the export path."""
    transfer_method: str = SMB
    credential: Credential | None = None
    destination_path: str | None = None
    import_mode: str = REGISTER
    switch_map: Mapping[str, str] = field(default_factory=dict)
    adapters: tuple[Any, ...] = ()
    """Entries as they were given; ``adapters.parse_entries`` reads them."""
    eject_iso: bool = False
    limit_processors: bool = False
    power: str = GRACEFUL
    shutdown_seconds: float = 300.0
    start: Start = Start.AS_BEFORE
    verify_heartbeat: bool = False
    verify_network: bool = False
    verify_seconds: float = 300.0
    wait_for_backup_seconds: float = 3600.0
    timeout_seconds: float | None = None
    """For each VM, from its start; None is no limit."""
    concurrency: int = 2
    remove_source: bool = False
    rollback: bool = False
    remove_destination: bool = False
    preflight_only: bool = False
    skip_blocked: bool = False


def parse(arguments: Mapping[str, Any], *, host: str, inventory_hosts: tuple[str, ...]) -> ColdRequest:
    """Return the request; InvalidRequest names the option and the value of what can't be.

    ``host`` is the inventory host the task runs on.
    """
    verify = arguments.get("verify") or {}
    request = ColdRequest(
        destination=_destination(str(arguments["destination_host"]), host, inventory_hosts),
        export_path=_path(arguments, "export_path"),
        source_share=_share(arguments),
        transfer_method=arguments.get("transfer_method") or SMB,
        credential=_credential(arguments),
        destination_path=_path(arguments, "destination_path"),
        import_mode=arguments.get("import_mode") or REGISTER,
        switch_map=check_switch_map(arguments.get("switch_map") or {}),
        adapters=tuple(arguments.get("adapters") or ()),
        eject_iso=bool(arguments.get("eject_iso")),
        limit_processors=bool(arguments.get("limit_processors")),
        power=arguments.get("power") or GRACEFUL,
        shutdown_seconds=float(arguments.get("shutdown_timeout_seconds") or 300),
        start=Start(str(arguments.get("start") or Start.AS_BEFORE.value).lower()),
        verify_heartbeat=bool(verify.get("heartbeat")),
        verify_network=bool(verify.get("network")),
        wait_for_backup_seconds=float(_number(arguments, "wait_for_backup_seconds", 3600)),
        timeout_seconds=_number(arguments, "timeout_seconds", 0) or None,
        concurrency=max(_number(arguments, "concurrency", 2), 1),
        remove_source=bool(arguments.get("remove_source")),
        rollback=bool(arguments.get("rollback")),
        remove_destination=bool(arguments.get("remove_destination")),
        preflight_only=bool(arguments.get("preflight_only")),
        skip_blocked=bool(arguments.get("skip_blocked")),
    )
    _check(request)
    return request


def _check(request: ColdRequest) -> None:
    if request.rollback and request.remove_source:
        raise InvalidRequest("rollback and remove_source contradict each other")
    if request.remove_destination and not request.rollback:
        raise InvalidRequest("remove_destination only goes with rollback: true")
    if request.transfer_method == HTTP and request.source_share is None and not request.rollback:
        raise InvalidRequest(
            "transfer_method http needs source_share: the address (http:// or https://) under which the destination "
            "finds export_path"
        )

    if request.source_share is None or request.rollback or request.transfer_method == EXTERNAL:
        return
    if request.export_path is None:
        raise InvalidRequest(
            f"source_share: {request.source_share!r} is given without export_path: say which folder of the source it "
            "shares; by default each VM is exported to the drive with the most room"
        )


def _destination(name: str, host: str, inventory_hosts: tuple[str, ...]) -> str:
    if name not in inventory_hosts:
        raise InvalidRequest(f"destination_host: the inventory has no host {name!r}")
    if name == host:
        raise InvalidRequest(f"destination_host: {name!r} is the source host itself")
    return name


def _path(arguments: Mapping[str, Any], option: str) -> str | None:
    given = arguments.get(option)
    if given is None:
        return None
    if "[" in given or "]" in given:
        raise InvalidRequest(f"{option}: {given!r} has brackets, which PowerShell reads as a pattern; choose another")
    return check_path(option, given)


def _share(arguments: Mapping[str, Any]) -> str | None:
    given = arguments.get("source_share")
    if given is None:
        return None
    method = HTTP if arguments.get("transfer_method") == HTTP else SMB
    try:
        return route_of(method, str(given), None, None).source
    except InvalidRequest as problem:
        raise InvalidRequest(f"source_share: {problem.msg.removeprefix('source: ')}") from problem


def _credential(arguments: Mapping[str, Any]) -> Credential | None:
    username, password = arguments.get("transfer_username"), arguments.get("transfer_password")
    if (username is None) != (password is None):
        missing = "transfer_password" if password is None else "transfer_username"
        raise InvalidRequest(f"{missing} is missing: an account is a name and a password")
    return None if username is None else Credential(str(username), Secret(str(password)))


def _number(arguments: Mapping[str, Any], option: str, default: int) -> int:
    value = arguments.get(option)
    if value is None:
        return default
    if value < 0:
        raise InvalidRequest(f"{option}: {value} is negative")
    return int(value)
