# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in of setup checks before it changes anything, on the machine's own state (facts, 2.1, 6.1, 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import vendor
from .vendor import SHA2_SINCE, SYSTEM_DISKS_SINCE, Ends, Exit, error

if TYPE_CHECKING:
    from .state import Disk, WindowsMachine

GB, MB = 1024**3, 1024**2
LEAST_FREE_MEMORY = 64 * MB
"""Free memory below which setup ends with 90 (an assumption)."""
_RESTART_KEYS = (
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending",
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired",
)
_DOTNET = "HKLM\\SOFTWARE\\Microsoft\\NET Framework Setup\\NDP"
_SECURE_BOOT = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecureBoot\\State"
_DRIVERS = ("atapi", "vmbus", "storflt", "storvsc", "intelide")
_MOST_PARTITIONS = 4
"""Of a disk that UEFI starts from (an assumption: the limit stands in the vendor's configuration)."""
_FIRST_AGENT = {"2019": (9, 22), "2022": (9, 46), "2025": (9, 64)}
"""First agent of a newer system (facts, section 7); that of 2025 is an assumption."""
_SHA2 = {"6.1": ("Windows2008R2", ("KB4474419", "KB4490628")), "6.0": ("Windows2008", ("KB4474419", "KB4493730"))}
SERVICE_CONTROL = "C:\\Windows\\System32\\sc.exe"


def gates(machine: WindowsMachine, version: tuple[int, ...]) -> None:
    """Raise Ends for what setup refuses by an exit code of its own."""
    windows = machine.windows
    too_old = windows.version.endswith(".7600") or version < _FIRST_AGENT.get(windows.os, (0,))
    if not windows.architecture.startswith("64") or too_old:
        raise Ends(Exit.UNSUPPORTED_OS, f"{windows.os} ({windows.architecture}) isn't supported by this version")
    if machine.memory_free < LEAST_FREE_MEMORY:
        raise Ends(Exit.OUT_OF_MEMORY, "System.OutOfMemoryException")
    if not _dotnet(machine):
        raise Ends(Exit.DOTNET, "the .NET Framework is missing")
    if "inmage pushinstall" in machine.services:
        raise Ends(Exit.IS_ASR_SERVER, "this machine is a configuration or process server")
    if restart_pending(machine):
        raise Ends(Exit.RESTART_PENDING, "a restart is pending")
    winmgmt = machine.services.get("winmgmt")
    if windows.wmi_damaged or (winmgmt is not None and winmgmt.start == "Disabled"):
        named = error("InstallerWMIQueryFailure", "A WMI query failed", Query="SELECT * FROM Win32_OperatingSystem")
        raise Ends(Exit.WITH_ERRORS, "WMI doesn't answer", errors=[named])


def restart_pending(machine: WindowsMachine) -> bool:
    """Return whether Windows waits for a restart; pending renames of files alone don't count (facts, section 9)."""
    return any(machine.registry.exists(key) for key in _RESTART_KEYS)


def validate(machine: WindowsMachine, version: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return what the requirement validator finds, as entries of the errors JSON."""
    found = [*_disks(machine, version), *_firmware(machine)]
    if machine.memory < GB:
        found.append(error("InstallerRequiredMemoryError", "Less memory than needed", Required="1024"))
    missing = missing_drivers(machine)
    if missing:
        found.append(error("BootDriversMissing", "Boot drivers are missing", Drivers=", ".join(missing)))
    vss = machine.services.get("vss")
    if vss is None or vss.start == "Disabled":
        found.append(error("CriticalServicesMissing", "Services are missing or disabled", Services="VSS"))
    if not machine.files.is_file(SERVICE_CONTROL):
        found.append(error("InstallerCommandExecutionFailure", "A command can't be run", Command="sc.exe", ErrorCode=2))
    if not machine.files.is_file("C:\\Windows\\System32\\rundll32.exe"):
        found.append(error("InstallerMandatoryFilesMissing", "A file is missing", File="rundll32.exe"))
    if machine.registry.exists(f"{vendor.SERVICES_KEY}\\involflt"):
        found.append(error("InstallerInvolFltDriverError", "An older product is installed"))
    kernel = ".".join(machine.windows.version.split(".")[:2])
    if kernel in _SHA2 and version >= SHA2_SINCE:
        name, needed = _SHA2[kernel]
        lacking = [update for update in needed if update not in machine.windows.hotfixes]
        if lacking:
            key = f"InstallerUnsupportedSHA2SigningFailure{name}"
            found.append(error(key, "Updates for SHA-2 are missing", Updates=", ".join(lacking)))
    return found


def missing_drivers(machine: WindowsMachine) -> list[str]:
    """Return the boot drivers that some control set lacks, or whose file isn't there."""
    system = "HKLM\\SYSTEM"
    sets = [name for name in machine.registry.keys(system) if name.lower().startswith("controlset")]
    found = []
    for driver in _DRIVERS:
        keys = [f"{system}\\{name}\\Services\\{driver}" for name in sets]
        files = [machine.registry.data(key, "ImagePath") for key in keys]
        if not all(machine.registry.exists(key) for key in keys) or not all(_there(machine, file) for file in files):
            found.append(driver)
    return found


def _there(machine: WindowsMachine, image: Any) -> bool:
    if not image:
        return False
    path = str(image).replace("\\SystemRoot\\", "C:\\Windows\\").replace("%SystemRoot%", "C:\\Windows")
    return machine.files.is_file(path if path[1:2] == ":" else f"C:\\Windows\\{path}")


def _dotnet(machine: WindowsMachine) -> bool:
    return any(machine.registry.data(f"{_DOTNET}\\{key}", "Install") == 1 for key in ("v4\\Full", "v3.5"))


def _disks(machine: WindowsMachine, version: tuple[int, ...]) -> list[dict[str, Any]]:
    disks = machine.windows.disks
    systems = {disk.number for disk in disks for part in disk.partitions if part.boot}
    starts = [disk.number for disk in disks for part in disk.partitions if _starts(disk, part)]
    if not systems:
        return [error("NoSystemDiskFound", "No system disk")]
    if not starts:
        return [error("NoBootDiskFound", "No boot disk")]
    if len(set(starts)) > 1:
        return [error("MultipleBootDisks", "Several boot disks", Disks=", ".join(map(str, sorted(set(starts)))))]
    if len(starts) > 1:
        return [error("MultipleActivePartitions", "Several active partitions")]
    if len(systems) > 1:
        return [error("MultipleSystemDisks", "Several system disks")]
    if systems != set(starts) and version < SYSTEM_DISKS_SINCE:
        return [error("BootAndSystemDiskOnSeparateDisks", "Boot and system disk differ")]
    return []


def _starts(disk: Disk, part: Any) -> bool:
    return bool(part.system if disk.style == "GPT" else part.active)


def _firmware(machine: WindowsMachine) -> list[dict[str, Any]]:
    found = []
    if machine.registry.data(_SECURE_BOOT, "UEFISecureBootEnabled") == 1:
        found.append(error("BootUEFISecureBootNotSupported", "Secure Boot is on"))
    if machine.windows.uefi:
        first = [disk for disk in machine.windows.disks if any(part.system for part in disk.partitions)]
        if any(disk.sector_bytes != 512 for disk in first):
            found.append(error("BootUEFIUnsupportedDiskSectorSize", "Sectors of 4096 bytes"))
        if any(len(disk.partitions) > _MOST_PARTITIONS for disk in first):
            found.append(error("BootUEFIUnsupportedNumberOfPartitions", "Too many partitions"))
        if machine.windows.version.startswith("6.1"):
            found.append(error("BootUEFIUnsupportedOS", "UEFI isn't supported on this system"))
    return found
