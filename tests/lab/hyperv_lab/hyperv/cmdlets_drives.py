# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives of a session and mapped shares, on hosts and on Windows machines: the PSDrive and SmbMapping families.

Recorded is only that the error of New-PSDrive is CouldNotMapNetworkDrive with a Win32Exception. That it carries the
code of the system's call as NativeErrorCode, and the ids of a taken name and a missing root, are what the provider's
published source does.
"""

from __future__ import annotations

from typing import Final

from ..powershell.commands import ErrorRecord, Terminating
from ..powershell.values import OBJECT, Credential, Int64, PropertyBag
from . import failures, messages, sharing
from .base import POWERSHELL_CLASS, HostCmdlet, as_list, fits
from .cmdlets_around import CIM_EXCEPTION
from .cmdlets_system import only
from .paths import IO, NO_DRIVE
from .reach import Reach, close_connection, drives, open_connection
from .sharing import ACCESS_DENIED

WIN32_EXCEPTION: Final = (
    "System.ComponentModel.Win32Exception",
    "System.Runtime.InteropServices.ExternalException",
    "System.SystemException",
    *failures.EXCEPTION,
)
E_FAIL: Final = 0x80004005
SESSION_STATE: Final = ("System.Management.Automation.SessionStateException", *failures.EXCEPTION)
_CIM = "Microsoft.Management.Infrastructure.CimInstance"
messages.add(
    {
        "win32_error": ("The operation failed with the code {name}.", "L’opération a échoué avec le code {name}."),
        "drive_refused": (
            "The network connection was refused (code {code})",
            "La connexion réseau a été refusée (code {code})",
        ),
        "drive_there": (
            "A drive with the name '{name}' already exists.",
            "Un lecteur nommé « {name} » existe déjà.",
        ),
        "drive_root": (
            'The specified drive root "{name}" either does not exist, or it is not a folder.',
            "La racine de lecteur spécifiée « {name} » n’existe pas, ou n’est pas un dossier.",
        ),
        "drive_gone": (
            "Cannot find drive. A drive with the name '{name}' does not exist.",
            "Lecteur introuvable. Il n’existe aucun lecteur nommé « {name} ».",
        ),
    }
)


class NewPSDrive(HostCmdlet):
    """New-PSDrive -PSProvider FileSystem -Root … [-Credential …]: a folder of a share, or of the machine itself."""

    NAME = "New-PSDrive"
    CLASS = "Microsoft.PowerShell.Commands.NewPSDriveCommand"

    def process(self) -> None:
        """Connect once and write the drive, or throw the code of the connection."""
        only(self, "Name", "PSProvider", "Root", "Credential", "Scope", "Description")
        name, root = str(self.given("Name")), str(self.given("Root")).rstrip("\\")
        session, credential = self.call.session, self.given("Credential")
        if name.lower() in drives(session):
            self._refuse("DriveAlreadyExists", "ResourceExists", "drive_there", SESSION_STATE, name)
        if isinstance(credential, Credential):
            code = open_connection(session, root, credential.username, credential.password.text)
            if code:
                text = messages.text(self.host.language, "drive_refused", code=code)
                raise Terminating(
                    ErrorRecord(error_id="CouldNotMapNetworkDrive", category="InvalidOperation", message=text,
                                exception=WIN32_EXCEPTION, hresult=E_FAIL, properties={"NativeErrorCode": code},
                                target=name)
                )  # fmt: skip
        drives(session)[name.lower()] = root
        if len(sharing.split(root)[2]) or not root.startswith("\\\\") or credential is None:
            place = Reach(session).place(root)
            if place is None or not place.is_folder:
                del drives(session)[name.lower()]
                self._refuse("DriveRootError", "ReadError", "drive_root", IO, root)
        self.call.write(drive(name, root))

    def _refuse(self, error_id: str, category: str, key: str, exception: tuple[str, ...], name: str) -> None:
        text = messages.text(self.host.language, key, name=name)
        raise Terminating(
            ErrorRecord(error_id=error_id, category=category, message=text, exception=exception, target=name)
        )


class RemovePSDrive(HostCmdlet):
    """Remove-PSDrive -Name."""

    NAME = "Remove-PSDrive"
    CLASS = "Microsoft.PowerShell.Commands.RemovePSDriveCommand"

    def process(self) -> None:
        """Forget the drive; one that is not there is an error."""
        only(self, "Name", "LiteralName", "PSProvider", "Scope", "Force")
        for name in map(str, as_list(self.given("Name")) + as_list(self.given("LiteralName"))):
            root = drives(self.call.session).pop(name.lower(), None)
            if root is None:
                self._missing(name)
            else:
                close_connection(self.call.session, root)

    def _missing(self, name: str) -> None:
        self.fail(
            ErrorRecord(
                error_id="DriveNotFound",
                category="ObjectNotFound",
                message=messages.text(self.host.language, "drive_gone", name=name),
                exception=NO_DRIVE,
                target=name,
            )
        )


class NewSmbMapping(HostCmdlet):
    """New-SmbMapping with a name and a password: one sign-in."""

    NAME = "New-SmbMapping"

    def process(self) -> None:
        """Map the share, or write the code that Windows gives."""
        only(self, "LocalPath", "RemotePath", "UserName", "Password", "Persistent", "Credential")
        remote, local = str(self.given("RemotePath")), str(self.given("LocalPath", ""))
        credential = self.given("Credential")
        user, password = str(self.given("UserName", "")), str(self.given("Password", ""))
        if isinstance(credential, Credential):
            user, password = credential.username, credential.password.text
        code = open_connection(self.call.session, remote, user, password)
        if code:
            text = messages.text(self.host.language, "win32_error", name=code)
            category = "PermissionDenied" if code == ACCESS_DENIED else "NotSpecified"
            self.fail(
                ErrorRecord(
                    error_id=f"Windows System Error {code}",
                    category=category,
                    message=text,
                    exception=CIM_EXCEPTION,
                    properties={"NativeErrorCode": code},
                    target=remote,
                )
            )
            return
        drives(self.call.session)[(local or remote).lower()] = remote
        self._show(local, remote)

    def _show(self, local: str, remote: str) -> None:
        values = {"Status": "OK", "LocalPath": local or None, "RemotePath": remote}
        self.call.write(PropertyBag(values, (f"{_CIM}#ROOT/Microsoft/Windows/SMB/MSFT_SmbMapping", _CIM, OBJECT)))


class GetSmbMapping(HostCmdlet):
    """Get-SmbMapping."""

    NAME = "Get-SmbMapping"

    def process(self) -> None:
        """Write the mapped shares of the session."""
        only(self, "LocalPath", "RemotePath")
        wanted = [str(path).lower() for path in as_list(self.given("RemotePath"))]
        for local, remote in drives(self.call.session).items():
            if not wanted or remote.lower() in wanted:
                shown = None if local.startswith("\\\\") else local.upper()
                values = {"Status": "OK", "LocalPath": shown, "RemotePath": remote}
                kind = f"{_CIM}#ROOT/Microsoft/Windows/SMB/MSFT_SmbMapping"
                self.call.write(PropertyBag(values, (kind, _CIM, OBJECT)))


class RemoveSmbMapping(HostCmdlet):
    """Remove-SmbMapping."""

    NAME = "Remove-SmbMapping"

    def process(self) -> None:
        """End the mappings of a path."""
        only(self, "LocalPath", "RemotePath", "UpdateProfile", "InputObject")
        wanted = [str(path).lower() for path in as_list(self.given("RemotePath")) + as_list(self.given("LocalPath"))]
        known = drives(self.call.session)
        for local, remote in list(known.items()):
            if (local.lower() in wanted or remote.lower() in wanted) and self.call.should_process(remote):
                del known[local]
                close_connection(self.call.session, remote)


class GetPSDrive(HostCmdlet):
    """Get-PSDrive: volumes, registry hives, and drives of the session."""

    NAME = "Get-PSDrive"
    CLASS = POWERSHELL_CLASS + "GetPSDriveCommand"

    def process(self) -> None:
        """Write the drives asked for."""
        only(self, "Name", "LiteralName", "PSProvider", "Scope")
        names = [str(name) for name in as_list(self.given("Name")) + as_list(self.given("LiteralName"))]
        roots = {name[0]: name + "\\" for name in self.host.storage.volumes}
        roots |= {"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER", **drives(self.call.session)}
        for name, root in roots.items():
            if not names or fits(name, names):
                volume = self.host.storage.volumes.get(f"{name}:")
                sizes = {"Used": Int64(volume.size - volume.free), "Free": Int64(volume.free)} if volume else {}
                self.call.write(drive(name, root, **sizes))


def drive(name: str, root: str, **sizes: Int64) -> PropertyBag:
    """Return a drive as PSDriveInfo; volumes have ``Used`` and ``Free``."""
    provider = "Registry" if root.startswith("HKEY") else "FileSystem"
    values = {
        "Name": name,
        "Root": root,
        "Provider": f"Microsoft.PowerShell.Core\\{provider}",
        "CurrentLocation": "",
        **sizes,
    }
    return PropertyBag(values, ("System.Management.Automation.PSDriveInfo", OBJECT), name)


COMMANDS = (NewPSDrive, RemovePSDrive, NewSmbMapping, GetSmbMapping, RemoveSmbMapping, GetPSDrive)
