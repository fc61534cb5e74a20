# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the tasks that move VMs or check whether they can move."""

from __future__ import annotations

from .options import Spec, boolean, choice, integer, listing, mapping, path, secret, text

CHOICE: Spec = {"names": listing(), "ids": listing(), "select": text()}
_WHERE: Spec = {
    "destination_host": text(required=True),
    "include_storage": boolean(default=True),
    "destination_storage_path": path(),
    "virtual_machine_path": path(),
    "snapshot_file_path": path(),
    "smart_paging_file_path": path(),
    "vhds": listing(
        mapping({"source_file_path": path(required=True), "destination_file_path": path(required=True)}), default=[]
    ),
    "switch_map": mapping(default={}),
    "resource_pool_name": text(),
    "retain_vhd_copies_on_source": boolean(default=False),
    "eject_iso": boolean(default=False),
}
COMPATIBILITY: Spec = {**CHOICE, **_WHERE}
MIGRATION: Spec = {
    **CHOICE,
    **_WHERE,
    "remove_source_unmanaged_vhds": boolean(default=False),
    "processor_compatibility": choice("fail", "enable", default="fail"),
    "power": choice("require_off", "restart", default="require_off"),
    "force": boolean(default=False),
    "shutdown_timeout_seconds": integer(default=300, minimum=1),
    "concurrency": text(default="auto"),
    "wait_for_backup_seconds": integer(default=3600, minimum=0),
    "timeout_seconds": integer(default=0, minimum=0),
    "retries": integer(default=2, minimum=0),
    "remove_empty_source_folders": boolean(default=False),
    "addresses": mapping(default={}),
    "verify": mapping({"heartbeat": boolean(default=False), "network": boolean(default=False)}, default={}),
    "preflight_only": boolean(default=False),
    "skip_blocked": boolean(default=False),
}
_PLACES = ("destination_storage_path", "virtual_machine_path", "snapshot_file_path", "smart_paging_file_path", "vhds")
_WORK = (
    "resource_pool_name", "retain_vhd_copies_on_source", "remove_source_unmanaged_vhds", "concurrency",
    "wait_for_backup_seconds", "timeout_seconds", "retries", "remove_empty_source_folders", "preflight_only",
    "skip_blocked",
)  # fmt: skip
STORAGE_MIGRATION: Spec = {
    **CHOICE,
    **{name: MIGRATION[name] for name in (*_PLACES, *_WORK)},
    "folder_per_vm": boolean(default=False),
    "allow_unverified_paths": boolean(default=False),
}
COLD_MIGRATION: Spec = {
    **CHOICE,
    "destination_host": text(required=True),
    "export_path": path(),
    "source_share": text(),
    "transfer_method": choice("smb", "http", "external", default="smb"),
    "transfer_username": text(),
    "transfer_password": secret(),
    "destination_path": path(),
    "import_mode": choice("register", "restore", default="register"),
    "switch_map": mapping(default={}),
    "adapters": listing("dict", default=[]),
    "eject_iso": boolean(default=False),
    "limit_processors": boolean(default=False),
    "power": choice("graceful", "require_off", "force", default="graceful"),
    "shutdown_timeout_seconds": integer(default=300, minimum=1),
    "start": choice("as_before", "true", "false", default="as_before"),
    "verify": mapping({"heartbeat": boolean(default=False), "network": boolean(default=False)}, default={}),
    "wait_for_backup_seconds": integer(default=3600, minimum=0),
    "timeout_seconds": integer(default=0, minimum=0),
    "concurrency": integer(default=2, minimum=1),
    "remove_source": boolean(default=False),
    "rollback": boolean(default=False),
    "remove_destination": boolean(default=False),
    "preflight_only": boolean(default=False),
    "skip_blocked": boolean(default=False),
}
