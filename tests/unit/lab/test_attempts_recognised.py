# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What attempts on machines of the lab end with is recognised: the stand-ins' codes, errors JSON and logs, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.recognise import Recognised, recognise
from hyperv_lab.guests.windows import vendor
from hyperv_lab.guests.windows.defects import DEFECTS
from hyperv_lab.guests.windows.package import stand_in
from unit.lab.windows_machine import machine, run

if TYPE_CHECKING:
    from hyperv_lab.guests.windows.state import WindowsMachine

NEW, OLD = "9.55.6765.1", "9.22.5109.1"
ERRORS = "C:\\T\\e.json"
SETUP = f"C:\\T\\UnifiedAgent.exe /Role MS /Platform VmWare /Silent /ValidationsOutputJsonFilePath {ERRORS}"
CLASSIC = " /CSType CSLegacy"
NAME = "name:ASRMobilityService"


def put(target: WindowsMachine, version: str = NEW) -> WindowsMachine:
    """Put what a package holds to C:\\T."""
    target.files.write("C:\\T\\UnifiedAgent.exe", stand_in("unifiedagent", version))
    target.files.write("C:\\T\\UnifiedAgentMSI.msi", b"")
    return target


def attempt(target: WindowsMachine, line: str = SETUP + CLASSIC, version: str = NEW) -> Recognised:
    """Run setup and judge how it ended."""
    code, _out, _err = run(target, line)
    errors = target.files.text(ERRORS) if target.files.is_file(ERRORS) else None
    log = target.files.text(vendor.INSTALL_LOG) if target.files.is_file(vendor.INSTALL_LOG) else ""
    numbers = tuple(int(part) for part in version.split("."))
    return recognise("windows", line.split(" ", 1)[0], code, errors, log, numbers)


def ids(found: Recognised) -> list[str]:
    return [each.id for each in found.findings]


@pytest.mark.parametrize(
    ("defect", "error_id"),
    [
        ("memory_used", "vss:0x7"),
        ("antivirus_not_excluded", "vss:0x800706BE"),
        ("service_start_pending", "vss:0x8007041F"),
        ("provider_left", "vss:exit-516"),
        ("provider_delete_flag", "vss:0x80070430"),
        ("msdtc_disabled", "vss:0x8004E00F"),
        ("cluster_leftover", "vss:0x8004E00F-cluster"),
        ("cscript_off", "vss:exit-806"),
        ("path_broken", "vss:exit-9009"),
    ],
)
def test_a_failed_provider_is_named_and_a_warning_since_9_23(defect: str, error_id: str) -> None:
    found = attempt(put(machine("2019", defects=[defect])))
    assert (found.outcome, ids(found)) == ("warning", [error_id]), found.summary
    old = attempt(put(machine("2019", defects=[defect]), OLD), SETUP, OLD)
    assert (old.outcome, ids(old)) == ("failed", [error_id]), old.summary


@pytest.mark.parametrize(
    ("defect", "error_id"),
    [
        ("wmi_damaged", f"{NAME}InstallerWMIQueryFailure"),
        ("msi_busy", f"{NAME}InstallerMSIInstallationFailure"),
        ("msi_disabled", f"{NAME}InstallerMSIInstallationFailure"),
        ("msi_forbidden", f"{NAME}InstallerMSIInstallationFailure"),
        ("restart_pending_servicing", "95224"),
        ("driver_left", "95266"),
        ("agent_service_disabled", f"{NAME}InstallerFailedToStartAgentServices"),
        ("service_control_missing", f"{NAME}InstallerCommandExecutionFailure"),
    ],
)
def test_a_failed_setup_is_named(defect: str, error_id: str) -> None:
    found = attempt(put(machine("2019", defects=[defect])))
    assert (found.outcome, ids(found)) == ("failed", [error_id]), found.summary
    assert found.restart == ("required" if error_id in ("95224", "95266") else None)


@pytest.mark.parametrize(
    ("defect", "reason"),
    [
        ("setup_running", "AnInstanceIsAlreadyRunning"),
        ("dotnet_missing", "DotNetIsNotAvailable"),
        ("is_configuration_server", "BlockMSInstallationOnASRServerSetup"),
    ],
)
def test_a_code_without_an_error_id_is_named_by_the_vendors_word(defect: str, reason: str) -> None:
    found = attempt(put(machine("2019", defects=[defect])))
    assert (found.outcome, found.reason, ids(found)) == ("failed", reason, [])


def test_an_upgrade_advises_a_restart() -> None:
    target = put(machine())
    assert attempt(target).outcome == "ok"
    found = attempt(put(target, "9.57.6911.1"), version="9.57.6911.1")
    assert (found.outcome, found.restart, ids(found)) == ("warning", "advised", ["95265"])


@pytest.mark.parametrize(
    ("line", "error_id"),
    [
        (SETUP + " /CSType CSPrime /InstallationType Upgrade", f"{NAME}InstallerCSTypeMismatch"),
        (SETUP.replace("VmWare", "Azure") + CLASSIC, f"{NAME}InstallerPlatformMismatch"),
        (SETUP + CLASSIC + " /InstallationType Upgrade", f"{NAME}InstallerInstallationTypeMismatch"),
    ],
)
def test_a_wrong_command_line_is_named(line: str, error_id: str) -> None:
    target = machine()
    if "CSType" in error_id:
        assert attempt(put(target)).outcome == "ok"
        put(target, "9.57.6911.1")
    found = attempt(put(target, "9.57.6911.1"), line)
    assert (found.outcome, ids(found)) == ("failed", [error_id]), found.summary


def test_an_upgrade_whose_configuration_is_gone_is_named() -> None:
    target = put(machine())
    assert attempt(target).outcome == "ok"
    folder = vendor.directory(target) or ""
    target.files.delete(f"{folder}\\agent\\Application Data\\etc\\drscout.conf")
    found = attempt(put(target, "9.57.6911.1"), version="9.57.6911.1")
    assert (found.outcome, ids(found)) == ("failed", [f"{NAME}InstallerConfigFilesBackupFailed"]), found.summary


@pytest.mark.parametrize(
    ("defect", "error_id"),
    [
        ("antivirus_not_excluded", "vss:exit-511"),
        ("memory_used", "vss:exit-514"),
        ("service_start_pending", "vss:exit-515"),
        ("provider_delete_flag", "vss:exit-517"),
        ("com_disabled", "vss:exit-802"),
    ],
)
def test_a_provider_script_without_a_log_is_named_by_its_exit_code(defect: str, error_id: str) -> None:
    target = put(machine("2019"))
    assert attempt(target).outcome == "ok"
    script = f"{vendor.directory(target)}\\agent\\InMageVSSProvider_Install.cmd"
    run(target, f'C:\\Windows\\System32\\cmd.exe /d /s /c ""{script.replace("_Install", "_Uninstall")}""')
    DEFECTS[defect].cause(target)
    code, _out, _err = run(target, f'C:\\Windows\\System32\\cmd.exe /d /s /c ""{script}""')
    found = recognise("windows", script, code, None, "", (9, 55, 6765, 1))
    assert (found.outcome, ids(found)) == ("failed", [error_id]), found.summary
