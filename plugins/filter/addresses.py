# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that says which VMs are at their destination, and what their adapters get there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.common.validation import check_type_dict

_ARRIVED = ("moved", "already_there", "attached")


def arrived(
    results: Sequence[Mapping[str, Any]], addresses: Mapping[str, Any] | str, foretold: bool = False
) -> list[dict[str, Any]]:
    """Return id, name, host and adapters of each VM of moves that is at its destination and has an entry.

    ``results`` are those of a loop of vm_migration; entries of its item win over ``addresses``. An Id wins over a name.
    Of ``foretold`` results, those of check mode, only VMs are returned that are there already.
    Addresses may be JSON text, as extra variables and surveys bring it; TypeError for another text.
    """
    there = ("already_there",) if foretold else _ARRIVED
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        item = result.get("item")
        own = item.get("addresses") if isinstance(item, Mapping) else None
        wanted = {str(key).strip("{}").lower(): value for key, value in _mapping(own or addresses).items()}
        for vm in result.get("vms") or ():
            adapters = wanted.get(str(vm["id"]).lower()) or wanted.get(str(vm["name"]).lower())
            if vm["outcome"] in there and adapters:
                listed = adapters if isinstance(adapters, (list, tuple)) else [adapters]
                entry = {"id": vm["id"], "name": vm["name"], "host": vm["destination"], "adapters": list(listed)}
                found[str(vm["id"])] = entry
    return list(found.values())


def _mapping(value: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    if isinstance(value, str) and value:
        parsed: dict[str, Any] = check_type_dict(value)
        return parsed
    return value if isinstance(value, Mapping) else {}


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"arrived": arrived}
