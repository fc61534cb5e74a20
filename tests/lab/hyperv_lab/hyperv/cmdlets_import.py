# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import-VM and Repair-VM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import messages
from .base import HYPERV_CLASS
from .compare import ImportReport, Report
from .import_checks import ImportChecker
from .import_forms import import_request, refusal
from .import_plan import ImportFailed, find_snapshots, prepare
from .importing import Import, recheck
from .migration_cmdlets import MigrationCmdlet, VMJob
from .migration_errors import job_failed
from .migration_plan import bodies
from .planned import forget

if TYPE_CHECKING:
    from .import_plan import ImportPlan

messages.add({"import_activity": ("Importing virtual machine", "Importation de l’ordinateur virtuel")})


class ImportVM(MigrationCmdlet):
    """Import-VM: runs in the foreground of its session, the work is the service's (as with Export-VM)."""

    NAME = "Import-VM"
    CLASS = HYPERV_CLASS + "ImportVM"
    JOBS = True
    ACTIVITY = "import_activity"

    def run(self) -> None:
        """Import what a configuration file or a report is about."""
        if self.bound_to("CompatibilityReport"):
            report = self.report(ImportReport)
            if report is not None and self.call.should_process(report.vm.name):
                self._import(report)
        elif self.call.should_process(str(self.given("Path"))):
            self._import(None)

    def _import(self, report: ImportReport | None) -> None:
        try:
            with self.host.fleet.lock:
                running = self._accepted(report)
        except ImportFailed as failed:
            self.fail(refusal(self.host, failed, self.CLASS))
            return
        running.start()
        if self.switched("AsJob"):
            self.call.write(VMJob(running, len(self.host.fleet.imports), self.NAME))
            return
        self.follow(running)
        if running.failure is not None:
            self.fail(job_failed(self.host, running.job.error_text, self.CLASS))
        elif running.made is not None:
            self.call.write(running.made)

    def _accepted(self, report: ImportReport | None) -> Import:
        plan: ImportPlan = report.plan if report else prepare(import_request(self))
        if report is not None:
            recheck(plan)
        found = ImportChecker(plan).all()
        if found:
            if report is None:
                forget(plan.planned)
            raise ImportFailed("import_incompatible", first=found[0].message)
        running = Import(plan, fresh=report is None)
        running.begin()
        if report is not None:
            report.consumed = True
        return running


class RepairVM(MigrationCmdlet):
    """Repair-VM: where the configuration of an import will be, and where its missing checkpoints are."""

    NAME = "Repair-VM"
    CLASS = HYPERV_CLASS + "RepairVM"

    def run(self) -> None:
        """Change the report's plan."""
        report = self.report(Report)
        if report is None or not self.call.should_process(report.vm.name):
            return
        if not isinstance(report, ImportReport):
            self.reject("not_supported", what="CompatibilityReport of a move")
            return
        with self.host.fleet.lock:
            if self.bound_to("Path"):
                for body in bodies(report.vm):
                    body.path = str(self.given("Path")).rstrip("\\")
            if self.bound_to("SnapshotFilePath"):
                find_snapshots(report.plan, str(self.given("SnapshotFilePath")).rstrip("\\"))
        self.passthru(report)


COMMANDS = (ImportVM, RepairVM)
