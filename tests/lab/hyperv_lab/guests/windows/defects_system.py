# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects of the system itself: version, memory, space, pending restarts, boot drivers, WMI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import baseline
from .defects import defect
from .state import MB

if TYPE_CHECKING:
    from .state import WindowsMachine

_SESSIONS = f"{baseline.CONTROL}\\Session Manager"


@defect("memory_small", "95572", "95573", changes="the machine has 768 MB of memory")
def _memory(machine: WindowsMachine) -> None:
    machine.memory = 768 * MB
    machine.windows.memory_free = 400 * MB


@defect("memory_used", "95572", "95573", changes="the machine has 100 MB of free memory")
def _memory_used(machine: WindowsMachine) -> None:
    machine.windows.memory_free = 100 * MB


@defect("system_drive_full", "95524", changes="C: has 60 MB free")
def _space(machine: WindowsMachine) -> None:
    drive = machine.storage.volumes["C:"]
    drive.other = drive.size - drive.used - 60 * MB


@defect("bits_32", "95213", "os-unsupported", changes="the system is a 32-bit one")
def _bits(machine: WindowsMachine) -> None:
    machine.windows.architecture = "32-bit"
    for name in machine.registry.keys("HKLM\\SYSTEM"):
        if name.startswith("ControlSet"):
            key = f"HKLM\\SYSTEM\\{name}\\Control\\Session Manager\\Environment"
            machine.registry.set(key, "PROCESSOR_ARCHITECTURE", "x86")


@defect(
    "system_unsupported",
    "95213",
    "os-unsupported",
    changes="the system is Windows Server 2008 R2 without service pack",
    os=("2008R2SP1",),
)
def _no_service_pack(machine: WindowsMachine) -> None:
    machine.windows.version = "6.1.7600"
    for name in ("CurrentBuild", "CurrentBuildNumber"):
        machine.registry.set(baseline.CURRENT_VERSION, name, "7600")
    machine.registry.delete_value(baseline.CURRENT_VERSION, "CSDVersion")
    machine.registry.set(f"{baseline.CONTROL}\\Windows", "CSDVersion", 0)


@defect(
    "sha2_updates_missing",
    "name:ASRMobilityServiceInstallerUnsupportedSHA2SigningFailureWindows2008R2",
    changes="the updates KB4474419 and KB4490628 are not installed",
    os=("2008R2SP1",),
)
def _sha2(machine: WindowsMachine) -> None:
    machine.windows.hotfixes = [kb for kb in machine.windows.hotfixes if kb not in ("KB4474419", "KB4490628")]


@defect("restart_pending_servicing", "95224", changes="the key RebootPending of the component store is there")
def _servicing(machine: WindowsMachine) -> None:
    machine.registry.create(f"{baseline.SERVICING}\\RebootPending")


@defect("restart_pending_rename", "95224", changes="PendingFileRenameOperations names a file (a warning)")
def _rename(machine: WindowsMachine) -> None:
    names = ["\\??\\C:\\Windows\\Temp\\old.dll", ""]
    machine.registry.set(_SESSIONS, "PendingFileRenameOperations", names, "MultiString")


@defect("wmi_damaged", "name:ASRMobilityServiceInstallerWMIQueryFailure", changes="WMI runs and knows no classes")
def _wmi(machine: WindowsMachine) -> None:
    machine.windows.wmi_damaged = True


def _last_control_set(machine: WindowsMachine) -> str:
    return max(name for name in machine.registry.keys("HKLM\\SYSTEM") if name.startswith("ControlSet"))


@defect("driver_key_missing", "drivers-missing", changes="the key of storvsc is missing in the last control set")
def _driver_key(machine: WindowsMachine) -> None:
    machine.registry.delete_key(f"HKLM\\SYSTEM\\{_last_control_set(machine)}\\Services\\storvsc")


@defect("driver_path_missing", "drivers-missing", changes="vmbus has no ImagePath in the last control set")
def _driver_path(machine: WindowsMachine) -> None:
    machine.registry.delete_value(f"HKLM\\SYSTEM\\{_last_control_set(machine)}\\Services\\vmbus", "ImagePath")


@defect("driver_file_missing", "drivers-missing", changes="the file of intelide is missing")
def _driver_file(machine: WindowsMachine) -> None:
    machine.files.delete("C:\\Windows\\System32\\drivers\\intelide.sys")
