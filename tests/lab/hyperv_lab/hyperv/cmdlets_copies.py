# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy-, Move- and Rename-Item of files and folders, on hosts and on Windows machines.

Ids of copies are those of the field errors; those of moves (MoveFileInfoItemIOError …) are what Windows PowerShell
prints, from memory (unverified).
"""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING

from . import copying, messages
from .base import POWERSHELL_CLASS
from .cmdlets_contents import DIRECTORY_MISSING, FileCmdlet
from .cmdlets_system import is_administrator, only
from .contents import in_use
from .paths import IO, NO_ACCESS, plain_path
from .sharing import ACCESS_DENIED, CHANGE
from .storage import DiskFull, NoSuchPath

if TYPE_CHECKING:
    from .reach import Place

ALREADY_EXISTS = 0x800700B7
UNAUTHORIZED = "System.UnauthorizedAccessException"
messages.add(
    {
        "copy_broken": (
            "The specified network name is no longer available, or not reachable: '{path}'.",
            "Le nom réseau spécifié n’est plus disponible ou est inaccessible : « {path} ».",
        ),
        "copy_itself": (
            "Cannot overwrite the item '{path}' with itself.",
            "Impossible de remplacer l’élément « {path} » par lui-même.",
        ),
        "move_roots": (
            "Source and destination path must have identical roots: '{path}'.",
            "Les chemins source et de destination doivent avoir la même racine : « {path} ».",
        ),
        "item_there": (
            "Cannot create a file when that file already exists: '{path}'.",
            "Impossible de créer un fichier déjà existant : « {path} ».",
        ),
    }
)


class CopyItem(FileCmdlet):
    """Copy-Item: files, and with -Recurse folders. What is there is overwritten."""

    NAME = "Copy-Item"
    CLASS = POWERSHELL_CLASS + "CopyItemCommand"

    def process(self) -> None:
        """Copy what is given to -Destination."""
        only(self, "Path", "LiteralPath", "Destination", "Recurse", "Container")
        target = plain_path(str(self.given("Destination")))
        for path, source in self.files():
            if self.call.stopping.is_set():
                return
            place = self.target(target)
            if place is None or not self.call.should_process(path):
                continue
            shown = target
            if place.is_folder:
                shown = ntpath.join(target, ntpath.basename(path))
                place = place.below(ntpath.basename(path))
            if self.carry(source, place, shown) and self.switched("PassThru"):
                self.show(shown)

    def target(self, path: str) -> Place | None:
        """Return where -Destination leads and may be written; write the error otherwise."""
        place = self.reach.place(path)
        if place is None:
            self._unreachable(path)
            return None
        allowed = is_administrator(self) if place.host is self.host else place.right >= CHANGE
        if not allowed:
            self._denied(path)
            return None
        return place

    def _unreachable(self, path: str) -> None:
        code = self.reach.refused(path)
        if code == ACCESS_DENIED:
            self._denied(path)
        elif code:
            self.broken(path, 0x80070000 | code)
        else:
            self.missing(path)

    def _denied(self, path: str) -> None:
        self.wrong("CopyFileInfoItemUnauthorizedAccessError", "PermissionDenied", "item_access", path, NO_ACCESS)
        self.wrong(UNAUTHORIZED, "NotSpecified", "item_access", path, NO_ACCESS)

    def broken(self, path: str, hresult: int) -> None:
        """Write the error of a copy that broke off."""
        key = "item_in_use" if hresult == copying.SHARING_VIOLATION else "copy_broken"
        self.wrong("System.IO.IOException", "NotSpecified", key, path, IO, hresult=hresult)

    def carry(self, source: Place, place: Place, shown: str) -> bool:
        """Copy a file, or a folder with what is below where asked; return whether all of it arrived."""
        if source.is_folder:
            with self.host.fleet.lock:
                place.volume.make_folder(place.path)
                place.host.stamp(place.path)
            below = [ntpath.basename(p) for p, _ in source.volume.children(source.path)] if self.recursive() else []
            return all(self.carry(source.below(n), place.below(n), ntpath.join(shown, n)) for n in below)
        if not place.host.storage.folder_exists(ntpath.dirname(place.path)):
            error_id = "System.IO.DirectoryNotFoundException"
            self.wrong(error_id, "NotSpecified", "item_missing", shown, DIRECTORY_MISSING)
            return False
        return self._file(source, place, shown)

    def _file(self, source: Place, place: Place, shown: str) -> bool:
        if source.host is place.host and source.path.lower() == place.path.lower():
            self.wrong("CopyError", "WriteError", "copy_itself", shown, IO)
            return False
        try:
            copying.copy(self.host, source, place, self.call.stopping)
        except DiskFull:
            self.disk_full(shown)
        except copying.CopyFailed as failed:
            self.broken(shown, failed.hresult)
        except NoSuchPath:
            self.missing(shown)
        except copying.Stopped:
            pass
        else:
            return True
        return False

    def recursive(self) -> bool:
        """Return whether folders come with what is in them."""
        return self.switched("Recurse")


class MoveItem(CopyItem):
    """Move-Item: on one volume in one moment, elsewhere file by file; a file that is there stays but with -Force."""

    NAME = "Move-Item"
    CLASS = POWERSHELL_CLASS + "MoveItemCommand"

    def carry(self, source: Place, place: Place, shown: str) -> bool:
        """Move a file or a folder; return whether it arrived."""
        if not place.host.storage.folder_exists(ntpath.dirname(place.path)):
            error_id = "MoveDirectoryItemIOError" if source.is_folder else "MoveFileInfoItemIOError"
            self.wrong(error_id, "WriteError", "item_missing", shown, DIRECTORY_MISSING)
            return False
        with self.host.fleet.lock:
            if not self._free(source, place, shown):
                return False
            if source.host is place.host and source.volume is place.volume:
                self._rename(source, place)
                return True
        if source.is_folder:
            self.wrong("MoveDirectoryItemIOError", "WriteError", "move_roots", shown, IO)
            return False
        if not self._file(source, place, shown):
            return False
        with self.host.fleet.lock:
            source.volume.take(source.path)
        return True

    def _free(self, source: Place, place: Place, shown: str) -> bool:
        """Return whether the new name is free, or may be made free, and nobody has the file open."""
        there = place.file
        same = source.path.lower() == place.path.lower() and source.host is place.host
        if in_use(source.host, source.path) or (there is not None and in_use(place.host, place.path)):
            key, code = "item_in_use", copying.SHARING_VIOLATION
        elif not same and (place.is_folder or (there is not None and not self.switched("Force"))):
            key, code = "item_there", ALREADY_EXISTS
        else:
            if there is not None and not same:
                place.volume.take(place.path)
            return True
        self.wrong("MoveFileInfoItemIOError", "WriteError", key, shown, IO, hresult=code)
        return False

    def _rename(self, source: Place, place: Place) -> None:
        volume = source.volume
        file = volume.take(source.path)
        if file is not None:
            file.path = place.path
            volume.put(file, check=False)
        else:
            root = source.path.rstrip("\\")
            below = root.lower() + "\\"
            volume.make_folder(place.path)
            for key in [each for each in volume.folders if each.startswith(below)]:
                volume.make_folder(place.path + volume.folders[key][len(root) :])
            for key in [each for each in volume.files if each.startswith(below)]:
                moved = volume.files[key]
                volume.take(key)
                moved.path = place.path + moved.path[len(root) :]
                volume.put(moved, check=False)
            volume.remove_folder(root)
        place.host.stamp(place.path)
        self.host.fleet.clock.notify()


class RenameItem(MoveItem):
    """Rename-Item: a name without a folder; what has it already stays."""

    NAME = "Rename-Item"
    CLASS = POWERSHELL_CLASS + "RenameItemCommand"

    def process(self) -> None:
        """Give the item its new name."""
        only(self, "Path", "LiteralPath", "NewName")
        name = str(self.given("NewName"))
        for path, source in self.files():
            shown = ntpath.join(ntpath.dirname(path), ntpath.basename(name))
            place = self.target(shown)
            if place is None or not self.call.should_process(path):
                continue
            if self.carry(source, place, shown) and self.switched("PassThru"):
                self.show(shown)


COMMANDS = (CopyItem, MoveItem, RenameItem)
