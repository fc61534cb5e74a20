# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that finds a registration that can't be made, before an agent is installed for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.registration_plan import parse_request
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest


def push_registration(options: Mapping[str, Any], system: str, stack: str | None = None) -> str:
    """Return what is wrong with the options of asr_registration on such a machine; an empty text where nothing is."""
    # ansible-core before 2.19 makes an empty text of None, and a dictionary of a text that is JSON.
    given = {name: value for name, value in options.items() if value not in (None, "")}
    if isinstance(given.get("config"), Mapping):
        given["config"] = json.dumps(given["config"])
    if "server_port" in given:
        given["server_port"] = int(given["server_port"])
    try:
        wanted = parse_request({"state": "present", "timeout_seconds": 0, **given}, system)
    except InvalidRequest as refused:
        return str(refused)
    if stack and stack != wanted.stack:
        return f"the stack is {stack}, and {', '.join(sorted(given))} register a {wanted.stack} agent"
    return ""


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"push_registration": push_registration}
