# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failovers of replicated machines: Start-, Stop-, Complete-VMFailover, Suspend- and Resume-VMReplication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import replica
from .base import HYPERV_CLASS, HyperVCmdlet, as_list
from .failures import Refused

if TYPE_CHECKING:
    from .checkpoint import Snapshot
    from .vm import VM


class FailoverCmdlet(HyperVCmdlet):
    """A change of the replication of every machine given; a refusal doesn't stop the others."""

    def run(self) -> None:
        """Change every machine."""
        for vm in self.machines():
            if not self.call.should_process(vm.name):
                continue
            try:
                changed = self.change(vm)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.shown(changed)

    def machines(self) -> list[VM]:
        """Return the machines that the call means."""
        if self.bound_to("VMReplication"):
            return [replication.owner for replication in as_list(self.given("VMReplication"))]
        return self.vms()

    def shown(self, vm: VM) -> None:
        """Write what -Passthru shows: the machine."""
        self.passthru(vm)

    def change(self, vm: VM) -> VM:
        """Change one machine and return the one to show. Raises Refused."""
        raise NotImplementedError


class StartVMFailover(FailoverCmdlet):
    """Start-VMFailover: -Prepare on a primary; on a replica for real or -AsTest, from any recovery point."""

    NAME = "Start-VMFailover"
    CLASS = HYPERV_CLASS + "StartVMFailover"

    def machines(self) -> list[VM]:
        """Return the machines, or that of the recovery point."""
        point = self._point()
        return [point.vm] if point is not None else super().machines()

    def _point(self) -> Snapshot | None:
        return self.given("VMRecoverySnapshot")  # type: ignore[no-any-return]

    def change(self, vm: VM) -> VM:
        """Prepare, fail over, or make a test machine, which is the one to show."""
        point = self._point()
        if point is not None and point.snapshot_type.name not in replica.POINTS:
            raise Refused("parameter", vm, what=f"VMRecoverySnapshot {point.name}")
        if self.switched("Prepare"):
            replica.prepare(vm)
        elif self.switched("AsTest"):
            return replica.start_test(vm, point)
        else:
            replica.start(vm, point)
        return vm


class StopVMFailover(FailoverCmdlet):
    """Stop-VMFailover."""

    NAME = "Stop-VMFailover"
    CLASS = HYPERV_CLASS + "StopVMFailover"

    def change(self, vm: VM) -> VM:
        """Take the failover back."""
        replica.stop(vm)
        return vm


class CompleteVMFailover(FailoverCmdlet):
    """Complete-VMFailover."""

    NAME = "Complete-VMFailover"
    CLASS = HYPERV_CLASS + "CompleteVMFailover"

    def change(self, vm: VM) -> VM:
        """Complete the failover."""
        replica.complete(vm)
        return vm


class ReplicationCmdlet(FailoverCmdlet):
    """A change of a replication; -Passthru shows the replication."""

    def shown(self, vm: VM) -> None:
        """Write the replication."""
        self.passthru(vm.replication)


class SuspendVMReplication(ReplicationCmdlet):
    """Suspend-VMReplication."""

    NAME = "Suspend-VMReplication"
    CLASS = HYPERV_CLASS + "SuspendVMReplication"

    def change(self, vm: VM) -> VM:
        """Pause."""
        replica.suspend(vm)
        return vm


class ResumeVMReplication(ReplicationCmdlet):
    """Resume-VMReplication; resynchronizing at a later time is not played."""

    NAME = "Resume-VMReplication"
    CLASS = HYPERV_CLASS + "ResumeVMReplication"

    def change(self, vm: VM) -> VM:
        """Go on."""
        if self.bound_to("ResynchronizeStartTime"):
            raise Refused("not_supported", vm, what="ResynchronizeStartTime")
        replica.resume(vm)
        return vm


COMMANDS = (StartVMFailover, StopVMFailover, CompleteVMFailover, SuspendVMReplication, ResumeVMReplication)
