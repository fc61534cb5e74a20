# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preflight of the Mobility service on 300 machines, beside the same questions as single tasks on a few of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows import reading, registry
from bench.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT_TASKS = LIMIT_SESSIONS = 2
EACH, FEW, FORKS = 150, 5, 25
"""Windows machines, and as many Linux ones; of each for the single tasks; forks."""


def fleet(each: int) -> dict[str, Any]:
    """Return a fleet of as many healthy machines of both kinds."""
    return {
        "windows_machines": [{"count": each, "name": "WIN{n:03}", "os": "2016"}],
        "linux_machines": [{"count": each, "name": "lin{n:03}", "os": "ubuntu-18.04"}],
    }


def windows_questions() -> list[dict[str, Any]]:
    """Return what a preflight asks a Windows machine, a task for each question, as playbooks are usually written."""
    asked: list[dict[str, Any]] = [{"ansible.windows.win_reg_stat": {"path": key}} for key in registry.KEYS]
    asked += [{"ansible.windows.win_service_info": {"name": name}} for name in reading.SERVICES]
    asked += [{"ansible.windows.win_stat": {"path": path}} for path in reading.FILES]
    return asked + [{"ansible.windows.win_powershell": {"script": script}} for script in _SCRIPTS]


_SCRIPTS = (
    "Get-CimInstance Win32_ComputerSystem",
    "Get-CimInstance Win32_OperatingSystem",
    "Get-CimInstance Win32_QuickFixEngineering",
    "Get-CimInstance Win32_LogicalDisk",
    "Get-CimInstance Win32_DiskDrive",
    "Get-CimInstance Win32_DiskPartition",
    "Get-CimInstance Win32_NetworkAdapterConfiguration",
    "Get-NetFirewallRule -Name FPS-SMB-In-TCP, WMI-RPCSS-In-TCP, WMI-WINMGMT-In-TCP",
    "Get-NetTCPConnection",
    "Get-MpPreference",
    "Resolve-DnsName localhost",
)
_LINES = (
    "cat /etc/os-release", "uname -m", "uname -r", "hostname", "cat /etc/hosts", "id -u", "cat /etc/ssh/sshd_config",
    "sshd -T", "cat /boot/grub/grub.cfg", "cat /etc/default/grub", "cat /proc/cmdline", "cat /proc/meminfo",
    "cat /proc/mounts", "cat /etc/fstab", "df -Pk /", "df -Pk /usr/local", "df -Pk /tmp", "lsblk -P", "blkid",
    "locale -a", "mokutil --sb-state", "ls -d /lib/modules/*/kernel/drivers/char", "command -v dhclient",
    "command -v vgdisplay", "vgs", "cat /usr/local/.vx_version", "systemctl is-active sshd",
    "cat /proc/sys/net/ipv4/ip_local_port_range", "cat /proc/net/tcp", "ip -4 addr",
)  # fmt: skip


def linux_questions() -> list[dict[str, Any]]:
    """Return what a preflight asks a Linux machine, a line each; machines need no Python for ``raw``."""
    return [{"ansible.builtin.raw": line, "failed_when": False, "changed_when": False} for line in _LINES]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What asking one machine cost on average; ``bytes`` and ``sessions`` as the lab counts them."""

    tasks: int
    sessions: float
    bytes: float
    cpu_seconds: float


def survey(tasks: int, machines: int, cpu_seconds: float, traffic: Mapping[str, int], kind: str) -> Survey:
    """Return the average of so many machines of a kind, from what the lab counted: "windows" by WinRM, else by SSH."""
    sessions, amount = ("shells", "bytes") if kind == "windows" else ("ssh_sessions", "ssh_bytes")
    return Survey(
        tasks=tasks,
        sessions=traffic[sessions] / machines,
        bytes=traffic[amount] / machines,
        cpu_seconds=cpu_seconds / machines,
    )


def figures(kind: str, ours: Survey, single: Survey) -> list[Figure]:
    """Return the figures of one kind of machine."""
    name = f"ASR preflight, {kind}"
    return [
        Figure(
            text=f"{name}: tasks per machine",
            value=f"{ours.tasks} / {single.tasks}",
            limit=f"≤ {LIMIT_TASKS}",
            holds=ours.tasks <= LIMIT_TASKS,
        ),
        Figure(
            text=f"{name}: sessions per machine",
            value=f"{ours.sessions:.1f} / {single.sessions:.1f}",
            limit=f"≤ {LIMIT_SESSIONS}",
            holds=ours.sessions <= LIMIT_SESSIONS,
        ),
        Figure(
            text=f"{name}: bytes on the wire per machine",
            value=f"{ours.bytes / 1000:.0f} kB / {single.bytes / 1000:.0f} kB = 1/{single.bytes / ours.bytes:.0f}",
        ),
        Figure(
            text=f"{name}: controller CPU per machine",
            value=f"{ours.cpu_seconds * 1000:.0f} ms / {single.cpu_seconds * 1000:.0f} ms "
            f"= 1/{single.cpu_seconds / ours.cpu_seconds:.0f}",
        ),
    ]
