# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a VM's export lies, how the destination sees it, and where its tree belongs there. Pure."""

from __future__ import annotations

import ntpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...migration.placement import folder_name, without_separator
from .. import manifest
from .request import HTTP

if TYPE_CHECKING:
    from .request import ColdRequest

DEFAULT_FOLDER = "Hyper-V Exports"
"""At the root of a volume of the source, where ``export_path`` is left out."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Root folders; each holds a folder per VM, named by its Id."""

    export: str
    """On the source."""
    share: str
    """The same, as the destination reaches it: a UNC path or an address."""
    tree: str
    """At the destination."""
    home: str = ""
    """The destination's default folder, where restored VMs get theirs."""

    def export_of(self, vm_id: str) -> str:
        """Return the folder of a VM's export on the source."""
        return ntpath.join(self.export, vm_id)

    def tree_of(self, vm_id: str) -> str:
        """Return the folder of a VM's tree at the destination."""
        return ntpath.join(self.tree, vm_id)

    def restored(self, vm_id: str, name: str) -> str:
        """Return the folder of its own that a VM gets which is restored from its tree."""
        return ntpath.join(self.home, f"{folder_name(name)}-{vm_id[:8]}")


def candidates(vm_ids: Collection[str], drives: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the manifests that exports under the default folders would have: path -> (Id, drive)."""
    return {
        ntpath.join(default_root(drive), vm_id, manifest.FILE_NAME): (vm_id, drive)
        for vm_id in vm_ids
        for drive in sorted(drives)
    }


def default_root(drive: str) -> str:
    """Return the default folder for exports on a drive ("D:")."""
    return f"{drive}\\{DEFAULT_FOLDER}"


def export_root(request: ColdRequest, volumes: Mapping[str, int], found_on: str | None) -> str:
    """Return the export's root: as asked, else on the drive that has an export of this VM, else on the emptiest one.

    ``volumes`` are drive -> free bytes. The drive with an export comes first since an export takes room: the emptiest
    drive of the next run may be another one.
    """
    if request.export_path is not None:
        return request.export_path
    if found_on is not None:
        return default_root(found_on)
    best = max(sorted(volumes), key=lambda drive: volumes[drive], default="C:")
    return default_root(best)


def places(request: ColdRequest, *, export: str, source_name: str, destination_default: str) -> Places:
    """Return the three roots. ``source_name`` is the source's computer name, for its administrative share."""
    home = without_separator(destination_default)
    share = request.source_share or share_of(export, source_name)
    return Places(export=export, share=share, tree=request.destination_path or home, home=home)


def share_of(folder: str, computer: str) -> str:
    """Return the administrative share of a local folder; a folder on a share is its own."""
    if folder.startswith("\\\\"):
        return folder
    return f"\\\\{computer}\\{folder[0]}${folder[2:]}"


def where_to_bring(request: ColdRequest, found: Places, vm_id: str) -> dict[str, str]:
    """Return the folders to tell people: what has to be brought where."""
    share = f"{found.share}/{vm_id}" if request.transfer_method == HTTP else f"{found.share}\\{vm_id}"
    return {"export": found.export_of(vm_id), "share": share, "tree": found.tree_of(vm_id)}
