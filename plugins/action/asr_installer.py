# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind hyperv.mobility.asr_installer."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import HostAction, Outcome, Request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import (
    Spec,
    boolean,
    choice,
    listing,
    mapping,
    secret,
    text,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.repository import pick


class ActionModule(HostAction):
    SPEC: ClassVar[Spec] = {
        "repository": listing(required=True),
        "repository_on": choice("machine", "controller", default="machine"),
        "source_username": text(),
        "source_password": secret(),
        "version": text(),
        "checksums": mapping(),
        "checksums_file": text(),
        "verify_signature": boolean(default=True),
    }

    def operate(self, request: Request) -> Outcome:
        return pick.operate(request)
