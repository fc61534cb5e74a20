# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
r"""New-PSDrive and Remove-PSDrive for shares of other machines, without a drive letter.

Recorded is only that the error is CouldNotMapNetworkDrive with a Win32Exception. That it carries the code of the
system's call as NativeErrorCode is what the provider's published source does; other drives are not simulated.
"""

from __future__ import annotations

from typing import Any, Final

from ..powershell.commands import ErrorRecord, Terminating
from ..powershell.values import OBJECT, Credential, PropertyBag
from . import failures, messages
from .base import HostCmdlet, as_list
from .cmdlets_system import only

WIN32_EXCEPTION: Final = (
    "System.ComponentModel.Win32Exception",
    "System.Runtime.InteropServices.ExternalException",
    "System.SystemException",
    *failures.EXCEPTION,
)
E_FAIL: Final = 0x80004005
BAD_NETPATH: Final = 53
messages.add(
    {
        "drive_refused": (
            "The network connection was refused (code {code})",
            "La connexion réseau a été refusée (code {code})",
        ),
        "drive_gone": (
            "Cannot find drive. A drive with the name '{name}' does not exist.",
            "Lecteur introuvable. Il n’existe aucun lecteur nommé « {name} ».",
        ),
    }
)


def _drives(session: Any) -> dict[str, str]:
    """Return the drives of a session: name in lower case -> root."""
    found: dict[str, str] = session.__dict__.setdefault("mapped_drives", {})
    return found


class NewPSDrive(HostCmdlet):
    """New-PSDrive -PSProvider FileSystem -Root SHARE -Credential …"""

    NAME = "New-PSDrive"
    CLASS = "Microsoft.PowerShell.Commands.NewPSDriveCommand"

    def process(self) -> None:
        """Connect once and write the drive, or throw the code of the connection."""
        only(self, "Name", "PSProvider", "Root", "Credential", "Scope")
        name, root = str(self.given("Name")), str(self.given("Root"))
        code = self._connect(root)
        if code:
            raise Terminating(
                ErrorRecord(
                    error_id="CouldNotMapNetworkDrive",
                    category="InvalidOperation",
                    message=messages.text(self.host.language, "drive_refused", code=code),
                    exception=WIN32_EXCEPTION,
                    hresult=E_FAIL,
                    properties={"NativeErrorCode": code},
                    target=name,
                )
            )
        _drives(self.call.session)[name.lower()] = root
        values = {"Name": name, "Root": root, "Provider": "FileSystem", "Used": None, "Free": None}
        self.call.write(PropertyBag(values, ("System.Management.Automation.PSDriveInfo", OBJECT)))

    def _connect(self, root: str) -> int:
        # Only machines with a registry and accounts of their own have shares to sign in to.
        from ..guests.windows import file_sharing, smb  # noqa: PLC0415
        from ..guests.windows.state import WindowsMachine  # noqa: PLC0415

        if isinstance(self.host, WindowsMachine) and isinstance(self.given("Credential"), Credential):
            account: Credential = self.given("Credential")
            return smb.sign_in(self.host, root, account.username, account.password.text)
        computer, _, share = root.removeprefix("\\\\").partition("\\")
        target = self.host.fleet.host(computer)
        credential = self.given("Credential")
        if not isinstance(target, WindowsMachine) or not isinstance(credential, Credential):
            return BAD_NETPATH
        return file_sharing.connect(target, credential.username, credential.password.text, share)


class RemovePSDrive(HostCmdlet):
    """Remove-PSDrive -Name."""

    NAME = "Remove-PSDrive"
    CLASS = "Microsoft.PowerShell.Commands.RemovePSDriveCommand"

    def process(self) -> None:
        """Forget the drive; one that is not there is an error."""
        only(self, "Name", "PSProvider", "Scope", "Force")
        for name in map(str, as_list(self.given("Name"))):
            if _drives(self.call.session).pop(name.lower(), None) is None:
                self._missing(name)

    def _missing(self, name: str) -> None:
        self.fail(
            ErrorRecord(
                error_id="DriveNotFound",
                category="ObjectNotFound",
                message=messages.text(self.host.language, "drive_gone", name=name),
                exception=("System.Management.Automation.DriveNotFoundException", *failures.EXCEPTION),
                target=name,
            )
        )


COMMANDS = (NewPSDrive, RemovePSDrive)
