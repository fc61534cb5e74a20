# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.vm_cold_migration."""

from __future__ import annotations

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.move_options import COLD_MIGRATION
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.migration import operation


class ActionModule(HostAction):
    SPEC = COLD_MIGRATION

    def operate(self, request: Request) -> Outcome:
        return operation.operate(request)
