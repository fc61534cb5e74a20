# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of the management service: Msvm_MigrationJob and Msvm_ConcreteJob, for any session (facts on Hyper-V, 3.9)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.values import TypedArray, UInt16, UInt32
from . import messages

if TYPE_CHECKING:
    from .host import Host
    from .vm import VM

KEPT_SECONDS = 300.0
"""TimeBeforeRemoval: five minutes."""
RUNNING, COMPLETED, TERMINATED, KILLED = 4, 7, 8, 9
JOB_TYPES = {"compare": 301, "move": 305, "move_storage": 306, "storage": 307, "import": 61, "export": 62}
MIGRATION_TYPES = {"compare": 32770, "move": 32768, "move_storage": 32771, "storage": 32769}
FAILED_CODE = 32768
"""ErrorCode is 16 bits wide: the WMI code "failed"; the HRESULT stands in the text."""
DONE, NOT_FOUND, INVALID_PARAMETER, INVALID_STATE = 0, 32779, 32773, 32775

messages.add(
    {
        "job_running": ("Job is running", "Le travail est en cours d’exécution"),
        "job_done": ("Job is completed successfully", "Le travail s’est terminé correctement"),
        "job_failed": ("Job is completed with error", "Le travail s’est terminé avec une erreur"),
        "job_terminated": ("Job is terminated", "Le travail est arrêté"),
        "job_exporting": ("Exporting Virtual Machine", "Exportation de l’ordinateur virtuel"),
        "job_importing": ("Importing Virtual Machine", "Importation de l’ordinateur virtuel"),
        "job_moving": ("Moving Virtual Machine", "Déplacement de l’ordinateur virtuel"),
        "job_moving_storage": (
            "Moving Virtual Machine and Storage",
            "Déplacement de l’ordinateur virtuel et du stockage",
        ),
    }
)


@dataclass(kw_only=True)
class Job:
    """What the management service of a host does for somebody. Changes happen under the fleet's lock."""

    CLASS: ClassVar = "Msvm_ConcreteJob"
    host: Host
    vm: VM
    kind: str
    """A key of JOB_TYPES."""
    owner: str
    submitted: float
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    state: int = RUNNING
    percent: int = 0
    error_code: int = 0
    error_text: str = ""
    finished: float | None = None
    cancellable: bool = True
    cancel_wanted: bool = False

    @property
    def done(self) -> bool:
        """Return whether it has ended, however it did."""
        return self.finished is not None

    def advance(self, percent: float) -> None:
        """Show progress: whole percents that never go back, 100 only for a job that ended well."""
        self.percent = max(self.percent, min(int(percent), 99))

    def finish(self, *, state: int = COMPLETED, error_text: str = "") -> None:
        """End it; a text makes it a failure (JobState 7 with an ErrorCode: os-win treats that as failed)."""
        self.finished = self.host.fleet.clock.now()
        self.state = state
        self.cancellable = False
        self.error_text = error_text
        self.error_code = FAILED_CODE if error_text or state != COMPLETED else 0
        if self.error_code == 0:
            self.percent = 100

    def request_cancel(self) -> bool:
        """Ask it to stop; return False where it can't be stopped any more."""
        with self.host.fleet.lock:
            if self.done or not self.cancellable:
                return False
            self.cancel_wanted = True
        self.host.fleet.clock.notify()
        return True

    @property
    def status(self) -> str:
        """Return the localised text of the state."""
        key = "running"
        if self.done:
            key = "terminated" if self.state != COMPLETED else "failed" if self.error_code else "done"
        return messages.text(self.host.language, "job_" + key)

    @property
    def title(self) -> str:
        """Return the localised name of what is done."""
        return messages.text(self.host.language, {"import": "job_importing"}.get(self.kind, "job_exporting"))

    def properties(self) -> dict[str, Any]:
        """Return the properties of the CIM instance, in the class's order."""
        clock = self.host.fleet.clock
        title = self.title
        end = clock.now() if self.finished is None else self.finished
        submitted = clock.date(self.submitted)
        return {
            "InstanceID": self.identifier,
            "Caption": title,
            "Description": title,
            "ElementName": title,
            "InstallDate": None,
            "Name": self.CLASS,
            "OperationalStatus": TypedArray("System.UInt16", [UInt16(2)]),
            "StatusDescriptions": TypedArray("System.String", [self.status]),
            "Status": "OK",
            "HealthState": UInt16(5),
            "JobStatus": self.status,
            "TimeSubmitted": submitted,
            "ScheduledStartTime": submitted,
            "StartTime": submitted,
            "ElapsedTime": timedelta(seconds=round(end - self.submitted, 3)),
            "JobRunTimes": UInt32(1),
            "Notify": None,
            "Owner": self.owner,
            "Priority": UInt32(0),
            "PercentComplete": UInt16(self.percent),
            "DeleteOnCompletion": False,
            "ErrorCode": UInt16(self.error_code),
            "ErrorDescription": self.error_text,
            "ErrorSummaryDescription": self.error_text.partition("\n")[0],
            "JobState": UInt16(self.state),
            "TimeOfLastStateChange": clock.date(end),
            "TimeBeforeRemoval": timedelta(seconds=KEPT_SECONDS),
            "Cancellable": self.cancellable,
            "JobType": UInt16(JOB_TYPES[self.kind]),
        }


@dataclass(kw_only=True)
class MigrationJob(Job):
    """A migration."""

    CLASS: ClassVar = "Msvm_MigrationJob"
    destination: str | None
    """The destination as the caller named it; None for a storage migration."""
    new_settings: str = ""

    @property
    def title(self) -> str:
        """Return the localised name of what is done."""
        return messages.text(self.host.language, "job_moving_storage" if self.kind != "move" else "job_moving")

    def properties(self) -> dict[str, Any]:
        """Return the properties of the CIM instance."""
        return {
            **super().properties(),
            "MigrationType": UInt16(MIGRATION_TYPES[self.kind]),
            "VirtualSystemName": str(self.vm.id).upper(),
            "DestinationHost": self.destination,
            "NewSystemSettingData": self.new_settings,
            "NewResourceSettingData": None,
        }


def listed_jobs(host: Host) -> list[Job]:
    """Return the jobs that a host lists now; those that ended five minutes ago are gone."""
    now = host.fleet.clock.now()
    listed: list[Job] = []
    with host.fleet.lock:
        for identifier, job in list(host.jobs.items()):
            if not isinstance(job, Job):
                continue
            if job.finished is not None and now >= job.finished + KEPT_SECONDS:
                del host.jobs[identifier]
            else:
                listed.append(job)
    return listed


def migration_jobs(host: Host) -> list[MigrationJob]:
    """Return the migrations among the jobs that a host lists now."""
    begun = host.fleet.clock.now() - host.fleet.moves_unseen_seconds
    return [job for job in listed_jobs(host) if isinstance(job, MigrationJob) and job.submitted <= begun]


def request_state_change(host: Host, identifier: str, state: int) -> int:
    """Play RequestStateChange of a job: 4 terminates, 5 kills. Return the method's ReturnValue."""
    job = next((j for j in listed_jobs(host) if j.identifier == identifier.upper()), None)
    if job is None:
        return NOT_FOUND
    if state not in (4, 5):
        return INVALID_PARAMETER
    return DONE if job.request_cancel() else INVALID_STATE
