# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failovers between the two copies of a replicated machine: what each needs and leaves (facts on Hyper-V, 7.2).

planned: ``prepare`` on the primary, ``start`` on the replica, ``reverse``. Unplanned: ``start``, ``complete``, then
``reverse``. Test: ``start_test``. ``stop`` takes each of them back. All raise Refused, and hold the fleet's lock.
"""

from __future__ import annotations

import ntpath
import uuid
from typing import TYPE_CHECKING

from . import enums, mac_pool, power
from .cmdlets_vm import remove
from .failover import PLANNED, TEST, UNPLANNED, Content, Failover
from .failures import Refused
from .fleet_vms import checkpoint_files
from .replication import FAILED_OVER, Replication
from .storage import DiskFull, File, FileExists, NoSuchPath, VirtualDisk
from .vm import VM

if TYPE_CHECKING:
    from .checkpoint import Snapshot
    from .host import Host

POINTS = ("Replica", "AppConsistentReplica", "SyncedReplica")
"""Kinds of checkpoints that are recovery points."""
TEST_SUFFIX = " - Test"
"""What the name of a test failover's machine ends with (facts, 7.2: unverified)."""


def content_of(vm: VM) -> Content:
    """Return what is on a machine's disks now."""
    vm.settle_guest()
    return Content(vm.guest, {adapter.device: adapter.configuration for adapter in vm.adapters})


def put_content(vm: VM, content: Content) -> None:
    """Make a machine's disks hold something else."""
    vm.guest = content.guest
    for adapter in vm.adapters:
        adapter.configuration = content.addresses.get(adapter.device, adapter.configuration)


def side(vm: VM) -> Replication:
    """Return the replication of a machine; refuse where it has none."""
    if vm.replication is None:
        raise Refused("replication_off", vm)
    return vm.replication


def require(vm: VM, mode: str, *states: str) -> Replication:
    """Return the replication of a machine that is in this mode and one of these states; refuse otherwise."""
    mine = side(vm)
    if mine.mode.name != mode or not mine.is_in(*states):
        raise Refused("replication_state", vm, state=mine.described)
    return mine


def peer_of(vm: VM) -> VM | None:
    """Return the other copy of a machine, None where its host isn't in the fleet or lacks it."""
    mine = side(vm)
    name = mine.replica_server if mine.mode.name == "Primary" else mine.primary_server
    host = vm.host.fleet.host(name)
    found = host.vms.get(vm.id) if host is not None and host is not vm.host else None
    return found if found is not None and found.replication is not None else None


def reached(vm: VM) -> VM:
    """Return the other copy, whose host answers; refuse otherwise."""
    other = peer_of(vm)
    if other is None or not answers(other.host):
        mine = side(vm)
        server = mine.replica_server if mine.mode.name == "Primary" else mine.primary_server
        raise Refused("replication_peer", vm, server=server)
    return other


def answers(host: Host) -> bool:
    """Return whether a host is there for the other end of a replication."""
    return host.fleet.clock.now() >= host.down_until and host.vmms_running


def received(vm: VM) -> Content:
    """Return what the primary sent to a replica: its disks as they are, or as they were when replication stopped."""
    mine, other = side(vm), peer_of(vm)
    if mine.kept is not None:
        return mine.kept
    return content_of(vm if other is None else other)


# --- planned ---
def prepare(vm: VM) -> None:
    """Prepare a planned failover on the primary: the last changes are sent, and it stays off from here on."""
    with vm.host.fleet.lock:
        mine = require(vm, "Primary", "Replicating")
        power.require_off(vm)
        other = reached(vm)
        require(other, "Replica", "Replicating")
        mine.enter("PreparedForFailover")
        side(other).stopped_at = mine.stopped_at
    vm.host.fleet.clock.notify()


def start(vm: VM, point: Snapshot | None = None) -> None:
    """Fail over to a replica: from the newest data or a recovery point. It stays off until somebody starts it.

    A primary that answers has to be off (assumed: nobody documents what two running copies would do).
    """
    with vm.host.fleet.lock:
        mine = require(vm, "Replica", "Replicating", "Suspended", "Error", "WaitingForStartResynchronize")
        power.require_off(vm)
        other = peer_of(vm)
        planned = other is not None and side(other).is_in("PreparedForFailover")
        if other is not None and answers(other.host) and other.is_on:
            raise Refused("invalid_state", other)
        if planned and point is not None:
            raise Refused("replication_state", vm, state=mine.described)
        sent = received(vm)
        mine.before, mine.kept = content_of(vm), sent
        put_content(vm, sent)
        vm.failover = Failover(PLANNED if planned else UNPLANNED)
        mine.enter("FailedOverWaitingCompletion", "Normal" if planned else "Warning")
        if other is not None and not planned:
            side(other).enter("Error", "Critical")
        vm.host.fleet.record("failover_started", vm, failover=vm.failover.kind, point=point.name if point else None)
    vm.host.fleet.clock.notify()


# --- test ---
def start_test(vm: VM, point: Snapshot | None = None) -> VM:
    """Make the machine of a test failover beside a replica that goes on replicating; return it, off."""
    with vm.host.fleet.lock:
        mine = require(vm, "Replica", "Replicating", "Suspended", "Error")
        if mine.test_vm is not None and not mine.test_vm.is_deleted:
            raise Refused("replication_state", vm, state=f"{mine.mode.name}, {mine.test_vm.name}")
        test = VM(vm.host, vm.name + TEST_SUFFIX, uuid.uuid4())
        test.copy_settings(vm)
        put_content(test, received(vm))
        test.cpu = None
        test.created = vm.host.fleet.clock.date()
        _lay_out(test)
        for adapter in test.adapters:
            adapter.switch = adapter.test_replica_switch
            if adapter.dynamic_mac:
                adapter.mac_address = mac_pool.NEVER
        test.replication = Replication(test)
        test.replication.__dict__.update(mine.__dict__, owner=test, kept=None, before=None, test_vm=None)
        test.replication.mode = enums.value("VMReplicationMode", "TestReplica")
        test.replication.enter("Disabled")
        test.failover = Failover(TEST)
        vm.host.vms[test.id] = test
        mine.test_vm, mine.last_test = test, vm.host.fleet.clock.now()
        vm.host.fleet.record("failover_started", vm, failover=TEST, point=point.name if point else None)
    vm.host.fleet.clock.notify()
    return test


def _lay_out(test: VM) -> None:
    """Give the machine of a test failover its files: a layer on top of each disk of the replica."""
    storage = test.host.storage
    try:
        for path in test.configuration_files():
            storage.volume(path).put(File(path, 64 * 1024))
        for drive in test.hard_drives:
            if drive.disk_number is not None:
                continue
            below = storage.file(drive.path)
            top = f"{ntpath.splitext(drive.path)[0]}_{str(uuid.uuid4()).upper()}.avhdx"
            size = below.disk.size if below is not None and below.disk else 0
            storage.volume(top).put(
                File(top, 4 * 1024**2, VirtualDisk(type="Differencing", size=size, parent=drive.path))
            )
            drive.path = top
    except (DiskFull, FileExists, NoSuchPath) as problem:
        raise Refused("disk_full", test, path=test.path) from problem


# --- taking back, completing ---
def stop(vm: VM) -> None:
    """Take a failover back: remove a test's machine, cancel what isn't completed, or undo a preparation."""
    with vm.host.fleet.lock:
        mine = side(vm)
        if mine.test_vm is not None:
            _remove_test(mine.test_vm)
            mine.test_vm = None
        elif mine.mode.name == "Primary" and mine.is_in("PreparedForFailover"):
            other = peer_of(vm)
            if other is not None and side(other).is_in(*FAILED_OVER):
                raise Refused("replication_state", vm, state=mine.described)
            _replicate_again(vm, other)
        else:
            _cancel(vm)
        vm.host.fleet.record("failover_stopped", vm)
    vm.host.fleet.clock.notify()


def _remove_test(test: VM) -> None:
    if test.host.vms.get(test.id) is not test:
        return
    power.power_off(test)
    for drive in test.hard_drives:
        if test.host.storage.file(drive.path) is not None:
            test.host.storage.volume(drive.path).take(drive.path)
    remove(test)


def _cancel(vm: VM) -> None:
    """Turn a machine off whose failover isn't completed, and take it back (documentation of Stop-VMFailover)."""
    mine = require(vm, "Replica", "FailedOverWaitingCompletion")
    power.power_off(vm)
    if mine.before is not None:
        put_content(vm, mine.before)
    other = peer_of(vm)
    planned = vm.failover is not None and vm.failover.kind == PLANNED
    vm.failover = None
    if planned:
        mine.before = mine.kept = None
        mine.enter("Replicating")
        mine.stopped_at = side(other).stopped_at if other is not None else None
    else:
        _replicate_again(vm, other)


def _replicate_again(*both: VM | None) -> None:
    for vm in both:
        if vm is not None:
            mine = side(vm)
            mine.before = mine.kept = None
            mine.enter("Replicating")


def complete(vm: VM) -> None:
    """Complete a failover: its recovery points go, and there is no way back but reversing."""
    with vm.host.fleet.lock:
        mine = require(vm, "Replica", "FailedOverWaitingCompletion")
        _drop_points(vm)
        mine.enter("FailedOver", mine.health.name)
        vm.host.fleet.record("failover_completed", vm)
    vm.host.fleet.clock.notify()


def _drop_points(vm: VM) -> None:
    for snapshot in [s for s in vm.snapshots if s.snapshot_type.name in POINTS]:
        vm.snapshots.remove(snapshot)
        snapshot.is_deleted = True
        for path in checkpoint_files(snapshot):
            if vm.host.storage.file(path) is not None:
                vm.host.storage.volume(path).take(path)
    vm.snapshot = vm.snapshots[-1] if vm.snapshots else None


def reverse(vm: VM) -> None:
    """Make a machine that was failed over the primary, and the former primary its replica.

    An unplanned failover has to be completed before. The other host has to answer and to accept copies from here.
    """
    with vm.host.fleet.lock:
        planned = vm.failover is not None and vm.failover.kind == PLANNED
        mine = require(vm, "Replica", *(FAILED_OVER if planned else ("FailedOver",)))
        other = reached(vm)
        power.require_off(other)
        if not other.host.replica_server.accepts(vm.host.fqdn):
            raise Refused("replication_refused", vm, server=other.host.fqdn, primary=vm.host.fqdn)
        _drop_points(vm)
        theirs = side(other)
        for each, mode in ((mine, "Primary"), (theirs, "Replica")):
            each.mode = enums.value("VMReplicationMode", mode)
            each.primary_server, each.replica_server = vm.host.fqdn, other.host.fqdn
        theirs.allowed_primary = vm.host.fqdn
        other.failover = None
        _replicate_again(vm, other)
        vm.host.fleet.record("replication_reversed", vm, replica=other.host.name)
    vm.host.fleet.clock.notify()


# --- moves ---
def moved(vm: VM, source: Host) -> None:
    """Let replication notice that a copy came from another host (under the fleet's lock).

    A primary goes on where the Replica server takes it from its new host in the same trust group; else it stops. A
    replica that was moved isn't found any more by its primary (facts, 3.4).
    """
    mine = vm.replication
    if mine is None or mine.mode.name not in ("Primary", "Replica"):
        return
    name = mine.replica_server if mine.mode.name == "Primary" else mine.primary_server
    host = vm.host.fleet.host(name)
    other = host.vms.get(vm.id) if host is not None else None
    if mine.mode.name == "Replica":
        mine.replica_server = vm.host.fqdn
        if other is not None and side(other).is_in("Replicating"):
            mine.kept = content_of(other)
            side(other).enter("Error", "Critical")
            mine.stopped_at = side(other).stopped_at
        return
    mine.primary_server = vm.host.fqdn
    if other is None or host is None:
        return
    if host.replica_server.lets_move(source.fqdn, vm.host.fqdn):
        side(other).primary_server = side(other).allowed_primary = vm.host.fqdn
    elif mine.is_in("Replicating"):
        side(other).kept = side(other).kept or content_of(vm)
        mine.enter("Error", "Critical")
        side(other).stopped_at = mine.stopped_at


# --- pausing ---
def suspend(vm: VM) -> None:
    """Pause replication on either side: what was sent up to now stays at the replica."""
    with vm.host.fleet.lock:
        mine = side(vm)
        if not mine.is_in("Replicating", "Resynchronizing"):
            raise Refused("replication_state", vm, state=mine.described)
        other = peer_of(vm)
        replica = vm if mine.mode.name == "Replica" else other
        if replica is not None and side(replica).kept is None:
            side(replica).kept = received(replica)
        mine.enter("ResynchronizeSuspended" if mine.is_in("Resynchronizing") else "Suspended", "Warning")
        if other is not None:
            side(other).stopped_at = mine.stopped_at
    vm.host.fleet.clock.notify()


def _accepted(vm: VM, replica: VM) -> None:
    """Let a Replica server take a primary from the host that it is on now; refuse where it doesn't."""
    before, after = side(replica).primary_server, vm.host.fqdn
    if not replica.host.replica_server.lets_move(before, after):
        raise Refused("replication_refused", vm, server=replica.host.fqdn, primary=after)
    side(replica).primary_server = side(replica).allowed_primary = after


def resume(vm: VM) -> None:
    """Go on replicating on a side that paused, or after an error."""
    with vm.host.fleet.lock:
        mine = side(vm)
        waiting = ("Suspended", "ResynchronizeSuspended", "Error", "WaitingForStartResynchronize")
        if not mine.is_in(*waiting):
            raise Refused("replication_state", vm, state=mine.described)
        other = reached(vm) if mine.mode.name == "Primary" else peer_of(vm)
        if other is not None and side(other).is_in(*FAILED_OVER):
            raise Refused("replication_state", vm, state=side(other).described)
        if mine.mode.name == "Primary" and other is not None:
            _accepted(vm, other)
        mine.enter("Replicating")
        if other is None or side(other).is_in("Replicating"):
            _replicate_again(vm, other)
        else:
            mine.stopped_at = side(other).stopped_at
    vm.host.fleet.clock.notify()
