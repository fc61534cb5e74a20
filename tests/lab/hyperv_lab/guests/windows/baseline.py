# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What machines of one system have in common: registry and files, made once and shared."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ...hyperv.storage import File
from . import firewall
from .registry import Key, Registry
from .services import fresh
from .systems import NEWER, SYSTEMS, System

if TYPE_CHECKING:
    from collections.abc import Mapping

CURRENT_VERSION = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
CONTROL = "HKLM\\SYSTEM\\CurrentControlSet\\Control"
POLICIES = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System"
SERVICING = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing"
SCRIPT_HOST = "HKLM\\SOFTWARE\\Microsoft\\Windows Script Host\\Settings"
SCHANNEL = f"{CONTROL}\\SecurityProviders\\SCHANNEL\\Protocols"
DOTNET = "HKLM\\SOFTWARE\\Microsoft\\NET Framework Setup\\NDP"
EXCLUSIONS = "HKLM\\SOFTWARE\\Microsoft\\Windows Defender\\Exclusions\\Paths"
AGENT_FOLDERS = ("C:\\ProgramData\\ASR\\agent", "C:\\Program Files (x86)\\Microsoft Azure Site Recovery")
"""What a machine that is ready for the agent leaves out of its antivirus (facts, 6.9)."""
BOOT_DRIVERS = {
    "atapi": "atapi.sys",
    "intelide": "intelide.sys",
    "storflt": "vmstorfl.sys",
    "storvsc": "storvsc.sys",
    "vmbus": "vmbus.sys",
}
_START = {"Automatic": 2, "Manual": 3, "Disabled": 4}


def control_sets(os: str) -> tuple[str, ...]:
    """Return the names of the control sets of a fresh system."""
    return ("ControlSet001", "ControlSet002") if SYSTEMS[os].second_control_set else ("ControlSet001",)


@cache
def registry(os: str) -> Mapping[str, Key]:
    """Return the keys of a fresh system, for Registry's shared part."""
    made = Registry()
    system = SYSTEMS[os]
    _version(made, system)
    for name in control_sets(os):
        _control_set(made, os, f"HKLM\\SYSTEM\\{name}")
    for name, data in (("Current", 1), ("Default", 1), ("Failed", 0), ("LastKnownGood", len(control_sets(os)))):
        made.set("HKLM\\SYSTEM\\Select", name, data)
    for name, number in (("EnableLUA", 1), ("ConsentPromptBehaviorAdmin", 5), ("LocalAccountTokenFilterPolicy", 1)):
        made.set(POLICIES, name, number)
    made.create(f"{SERVICING}\\Packages")
    made.create("HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update")
    made.set(SCRIPT_HOST, "DisplayLogo", "1")
    made.set(f"{DOTNET}\\v4\\Full", "Install", 1)
    made.set(f"{DOTNET}\\v4\\Full", "Release", system.dotnet)
    for wow in ("", "WOW6432Node\\"):
        made.create(f"HKLM\\SOFTWARE\\{wow}Microsoft\\Windows\\CurrentVersion\\Uninstall")
    engine = "1" if system.powershell == "2.0" else "3"
    made.set(
        f"HKLM\\SOFTWARE\\Microsoft\\PowerShell\\{engine}\\PowerShellEngine", "PowerShellVersion", system.powershell
    )
    made.create("HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer")
    made.create("HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer")
    if os in NEWER:
        for folder in AGENT_FOLDERS:
            made.set(EXCLUSIONS, folder, 0)
    return made.as_shared()


def _version(made: Registry, system: System) -> None:
    made.set(CURRENT_VERSION, "CurrentVersion", system.current_version)
    for name in ("CurrentBuild", "CurrentBuildNumber"):
        made.set(CURRENT_VERSION, name, system.build)
    made.set(CURRENT_VERSION, "ProductName", f"Windows Server {system.title} Standard")
    made.set(CURRENT_VERSION, "EditionID", "ServerStandard")
    made.set(CURRENT_VERSION, "InstallationType", "Server")
    made.set(CURRENT_VERSION, "SystemRoot", "C:\\Windows")
    if system.major >= 10:
        made.set(CURRENT_VERSION, "CurrentMajorVersionNumber", system.major)
        made.set(CURRENT_VERSION, "CurrentMinorVersionNumber", 0)
        made.set(CURRENT_VERSION, "UBR", 1)
    if system.release:
        named = "DisplayVersion" if "H" in system.release else "ReleaseId"
        made.set(CURRENT_VERSION, named, system.release)
    if system.service_pack:
        made.set(CURRENT_VERSION, "CSDVersion", f"Service Pack {system.service_pack}")


def _control_set(made: Registry, os: str, root: str) -> None:
    control = f"{root}\\Control"
    made.set(f"{control}\\Session Manager\\Environment", "PROCESSOR_ARCHITECTURE", "AMD64")
    made.set(f"{control}\\Session Manager", "ProtectionMode", 1)
    made.set(control, "PEFirmwareType", 1)
    made.set(control, "SystemStartOptions", " NOEXECUTE=OPTOUT")
    made.create(f"{control}\\SecurityProviders\\SCHANNEL\\Protocols")
    if os != "2008R2SP1":
        made.set(f"{control}\\SecureBoot\\State", "UEFISecureBootEnabled", 0)
    for name, file in BOOT_DRIVERS.items():
        key = f"{root}\\Services\\{name}"
        # Old systems write the path from \SystemRoot on, newer ones from the folder of Windows on.
        path = f"\\SystemRoot\\system32\\drivers\\{file}" if os == "2008R2SP1" else f"System32\\drivers\\{file}"
        made.set(key, "ImagePath", path, "ExpandString")
        for value, number in (("Start", 0), ("Type", 1), ("ErrorControl", 3 if name == "atapi" else 1)):
            made.set(key, value, number)
    for service in fresh(os):
        key = f"{root}\\Services\\{service.name}"
        made.set(key, "ImagePath", service.path.replace("C:\\Windows", "%SystemRoot%"), "ExpandString")
        made.set(key, "ObjectName", service.account)
        for value, number in (("Start", _START[service.start]), ("Type", 32), ("ErrorControl", 1)):
            made.set(key, value, number)
        if service.depends:
            made.set(key, "DependOnService", list(service.depends))
    rules_key = firewall.KEY.replace("HKLM\\SYSTEM\\CurrentControlSet", root)
    for rule in firewall.rules(os).values():
        made.set(rules_key, rule.name, rule.line(enabled=True))
    made.set(f"{control}\\Windows", "CSDVersion", SYSTEMS[os].service_pack << 8)
    made.set(f"{root}\\Services\\LanmanServer\\Parameters", "ServiceDll", "%SystemRoot%\\system32\\srvsvc.dll",
             "ExpandString")  # fmt: skip


_PROGRAMS = (
    "attrib", "bitsadmin", "certutil", "cmd", "cscript", "expand", "find", "findstr", "fsutil", "hostname", "icacls",
    "ipconfig", "klist", "msdtc", "msiexec", "net", "net1", "netsh", "netstat", "nltest", "nslookup", "ping",
    "reg", "regsvr32", "rundll32", "sc", "schtasks", "shutdown", "sort", "svchost", "systeminfo", "takeown", "taskkill",
    "tasklist", "timeout", "vssadmin", "where", "whoami", "wscript", "xcopy",
)  # fmt: skip
_FOLDERS = (
    "C:\\Program Files\\Common Files",
    "C:\\Program Files (x86)\\Common Files",
    "C:\\ProgramData\\Microsoft",
    "C:\\Users\\Administrator",
    "C:\\Windows\\Temp",
    "C:\\Windows\\SysWOW64",
)
_HOSTS = b"# localhost name resolution is handled within DNS itself.\r\n"
_BINARY = 180_224


@cache
def files(os: str) -> tuple[File, ...]:
    """Return the files of a fresh system; machines share them and never change one in place."""
    system32 = "C:\\Windows\\System32\\"
    made = [File(f"{system32}{name}.exe", _BINARY, content=b"") for name in _PROGRAMS]
    if os != "2025":  # an optional feature there
        made.append(File(f"{system32}wbem\\WMIC.exe", _BINARY, content=b""))
    made.append(File(f"{system32}WindowsPowerShell\\v1.0\\powershell.exe", _BINARY, content=b""))
    made.append(File(f"{system32}more.com", _BINARY, content=b""))
    made += [File(f"{system32}drivers\\{name}", _BINARY, content=b"") for name in BOOT_DRIVERS.values()]
    made.append(File(f"{system32}drivers\\etc\\hosts", len(_HOSTS), content=_HOSTS))
    return tuple(made)


def folders() -> tuple[str, ...]:
    """Return further folders of a fresh system."""
    return _FOLDERS
