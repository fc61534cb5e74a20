# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of setup (UnifiedAgent.exe, UnifiedAgentInstaller.exe): checks, MSI part, post-install steps.

It goes on where an ended run stopped: files without their registry entry are written again, an installed agent whose
``PostInstallActions`` didn't succeed gets those steps only (facts, 2.1).
"""

from __future__ import annotations

import json
import ntpath
import uuid
from typing import TYPE_CHECKING, Any

from ...hyperv.storage import DiskFull, NoSuchPath
from . import vendor, vendor_checks, vendor_vss
from .package import stand_in
from .vendor import INSTALLED_KEY, Ends, Exit, error, log, pace
from .vendor_options import SETUP, parse
from .vendor_services import add_agent_services, add_driver, set_agent_services

if TYPE_CHECKING:
    import threading

    from .state import WindowsMachine
    from .vendor_options import Options

MB = 1024**2
RUNNING = "asr_setup_running"
"""Key of the machine's notes: an instance of setup runs, or something else that holds its lock."""
LOADED = "asr_driver_loaded"
"""Key of the notes: (restarts so far, version of the filter driver that runs)."""
DRIVER_MARKED = "asr_driver_marked"
"""Key of the notes: the count of restarts at which an older driver was left that goes by a restart only."""
MSI = "UnifiedAgentMSI.msi"
_POLICY = "HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\Installer"
_MSI_RUNNING = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\InProgress"
_TEMP_FULL = -2147286787
_LEAST_TEMP = 20 * MB
_HOPS = 4
PROGRAM_FILES = {
    "UnifiedAgentConfigurator.exe": "unifiedagentconfigurator",
    "AzureRcmCli.exe": "azurercmcli",
    "InMageVSSProvider_Install.cmd": "inmagevssprovider_install.cmd",
    "InMageVSSProvider_Uninstall.cmd": "inmagevssprovider_uninstall.cmd",
}
"""Files of the agent that can be started -> the stand-in's program."""
OTHER_FILES = {"svagents.exe": 40 * MB, "appservice.exe": 20 * MB, "InMageVssProvider.dll": 2 * MB, "vacp.exe": 9 * MB}


class Setup:
    """One run of setup."""

    def __init__(
        self, machine: WindowsMachine, version: str, source: str, stopping: threading.Event | None = None
    ) -> None:
        self.machine, self.text, self.source, self.stopping = machine, version, source, stopping
        self.version = vendor.version_of(version)
        self.output = ""
        self.warnings: list[dict[str, Any]] = []

    def run(self, arguments: list[str]) -> int:
        """Run with these arguments and return the exit code; raise Ends, Stopped."""
        options = parse(arguments, SETUP, self.version)
        errors_path = options.get("ValidationsOutputJsonFilePath")
        try:
            code = self._alone(options)
        except Ends as end:
            vendor.write_errors(self.machine, errors_path, end.errors)
            self._summary(options, end.code)
            raise
        vendor.write_errors(self.machine, errors_path, self.warnings)
        self._summary(options, code)
        return code

    def _summary(self, options: Options, code: int) -> None:
        path = options.get("SummaryFilePath")
        if path:
            summary = {"StandIn": "hyperv_lab", "Version": self.text, "ExitCode": int(code)}
            self.machine.files.write(path, json.dumps(summary))

    def _alone(self, options: Options) -> int:
        machine = self.machine
        with machine.fleet.lock:
            if machine.notes.get(RUNNING):
                raise Ends(Exit.ALREADY_RUNNING, "another instance is running")
            machine.notes[RUNNING] = True
        try:
            return self._decide(options)
        finally:
            machine.notes[RUNNING] = False

    def _decide(self, options: Options) -> int:
        machine = self.machine
        if not options.has("Silent"):
            raise Ends(Exit.INVALID_COMMAND_LINE, "without /Silent a window would open, which nobody sees")
        if options.get("Platform") is None and vendor.installed_version(machine) is None:
            raise Ends(Exit.INVALID_COMMAND_LINE, "/Platform is missing")
        vendor_checks.gates(machine, self.version)
        installed = vendor.installed_version(machine)
        if installed is None:
            self._fresh(options)
        elif vendor.version_of(installed) == self.version:
            self._again(options)
        else:
            self._upgrade(options, installed)
        if vendor.settings(machine).get("CSType") == "CSPrime":
            self.output += f"Agent Config Input: {config_input(machine)}\r\n"
        return Exit.WITH_WARNINGS if self.warnings else Exit.SUCCESSFUL

    def _stack(self, options: Options) -> str:
        return options.get("CSType") or "CSLegacy"

    def _fresh(self, options: Options) -> None:
        machine = self.machine
        if options.get("Role") is None:
            raise Ends(Exit.INVALID_COMMAND_LINE, "/Role is missing")
        if options.get("InstallationType") == "Upgrade":
            named = error("InstallerInstallationTypeMismatch", "There is no agent to upgrade")
            raise Ends(Exit.WITH_ERRORS, "there is no agent to upgrade", errors=[named])
        location = options.get("InstallLocation") or vendor.DEFAULT_DIRECTORY
        if not location.isascii() or not ntpath.splitdrive(location)[0]:
            raise Ends(Exit.INVALID_LOCATION, f"{location} can't be installed to")
        platform = options.get("Platform") or "VmWare"
        if platform == "Azure" and machine.windows.asset_tag != vendor.AZURE_ASSET_TAG:
            named = error("InstallerPlatformMismatch", "This is no machine of Azure", Platform=platform)
            raise Ends(Exit.WITH_ERRORS, "this is no machine of Azure", errors=[named])
        self._prerequisites(options)
        self._msi(location, count="times_installed")
        machine.notes[LOADED] = (machine.boots, self.text)
        vendor.save_settings(machine, new_settings(machine, self._stack(options), platform, options.get("Role")))
        self._post_install()

    def _prerequisites(self, options: Options) -> None:
        if options.has("SkipPrereqChecks"):
            missing = vendor_checks.missing_drivers(self.machine)
            if missing:
                raise Ends(Exit.BOOT_DRIVERS, f"drivers are missing: {', '.join(missing)}")
            return
        found = vendor_checks.validate(self.machine, self.version)
        if found:
            names = ", ".join(each["error_name"] for each in found)
            raise Ends(Exit.PREREQUISITES, f"prerequisites don't hold: {names}", errors=found)

    def _again(self, options: Options) -> None:
        machine = self.machine
        current, asked = vendor.settings(machine), self._stack(options)
        platform = current.get("VmPlatform") or options.get("Platform") or "VmWare"
        if not current:
            vendor.save_settings(machine, new_settings(machine, asked, platform, options.get("Role")))
        elif options.has("CSType") and asked != current.get("CSType"):
            if asked == "CSLegacy" or options.get("InstallationType") == "Upgrade":
                self._mismatch(current)
            vendor.save_settings(machine, new_settings(machine, asked, platform, current.get("Role")))
            machine.registry.delete_value(INSTALLED_KEY, "AgentConfigurationStatus")
            machine.registry.delete_value(INSTALLED_KEY, "PostInstallActions")
        if machine.registry.data(INSTALLED_KEY, "PostInstallActions") != "Succeeded":
            self._post_install()

    def _upgrade(self, options: Options, installed: str) -> None:
        machine, old = self.machine, vendor.version_of(installed)
        current = vendor.settings(machine)
        if self.version < old:
            raise Ends(Exit.DOWNGRADE, f"{installed} is installed, which is newer than {self.text}")
        if self.version[1] - old[1] > _HOPS:
            raise Ends(Exit.UPGRADE_NOT_SUPPORTED, f"{installed} is too old for {self.text}")
        if self.version >= vendor.STACK_OPTIONS_SINCE and self._stack(options) != current.get("CSType", "CSLegacy"):
            self._mismatch(current)
        if not current:
            named = error("InstallerConfigFilesBackupFailed", "The configuration can't be kept", File="drscout.conf")
            raise Ends(Exit.WITH_ERRORS, "drscout.conf can't be copied", errors=[named])
        self._same_shape(options, current)
        lacking = [name for name in PROGRAM_FILES if not machine.files.is_file(vendor.agent_path(machine, name))]
        if lacking:
            named = error("InstallerUpgradeMandatoryFilesMissing", "Files are missing", Files=", ".join(lacking))
            raise Ends(Exit.WITH_ERRORS, f"files of the agent are missing: {', '.join(lacking)}", errors=[named])
        self._prerequisites(options)
        loaded_at, loaded = machine.notes.get(LOADED, (machine.boots, installed))
        if loaded_at != machine.boots:
            loaded = installed
        machine.notes[LOADED] = (machine.boots, loaded)
        set_agent_services(machine, "Stopped")
        self._msi(vendor.directory(machine) or vendor.DEFAULT_DIRECTORY, count="times_upgraded")
        self._post_install()
        needed = self.version[1] - vendor.version_of(loaded)[1] > _HOPS
        name = "InstallerSuccessfulMandatoryReboot" if needed else "InstallerSuccessfulRecommendedReboot"
        self.warnings.append(error(name, "Restart the machine"))

    def _mismatch(self, current: dict[str, str]) -> None:
        named = error("InstallerCSTypeMismatch", "CSType differs", Installed=current.get("CSType", ""))
        raise Ends(Exit.WITH_ERRORS, f"the agent is a {current.get('CSType')} one", errors=[named])

    def _same_shape(self, options: Options, current: dict[str, str]) -> None:
        if options.get("Role") not in (None, current.get("Role")):
            raise Ends(Exit.ROLE_CHANGE, "the role can't be changed")
        if options.get("Platform") not in (None, current.get("VmPlatform")):
            raise Ends(Exit.PLATFORM_CHANGE, "the platform can't be changed")

    # --- the MSI part ---
    def _msi(self, location: str, *, count: str) -> None:
        machine = self.machine
        code = self._msi_hindrance()
        if code is not None:
            self._msi_fails(code)
        written: list[str] = []
        try:
            for name, size, content in self._files():
                pace(machine, 2, self.stopping)
                path = ntpath.join(location, "agent", name)
                machine.files.write(path, content, size=size)
                written.append(path)
        except (DiskFull, NoSuchPath) as problem:
            for path in written:
                machine.files.delete(path)
            log(machine, vendor.INSTALL_LOG, f"System error 112: {problem}")
            self._msi_fails(1603)
        pace(machine, 2, self.stopping)
        with machine.fleet.lock:
            machine.registry.delete_value(INSTALLED_KEY, "PostInstallActions")
            enter(machine, self.text, location)
            machine.counts[count] += 1

    def _files(self) -> list[tuple[str, int | None, bytes]]:
        programs = [(name, None, stand_in(program, self.text)) for name, program in PROGRAM_FILES.items()]
        return [*((name, size, b"") for name, size in OTHER_FILES.items()), *programs]

    def _msi_hindrance(self) -> int | None:
        machine = self.machine
        service = machine.services.get("msiserver")
        causes = (
            (1619, not machine.files.is_file(ntpath.join(self.source, MSI))),
            (1601, service is not None and service.start == "Disabled"),
            (1618, machine.registry.exists(_MSI_RUNNING)),
            (1625, machine.registry.data(_POLICY, "DisableMSI") == 2),
            (_TEMP_FULL, machine.storage.volume("C:\\").free < _LEAST_TEMP),
        )
        return next((code for code, holds in causes if holds), None)

    def _msi_fails(self, code: int) -> None:
        named = error("InstallerMSIInstallationFailure", "The MSI part failed", ErrorCode=code)
        raise Ends(Exit.WITH_ERRORS, f"the MSI part failed with {code}", errors=[named])

    # --- after the MSI part ---
    def _post_install(self) -> None:
        machine = self.machine
        pace(machine, 3, self.stopping)
        if machine.notes.get(DRIVER_MARKED) == machine.boots:
            named = error("InstallerSuccessfulMandatoryReboot", "The driver starts after a restart only")
            raise Ends(Exit.WITH_ERRORS, "the filter driver couldn't be started", errors=[named])
        add_driver(machine)
        add_agent_services(machine, running=False)
        pace(machine, 3, self.stopping)
        self._provider()
        if not set_agent_services(machine, "Running"):
            named = error("InstallerFailedToStartAgentServices", "A service didn't start")
            raise Ends(Exit.WITH_ERRORS, "a service of the agent didn't start", errors=[named])
        pace(machine, 2, self.stopping)
        machine.registry.set(INSTALLED_KEY, "PostInstallActions", "Succeeded")

    def _provider(self) -> None:
        if vendor_vss.installed(self.machine):
            return
        failure = vendor_vss.install(self.machine)
        if failure is None:
            return
        log(self.machine, vendor.INSTALL_LOG, failure.line)
        if self.version < vendor.VSS_WARNS_SINCE:
            raise Ends(failure.setup, f"the VSS provider can't be installed: {failure.code}")
        name = "InstallerVSSProviderRegistrationFailed"
        self.warnings.append(error(name, "No VSS provider", ErrorCode=failure.code, HResult=failure.hresult))


def enter(machine: WindowsMachine, version: str, location: str) -> None:
    """Write what says that the agent is installed."""
    machine.registry.set(INSTALLED_KEY, "InstallDirectory", ntpath.join(location, "agent"))
    machine.registry.set(INSTALLED_KEY, "Product_Version", version)
    for name, value in (
        ("DisplayName", vendor.DISPLAY_NAME),
        ("DisplayVersion", version),
        ("Publisher", "Microsoft Corporation"),
        ("InstallLocation", location),
        ("UninstallString", f"MsiExec.exe /X{vendor.PRODUCT}"),
    ):
        machine.registry.set(vendor.UNINSTALL_KEY, name, value)


def new_settings(machine: WindowsMachine, stack: str, platform: str, role: str | None) -> dict[str, str]:
    """Return the settings of an agent that isn't registered; the host id is kept where there was one."""
    known = machine.registry.data(vendor.HOST_ID_KEY, "HostId")
    if known is None:
        known = str(uuid.uuid4()).upper()
        machine.registry.set(vendor.HOST_ID_KEY, "HostId", known)
    return {
        "HostId": str(known),
        "CSType": stack,
        "VmPlatform": platform,
        "Role": role or "MS",
        "BiosId": str(machine.windows.uuid),
        "LogLevel": "3",
    }


def config_input(machine: WindowsMachine) -> str:
    """Return the string that the appliance makes a config file of (its form is the lab's own)."""
    return f"lab-{uuid.uuid5(machine.windows.uuid, machine.name).hex}"
