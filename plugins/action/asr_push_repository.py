# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.asr_push_repository."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    integer,
    listing,
    mapping,
    path,
    secret,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.repository import placing
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.repository.placing_plan import DIRECTORY


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "files": listing(mapping({"source": text(required=True), "sha256": text(required=True)}), required=True),
        "source_username": text(),
        "source_password": secret(),
        "directory": path(default=DIRECTORY),
        "all_systems": boolean(default=False),
        "timeout_seconds": integer(default=1800, minimum=1),
    }

    def operate(self, request: Request) -> Outcome:
        return placing.operate(request)
