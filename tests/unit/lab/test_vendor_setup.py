# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-ins of setup, its VSS provider and its uninstallation, on machines of the lab."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hyperv_lab.guests.windows import agent_state, vendor, vendor_setup, vendor_vss
from hyperv_lab.guests.windows.package import Package, stand_in
from unit.lab.windows_machine import machine, run

if TYPE_CHECKING:
    from hyperv_lab.guests.windows.state import WindowsMachine

NEW, OLD = "9.55.6765.1", "9.37.0.0"
SETUP = "C:\\T\\UnifiedAgent.exe /Role MS /Platform VmWare /Silent /ValidationsOutputJsonFilePath C:\\T\\e.json"
FOLDER = '/InstallLocation "C:\\Program Files (x86)\\Microsoft Azure Site Recovery"'
UNINSTALL = "MsiExec.exe /qn /x {275197FC-14FD-4560-A5EB-38217F80CBD1} /norestart /L+*V C:\\T\\u.log"
ROWS = ("2008R2SP1", "2012", "2012R2", "2016", "2019", "2022", "2025")


def extracted(target: WindowsMachine, version: str = NEW) -> None:
    """Put what a package holds to C:\\T."""
    target.files.write("C:\\T\\UnifiedAgent.exe", stand_in("unifiedagent", version))
    target.files.write("C:\\T\\UnifiedAgentMSI.msi", b"")


def installed(version: str = NEW, stack: str = "CSLegacy", os: str = "2016") -> WindowsMachine:
    """Return a machine on which setup has run."""
    target = machine(os)
    extracted(target, version)
    kind = f" /CSType {stack}" if vendor.version_of(version) >= (9, 55) else ""
    assert run(target, f"{SETUP} {FOLDER}{kind}")[0] == 0
    return target


def names(target: WindowsMachine) -> list[str]:
    """Return the names of the errors JSON without their beginning."""
    errors = json.loads(target.files.text("C:\\T\\e.json"))["Errors"]
    return [each["error_name"].removeprefix("ASRMobilityService") for each in errors]


def test_a_package_extracts_a_little_after_it_ended() -> None:
    target = machine()
    package = Package(version=NEW)
    target.files.write(f"C:\\T\\{package.file_name}", package.content())
    assert run(target, f'C:\\T\\{package.file_name} /q /x:"C:\\Temp\\Ex tracted"') == (0, "", "")
    assert not target.files.is_file("C:\\Temp\\Ex tracted\\UnifiedAgent.exe")
    for _turn in range(200):
        if target.files.is_file("C:\\Temp\\Ex tracted\\UnifiedAgent.exe"):
            break
        time.sleep(0.01)
    assert target.files.is_file("C:\\Temp\\Ex tracted\\UnifiedAgent.exe")


def test_blanks_without_quotes_and_a_damaged_package_give_nothing() -> None:
    target = machine()
    content = Package(version=NEW).content()
    target.files.write("C:\\p.exe", content)
    target.files.write("C:\\q.exe", content[:-5])
    assert run(target, "C:\\p.exe /q /x:C:\\Ex tracted")[0] == 0
    assert run(target, "C:\\q.exe /q /x:C:\\Ex")[0] == 1392
    time.sleep(0.05)
    assert not target.files.is_folder("C:\\Ex")


@pytest.mark.parametrize("os", ROWS)
def test_a_healthy_machine_of_every_row_is_installed(os: str) -> None:
    target = installed("9.66.7567.1", os=os)
    state = agent_state.describe(target)
    assert (state["installed"], state["version"], state["stack"]) == (True, "9.66.7567.1", "classic")
    assert (state["post_install"], state["registered"], state["vss_provider"]) == ("Succeeded", False, True)
    assert state["times_installed"] == 1
    assert target.services["svagents"].status == "Running"
    assert target.files.is_file(f"{vendor.DEFAULT_DIRECTORY}\\agent\\UnifiedAgentConfigurator.exe")


def test_again_changes_nothing_and_another_version_upgrades() -> None:
    target = installed("9.55.6765.1")
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == 0
    extracted(target, "9.57.6911.1")
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == 98
    assert names(target) == ["InstallerSuccessfulRecommendedReboot"]
    state = agent_state.describe(target)
    assert (state["version"], state["times_installed"], state["times_upgraded"]) == ("9.57.6911.1", 1, 1)


def test_a_restart_is_needed_once_the_running_driver_is_five_versions_behind() -> None:
    target = installed("9.55.6765.1")
    for version, name in (("9.59.6930.1", "Recommended"), ("9.61.7016.1", "Mandatory")):
        extracted(target, version)
        assert run(target, f"{SETUP} /CSType CSLegacy")[0] == 98
        assert names(target) == [f"InstallerSuccessful{name}Reboot"]
    target.boots += 1
    extracted(target, "9.63.7187.1")
    run(target, f"{SETUP} /CSType CSLegacy")
    assert names(target) == ["InstallerSuccessfulRecommendedReboot"]


@pytest.mark.parametrize(
    ("line", "version", "code"),
    [
        (f"{SETUP} /CSType CSLegacy", "9.54.0.0", 2),
        (f"{SETUP} /CSType CSLegacy", "9.50.0.0", 2),
        (SETUP, "9.54.0.0", 15),
        (SETUP, "9.60.6956.1", 11),
        (f"{SETUP} /CSType CSPrime", "9.57.6911.1", 97),
        (SETUP.replace("/Role MS", "/Role MT"), "9.57.6911.1", 75),
        (SETUP.replace("VmWare", "Azure"), "9.57.6911.1", 76),
    ],
)
def test_upgrades_that_are_refused(line: str, version: str, code: int) -> None:
    target = installed("9.55.6765.1")
    extracted(target, version)
    assert run(target, line)[0] == code
    assert agent_state.describe(target)["version"] == "9.55.6765.1"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (SETUP.replace(" /Silent", ""), 2),
        (SETUP.replace("/Role MS ", ""), 2),
        (SETUP.replace("/Role MS", "/Role Agent"), 2),
        (SETUP.replace("/Platform VmWare ", ""), 2),
        (f"{SETUP} /CSType CSPrime", 2),
        (f"{SETUP} /InstallLocation C:\\Été", 10),
        (f"{SETUP} /InstallLocation C:\\Program Files\\X", 2),
        (SETUP.replace("VmWare", "Azure"), 97),
    ],
)
def test_command_lines_that_an_old_setup_refuses(line: str, code: int) -> None:
    target = machine()
    extracted(target, OLD)
    assert run(target, line)[0] == code
    assert not agent_state.describe(target)["installed"]


@pytest.mark.parametrize(
    ("defect", "os", "code", "named"),
    [
        ("memory_small", "2016", 99, "InstallerRequiredMemoryError"),
        ("no_boot_disk", "2016", 99, "NoBootDiskFound"),
        ("two_boot_disks", "2016", 99, "MultipleBootDisks"),
        ("two_active_partitions", "2016", 99, "MultipleActivePartitions"),
        ("windows_on_two_disks", "2016", 99, "MultipleSystemDisks"),
        ("no_system_disk", "2016", 99, "NoSystemDiskFound"),
        ("secure_boot_on", "2016", 99, "BootUEFISecureBootNotSupported"),
        ("uefi_old_system", "2008R2SP1", 99, "BootUEFIUnsupportedOS"),
        ("uefi_sectors_4k", "2016", 99, "BootUEFIUnsupportedDiskSectorSize"),
        ("uefi_many_partitions", "2016", 99, "BootUEFIUnsupportedNumberOfPartitions"),
        ("driver_key_missing", "2012", 99, "BootDriversMissing"),
        ("driver_path_missing", "2012", 99, "BootDriversMissing"),
        ("driver_file_missing", "2016", 99, "BootDriversMissing"),
        ("vss_disabled", "2016", 99, "CriticalServicesMissing"),
        ("service_missing", "2016", 99, "CriticalServicesMissing"),
        ("rundll32_missing", "2016", 99, "InstallerMandatoryFilesMissing"),
        ("scout_driver", "2016", 99, "InstallerInvolFltDriverError"),
        ("sha2_updates_missing", "2008R2SP1", 99, "InstallerUnsupportedSHA2SigningFailureWindows2008R2"),
        ("winmgmt_disabled", "2016", 97, "InstallerWMIQueryFailure"),
        ("wmi_damaged", "2016", 97, "InstallerWMIQueryFailure"),
        ("system_drive_full", "2016", 97, "InstallerMSIInstallationFailure"),
        ("bits_32", "2008R2SP1", 42, None),
        ("system_unsupported", "2008R2SP1", 42, None),
        ("dotnet_missing", "2016", 16, None),
        ("is_configuration_server", "2016", 65, None),
        ("restart_pending_servicing", "2016", 62, None),
        ("restart_pending_rename", "2016", 0, None),
        ("boot_disk_apart", "2016", 0, None),
    ],
)
def test_defects_end_setup_as_documented(defect: str, os: str, code: int, named: str | None) -> None:
    target = machine(os, defects=[defect])
    extracted(target)
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == code
    assert names(target) == ([named] if named else [])
    assert agent_state.describe(target)["installed"] == (code == 0)


@pytest.mark.parametrize(
    ("defect", "code", "named"),
    [
        ("setup_running", 41, []),
        ("msi_busy", 97, ["InstallerMSIInstallationFailure"]),
        ("msi_forbidden", 97, ["InstallerMSIInstallationFailure"]),
        ("msi_disabled", 97, ["InstallerMSIInstallationFailure"]),
        ("path_broken", 98, ["InstallerVSSProviderRegistrationFailed"]),
        ("provider_left", 98, ["InstallerVSSProviderRegistrationFailed"]),
        ("driver_left", 97, ["InstallerSuccessfulMandatoryReboot"]),
    ],
)
def test_what_only_an_attempt_meets(defect: str, code: int, named: list[str]) -> None:
    target = machine(defects=[defect])
    extracted(target)
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == code
    assert names(target) == named


def test_setup_goes_on_after_the_restart_that_it_asked_for() -> None:
    target = machine(defects=["driver_left"])
    extracted(target)
    run(target, f"{SETUP} /CSType CSLegacy")
    target.reboot()
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == 0
    assert agent_state.describe(target)["times_installed"] == 1


def test_the_boot_disk_may_lie_apart_from_9_20_on() -> None:
    target = machine(defects=["boot_disk_apart"])
    extracted(target, "9.19.0.0")
    assert run(target, SETUP)[0] == 99
    assert names(target) == ["BootAndSystemDiskOnSeparateDisks"]


@pytest.mark.parametrize(
    ("defect", "old_code", "script", "hresult"),
    [
        ("antivirus_not_excluded", 45, 511, "0x800706BE"),
        ("memory_used", 50, 514, "0x7"),
        ("service_start_pending", 51, 515, "0x8007041F"),
        ("provider_delete_flag", 53, 517, "0x80070430"),
        ("cscript_off", 54, 806, ""),
        ("com_disabled", 63, 802, "0x8004E00F"),
        ("msdtc_disabled", 63, 802, "0x8004E00F"),
        ("cluster_leftover", 63, 802, "0x8004E00F"),
    ],
)
def test_a_failed_provider_is_fatal_below_9_23_and_a_warning_from_there(
    defect: str, old_code: int, script: int, hresult: str
) -> None:
    old, new = machine(defects=[defect]), machine(defects=[defect])
    extracted(old, "9.22.0.0")
    extracted(new, "9.23.0.0")
    assert run(old, SETUP)[0] == old_code
    assert agent_state.describe(old)["post_install"] is None
    assert run(new, SETUP)[0] == 98
    assert agent_state.describe(new)["post_install"] == "Succeeded"
    assert names(new) == ["InstallerVSSProviderRegistrationFailed"]
    log = new.files.text(vendor.INSTALL_LOG)
    assert f"exit code {script}" in log
    assert hresult in log
    path = f"{vendor.DEFAULT_DIRECTORY}\\agent\\InMageVSSProvider_Install.cmd"
    assert run(new, f'"{path}"')[0] == script


def test_the_provider_can_be_removed_and_installed_again_but_not_twice() -> None:
    target = installed()
    folder = f"{vendor.DEFAULT_DIRECTORY}\\agent"
    assert run(target, f'"{folder}\\InMageVSSProvider_Install.cmd"')[0] == 516
    assert run(target, f'"{folder}\\InMageVSSProvider_Uninstall.cmd"')[0] == 0
    assert not vendor_vss.installed(target)
    assert run(target, f'"{folder}\\InMageVSSProvider_Install.cmd"')[0] == 0
    assert vendor_vss.installed(target)


def test_a_drive_without_a_free_byte_ends_in_a_code_too() -> None:
    target = machine()
    extracted(target)
    drive = target.storage.volumes["C:"]
    drive.other = drive.size - drive.used
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == 97
    assert not agent_state.describe(target)["installed"]


@pytest.mark.parametrize(
    ("os", "version", "code"),
    [("2019", "9.21.0.0", 42), ("2019", "9.22.0.0", 0), ("2022", "9.45.0.0", 42), ("2022", "9.46.0.0", 0)],
)
def test_newer_systems_need_newer_agents(os: str, version: str, code: int) -> None:
    target = machine(os)
    extracted(target, version)
    assert run(target, SETUP)[0] == code


def test_skipped_checks_leave_the_drivers_and_a_summary_is_written() -> None:
    target = machine(defects=["driver_file_missing"])
    extracted(target)
    assert run(target, f"{SETUP} /CSType CSLegacy /SkipPrereqChecks /SummaryFilePath C:\\T\\s.json")[0] == 64
    assert json.loads(target.files.text("C:\\T\\s.json"))["ExitCode"] == 64
    target = machine(defects=["secure_boot_on"])
    extracted(target)
    assert run(target, f"{SETUP} /CSType CSLegacy /SkipPrereqChecks")[0] == 0


def test_an_agent_moves_to_the_other_stack_by_installing_only() -> None:
    target = installed()
    assert run(target, f"{SETUP} /CSType CSPrime /InstallationType Upgrade")[0] == 97
    assert names(target) == ["InstallerCSTypeMismatch"]
    assert run(target, f"{SETUP} /CSType CSPrime")[0] == 0
    assert agent_state.describe(target)["stack"] == "modernized"
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == 97
    fresh = machine()
    extracted(fresh)
    assert run(fresh, f"{SETUP} /CSType CSPrime /InstallationType Upgrade")[0] == 97
    assert names(fresh) == ["InstallerInstallationTypeMismatch"]


@pytest.mark.parametrize(("defect", "code"), [("msi_busy", 1618), ("msi_disabled", 1601)])
def test_uninstalling_needs_windows_installer(defect: str, code: int) -> None:
    target = machine(agent={"version": NEW}, defects=[defect])
    assert run(target, UNINSTALL)[0] == code
    assert agent_state.describe(target)["installed"]


def test_a_service_that_does_not_stop_leaves_a_restart_pending() -> None:
    target = machine(agent={"version": NEW})
    target.services["svagents"].status = "StopPending"
    assert run(target, UNINSTALL)[0] == 3010
    extracted(target)
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == 62
    target.reboot()
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == 0


def test_a_mark_for_deletion_goes_by_a_restart() -> None:
    target = machine(defects=["provider_delete_flag"])
    assert vendor_vss.install(target) is not None
    assert vendor_vss.install(target) is not None
    target.reboot()
    assert vendor_vss.install(target) is None


@pytest.mark.parametrize("after", [0.02, 0.08, 0.14, 0.2, 0.26, 0.32])
def test_an_ended_setup_is_finished_by_the_next_one(after: float) -> None:
    target = machine()
    target.fleet.clock.speed = 60.0
    extracted(target)
    stopping = threading.Event()
    timer = threading.Timer(after, stopping.set)
    timer.start()
    run(target, f"{SETUP} /CSType CSPrime", stopping=stopping)
    timer.cancel()
    target.fleet.clock.speed = 100_000.0
    assert run(target, f"{SETUP} /CSType CSPrime")[0] == 0
    state = agent_state.describe(target)
    assert (state["post_install"], state["stack"], state["times_installed"]) == ("Succeeded", "modernized", 1)
    assert not target.notes[vendor_setup.RUNNING]


def test_a_second_instance_is_refused() -> None:
    target = machine()
    extracted(target)
    target.notes[vendor_setup.RUNNING] = True
    assert run(target, f"{SETUP} /CSType CSLegacy")[0] == 41


def test_the_modernized_setup_prints_the_string_for_the_appliance() -> None:
    target = machine()
    extracted(target)
    code, out, _err = run(target, f"{SETUP} /CSType CSPrime")
    assert code == 0
    path = f"{vendor.DEFAULT_DIRECTORY}\\agent\\AzureRcmCli.exe"
    _code, again, _err = run(target, f'"{path}" --getagentconfiginput')
    assert out.strip().removeprefix("Agent Config Input: ") == again.strip().removeprefix("getagentconfiginput:")


def test_uninstalling_has_the_codes_of_windows_installer() -> None:
    target = installed()
    assert run(target, UNINSTALL)[0] == 0
    state = agent_state.describe(target)
    assert (state["installed"], state["vss_provider"], state["times_uninstalled"]) == (False, False, 1)
    assert "svagents" not in target.services
    assert run(target, UNINSTALL)[0] == 1605
    assert target.files.is_file("C:\\T\\u.log")
