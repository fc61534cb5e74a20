# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start-, Stop-, Save-, Suspend-, Resume- and Restart-VM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import messages, power
from .base import HYPERV_CLASS, HyperVCmdlet
from .failures import Refused

if TYPE_CHECKING:
    from .vm import VM

messages.add(
    {
        "already_there": (
            "The virtual machine is already in the specified state.",
            "L’ordinateur virtuel est déjà dans l’état indiqué.",
        ),
    }
)


class PowerCmdlet(HyperVCmdlet):
    """A change of power on every machine given; it ends when the change has."""

    def run(self) -> None:
        """Change every machine; a refusal doesn't stop the others."""
        for vm in self.vms("Name"):
            if self.call.stopping.is_set():
                return
            if not self.call.should_process(vm.name):
                continue
            try:
                self.change(vm)
            except Refused as refused:
                self.refuse(refused)
                continue
            self.passthru(vm)

    def change(self, vm: VM) -> None:
        """Change one machine. Raises Refused."""
        raise NotImplementedError

    def settle(self, vm: VM) -> None:
        """Wait for the end of the transition."""
        power.settled(vm, self.call.stopping)

    def nothing_to_do(self) -> None:
        """Warn that the machine is in that state already (field errors: a warning only)."""
        self.call.warn(messages.text(self.host.language, "already_there"))


class StartVM(PowerCmdlet):
    """Start-VM."""

    NAME = "Start-VM"
    CLASS = HYPERV_CLASS + "StartVM"
    DENIED = "denied"

    def change(self, vm: VM) -> None:
        """Start, restore or resume."""
        if power.start(vm):
            self.settle(vm)
        else:
            self.nothing_to_do()


class StopVM(PowerCmdlet):
    """Stop-VM: through the guest, -TurnOff, or -Save."""

    NAME = "Stop-VM"
    CLASS = HYPERV_CLASS + "StopVM"

    def change(self, vm: VM) -> None:
        """Stop one machine."""
        if vm.state == "Off" or (vm.state == "Saved" and self.switched("Save")):
            self.nothing_to_do()
            return
        if self.switched("TurnOff"):
            power.turn_off(vm)
        elif self.switched("Save"):
            power.save(vm)
        else:
            self._through_guest(vm)
        self.settle(vm)

    def _through_guest(self, vm: VM) -> None:
        shut_down(vm, force=self.switched("Force"), cmdlet=self)


def shut_down(vm: VM, *, force: bool, cmdlet: HyperVCmdlet) -> None:
    """Shut a guest down and wait for what it does. Raises Refused where it won't (field errors)."""
    clock = vm.host.fleet.clock
    if power.shut_down(vm, force=force) is not None:
        return
    patience = power.SHUTDOWN_PATIENCE if force else power.ASK_AFTER
    clock.wait(lambda: vm.state == "Off", seconds=patience, stopping=cmdlet.call.stopping)
    if vm.state == "Off" or cmdlet.call.stopping.is_set():
        return
    raise Refused("shutdown_unanswered" if force else "shutdown_asks", vm)


class SaveVM(PowerCmdlet):
    """Save-VM."""

    NAME = "Save-VM"
    CLASS = HYPERV_CLASS + "SaveVM"

    def change(self, vm: VM) -> None:
        """Save one machine."""
        if vm.state == "Saved":
            self.nothing_to_do()
            return
        power.save(vm)
        self.settle(vm)


class SuspendVM(PowerCmdlet):
    """Suspend-VM."""

    NAME = "Suspend-VM"
    CLASS = HYPERV_CLASS + "SuspendVM"

    def change(self, vm: VM) -> None:
        """Pause one machine."""
        if vm.state == "Paused":
            self.nothing_to_do()
            return
        power.pause(vm)
        self.settle(vm)


class ResumeVM(PowerCmdlet):
    """Resume-VM."""

    NAME = "Resume-VM"
    CLASS = HYPERV_CLASS + "ResumeVM"

    def change(self, vm: VM) -> None:
        """Resume one machine."""
        if vm.state == "Running":
            self.nothing_to_do()
            return
        power.resume(vm)
        self.settle(vm)


class RestartVM(PowerCmdlet):
    """Restart-VM. The partition stays, so a changed processor flag isn't picked up (facts on Hyper-V, 2.2)."""

    NAME = "Restart-VM"
    CLASS = HYPERV_CLASS + "RestartVM"

    def change(self, vm: VM) -> None:
        """Restart one machine, hard or (-Type Reboot) through the guest."""
        clock = vm.host.fleet.clock
        with vm.host.fleet.lock:
            power.require_idle(vm)
            if vm.state != "Running":
                raise Refused("invalid_state", vm)
            if not self.switched("Force") and self.given("Confirm") is not False:
                raise Refused("shutdown_asks", vm)
            vm.settle_guest()
            vm.started_at = clock.now() + (vm.guest.shutdown_seconds if str(self.given("Type")) == "Reboot" else 0.0)
        clock.notify()
        if self.switched("Wait"):
            limit = self.given("Timeout", 3600)
            seconds = 3600.0 if limit in (None, -1) else float(limit)
            clock.wait(lambda: vm.guest_answers, seconds=seconds, stopping=self.call.stopping)


COMMANDS = (StartVM, StopVM, SaveVM, SuspendVM, ResumeVM, RestartVM)
