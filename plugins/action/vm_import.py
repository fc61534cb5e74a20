# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_import."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    integer,
    mapping,
    path,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import import_task


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "path": path(required=True),
        "mode": choice("register", "restore", "copy", default="register"),
        "generate_new_id": boolean(default=False),
        "vhd_destination_path": path(),
        "virtual_machine_path": path(),
        "snapshot_file_path": path(),
        "smart_paging_file_path": path(),
        "vhd_source_path": path(),
        "snapshot_source_path": path(),
        "switch_map": mapping(default={}),
        "disconnect_missing_switches": boolean(default=True),
        "eject_iso": boolean(default=False),
        "limit_processors": boolean(default=False),
        "remove_saved_state": boolean(default=False),
        "timeout_seconds": integer(default=0, minimum=0),
    }

    def operate(self, request: Request) -> Outcome:
        return import_task.operate(request)
