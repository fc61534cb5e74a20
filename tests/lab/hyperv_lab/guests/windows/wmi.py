# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets whose modules ask WMI, so that they fail where it is disabled."""

from __future__ import annotations

from ...hyperv import messages
from ...hyperv.cmdlets_around import CIM_EXCEPTION
from ...hyperv.cmdlets_system import is_administrator
from ...powershell.commands import ErrorRecord
from .cmdlets_network import GuestCmdlet
from .state import DISABLED


class WmiCmdlet(GuestCmdlet):
    """A cmdlet whose module asks WMI."""

    def process(self) -> None:
        """Run, unless WMI can't be asked."""
        if self.machine.cim_refusal() == DISABLED:
            text = messages.text(self.machine.language, "cim_0x80070422")
            self.fail(ErrorRecord(error_id="HRESULT 0x80070422", category="NotSpecified", message=text,
                                  exception=CIM_EXCEPTION, properties={"NativeErrorCode": 1}))  # fmt: skip
        else:
            self.run()

    def run(self) -> None:
        """Do the work."""

    def admitted(self) -> bool:
        """Return whether the caller may change something; write the error otherwise."""
        if is_administrator(self):
            return True
        text = messages.text(self.machine.language, "rule_access")
        self.fail(ErrorRecord(error_id="Windows System Error 5", category="PermissionDenied", message=text,
                              exception=CIM_EXCEPTION, class_name=self.NAME))  # fmt: skip
        return False
