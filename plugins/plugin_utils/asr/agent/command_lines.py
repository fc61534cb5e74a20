# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines of the vendor's programs (facts, section 3), by version where they differ. Words only, no secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .state import CLASSIC, CS_TYPES, MODERNIZED, Server
from .versions import TELLS_ERRORS

if TYPE_CHECKING:
    from .install_plan import InstallPlan

WINDOWS_DIRECTORY: Final = "C:\\Program Files (x86)\\Microsoft Azure Site Recovery"
LINUX_DIRECTORY: Final = "/usr/local/ASR"
PRODUCT_CODE: Final = "{275197FC-14FD-4560-A5EB-38217F80CBD1}"
SETUP_LOGS: Final = "C:\\ProgramData\\ASRSetupLogs"
MSI_LOG: Final = f"{SETUP_LOGS}\\UnifiedAgentMSIUninstall.log"


WINDOWS_SETUP_LOG: Final = f"{SETUP_LOGS}\\ASRUnifiedAgentInstaller.log"
WINDOWS_UPLOADED_LOG: Final = f"{SETUP_LOGS}\\UploadedLogs\\ASRUnifiedAgentInstaller.log"
"""Where faults of the link to the server are told (published)."""
WINDOWS_CONFIGURATOR_LOG: Final = f"{SETUP_LOGS}\\ASRUnifiedAgentConfigurator.log"
LINUX_LOG: Final = "/var/log/ua_install.log"
LINUX_UNINSTALL_LOG: Final = "/var/log/ua_uninstall.log"
"""Logs stay where the vendor's pages look for them; only the errors JSON is asked for in the run's own folder."""


def extract_windows(folder: str) -> tuple[str, ...]:
    """Return the words of the self-extractor, which ends before it is done."""
    return "/q", f"/x:{folder}"


def install_windows(plan: InstallPlan, errors: str) -> tuple[str, ...]:
    """Return the words of UnifiedAgent.exe.

    A classic upgrade is published with ``/Platform`` and ``/Silent`` only; the role is mandatory elsewhere, so it is
    always told. The folder counts for a first installation only.
    """
    words = ["/Role", "MS", "/Platform", plan.platform, "/Silent"]
    if plan.is_upgrade and plan.stack == MODERNIZED:
        words += ["/InstallationType", "Upgrade"]
    elif plan.converts:
        words += ["/InstallationType", "Install"]
    if plan.install_directory is not None:
        words += ["/InstallLocation", plan.install_directory]
    if plan.tells_stack:
        words += ["/CSType", CS_TYPES[plan.stack]]
    if plan.version >= TELLS_ERRORS:
        words += ["/ValidationsOutputJsonFilePath", errors]
    return tuple(words)


def install_linux(plan: InstallPlan, errors: str) -> tuple[str, ...]:
    """Return the words of ``./install``; the role is told to a classic upgrade too, although its page leaves it out."""
    words = ["-q", "-r", "MS", "-v", plan.platform]
    if plan.is_upgrade and plan.stack == MODERNIZED:
        words += ["-a", "Upgrade"]
    elif plan.converts:
        words += ["-a", "Install"]
    if plan.install_directory is not None:
        words += ["-d", plan.install_directory]
    if plan.tells_stack:
        words += ["-c", CS_TYPES[plan.stack]]
    if plan.version >= TELLS_ERRORS:
        words += ["-e", errors]
    return tuple(words)


def uninstall_windows() -> tuple[str, ...]:
    """Return the words of MsiExec.exe; without /norestart it may restart the machine by itself."""
    return "/qn", "/norestart", "/x", PRODUCT_CODE, "/L+*V", MSI_LOG


def uninstall_linux(log: str) -> tuple[str, ...]:
    """Return the words of uninstall.sh."""
    return "-Y", "-L", log


def register_classic_windows(
    server: Server, passphrase_path: str, external_ip: str | None, *, errors: str | None
) -> tuple[str, ...]:
    """Return the words of UnifiedAgentConfigurator.exe for a configuration server."""
    words = ["/CSEndPoint", server.address]
    if server.port is not None:
        words += ["/CSPort", str(server.port)]
    words += ["/PassphraseFilePath", passphrase_path]
    if external_ip is not None:
        words += ["/ExternalIP", external_ip]
    return tuple(words + (["/ValidationsOutputJsonFilePath", errors] if errors else []))


def register_modernized_windows(
    config_path: str, *, credential_less: bool | None, errors: str | None
) -> tuple[str, ...]:
    """Return the words of UnifiedAgentConfigurator.exe for an appliance."""
    words = ["/SourceConfigFilePath", config_path, "/CSType", CS_TYPES[MODERNIZED]]
    if credential_less is not None:
        words += ["/CredentialLessDiscovery", str(credential_less).lower()]
    return tuple(words + (["/ValidationsOutputJsonFilePath", errors] if errors else []))


def unregister_windows() -> tuple[str, ...]:
    """Return the words that take a modernized agent off its appliance (not published)."""
    return "/Unconfigure", "true"


def register_classic_linux(
    server: Server, passphrase_path: str, external_ip: str | None, *, tells_stack: bool, errors: str | None
) -> tuple[str, ...]:
    """Return the words of UnifiedAgentConfigurator.sh for a configuration server."""
    words = ["-i", server.address]
    if server.port is not None:
        words += ["-p", str(server.port)]
    words += ["-P", passphrase_path]
    if external_ip is not None:
        words += ["-e", external_ip]
    if tells_stack:
        words += ["-c", CS_TYPES[CLASSIC]]
    return tuple(words + (["-f", errors] if errors else []))


def register_modernized_linux(config_path: str, *, credential_less: bool | None, errors: str | None) -> tuple[str, ...]:
    """Return the words of UnifiedAgentConfigurator.sh for an appliance; ``-D`` always has a value."""
    words = ["-S", config_path, "-q", "-c", CS_TYPES[MODERNIZED]]
    if credential_less is not None:
        words += ["-D", str(credential_less).lower()]
    return tuple(words + (["-f", errors] if errors else []))


def unregister_linux() -> tuple[str, ...]:
    """Return the words that take a modernized agent off its appliance."""
    return "-c", CS_TYPES[MODERNIZED], "-U", "true"
