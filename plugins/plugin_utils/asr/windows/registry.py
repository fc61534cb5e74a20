# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registry says, the same way for both channels: the keys to be read, and evidence out of their values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from .evidence import Agent, Release, ServiceKey

Keys: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Values by lower-case name, of keys by their path as ``canonical`` writes it."""

CURRENT_VERSION = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
CONTROL = "HKLM\\SYSTEM\\CurrentControlSet\\Control"
SERVICES = "HKLM\\SYSTEM\\CurrentControlSet\\Services"
POLICIES_SYSTEM = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"
TOKEN_FILTER = "LocalAccountTokenFilterPolicy"  # noqa: S105 # the name of a setting
ENVIRONMENT = f"{CONTROL}\\Session Manager\\Environment"
SESSION_MANAGER = f"{CONTROL}\\Session Manager"
FIREWALL_POLICY = "HKLM\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"
FIREWALL_RULES = f"{SERVICES}\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules"
PROFILES = {"DomainProfile": "domain", "PrivateProfile": "private", "StandardProfile": "private",
            "PublicProfile": "public"}  # fmt: skip
SHARING_POLICIES = tuple(
    f"{hive}\\Software\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer" for hive in ("HKCU", "HKLM")
)
SCRIPT_HOST = "HKLM\\SOFTWARE\\Microsoft\\Windows Script Host\\Settings"
TLS10 = f"{CONTROL}\\SecurityProviders\\SCHANNEL\\Protocols\\TLS 1.0\\Client"
DOTNET = "HKLM\\SOFTWARE\\Microsoft\\NET Framework Setup\\NDP\\v4\\Full"
SECURE_BOOT = f"{CONTROL}\\SecureBoot\\State"
PRODUCT_CODE = "{275197FC-14FD-4560-A5EB-38217F80CBD1}"
UNINSTALL = tuple(
    f"HKLM\\SOFTWARE\\{folder}Microsoft\\Windows\\CurrentVersion\\Uninstall\\{PRODUCT_CODE}"
    for folder in ("", "WOW6432Node\\")
)
INMAGE = "HKLM\\SOFTWARE\\WOW6432Node\\InMage Systems\\Installed Products\\5"
DIRECTORY_VALUES = ("InstallDirectory", "InstallLocation", "InstallationDirectory", "InstallPath")
"""Of the key ``INMAGE``. The name of the value is unverified; the first that is there is taken."""
DEFAULT_FOLDER = "C:\\Program Files (x86)\\Microsoft Azure Site Recovery"
FILTER_DRIVER, VSS_PROVIDER = "InDskFlt", "Azure Site Recovery VSS Provider"
SERVER_PARAMETERS = f"{SERVICES}\\LanmanServer\\Parameters"
TCPIP = f"{SERVICES}\\Tcpip\\Parameters"
COMPUTER_NAME = f"{CONTROL}\\ComputerName\\ComputerName"

KEYS = (
    CURRENT_VERSION, f"{CONTROL}\\Windows", ENVIRONMENT, SESSION_MANAGER, CONTROL, POLICIES_SYSTEM,
    *(f"{FIREWALL_POLICY}\\{profile}" for profile in PROFILES), *SHARING_POLICIES, SERVER_PARAMETERS,
    f"{SERVICES}\\Winmgmt", f"{SERVICES}\\{FILTER_DRIVER}", f"{SERVICES}\\{VSS_PROVIDER}", SCRIPT_HOST, TLS10, DOTNET,
    SECURE_BOOT, TCPIP, COMPUTER_NAME, *UNINSTALL, INMAGE,
)  # fmt: skip
VALUES = (
    "CurrentVersion", "CurrentMajorVersionNumber", "CurrentMinorVersionNumber", "CurrentBuildNumber", "ProductName",
    "InstallationType", "CSDVersion", "PROCESSOR_ARCHITECTURE", "PendingFileRenameOperations", "PEFirmwareType",
    TOKEN_FILTER, "FilterAdministratorToken", "AllowLocalPolicyMerge", "NoInplaceSharing", "AutoShareServer",
    "AutoShareWks", "Start", "DeleteFlag", "Enabled", "Release", "Install", "UEFISecureBootEnabled", "DisplayVersion",
    *DIRECTORY_VALUES, "Hostname", "Domain", "ComputerName",
)  # fmt: skip
"""Every value that any of the keys is read for."""
PENDING_KEYS = (
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending",
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired",
)
CLUSTER, INVOLFLT = "HKLM\\Cluster", f"{SERVICES}\\involflt"
KEYS_THERE = (*PENDING_KEYS, CLUSTER, INVOLFLT)
"""Keys that may have no values: only whether they exist counts."""
DRIVERS = ("atapi", "vmbus", "storflt", "storvsc", "intelide")
CRITICAL = ("VSS", "COMSysApp", "EventSystem", "MSDTC", "RpcSs")
"""Services that snapshots need; the vendor's own list is not known (unverified)."""
RUNDLL = "C:\\Windows\\System32\\rundll32.exe"


def canonical(path: str) -> str:
    """Return a key's path as it is looked up: lower case, short hive, whatever provider or tool wrote it."""
    text = path.rpartition("::")[2] if "::" in path else path
    text = text.replace(":\\", "\\", 1).strip("\\").lower()
    for long, short in (("hkey_local_machine", "hklm"), ("hkey_current_user", "hkcu")):
        if text == long or text.startswith(long + "\\"):
            return short + text[len(long) :]
    return text


def value(keys: Keys, path: str, name: str) -> Any:
    """Return a value; None where the key or the value isn't there."""
    return keys.get(canonical(path), {}).get(name.lower())


def number(keys: Keys, path: str, name: str) -> int | None:
    """Return a value as a whole number; None where it isn't there or is none."""
    return _whole(value(keys, path, name))


def text(keys: Keys, path: str, name: str) -> str:
    """Return a value as text; "" where it isn't there."""
    found = value(keys, path, name)
    return "" if found is None else str(found)


def release(keys: Keys) -> Release:
    """Return which Windows it is. From Windows 10 on CurrentVersion stays 6.3, and two numbers say the truth."""
    major = number(keys, CURRENT_VERSION, "CurrentMajorVersionNumber")
    if major is not None:
        version = (major, number(keys, CURRENT_VERSION, "CurrentMinorVersionNumber") or 0)
    else:
        first, _dot, second = text(keys, CURRENT_VERSION, "CurrentVersion").partition(".")
        version = (_whole(first) or 0, _whole(second) or 0)
    pack = number(keys, f"{CONTROL}\\Windows", "CSDVersion")
    named = re.search(r"\d+", text(keys, CURRENT_VERSION, "CSDVersion"))
    return Release(
        version=version,
        build=number(keys, CURRENT_VERSION, "CurrentBuildNumber") or 0,
        service_pack=pack >> 8 if pack else int(named[0]) if named else 0,  # 0x100 is service pack 1
        product=text(keys, CURRENT_VERSION, "ProductName"),
        installation_type=text(keys, CURRENT_VERSION, "InstallationType"),
        architecture=text(keys, ENVIRONMENT, "PROCESSOR_ARCHITECTURE").upper(),
    )


def computer_name(keys: Keys) -> str:
    """Return the machine's NetBIOS name."""
    return text(keys, COMPUTER_NAME, "ComputerName")


def full_name(keys: Keys) -> str:
    """Return the machine's name with its primary DNS suffix, where it has one."""
    host, suffix = text(keys, TCPIP, "Hostname") or computer_name(keys), text(keys, TCPIP, "Domain")
    return f"{host}.{suffix}" if host and suffix else host


def agent(keys: Keys) -> Agent | None:
    """Return the installed Mobility service by its entry among the installed programs."""
    for path in UNINSTALL:
        if canonical(path) in keys:
            own = {name: value(keys, INMAGE, name) for name in DIRECTORY_VALUES}
            directory = install_folder(own, text(keys, path, "InstallLocation"))
            return Agent(version=text(keys, path, "DisplayVersion"), directory=directory)
    return None


def install_folder(own: Mapping[str, Any], listed: str) -> str:
    r"""Return the folder that the agent was installed in, "" where nothing tells it.

    ``own`` are the values of its own key, ``listed`` is the folder in the list of installed programs, which an MSI may
    leave empty. Either may name the folder ``agent`` below.
    """
    found = next((str(own[name]) for name in DIRECTORY_VALUES if own.get(name)), listed)
    return re.sub(r"\\agent$", "", found.rstrip("\\"), flags=re.IGNORECASE)


def agent_folder(found: Agent) -> str:
    """Return the folder of the agent's programs: ``agent`` below the installation folder."""
    return f"{found.directory or DEFAULT_FOLDER}\\agent"


def policy_only(keys: Keys) -> tuple[str, ...]:
    """Return the firewall profiles in which Group Policy has local rules ignored."""
    found = [
        name
        for key, name in PROFILES.items()
        if number(keys, f"{FIREWALL_POLICY}\\{key}", "AllowLocalPolicyMerge") == 0
    ]
    return tuple(dict.fromkeys(found))


def restart_pending(keys: Keys, there: frozenset[str]) -> tuple[str, ...]:
    """Return what says that a restart is pending, each a key that exists or a value that is set."""
    found = [path for path in PENDING_KEYS if canonical(path) in there]
    if number(keys, f"{SERVICES}\\{FILTER_DRIVER}", "DeleteFlag"):
        found.append(f"{SERVICES}\\{FILTER_DRIVER}: DeleteFlag")
    return tuple(found)


def delete_flags(keys: Keys) -> tuple[str, ...]:
    """Return the agent's services that are marked for deletion."""
    return tuple(name for name in (VSS_PROVIDER,) if number(keys, f"{SERVICES}\\{name}", "DeleteFlag"))


def service_keys(keys: Keys) -> tuple[ServiceKey, ...]:
    """Return the keys of drivers and needed services in every control set that was read."""
    found = []
    for path, values in keys.items():
        parts = path.split("\\")
        if len(parts) == 5 and parts[2].startswith("controlset") and parts[3] == "services":
            image = values.get("imagepath")
            found.append(
                ServiceKey(
                    control_set=parts[2],
                    name=parts[4],
                    start=_whole(values.get("start")),
                    image=None if image is None else str(image),
                )
            )
    return tuple(found)


def no_inplace_sharing(keys: Keys) -> bool:
    """Whether the policy against sharing is on, for the connection's user or the machine (unverified)."""
    return any(number(keys, path, "NoInplaceSharing") for path in SHARING_POLICIES)


def admin_shares_off(keys: Keys) -> bool:
    """Whether the administrative shares are taken away (unverified)."""
    return any(number(keys, SERVER_PARAMETERS, name) == 0 for name in ("AutoShareServer", "AutoShareWks"))


def _whole(found: Any) -> int | None:
    if found is None or isinstance(found, (bool, list)):
        return None
    try:
        return int(str(found), 0)
    except ValueError:
        return None
