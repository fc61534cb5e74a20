# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows machine as JSON: what tests and people look at to see what is true."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from . import baseline

if TYPE_CHECKING:
    from .registry import Data
    from .state import WindowsMachine


def describe_machine(machine: WindowsMachine) -> dict[str, Any]:
    """Return one machine: what it is, what differs from a fresh one, and its agent."""
    windows = machine.windows
    return {
        "alias": machine.alias,
        "os": windows.os,
        "language": machine.language,
        "role": windows.role,
        "defects": list(windows.defects),
        "up": machine.up(),
        "boots": machine.boots,
        "memory": machine.memory,
        "domain_joined": machine.domain_joined,
        "services": {s.name: {"status": s.status, "start": s.start} for s in list(machine.services.values())},
        "firewall_disabled": sorted(name for name, enabled in machine.firewall.items() if not enabled),
        "registry": {
            path: None if values is None else {name: _plain(data) for name, data in values.items()}
            for path, values in machine.registry.changes().items()
        },
        "files": _own_files(machine),
        "missing_files": sorted(f.path for f in baseline.files(windows.os) if not machine.files.is_file(f.path)),
        "disabled_accounts": sorted(a.username for a in machine.local if not a.enabled),
        "requests": machine.faults.requests,
        "agent": _agent(machine),
        "counts": dict(machine.counts),
    }


def _own_files(machine: WindowsMachine) -> dict[str, int]:
    """Return the sizes of files that a fresh system has not."""
    fresh = {file.path.lower() for file in baseline.files(machine.windows.os)}
    return {
        file.path: file.size
        for volume in machine.storage.volumes.values()
        for key, file in list(volume.files.items())
        if key not in fresh
    }


def _plain(data: Data) -> Any:
    if isinstance(data, bytes):
        return data.hex()
    return list(data) if isinstance(data, tuple) else data


def _agent(machine: WindowsMachine) -> dict[str, Any]:
    if find_spec(".agent_state", __package__) is None:
        return {}
    described: dict[str, Any] = import_module(".agent_state", __package__).describe(machine)
    return described
