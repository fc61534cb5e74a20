# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Move-VM and Compare-VM."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..powershell.values import OBJECT, Credential, LiveObject
from . import messages
from .base import HYPERV_CLASS, HyperVCmdlet, as_list
from .compare import CompatibilityReport, ImportReport, Report
from .import_forms import import_request, refusal
from .import_plan import COPY, REGISTER, ImportFailed
from .import_plan import prepare as prepare_import
from .migration_course import Course
from .migration_engine import move
from .migration_errors import HOST_UNKNOWN, LOGON_FAILURE, MoveFailed, message, record
from .migration_plan import EVERYTHING, NOTHING, PARTS, MoveRequest
from .migration_prepare import Incompatible, Preparation, prepare
from .vm import VM

if TYPE_CHECKING:
    from .host import Host
    from .jobs import Job

messages.add(
    {
        "move_activity": ("Moving virtual machine", "Déplacement de l’ordinateur virtuel"),
        "move_vhds_pair": (
            "each entry needs SourceFilePath and DestinationFilePath",
            "chaque entrée requiert SourceFilePath et DestinationFilePath",
        ),
    }
)


R = TypeVar("R", bound=Report)


class VMJob(LiveObject):
    """VMJob of -AsJob: lives in the session's process, the move doesn't depend on it."""

    TYPE_NAMES: ClassVar = (
        "Microsoft.HyperV.PowerShell.VMJob",
        "System.Management.Automation.Job",
        OBJECT,
    )
    PROPERTIES: ClassVar = {
        "Id": "number",
        "Name": "name",
        "PSJobTypeName": "kind",
        "State": "state",
        "HasMoreData": "more",
        "Location": "location",
        "Command": "name",
    }
    kind = "VMJob"
    more = False

    def __init__(self, running: Course, number: int, name: str) -> None:
        self.running = running
        self.number = number
        self.name = name
        self.location = running.job.host.name

    @property
    def state(self) -> str:
        """Return the state of the job."""
        job = self.running.job
        if not job.done:
            return "Running"
        return "Failed" if job.error_code else "Completed"


class MigrationCmdlet(HyperVCmdlet):
    """What Move-VM and Compare-VM share: what is to move, where to, and how errors are written."""

    ACTIVITY = "move_activity"
    """The text that progress shows."""

    def request(self, vm: VM) -> MoveRequest:
        """Return what the bound parameters ask for; raise MoveFailed for names and values that mean nothing."""
        peer, destination = self._destination(vm)
        return self.parts_of(vm, destination, peer)

    def parts_of(self, vm: VM, destination: Host, peer: str) -> MoveRequest:
        """Return the request with the parameters that say which storage goes where."""
        request = MoveRequest(
            vm=vm,
            source=self.host,
            destination=destination,
            peer=peer,
            identity=self.call.session.identity,
            storage=self._storage(),
            folder=_folder(self.given("DestinationStoragePath")),
            path=_folder(self.given("VirtualMachinePath")),
            snapshot_path=_folder(self.given("SnapshotFilePath")),
            paging_path=_folder(self.given("SmartPagingFilePath")),
            retain_parents=self.switched("RetainVhdCopiesOnSource"),
            remove_parents=self.switched("RemoveSourceUnmanagedVhds"),
            pool=str(self.given("ResourcePoolName") or ""),
        )
        request.vhds = self._vhds()
        return request

    def _storage(self) -> str:
        if self.switched("IncludeStorage") or self.bound_to("DestinationStoragePath"):
            return EVERYTHING
        parts = ("VirtualMachinePath", "SnapshotFilePath", "SmartPagingFilePath", "Vhds")
        return PARTS if any(self.bound_to(name) for name in parts) else NOTHING

    def _destination(self, vm: VM) -> tuple[str, Host]:
        session = self.given("DestinationCimSession")
        peer = str(getattr(session, "computer_name", None) or session or self.given("DestinationHost"))
        host = self.host.fleet.host(peer)
        if host is None:
            raise MoveFailed(HOST_UNKNOWN, vm=vm.name, peer=peer)
        credential = self.given("DestinationCredential")
        if isinstance(credential, Credential) and not self._known(host, credential):
            raise MoveFailed(LOGON_FAILURE, peer=peer)
        return peer, host

    def _known(self, host: Host, credential: Credential) -> bool:
        name, password = credential.username, credential.password.text
        if self.host.fleet.directory.account(name, password) is not None:
            return True
        plain = name.rpartition("\\")[2].lower()
        return any(a.username.lower() == plain and a.password == password and a.enabled for a in host.local)

    def _vhds(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for entry in as_list(self.given("Vhds")):
            values = {str(key).lower(): value for key, value in dict(entry).items()}
            source, target = values.get("sourcefilepath"), values.get("destinationfilepath")
            if not source or not target:
                raise MoveFailed("move_vhds", what=messages.text(self.host.language, "move_vhds_pair"))
            found[str(source).lower()] = str(target)
        return found

    def present(self, vm: VM) -> bool:
        """Return whether a machine given is one of this host; write the error otherwise."""
        here = self.host.vms.get(vm.id) is vm
        if not here:
            self.reject("vm_name_missing", name=vm.name)
        return here

    def failed(self, problem: MoveFailed, vm: VM, peer: str | None = None) -> None:
        """Write the error record of a refusal or failure."""
        name = peer or str(problem.values.get("peer") or self.given("DestinationHost") or "")
        text = message(self.host, problem, vm, name)
        self.fail(record(self.host, problem, text, self.CLASS))

    def report(self, kind: type[R]) -> R | None:
        """Return the report given if it is of a kind and can be used here; write the error otherwise."""
        report = self.given("CompatibilityReport")
        usable = (
            isinstance(report, kind)
            and report.session.variables is self.call.session.variables
            and not report.consumed
            and not report.vm.is_deleted
        )
        if usable:
            return report  # type: ignore[no-any-return]
        problem = MoveFailed("move_report")
        self.fail(record(self.host, problem, messages.text(self.host.language, "move_report"), self.CLASS))
        return None

    def follow(self, running: Course) -> None:
        """Show progress until the job has ended; a stop signal asks it to stop and then waits for its end."""
        job, clock = running.job, self.host.fleet.clock
        activity = messages.text(self.host.language, self.ACTIVITY)
        shown = -1
        while not job.done:
            if job.percent != shown:
                shown = job.percent
                self.call.progress(activity, running.vm.name, percent=shown)
            clock.wait(partial(_went_on, job, shown), seconds=30.0, stopping=self.call.stopping)
            if self.call.stopping.is_set() and not job.done:
                if getattr(self.call.stopping, "abandoned", False):
                    return  # the job belongs to the management service and goes on (facts, 3.9)
                job.request_cancel()
                clock.wait(lambda: job.done, seconds=600.0)


class MoveVM(MigrationCmdlet):
    """Move-VM: runs in the foreground of its session; a stop signal cancels the move before its hand-over."""

    NAME = "Move-VM"
    CLASS = HYPERV_CLASS + "MoveVM"
    JOBS = True

    def run(self) -> None:
        """Move every machine given, or what a report is about."""
        if self.call.parameter_set == "CompatibilityReport" or self.bound_to("CompatibilityReport"):
            report = self.report(CompatibilityReport)
            if report is not None and self.call.should_process(report.vm.name):
                self._move(report.prepared.request, report)
            return
        for vm in self.vms("Name"):
            if self.call.stopping.is_set():
                return
            if not self.present(vm) or not self.call.should_process(vm.name):
                continue
            try:
                request = self.request(vm)
            except MoveFailed as problem:
                self.failed(problem, vm)
                continue
            self._move(request, None)

    def _move(self, request: MoveRequest, report: CompatibilityReport | None) -> None:
        try:
            running = move(request, report.prepared if report else None)
        except Incompatible as problem:
            self.failed(problem, request.vm, request.peer)
            if report is None and self.switched("Passthru"):
                self._refused_report(request)
            return
        except MoveFailed as problem:
            self.failed(problem, request.vm, request.peer)
            return
        if report is not None:
            report.consumed = True
        if self.switched("AsJob"):
            self.call.write(VMJob(running, len(request.source.fleet.moves), self.NAME))
            return
        self.follow(running)
        if running.failure is not None:
            self.fail(record(self.host, running.failure, running.job.error_text, self.CLASS))
        elif running.handed_over:
            self.passthru(running.vm)

    def _refused_report(self, request: MoveRequest) -> None:
        """Write the report that -Passthru gives when a move is refused for incompatibility."""
        try:
            with request.source.fleet.lock:
                prepared = prepare(request)
                found = prepared.incompatibilities()
        except MoveFailed:
            return
        self.call.write(CompatibilityReport(prepared, self.call.session, found))


class CompareVM(MigrationCmdlet):
    """Compare-VM: leaves a planned machine at the destination until it is removed, or the report is consumed."""

    NAME = "Compare-VM"
    CLASS = HYPERV_CLASS + "CompareVM"

    def run(self) -> None:
        """Compare every machine given, or again what a report is about."""
        if self.call.parameter_set in (REGISTER, COPY):
            self._compare_import()
        elif self.bound_to("CompatibilityReport"):
            self._again()
        else:
            for vm in self.vms("Name"):
                if self.present(vm) and self.call.should_process(vm.name):
                    self._compare(vm)

    def _again(self) -> None:
        kind = ImportReport if isinstance(self.given("CompatibilityReport"), ImportReport) else CompatibilityReport
        report = self.report(kind)
        if report is None or not self.call.should_process(report.vm.name):
            return
        try:
            with self.host.fleet.lock:
                report.renew()
        except MoveFailed as problem:
            assert isinstance(report, CompatibilityReport)
            self.failed(problem, report.prepared.request.vm, report.destination)
            return
        except ImportFailed as problem:
            self.fail(refusal(self.host, problem, self.CLASS))
            return
        self.call.write(report)

    def _compare_import(self) -> None:
        if not self.call.should_process(str(self.given("Path"))):
            return
        try:
            with self.host.fleet.lock:
                report = ImportReport(prepare_import(import_request(self)), self.call.session)
        except ImportFailed as problem:
            self.fail(refusal(self.host, problem, self.CLASS))
            return
        self.host.fleet.clock.notify()
        self.call.write(report)

    def _compare(self, vm: VM) -> None:
        try:
            request = self.request(vm)
            with self.host.fleet.lock:
                prepared: Preparation = prepare(request)
                found = prepared.incompatibilities()
        except MoveFailed as problem:
            self.failed(problem, vm)
            return
        self.host.fleet.clock.notify()
        self.call.write(CompatibilityReport(prepared, self.call.session, found))


def _went_on(job: Job, shown: int) -> bool:
    return job.done or job.percent != shown


def _folder(value: Any) -> str:
    return str(value).rstrip("\\") if value else ""


COMMANDS = (MoveVM, CompareVM)
