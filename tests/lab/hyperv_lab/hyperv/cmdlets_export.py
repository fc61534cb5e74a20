# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export-VM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import exporting, messages
from .base import HYPERV_CLASS
from .exporting import SAVED, ExportRequest
from .migration_cmdlets import MigrationCmdlet, VMJob
from .migration_errors import MoveFailed, job_failed
from .migration_plan import owner_of

if TYPE_CHECKING:
    from .vm import VM

messages.add({"export_activity": ("Exporting virtual machine", "Exportation de l’ordinateur virtuel")})


class ExportVM(MigrationCmdlet):
    """Export-VM: runs in the foreground of its session, the work is the service's.

    A stop signal cancels it; a lost client or shell doesn't (assumed, as for moves). What is captured of a running
    machine unless told is its memory (assumed: the facts know no documented default).
    """

    NAME = "Export-VM"
    CLASS = HYPERV_CLASS + "ExportVM"
    JOBS = True
    ACTIVITY = "export_activity"

    def run(self) -> None:
        """Export every machine given, one after another."""
        for vm in self.vms("Name"):
            if self.call.stopping.is_set():
                return
            if self.present(vm) and self.call.should_process(vm.name):
                self._export(vm)

    def _export(self, vm: VM) -> None:
        request = ExportRequest(
            vm=vm,
            path=str(self.given("Path")),
            capture=str(self.given("CaptureLiveState", SAVED)),
            owner=owner_of(self.host, self.call.session.identity),
        )
        try:
            with self.host.fleet.lock:
                running = exporting.accept(request)
        except MoveFailed as failed:
            self.fail(job_failed(self.host, exporting.message(request, failed), self.CLASS))
            return
        running.start()
        if self.switched("AsJob"):
            self.call.write(VMJob(running, len(self.host.fleet.exports), self.NAME))
            return
        self.follow(running)
        if running.failure is not None:
            self.fail(job_failed(self.host, running.job.error_text, self.CLASS))
        elif running.job.done:
            self.passthru(vm)


COMMANDS = (ExportVM,)
