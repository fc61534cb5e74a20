# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a VM before its move, where it was asked for: processor compatibility under the power rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...session.command import command
from ..gateway import get_vm
from ..power import PowerRule, left_off, powered_off
from ..writing import change, send

if TYPE_CHECKING:
    from ...session.protocol import Session
    from .request import MoveRequest
    from .track import Track

NEEDS_FLAG = "cpu_model_differs"


def preparation(request: MoveRequest) -> Callable[[Session, Track], None] | None:
    """Return what to run in a move's own session before it compares, or None when nothing was asked for."""
    if not request.enable_processor_compatibility:
        return None
    rule = PowerRule(
        restart=request.power == "restart",
        force=request.force,
        shutdown_seconds=float(request.shutdown_timeout_seconds),
    )
    return lambda session, track: _enable(session, track, rule)


def changes_processor(request: MoveRequest, track: Track) -> bool:
    """Return whether the VM will get the flag first: until then a comparison meets what the flag cures."""
    return request.enable_processor_compatibility and _needs_flag(track)


def _needs_flag(track: Track) -> bool:
    return any(finding.id == NEEDS_FLAG for finding in track.findings)


def _enable(session: Session, track: Track, rule: PowerRule) -> None:
    """Turn the compatibility flag on where a check found that it is needed; the VM is off while it is set.

    A VM that a killed run left off for this is set and started again, so that it moves as it was.
    """
    needed = _needs_flag(track)
    if not needed and track.vm.runs:
        return
    vm = get_vm(session, track.vm.id)
    if not needed and not left_off(vm):
        return
    with powered_off(session, vm, rule):
        send(session, command("Get-VM", Id=vm.id) | change("Set-VMProcessor", CompatibilityForMigrationEnabled=True))
        track.prepared = True
