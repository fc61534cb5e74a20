# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user asked of vm_storage_migration, checked before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest
from ..migration.placement import Parts, check_path
from ..migration.request import PART_OPTIONS, concurrency_of, number_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class StorageRequest:
    """Everything asked apart from the selection of VMs. Either ``folder`` or ``parts`` is given."""

    folder: str | None = None
    folder_per_vm: bool = False
    parts: Parts | None = None
    resource_pool_name: str | None = None
    retain_vhd_copies_on_source: bool = False
    remove_source_unmanaged_vhds: bool = False
    allow_unverified_paths: bool = False
    concurrency: int | None = None
    wait_for_backup_seconds: int = 3600
    timeout_seconds: int = 0
    retries: int = 2
    remove_empty_source_folders: bool = False
    preflight_only: bool = False
    skip_blocked: bool = False


def parse(arguments: Mapping[str, Any]) -> StorageRequest:
    """Return the request; InvalidRequest names the option and the value of what can't be."""
    folder = arguments.get("destination_storage_path")
    given = [option for option in PART_OPTIONS if arguments.get(option)]
    if folder is None and not given:
        raise InvalidRequest(f"say where the storage goes: destination_storage_path, or {', '.join(PART_OPTIONS)}")
    if folder is not None and given:
        raise InvalidRequest(
            f"destination_storage_path and {given[0]} contradict each other: give all storage or parts"
        )
    if folder is None and arguments.get("folder_per_vm"):
        raise InvalidRequest("folder_per_vm makes folders below destination_storage_path, which is not given")
    retain = bool(arguments.get("retain_vhd_copies_on_source"))
    remove = bool(arguments.get("remove_source_unmanaged_vhds"))
    if retain and remove:
        raise InvalidRequest("remove_source_unmanaged_vhds and retain_vhd_copies_on_source contradict each other")
    return StorageRequest(
        folder=None if folder is None else check_path("destination_storage_path", folder),
        folder_per_vm=bool(arguments.get("folder_per_vm")),
        parts=parts_of(arguments) if given else None,
        resource_pool_name=arguments.get("resource_pool_name"),
        retain_vhd_copies_on_source=retain,
        remove_source_unmanaged_vhds=remove,
        allow_unverified_paths=bool(arguments.get("allow_unverified_paths")),
        concurrency=concurrency_of(arguments.get("concurrency")),
        wait_for_backup_seconds=number_of(arguments, "wait_for_backup_seconds", 3600),
        timeout_seconds=number_of(arguments, "timeout_seconds", 0),
        retries=number_of(arguments, "retries", 2),
        remove_empty_source_folders=bool(arguments.get("remove_empty_source_folders")),
        preflight_only=bool(arguments.get("preflight_only")),
        skip_blocked=bool(arguments.get("skip_blocked")),
    )
