# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit codes of the vendor's programs as tables.

Names and meanings: the agent's source as publicly seen, undated (about 9.6x). Where a published page speaks too it
agrees, save for the VSS provider's script, whose two maps are both here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

OutcomeWord = Literal["ok", "warning", "failed"]
RestartWord = Literal["advised", "required"]


@dataclass(frozen=True)
class Exit:
    """What one exit code says. ``name`` is the vendor's, or ours where the vendor gives none."""

    name: str
    outcome: OutcomeWord = "failed"
    remedy: str = ""
    id: str | None = None
    """The catalogue's id, where the code alone names an error."""
    restart: RestartWord | None = None
    vss: bool = False
    """The provider of application-consistent points failed: fatal below 9.23, a warning since."""


_INSIDE_JSON = "read the errors JSON of the attempt: it names the error"
_LATER = "wait until the other run has ended, then try again"
_SERVICES = "exclude the agent's folders from the antivirus, then try again"
_PROXY = "check the proxy's address and port; a proxy that asks for a login does not work"
_NOT_STARTED = "name:ASRMobilityServiceInstallerFailedToStartAgentServices"
_VENDOR = "read the log of the attempt"
_WITH_WARNINGS = Exit("SucceededWithWarnings", "warning", _INSIDE_JSON)
_WITH_ERRORS = Exit("FailedWithErrors", "failed", _INSIDE_JSON)

WINDOWS_SETUP: dict[int, Exit] = {
    0: Exit("Successful", "ok"),
    1: Exit("Failed", remedy=_VENDOR),
    2: Exit("InvalidCommandLine", remedy="the role is MS, never Agent; check the options against the agent's version"),
    3: Exit("InvalidCommandLineArguments", remedy="check the options against the agent's version"),
    10: Exit("InvalidInstallLocation", remedy="choose an installation folder of plain ASCII letters, and quote it"),
    11: Exit("UpgradeNotSupported", remedy="upgrade by at most four versions at a time"),
    13: Exit(
        "AgentPointingToDifferentCS",
        remedy="the agent belongs to another server: unregister or uninstall it first, if it may leave that server",
    ),
    14: Exit("InvalidPassphraseOrCSEndPoint", remedy="check the server's address and its passphrase"),
    15: Exit("DowngradeNotSupported", remedy="a newer agent is installed: leave it, or uninstall it first"),
    16: Exit("DotNetIsNotAvailable", remedy="install the .NET Framework"),
    17: Exit("AgentRegistrationFailed", remedy="check address, passphrase, port and certificate of the server"),
    18: Exit("VMwareToolsAreNotAvailable", remedy="install VMware Tools (master target only)"),
    19: Exit("InvalidSourceConfigFile", remedy="fetch a new config.json; the appliance has to be reachable too"),
    41: Exit("AnInstanceIsAlreadyRunning", remedy=_LATER),
    42: Exit("UnsupportedOS", remedy="this system can't get the agent", id="95213"),
    43: Exit("UnableToStopServices", remedy=_SERVICES),
    44: Exit(
        "UnableToStartServices", remedy=_SERVICES, id="name:ASRMobilityServiceInstallerFailedToStartAgentServices"
    ),
    45: Exit("VSSProviderInstallationFailed", id="vss:other", vss=True),
    47: Exit("IndskfltValueNotUpdatedInUpperFilterRegistry", remedy=_VENDOR),
    48: Exit("FailedToSetServiceStartupType", remedy=_VENDOR),
    50: Exit("VSSProviderOutOfMemory", id="vss:exit-514", vss=True),
    51: Exit("VSSProviderServiceDatabaseLocked", id="vss:exit-515", vss=True),
    52: Exit("VSSProviderServiceExists", id="vss:exit-516", vss=True),
    53: Exit("VSSProviderServiceMarkedForDeletion", id="vss:exit-517", vss=True),
    54: Exit("VSSProviderCscriptDenied", id="vss:exit-806", vss=True),
    55: Exit("VSSProviderPathNotFound", id="vss:exit-9009", vss=True),
    56: Exit("FailedToCreateSymlinks", remedy=_VENDOR),
    57: Exit("FailedToInstallAndConfigureServices", remedy=_VENDOR),
    62: Exit("SystemRestartPending", remedy="restart the machine, then try again", id="95224", restart="required"),
    63: Exit("VSSProviderPrereqFailure", id="151025", vss=True),
    64: Exit("BootDriversAreNotAvailable", remedy="reinstall the missing drivers", id="drivers-missing"),
    65: Exit("BlockMSInstallationOnASRServerSetup", remedy="a configuration or process server can't be protected"),
    75: Exit("AgentRoleChangeNotAllowed", remedy="uninstall the agent first; its role can't be changed"),
    76: Exit("PlatformChangeNotAllowed", remedy="uninstall the agent first; its platform can't be changed"),
    77: Exit("CDPCLIRegistrationFailed", remedy=_VENDOR),
    78: Exit("InvalidProxyDetails", remedy=_PROXY),
    79: Exit("ProxyConfigurationFailed", remedy=_PROXY),
    90: Exit("OutOfMemoryException", remedy="free memory or add some", id="95572"),
    97: _WITH_ERRORS,
    98: _WITH_WARNINGS,
    99: Exit("ProductPrereqsValidationFailed", "failed", _INSIDE_JSON),
    100: Exit("RcmCredentialsFileMissing", remedy="give the credentials file of the vault"),
    101: Exit("RcmCredentialsFileCorrupt", remedy="fetch the credentials file again"),
    102: Exit("RcmCredentialsFileExpired", remedy="fetch a new credentials file"),
    103: Exit("BiosIdDetectionFailed", remedy="the machine's firmware gives no id"),
    118: Exit("BiosIdMismatchFound", remedy="the machine is a clone: uninstall the agent and install it anew"),
    119: Exit("RCMRegistrationFailure", remedy=_VENDOR),
    128: Exit("CSPrimeLoginFailure", remedy="the appliance refused the agent: fetch a new config.json"),
    129: Exit("RcmProxyRegistrationFailure", remedy="check that the appliance is reachable and paired"),
    130: Exit("AgentConfigInputFailure", remedy="the agent is installed; ask for its string by AzureRcmCli again"),
    131: Exit("UnconfigureAgentFailure", remedy=_VENDOR),
    132: Exit("DiagnoseAndFixFailure", remedy=_VENDOR),
    1641: Exit("SuccessfulMandatoryReboot", "warning", "restart the machine", "95266", "required"),
    3010: Exit("SuccessfulRecommendedReboot", "warning", "restart when convenient", "95265", "advised"),
}
"""UnifiedAgent.exe, UnifiedAgentInstaller.exe and UnifiedAgentConfigurator.exe share one enumeration."""

RCM_RANGE = range(120, 150)
"""Codes that setup and configurator pass on from AzureRcmCli; most have no name."""

MSI_UNINSTALL: dict[int, Exit] = {
    0: Exit("Successful", "ok"),
    1602: Exit("UserExit", remedy="somebody cancelled it on the machine"),
    1603: Exit("InstallFailure", remedy="read UnifiedAgentMSIUninstall.log"),
    1605: Exit("UnknownProduct", "ok", "nothing was installed"),
    1614: Exit("ProductUninstalled", "ok", "it was removed already"),
    1618: Exit("InstallAlreadyRunning", remedy=_LATER),
    1641: Exit("RestartInitiated", "warning", "the machine is restarting", "95224", "required"),
    3010: Exit("RestartRequired", "warning", "restart before the agent is installed again", "95224", "required"),
}
"""Codes of Windows Installer, as msiexec gives them when the agent is uninstalled."""

MSI_INSIDE_SETUP: dict[int, str] = {
    1601: "the service msiserver can't be reached: start it",
    1603: "read the MSI's log; System error 1018 asks for a restart, 1450 for free memory",
    1618: "another installation runs: wait, then try again",
    1625: "a policy forbids installing: have it lifted",
    -2147286787: "the temporary folder is full: free space there",
}
"""Codes of the MSI that setup wraps; it reports them as errors JSON, never as its own exit code."""

VSS_SCRIPTS: dict[int, Exit] = {
    0: Exit("Successful", "ok"),
    511: Exit("ProviderInstallationFailed", id="vss:exit-511", vss=True),
    512: Exit("ServiceDatabaseLocked", id="vss:0x8007041F", vss=True),
    514: Exit("OutOfMemory", id="vss:exit-514", vss=True),
    515: Exit("ServiceDatabaseLocked", id="vss:exit-515", vss=True),
    516: Exit("ServiceExists", id="vss:exit-516", vss=True),
    517: Exit("ServiceMarkedForDeletion", id="vss:exit-517", vss=True),
    802: Exit("DcomFailure", id="vss:exit-802", vss=True),
    806: Exit("CscriptDenied", id="vss:exit-806", vss=True),
    9009: Exit("PathNotFound", id="vss:exit-9009", vss=True),
}
"""InMageVSSProvider_Install.cmd. Published pages say 512 for a locked database and 511 for memory, the vendor's own
map 515 and 514; both are taken, and an HRESULT in the output wins over either."""

LINUX_SETUP: dict[int, Exit] = {0: Exit("Successful", "ok"), 97: _WITH_ERRORS, 98: _WITH_WARNINGS}
"""``install``. 97 is by the shared scheme and unverified for this program; its other codes are not known."""

LINUX_CONFIGURATOR: dict[int, Exit] = {
    0: Exit("Successful", "ok"),
    1: Exit("Failed", remedy="no agent, a missing file or a wrong platform: read the log"),
    3: Exit("InvalidIPAddress", remedy="give the server's IPv4 address"),
    13: WINDOWS_SETUP[13],
    14: WINDOWS_SETUP[14],
    44: Exit("ServicesNotStarted", remedy="read the log; start vxagent"),
    96: Exit("InvalidOptions", remedy="check the options against the agent's version"),
    97: _WITH_ERRORS,
    98: _WITH_WARNINGS,
    115: Exit("ServicesNotStopped", remedy="stop vxagent, then try again"),
    **{code: WINDOWS_SETUP[code] for code in (118, 119, 128, 129, 130, 131, 132)},
}
"""UnifiedAgentConfigurator.sh. It ends with 0 after wrong options too: read the state, never the code alone."""

PREREQUISITES: dict[int, Exit] = {
    0: Exit("Successful", "ok"),
    1: Exit("CheckFailed", remedy=_INSIDE_JSON),
    2: Exit("Usage", remedy="check the options against the agent's version"),
}
"""prereq_check_install.sh."""

RCM_CLI: dict[int, Exit] = {
    0: Exit("Successful", "ok"),
    1: Exit("SucceededWithWarnings", "warning", _VENDOR),
    2: Exit("FailedWithErrors", remedy=_VENDOR),
    126: Exit("StopRetrying", remedy="the service told the agent to give up: read AzureRcmCli.log"),
    129: Exit("ApplianceNotPaired", "warning", "the appliance is not paired with its vault yet"),
    144: Exit("AlreadyUnregistered", "ok", "the server did not know the agent any more"),
}
"""AzureRcmCli. 129 counts as success outside Azure."""

LINUX_UNINSTALL: dict[int, Exit] = {
    0: Exit("Successful", "ok"),
    1: Exit("NotUninstalled", remedy="not installed, declined, wrong options, or another run holds the lock"),
    2: Exit("ServicesNotStopped", remedy="stop the agent's services, then try again"),
}
"""uninstall.sh."""

HOTFIX: dict[int, Exit] = {
    0: Exit("Successful", "ok"),
    1: Exit("Failed", remedy="wrong options, an unsupported system, or a step failed: read the output"),
}
"""hotfix_install.sh. Some of its failures end with an odd code: look with lsmod."""

_PLAIN: dict[int, Exit] = {0: Exit("Successful", "ok")}
_TABLES: dict[tuple[str, str], dict[int, Exit]] = {
    ("windows", "unifiedagent"): WINDOWS_SETUP,
    ("windows", "unifiedagentinstaller"): WINDOWS_SETUP,
    ("windows", "unifiedagentconfigurator"): WINDOWS_SETUP,
    ("windows", "msiexec"): MSI_UNINSTALL,
    ("windows", "inmagevssprovider_install"): VSS_SCRIPTS,
    ("windows", "inmagevssprovider_uninstall"): VSS_SCRIPTS,
    ("windows", "azurercmcli"): RCM_CLI,
    ("linux", "install"): LINUX_SETUP,
    ("linux", "unifiedagentconfigurator"): LINUX_CONFIGURATOR,
    ("linux", "prereq_check_install"): PREREQUISITES,
    ("linux", "azurercmcli"): RCM_CLI,
    ("linux", "uninstall"): LINUX_UNINSTALL,
    ("linux", "hotfix_install"): HOTFIX,
}
_PASSES_RCM_ON = (WINDOWS_SETUP, LINUX_CONFIGURATOR)


def exit_of(os: str, program: str, code: int) -> Exit | None:
    """Return what the code of a program says, or None where nothing is known of it.

    ``program`` is a name or path as it was run. A program that has no table here has succeeded with 0 only.
    """
    name = re.sub(r"\.(exe|cmd|sh)$", "", re.split(r"[\\/]", program)[-1].lower())
    table = _TABLES.get((os, name), _PLAIN)
    if code not in table and code in RCM_RANGE and table in _PASSES_RCM_ON:
        return Exit("AzureRcmCliFailure", remedy="read AzureRcmCli.log")
    return table.get(code)
