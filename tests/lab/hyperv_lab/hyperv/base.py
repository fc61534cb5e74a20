# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What simulated cmdlets have in common: the host, rights, selection of machines, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..powershell.commands import Cmdlet, ErrorRecord
from . import failures
from .accounts import may_use_hyperv
from .failures import Refused
from .vm import VM
from .wildcards import fits, has_wildcards, wildcard

if TYPE_CHECKING:
    from .host import Host

__all__ = [
    "HYPERV_CLASS", "POWERSHELL_CLASS", "HostCmdlet", "HyperVCmdlet", "as_list", "fits", "has_wildcards", "wildcard",
]  # fmt: skip
HYPERV_CLASS = "Microsoft.HyperV.PowerShell.Commands."
POWERSHELL_CLASS = "Microsoft.PowerShell.Commands."


def as_list(value: Any) -> list[Any]:
    """Return a bound value as a list: nothing, one, or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


class HostCmdlet(Cmdlet):
    """A cmdlet that acts on the host its runspace is on."""

    @property
    def host(self) -> Host:
        """Return the host."""
        host: Host = self.call.session.host
        return host

    def given(self, name: str, default: Any = None) -> Any:
        """Return a bound parameter, or the default."""
        return self.call.bound.get(name, default)

    def switched(self, name: str) -> bool:
        """Return whether a switch is on."""
        return bool(self.call.bound.get(name, False))

    def bound_to(self, name: str) -> bool:
        """Return whether a parameter was given."""
        return name in self.call.bound

    def fail(self, record: ErrorRecord) -> None:
        """Write a non-terminating error."""
        self.call.error(record)

    def remote_elsewhere(self) -> bool:
        """Return whether the call names another computer, to which the lab plays no management connection."""
        names = as_list(self.given("ComputerName")) + as_list(self.given("Server"))
        own = {".", "localhost", self.host.name.lower(), self.host.fqdn.lower(), "127.0.0.1", "::1"}
        return any(str(name).lower() not in own for name in names)


class HyperVCmdlet(HostCmdlet):
    """A cmdlet of the Hyper-V module: rights and the management service are asked for first."""

    JOBS = False
    """Whether -AsJob is simulated."""
    DENIED = "authorization"
    """What a caller without rights gets; it isn't the same with every cmdlet (field errors)."""

    def process(self) -> None:
        """Run for one input object; refusals of the model become error records."""
        if not self.admitted():
            return
        try:
            self.run()
        except Refused as refused:
            self.refuse(refused)

    def run(self) -> None:
        """Do what the cmdlet does."""
        raise NotImplementedError  # each cmdlet has its own, unless it replaces ``process``

    def admitted(self) -> bool:
        """Return whether the caller has the right and the service runs; write the error otherwise."""
        if not may_use_hyperv(self.call.session.identity):
            self.reject(self.DENIED)
        elif self.remote_elsewhere():
            self.reject("remote_refused")
        elif not self.host.vmms_running:
            self.reject("vmms_stopped")
        elif self.switched("AsJob") and not self.JOBS:
            self.reject("not_supported", what="AsJob")
        else:
            return True
        return False

    def reject(self, kind: str, *, target: Any = None, **values: Any) -> None:
        """Write an error of a kind."""
        self.fail(failures.record(self.host, kind, command_class=self.CLASS, target=target, **values))

    def refuse(self, refused: Refused) -> None:
        """Write the error of a refusal."""
        self.fail(failures.of(self.host, refused, self.CLASS))

    def passthru(self, value: Any) -> None:
        """Write an object where -Passthru is on."""
        if self.switched("Passthru"):
            self.call.write(value)

    def vms(self, name_parameter: str = "VMName") -> list[VM]:
        """Return the machines that the call means, by object or by name; write errors for those not there."""
        if self.bound_to("VM"):
            return [vm for vm in as_list(self.given("VM")) if self._alive(vm)]
        return self.named(as_list(self.given(name_parameter)))

    def named(self, names: list[str], kind: str = "vm_name_missing", *, targets: bool = False) -> list[VM]:
        """Return the machines of names or patterns; write an error for each name without one."""
        found: list[VM] = []
        known = list(self.host.vms.values())
        for name in names:
            fitting = [vm for vm in known if fits(vm.name, [name])]
            if not fitting and not has_wildcards(name):
                self.reject(kind, target=name if targets else None, name=name)
            found += [vm for vm in fitting if vm not in found]
        return found

    def _alive(self, vm: Any) -> bool:
        gone = vm.is_deleted or (vm.host is self.host and self.host.vms.get(vm.id) is not vm and not vm.planned)
        if gone:
            self.reject("vm_name_missing", name=vm.name)
        return not gone

    def owners(self, name_parameter: str = "VMName") -> list[Any]:
        """Return the machines or checkpoints that the call means (sets with -VMSnapshot)."""
        if self.bound_to("VMSnapshot"):
            return as_list(self.given("VMSnapshot"))
        return self.vms(name_parameter)
