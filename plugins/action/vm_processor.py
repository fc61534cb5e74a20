# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_processor."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.move_options import CHOICE
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    integer,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import processor


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        **CHOICE,
        "compatibility_for_migration_enabled": boolean(),
        "compatibility_for_migration_mode": choice("MinimumFeatureSet", "CommonClusterFeatureSet"),
        "compatibility_for_older_operating_systems_enabled": boolean(),
        "count": integer(minimum=1),
        "hw_thread_count_per_core": integer(minimum=0),
        "expose_virtualization_extensions": boolean(),
        "enable_host_resource_protection": boolean(),
        "maximum": integer(minimum=0),
        "reserve": integer(minimum=0),
        "relative_weight": integer(minimum=1),
        "maximum_count_per_numa_node": integer(minimum=1),
        "maximum_count_per_numa_socket": integer(minimum=1),
        "resource_pool_name": text(),
        "power": choice("require_off", "restart", default="require_off"),
        "force": boolean(default=False),
        "shutdown_timeout_seconds": integer(default=300, minimum=1),
        "heartbeat_timeout_seconds": integer(default=300, minimum=1),
    }

    def operate(self, request: Request) -> Outcome:
        return processor.operate(request)
