# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cmdlets on paths have in common: which items a path means, what is shown of them, errors."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING, ClassVar

from ..powershell.commands import ErrorRecord
from ..powershell.values import OBJECT, Int64, LiveObject
from . import failures, messages
from .base import HostCmdlet, as_list, fits, has_wildcards
from .cmdlets_system import is_administrator
from .contents import in_use
from .file_tree import plain
from .reach import Reach, unrolled
from .sharing import ACCESS_DENIED, CHANGE
from .storage import File

if TYPE_CHECKING:
    from datetime import datetime

    from .host import Host

NOT_FOUND = ("System.Management.Automation.ItemNotFoundException", *failures.EXCEPTION)
NO_DRIVE = ("System.Management.Automation.DriveNotFoundException", *failures.EXCEPTION)
PROMPT = ("System.Management.Automation.PSInvalidOperationException", *failures.EXCEPTION)
IO = ("System.IO.IOException", "System.SystemException", *failures.EXCEPTION)
SHARING_VIOLATION = 0x80070020
NO_ACCESS = ("System.UnauthorizedAccessException", "System.SystemException", *failures.EXCEPTION)
messages.add(
    {
        "item_missing": (
            "Cannot find path '{path}' because it does not exist.",
            "Impossible de trouver le chemin d’accès « {path} », car il n’existe pas.",
        ),
        "drive_missing": (
            "Cannot find drive. A drive with the name '{path}' does not exist.",
            "Lecteur introuvable. Il n’existe aucun lecteur nommé « {path} ».",
        ),
        "folder_not_empty": (
            "Windows PowerShell is in NonInteractive mode: '{path}' has children and Recurse was not given.",
            "Windows PowerShell est en mode non interactif : « {path} » a des enfants et Recurse n’est pas spécifié.",
        ),
        "item_exists": (
            "An item with the specified name {path} already exists.",
            "Un élément avec le nom spécifié {path} existe déjà.",
        ),
        "item_in_use": (
            "The process cannot access the file '{path}' because it is being used by another process.",
            "Le processus ne peut pas accéder au fichier « {path} », car il est en cours d’utilisation.",
        ),
        "item_access": ("Access to the path '{path}' is denied.", "L’accès au chemin d’accès « {path} » est refusé."),
    }
)


class FileObject(LiveObject):
    """FileInfo or DirectoryInfo."""

    PROPERTIES: ClassVar = {
        "Name": "name",
        "Length": "length",
        "DirectoryName": "directory",
        "Exists": "yes",
        "FullName": "path",
        "Extension": "extension",
        "CreationTimeUtc": "moment",
        "LastWriteTimeUtc": "moment",
        "PSPath": "ps_path",
        "PSIsContainer": "container",
        "LastWriteTime": "moment",
        "CreationTime": "moment",
        "PSChildName": "name",
        "PSParentPath": "ps_parent",
    }
    yes = True

    def __init__(self, host: Host, path: str, file: File | None, local: str = "") -> None:
        self.path = path
        self.file = file
        self.container = file is None
        self.moment: datetime = host.storage.moments.get(
            (local or path).lower(), host.fleet.clock.start - host.age_of_files
        )
        self.name = ntpath.basename(path) or path
        self.directory = ntpath.dirname(path)
        self.extension = ntpath.splitext(path)[1]
        self.ps_path = f"Microsoft.PowerShell.Core\\FileSystem::{path}"
        self.ps_parent = f"Microsoft.PowerShell.Core\\FileSystem::{self.directory}"
        kind = "System.IO.DirectoryInfo" if self.container else "System.IO.FileInfo"
        self.__dict__["TYPE_NAMES"] = (kind, "System.IO.FileSystemInfo", "System.MarshalByRefObject", OBJECT)

    @property
    def length(self) -> Int64:
        """Return the bytes of a file."""
        return Int64(self.file.size if self.file else 0)

    def ps_names(self) -> list[str]:
        """Return the properties: folders have no length."""
        return [n for n in self.PROPERTIES if not (self.container and n in ("Length", "DirectoryName"))]

    def ps_text(self) -> str:
        """Return the path."""
        return self.path


class PathCmdlet(HostCmdlet):
    """A cmdlet on paths of the file system: drives, mapped drives, shares."""

    @property
    def reach(self) -> Reach:
        """Return the files that the session reaches."""
        return Reach(self.call.session)

    def paths(self) -> list[str]:
        """Return the paths given; patterns only in -Path are expanded to what fits them."""
        self.host.faults.tick()
        literal = [plain_path(str(p)) for p in as_list(self.given("LiteralPath"))]
        for given in as_list(self.given("Path")):
            text = plain_path(str(given))
            literal += self._expand(text) if has_wildcards(text) else [text.replace("`", "")]
        return literal

    def _expand(self, pattern: str) -> list[str]:
        """Return what a pattern fits, in order; patterns may stand in every part but the first ones of a share."""
        lead = 4 if pattern.startswith("\\\\") else 1
        parts = pattern.split("\\")
        found = ["\\".join(parts[:lead])]
        for part in parts[lead:]:
            if has_wildcards(part):
                found = [path for folder in found for path, _file in self.reach.children(plain_path(folder))
                         if fits(ntpath.basename(path), [part])]  # fmt: skip
            else:
                found = [f"{folder}\\{part}" for folder in found]
        return [path for path in found if self.reach.exists(path)]

    def wrong(
        self,
        error_id: str,
        category: str,
        key: str,
        path: str,
        exception: tuple[str, ...] = NOT_FOUND,
        *,
        hresult: int = 0x80131501,
    ) -> None:
        """Write an error about a path."""
        text = messages.text(self.host.language, key, path=path)
        self.fail(
            ErrorRecord(
                error_id=error_id, category=category, message=text, exception=exception, target=path, hresult=hresult
            )
        )

    def reachable(self, path: str) -> bool:
        """Return whether a share lets the session in; write the error of a share that doesn't."""
        if self.reach.refused(path) != ACCESS_DENIED:
            return True
        self.wrong("ItemExistsUnauthorizedAccessError", "PermissionDenied", "item_access", path, NO_ACCESS)
        return False

    def there(self, path: str) -> bool:
        """Return whether a path exists; write the error of a missing path or drive, or of a share otherwise."""
        if self.reach.exists(path):
            return True
        if self.reachable(path):
            self.missing(path)
        return False

    def missing(self, path: str) -> None:
        """Write the error of a missing path or drive."""
        drive = path.partition(":")[0]
        if ":" in path and path == unrolled(self.call.session, path) and not self._has_drive(drive):
            self.wrong("DriveNotFound", "ObjectNotFound", "drive_missing", drive, NO_DRIVE)
        else:
            self.wrong("PathNotFound", "ObjectNotFound", "item_missing", path)

    def _has_drive(self, drive: str) -> bool:
        return drive.upper() + ":" in self.host.storage.volumes

    def may_change(self, path: str) -> bool:
        """Return whether the caller may change files; write the error otherwise."""
        place = self.reach.place(path)
        remote = place is not None and place.host is not self.host
        if place is not None and (place.right >= CHANGE if remote else is_administrator(self)):
            return True
        if place is not None or self.reachable(path):
            if place is None:
                self.missing(path)
            else:
                self.wrong("UnauthorizedAccess", "PermissionDenied", "item_access", path, NO_ACCESS)
        return False

    def closed(self, path: str, error_id: str, category: str) -> bool:
        """Return whether somebody else has a file open; write the error then."""
        place = self.reach.place(path)
        if place is None or not in_use(place.host, place.path):
            return False
        self.wrong(error_id, category, "item_in_use", path, IO, hresult=SHARING_VIOLATION)
        return True

    def show(self, path: str) -> None:
        """Write an item that is there."""
        place = self.reach.place(path)
        if place is not None:
            self.call.write(FileObject(place.host, path, place.file, place.path))


def plain_path(text: str) -> str:
    """Return a path without its provider, with backslashes and without one at the end; a root keeps its own."""
    for prefix in ("microsoft.powershell.core\\filesystem::", "filesystem::"):
        if text.lower().startswith(prefix):
            text = text[len(prefix) :]
    return plain(text) if text else ""
