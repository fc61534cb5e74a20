# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get-WmiObject on a Hyper-V host: the classes that Get-CimInstance shows, as objects whose methods can be called."""

from __future__ import annotations

from ..powershell.commands import ErrorRecord
from . import failures, guest_networks, messages
from .accounts import may_use_hyperv
from .base import POWERSHELL_CLASS, HostCmdlet, as_list
from .cim import VIRTUALIZATION, BadQuery, matcher, normal, provider_of
from .cmdlets_system import only
from .wmi import ManagementObject

_ = guest_networks  # registers its class and its method
MANAGEMENT = ("System.Management.ManagementException", "System.SystemException", *failures.EXCEPTION)
DENIED = ("System.UnauthorizedAccessException", "System.SystemException", *failures.EXCEPTION)


class GetWmiObject(HostCmdlet):
    """Get-WmiObject by class, with a filter."""

    NAME = "Get-WmiObject"
    CLASS = POWERSHELL_CLASS + "GetWmiObjectCommand"

    def process(self) -> None:
        """Write the instances."""
        only(self, "Class", "Filter", "Namespace", "Property")
        space, name = normal(str(self.given("Namespace", "root/cimv2"))), str(self.given("Class", "")).lower()
        if space == VIRTUALIZATION and not may_use_hyperv(self.call.session.identity):
            self._wrong("GetWMIUnauthorizedAccessException", "InvalidOperation", "cim_0x80041003", DENIED)
            return
        provider = provider_of(self.host, space, name)
        if provider is None or (space == VIRTUALIZATION and not self.host.hyperv_ready):
            self._wrong("GetWMIManagementException", "InvalidType", "cim_0x80041010", MANAGEMENT)
            return
        running = space != VIRTUALIZATION or self.host.vmms_running
        try:
            condition = self.given("Filter")
            test = matcher(str(condition).strip()) if condition else None
            found = [one for one in (provider(self.host) if running else []) if test is None or test(one)]
        except BadQuery:
            self._wrong("GetWMIManagementException", "InvalidOperation", "cim_0x80041017", MANAGEMENT)
            return
        wanted = {str(each).lower() for each in as_list(self.given("Property"))}
        for one in found:
            if wanted:
                one.values = {key: value for key, value in one.values.items() if key.lower() in wanted}
            self.call.write(ManagementObject(one, self.host, self.call.session.identity))

    def _wrong(self, error_id: str, category: str, key: str, exception: tuple[str, ...]) -> None:
        text = messages.text(self.host.language, key)
        self.fail(ErrorRecord(error_id=error_id, category=category, message=text, exception=exception))


COMMANDS = (GetWmiObject,)
