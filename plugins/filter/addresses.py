# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that says which VMs are at their destination, and what their adapters get there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_ARRIVED = ("moved", "already_there", "attached")


def arrived(results: Sequence[Mapping[str, Any]], addresses: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return id, name, host and adapters of each VM of moves that is at its destination and has an entry.

    ``results`` are those of a loop of vm_migration; entries of its item win over ``addresses``. An Id wins over a name.
    """
    found: dict[str, dict[str, Any]] = {}
    for result in results:
        item = result.get("item")
        own = item.get("addresses") if isinstance(item, Mapping) else None
        wanted = {str(key).strip("{}").lower(): value for key, value in (own or addresses or {}).items()}
        for vm in result.get("vms") or ():
            adapters = wanted.get(str(vm["id"]).lower()) or wanted.get(str(vm["name"]).lower())
            if vm["outcome"] in _ARRIVED and adapters:
                listed = adapters if isinstance(adapters, (list, tuple)) else [adapters]
                entry = {"id": vm["id"], "name": vm["name"], "host": vm["destination"], "adapters": list(listed)}
                found[str(vm["id"])] = entry
    return list(found.values())


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"arrived": arrived}
