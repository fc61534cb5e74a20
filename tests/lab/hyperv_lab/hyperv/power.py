# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power of virtual machines: what may happen in which state, how long it takes, and what a power-on fixes.

The functions change the model and return at once; transitions end by the clock (``VM.state`` settles them). Who has to
wait does so with ``settled``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from . import dhcp, mac_pool
from .contents import unopenable, wrote
from .failures import Refused
from .storage import DiskFull
from .vm import TRANSITIONAL, Transition

if TYPE_CHECKING:
    import threading

    from .host import Host
    from .vm import VM

START_SECONDS = 2.0
TURN_OFF_SECONDS = 1.0
SAVE_BYTES_PER_SECOND = 500 * 1024**2
SHUTDOWN_PATIENCE = 300.0
"""Simulated seconds that Stop-VM -Force gives a guest (documentation of Stop-VM: five minutes)."""
ASK_AFTER = 30.0
"""Simulated seconds after which Stop-VM without -Force would ask the user, which fails in a remote session."""


def settled(vm: VM, stopping: threading.Event | None = None, seconds: float = 3600.0) -> bool:
    """Wait until a machine is in no transitional state; return False when stopped or too late."""
    return vm.host.fleet.clock.wait(lambda: vm.state not in TRANSITIONAL, seconds=seconds, stopping=stopping)


def require_idle(vm: VM) -> None:
    """Refuse while something is done to a machine, or while it changes its state."""
    if vm.state in TRANSITIONAL or vm.activity or vm.backing_up:
        raise Refused("invalid_state", vm)


def require_off(vm: VM) -> None:
    """Refuse unless a machine is off and idle."""
    require_idle(vm)
    if vm.state != "Off":
        raise Refused("invalid_state", vm)


def _begin(vm: VM, during: str, then: str, seconds: float) -> None:
    vm.settle_guest()  # what came to the guest up to now stays; it can't be told once the guest is gone

    def finish() -> None:
        _arrive(vm, then)

    vm.state = during
    vm.transition = Transition(vm.host.fleet.clock.now() + seconds, finish)


def _arrive(vm: VM, state: str) -> None:
    if state == "Off":
        power_off(vm)
    else:
        vm.state = state
        if state == "Saved":
            wrote(vm)
            vm.started_at = None


def power_off(vm: VM) -> None:
    """Make a machine off now: its partition and memory state are gone."""
    was_on = vm.is_on
    vm.transition = None
    vm.state = "Off"
    vm.cpu = None
    vm.started_at = None
    if was_on:
        wrote(vm)
        vm.host.fleet.record("power_off", vm)


def power_on(vm: VM, *, restore: bool = False) -> None:
    """Create the partition now: the processor features are fixed here (facts on Hyper-V, 2.2)."""
    from .fleet_vms import features_now  # noqa: PLC0415

    if not (restore and vm.cpu is not None):
        vm.cpu = features_now(vm)
    vm.started_at = vm.host.fleet.clock.now()
    vm.assigned = vm.assigned if vm.dynamic_memory and vm.assigned else vm.memory_startup
    vm.power_ons += 1
    if not restore:
        dhcp.ask(vm)
    wrote(vm)
    vm.host.fleet.record("power_on", vm, restored=restore)


def start(vm: VM) -> bool:
    """Start or restore a machine; return False where it runs already. Raises Refused."""
    host = vm.host
    with host.fleet.lock:
        if vm.state == "Running":
            return False
        require_idle(vm)
        if vm.state == "Paused":
            resume(vm)
            return True
        if vm.replication is not None and not vm.replication.lets_start:
            raise Refused("replication_state", vm, state=vm.replication.described)
        needed = vm.memory_startup
        if needed > host.memory_free:
            raise Refused("out_of_memory", vm, mb=needed // 1024**2)
        closed = unopenable(vm)
        if closed is not None:
            raise Refused(closed[0], vm, path=closed[1])
        restore = vm.state == "Saved"
        if restore and vm.cpu is not None and not vm.cpu.runs_on(host.cpu):
            raise Refused("saved_state_incompatible", vm)
        if not restore:
            mac_pool.give_addresses(vm)
        power_on(vm, restore=restore)
        _resize_state(vm, 64 * 1024)
        _begin(vm, "Starting", "Running", START_SECONDS)
    return True


def shut_down(vm: VM, *, force: bool = False) -> float | None:
    """Ask the guest to shut down; return the simulated seconds it takes, None where it will not. Raises Refused.

    A guest whose session is locked refuses at once, unless it is forced (field errors).
    """
    with vm.host.fleet.lock:
        require_idle(vm)
        if vm.state != "Running":
            raise Refused("invalid_state", vm)
        if not vm.in_contact("shutdown") or vm.guest.ignores_shutdown:
            return None
        if vm.guest.locked and not force:
            raise Refused("guest_locked", vm)
        _begin(vm, "Stopping", "Off", vm.guest.shutdown_seconds)
        return vm.guest.shutdown_seconds


def turn_off(vm: VM) -> None:
    """Cut the power. Raises Refused."""
    with vm.host.fleet.lock:
        if vm.activity or vm.state not in ("Running", "Paused", "Stopping", "Starting"):
            raise Refused("invalid_state", vm)
        _begin(vm, "Stopping", "Off", TURN_OFF_SECONDS)


def save(vm: VM) -> None:
    """Save the memory to disk. Raises Refused."""
    with vm.host.fleet.lock:
        require_idle(vm)
        if vm.state not in ("Running", "Paused"):
            raise Refused("invalid_state", vm)
        held = vm.memory_assigned
        _resize_state(vm, held)
        _begin(vm, "Saving", "Saved", 1.0 + held / SAVE_BYTES_PER_SECOND)


def pause(vm: VM) -> None:
    """Pause a running machine. Raises Refused."""
    with vm.host.fleet.lock:
        require_idle(vm)
        if vm.state != "Running":
            raise Refused("invalid_state", vm)
        _begin(vm, "Pausing", "Paused", 0.5)


def resume(vm: VM) -> None:
    """Resume a paused machine. Raises Refused."""
    with vm.host.fleet.lock:
        require_idle(vm)
        if vm.state != "Paused":
            raise Refused("invalid_state", vm)
        _begin(vm, "Resuming", "Running", 0.5)


def discard_state(vm: VM) -> None:
    """Delete the saved state: the machine is off. Raises Refused."""
    with vm.host.fleet.lock:
        require_idle(vm)
        if vm.state != "Saved":
            raise Refused("invalid_state", vm)
        _resize_state(vm, 64 * 1024)
        power_off(vm)


def _resize_state(vm: VM, size: int) -> None:
    for path in vm.configuration_files():
        if path.endswith(".vmrs") and vm.host.storage.file(path) is not None:
            try:
                vm.host.storage.volume(path).resize(path, size)
            except DiskFull as problem:
                raise Refused("disk_full", vm, path=path) from problem


def host_reboots(host: Host) -> None:
    """Take the machines of a host down and bring back those that start by themselves."""
    for vm in list(host.vms.values()):
        if not vm.is_on:
            continue
        vm.settle_guest()
        saved = vm.stop_action.name == "Save"
        vm.activity = None
        vm.transition = None
        again = vm.start_action.name in ("StartIfRunning", "Start")
        vm.state = "Saved" if saved else "Off"
        vm.started_at = None
        if again:
            vm.transition = Transition(host.down_until + vm.start_delay, partial(_back, vm, saved))
    for name, state in host.features.items():
        if state == "Pending":
            host.features[name] = "Installed"
            _services_of(host, name)


def _back(vm: VM, saved: bool) -> None:
    power_on(vm, restore=saved)
    vm.state = "Running"


def _services_of(host: Host, feature: str) -> None:
    from .features import FEATURES  # noqa: PLC0415

    for name in FEATURES[feature].services:
        host.services[name].status = "Running"
