# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration versions: Get-VMHostSupportedVersion and Update-VMVersion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..powershell.values import Version
from . import power
from .base import HYPERV_CLASS, HyperVCmdlet
from .failures import Refused
from .host_objects import SupportedVersion
from .storage import File

if TYPE_CHECKING:
    from .host import Host
    from .vm import VM

UNRELEASED = ("254.0", "255.0")
"""Prerelease and experimental: listed beside the others (facts on Hyper-V, 2.1), and no host's default. A printed
list of 2025 has none (facts, section 5)."""
FIRST_BINARY = Version("6.0")
"""Versions below keep the configuration in one .xml file (facts, 2.1)."""


class GetVMHostSupportedVersion(HyperVCmdlet):
    """Get-VMHostSupportedVersion."""

    NAME = "Get-VMHostSupportedVersion"
    CLASS = HYPERV_CLASS + "GetVMHostSupportedVersion"

    def run(self) -> None:
        """Write the versions, or the default one."""
        for version in self.host.versions[-1:] if self.switched("Default") else _listed(self.host):
            self.call.write(SupportedVersion(self.host, version))


def _listed(host: Host) -> list[str]:
    return host.versions if host.is_new("2025") else [*host.versions, *UNRELEASED]


class UpdateVMVersion(HyperVCmdlet):
    """Update-VMVersion: one-way, of a machine that is off. Asks, unless it is told with -Force or -Confirm:$false."""

    NAME = "Update-VMVersion"
    CLASS = HYPERV_CLASS + "UpdateVMVersion"

    def run(self) -> None:
        """Upgrade every machine given; a refusal doesn't stop the others."""
        for vm in self.vms("Name"):
            if not self.call.should_process(vm.name):
                continue
            if not self.switched("Force") and self.given("Confirm") is not False:
                self.reject("prompt_impossible", vm=vm.name)
                continue
            try:
                with self.host.fleet.lock:
                    upgrade(vm, self._target(vm))
            except Refused as refused:
                self.refuse(refused)
                continue
            self.host.fleet.clock.notify()
            self.passthru(vm)

    def _target(self, vm: VM) -> Version:
        wanted = self.given("TargetVersion")
        target = Version(str(wanted if wanted is not None else self.host.versions[-1]))
        if str(target) not in self.host.versions or _key(target) < _key(vm.version):
            raise Refused("parameter", vm, what=f"TargetVersion {target}")
        return target


def upgrade(vm: VM, target: Version) -> None:
    """Give a machine that is off another version, and the files that belong to it (under the fleet's lock).

    Its checkpoints keep theirs (not documented; a checkpoint's configuration is a copy of its day). Raises Refused.
    """
    power.require_off(vm)
    if vm.version == target:
        return
    before = vm.configuration_files()
    crossing = _key(vm.version) < _key(FIRST_BINARY) <= _key(target)
    vm.version = target
    if crossing:
        _change_files(vm, before)
    vm.host.fleet.record("upgraded", vm, version=str(target))


def _change_files(vm: VM, before: list[str]) -> None:
    storage = vm.host.storage
    old = [file for path in before if (file := storage.volume(path).take(path)) is not None]
    for path in vm.configuration_files():
        storage.volume(path).put(File(path, old[0].size if old else 64 * 1024), check=False)


def _key(version: Version) -> tuple[int, ...]:
    return tuple(int(part) for part in str(version).split("."))


COMMANDS = (GetVMHostSupportedVersion, UpdateVMVersion)
