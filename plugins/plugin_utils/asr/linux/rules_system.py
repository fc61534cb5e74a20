# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the system: release, kernel, memory, and what the vendor's own checks look for. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...findings import Severity
from ..catalogue import Cure, finding
from .distribution import is_newer_than_table, kernel_refused, unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import LinuxEvidence


NAME = "name:ASRMobilityService"
LEAST_MEMORY_KB = 1024 * 1024 * 9 // 10
"""1 GB (S), less what the kernel keeps for itself: MemTotal of a machine of exactly 1 GB is a few per cent below it."""
LEAST_FREE_MEMORY_KB = 256 * 1024
"""A floor of our own; the documents give none (unverified)."""
WRITTEN = ("/etc", "/usr/local", "/var")
UNNAMED = ("", "(none)", "?")
"""How programs print a name that is not set; the last is busybox's."""
RUN_LEVELS = ("2", "3", "5")


def release(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The system is no 64-bit one, or not in the table, or its kernel isn't one that the agent knows."""
    if evidence.machine != "x86_64":
        shown = f"uname -m says {evidence.machine or 'nothing'}; only x86_64 is supported"
        yield finding("95213", subject="architecture", evidence=shown)
        return
    system = evidence.system
    reason = unsupported(system, wanted.agent_version)
    if system is None or reason is not None:
        shown = f"{reason} (the machine says {evidence.release_text or 'nothing'!r})"
        yield finding("95213", subject="release", evidence=shown)
        return
    if is_newer_than_table(system):
        shown = f"{system.release} is newer than the table this was checked against; it may be supported by now"
        yield finding("95213", subject="release", evidence=shown, severity=Severity.WARNING)
    refused = kernel_refused(evidence.kernel, system, wanted.supported_kernels)
    if refused is not None:
        yield finding("os-unsupported", subject="kernel", evidence=refused, cure=Cure.MANUAL)


def memory(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Too little memory at all, or too little free just now."""
    total, free = evidence.memory_kb, evidence.available_kb
    if total is not None and total < LEAST_MEMORY_KB:
        yield finding("95572", subject="memory", evidence=f"{total >> 10} MB, 1024 MB are needed")
    elif free is not None and free < LEAST_FREE_MEMORY_KB:
        shown = f"{free >> 10} MB free; a floor of our own is {LEAST_FREE_MEMORY_KB >> 10} MB (unverified)"
        yield finding("95572", subject="free memory", evidence=shown, severity=Severity.WARNING)


def restart_pending(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The driver of an agent that isn't installed any more is still loaded (the sign is ours, unverified)."""
    if evidence.driver_loaded and evidence.agent_version is None:
        shown = "the module involflt is loaded, and no agent is installed: no restart since its removal"
        yield finding("95224", subject="restart", evidence=shown, cure=Cure.MANUAL)


def locale(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The C locale is missing, or nothing that could name it."""
    if evidence.locales is None:
        shown = "the machine has no program locale, by which the installer looks for C"
    elif not evidence.locales & {"C", "POSIX"}:
        shown = "locale -a lists no C"
    else:
        return
    yield finding(f"{NAME}CLocaleNotAvailable", subject="locale C", evidence=shown, cure=Cure.MANUAL)


def host_name(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The machine has no name."""
    if evidence.host_name in UNNAMED:
        shown = f"hostname says {evidence.host_name or 'nothing'!r}"
        yield finding(f"{NAME}HostNameNotSet", subject="host name", evidence=shown, cure=Cure.MANUAL)


def secure_boot(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Secure Boot would refuse the agent's driver."""
    if evidence.secure_boot:
        yield finding(f"{NAME}SecureBootEnabled", subject="Secure Boot", evidence="mokutil says it is enabled")


def run_level(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The machine is going down, or in none of the run levels of normal work."""
    if evidence.shutting_down:
        shown = "systemd's shutdown.target is active"
    elif evidence.shutting_down is None and evidence.run_level not in {None, *RUN_LEVELS}:
        shown = f"runlevel says {evidence.run_level}; 2, 3 or 5 are needed"
    else:
        return
    yield finding(f"{NAME}RunlevelCommandFailure", subject="run level", evidence=shown)


def kernel_directory(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The running kernel's modules are gone, as after its package was removed."""
    if not evidence.has_kernel_directory:
        path = f"/lib/modules/{evidence.kernel}/kernel/drivers/char"
        shown = "there is no such folder"
        yield finding(f"{NAME}KernelDirectoryNotExist", subject=path, evidence=shown, cure=Cure.MANUAL)


def hyper_v_driver(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """RHEL and CentOS 5 and 6 need hv_storvsc in the initial RAM disk, except where they run in Azure already."""
    system = evidence.system
    if system is None or system.family not in {"RHEL5", "RHEL6"} or wanted.platform == "Azure" or not evidence.storvsc:
        return
    if not any(evidence.storvsc.values()):
        shown = "it holds no hv_storvsc, by which the machine would find its disks in Azure"
        yield finding(
            f"{NAME}LisDriversNotAvailable", subject=", ".join(evidence.storvsc), evidence=shown, cure=Cure.MANUAL
        )


def acpi_off(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The kernel was started with acpi=0. Taking it away needs a restart, so that it is the administrator's."""
    if "acpi=0" in evidence.boot_options:
        shown = "/proc/cmdline holds acpi=0"
        yield finding(f"{NAME}AcpiEqualsToZeroSet", subject="acpi=0", evidence=shown, cure=Cure.MANUAL)


def dhcp_client(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The DHCP client that the agent sets the network up with after a failover is missing."""
    if evidence.system is None or unsupported(evidence.system, None) is not None:
        return
    needed = {"SLES11-SP3": "dhcpcd", "SLES11-SP4": "dhcpcd", "SLES15": "wickedd-dhcp4"}.get(
        evidence.system.family, "dhclient"
    )
    if needed not in evidence.programs:
        shown = f"the machine has no {needed}"
        yield finding(f"{NAME}DhcpClientNotAvailable", subject=needed, evidence=shown, cure=Cure.MANUAL)


def one_pass_encryption(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Azure's old one-pass disk encryption is in use."""
    lines = [line for line in evidence.one_pass_encryption.splitlines() if line.strip() and not line.startswith("#")]
    if lines:
        shown = f"/var/lib/azure_disk_encryption_config/azure_crypt_mount lists {len(lines)} device(s)"
        yield finding(f"{NAME}InstallerBlockOldOnePassEncryption", subject="disk encryption", evidence=shown)


def read_only(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """Folders that the agent writes to are mounted read-only; the test of old shells takes root to write anywhere."""
    mounts = {path: evidence.storage.mount_of(path) for path in WRITTEN}
    for path in WRITTEN:
        mount = mounts[path]
        if path not in evidence.read_only and not (mount and mount.read_only):
            continue
        shown = "root can't write there"
        yield finding(f"{NAME}DirsNotWritable", subject=path, evidence=shown, cure=Cure.MANUAL)


RULES = (
    release,
    memory,
    restart_pending,
    locale,
    host_name,
    secure_boot,
    run_level,
    kernel_directory,
    hyper_v_driver,
    acpi_off,
    dhcp_client,
    one_pass_encryption,
    read_only,
)
