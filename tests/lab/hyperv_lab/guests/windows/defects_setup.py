# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects that only an attempt meets: other installations at work, policies, what earlier attempts left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import baseline, services, vendor_checks, vendor_setup
from .defects import defect

if TYPE_CHECKING:
    from .state import WindowsMachine

_NAME = "name:ASRMobilityServiceInstaller"
_PROVIDER = "Azure Site Recovery VSS Provider"


@defect("setup_running", "exit:41", changes="another instance of the agent's setup runs, and doesn't end")
def _running(machine: WindowsMachine) -> None:
    machine.notes[vendor_setup.RUNNING] = True


@defect("msi_busy", f"{_NAME}MSIInstallationFailure", changes="Windows Installer is at work for somebody else (1618)")
def _busy(machine: WindowsMachine) -> None:
    machine.registry.create("HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\InProgress")


@defect("msi_forbidden", f"{_NAME}MSIInstallationFailure", changes="DisableMSI of Group Policy is 2 (1625)")
def _forbidden(machine: WindowsMachine) -> None:
    machine.registry.set("HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\Installer", "DisableMSI", 2)


@defect("msi_disabled", f"{_NAME}MSIInstallationFailure", changes="the service msiserver is disabled (1601)")
def _disabled(machine: WindowsMachine) -> None:
    services.put_in_state(machine, "msiserver", "Disabled")


@defect("path_broken", "vss:exit-9009", changes="the system's PATH lacks System32")
def _path(machine: WindowsMachine) -> None:
    key = f"{baseline.CONTROL}\\Session Manager\\Environment"
    machine.registry.set(key, "Path", "C:\\Tools", "ExpandString")


@defect("provider_left", "vss:exit-516", changes="the provider's service is left of an earlier agent")
def _left(machine: WindowsMachine) -> None:
    services.add(machine, _PROVIDER, path="C:\\old\\InMageVssProvider.exe", status="Stopped")


@defect("driver_left", f"{_NAME}SuccessfulMandatoryReboot", "95266",
        changes="an older filter driver goes by a restart only: setup ends with 97 until then")  # fmt: skip
def _driver(machine: WindowsMachine) -> None:
    machine.notes[vendor_setup.DRIVER_MARKED] = machine.boots


@defect("agent_service_disabled", f"{_NAME}FailedToStartAgentServices",
        changes="the agent's service is left of an earlier agent, and disabled")  # fmt: skip
def _service(machine: WindowsMachine) -> None:
    services.add(machine, "svagents", path="C:\\old\\svagents.exe", status="Stopped", start="Disabled")


@defect("service_control_missing", f"{_NAME}CommandExecutionFailure", changes="sc.exe is missing")
def _control(machine: WindowsMachine) -> None:
    machine.files.delete(vendor_checks.SERVICE_CONTROL)
