# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of an import: from where, how, to where, and what may be corrected on the way. Pure."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ...errors import InvalidRequest
from ...session.command import ON, Pipeline, command, switch
from ..compatibility import Fixes, check_switch_map
from ..migration.placement import check_path

REGISTER: Final = "register"
RESTORE: Final = "restore"
COPY: Final = "copy"
_FOLDERS = (
    "vhd_destination_path",
    "virtual_machine_path",
    "snapshot_file_path",
    "smart_paging_file_path",
    "vhd_source_path",
    "snapshot_source_path",
)
_ONLY_COPYING = ("vhd_destination_path", "snapshot_file_path")
VIRTUAL_MACHINES: Final = "virtual machines"
"""Name of the folder that holds a configuration, in lower case; the same in every language."""


@dataclass(frozen=True, kw_only=True)
class ImportOrder:
    """One import. ``path`` is a configuration file, or a folder that holds exactly one below ``Virtual Machines``.

    ``mode``: ``register`` makes the files themselves the VM, ``restore`` and ``copy`` copy them first. The Id is kept
    unless ``generate_new_id`` (copy only).
    """

    path: str
    mode: str = REGISTER
    generate_new_id: bool = False
    vhd_destination_path: str | None = None
    virtual_machine_path: str | None = None
    snapshot_file_path: str | None = None
    smart_paging_file_path: str | None = None
    vhd_source_path: str | None = None
    snapshot_source_path: str | None = None
    switch_map: Mapping[str, str] = field(default_factory=dict)
    disconnect_missing_switches: bool = True
    eject_iso: bool = False
    limit_processors: bool = False
    remove_saved_state: bool = False

    @property
    def copies(self) -> bool:
        """Whether files are copied."""
        return self.mode != REGISTER

    @property
    def fixes(self) -> Fixes:
        """Return what may be corrected at entries of the report."""
        return Fixes(
            switch_map=self.switch_map,
            eject_iso=self.eject_iso,
            disconnect_missing_switches=self.disconnect_missing_switches,
        )

    def comparison(self, configuration_file: str) -> Pipeline:
        """Return Compare-VM in its import form."""
        if not self.copies:
            return command("Compare-VM", Register=ON, Path=configuration_file, ErrorAction="Stop")
        return command(
            "Compare-VM",
            Copy=ON,
            Path=configuration_file,
            GenerateNewId=switch(self.generate_new_id),
            VhdDestinationPath=self.vhd_destination_path,
            VhdSourcePath=self.vhd_source_path,
            VirtualMachinePath=self.virtual_machine_path,
            SnapshotFilePath=self.snapshot_file_path,
            SmartPagingFilePath=self.smart_paging_file_path,
            ErrorAction="Stop",
        )


def parse(arguments: Mapping[str, Any]) -> ImportOrder:
    """Return the order of validated arguments; InvalidRequest for what contradicts itself or no host can have."""
    order = ImportOrder(
        path=check_path("path", str(arguments["path"])),
        mode=str(arguments.get("mode") or REGISTER),
        generate_new_id=bool(arguments.get("generate_new_id")),
        switch_map=check_switch_map(arguments.get("switch_map") or {}),
        disconnect_missing_switches=arguments.get("disconnect_missing_switches") is not False,
        eject_iso=bool(arguments.get("eject_iso")),
        limit_processors=bool(arguments.get("limit_processors")),
        remove_saved_state=bool(arguments.get("remove_saved_state")),
        **{name: check_path(name, str(arguments[name])) for name in _FOLDERS if arguments.get(name) is not None},
    )
    return checked(order)


def checked(order: ImportOrder) -> ImportOrder:
    """Return the order, or raise InvalidRequest where its parts contradict each other."""
    if order.mode not in (REGISTER, RESTORE, COPY):
        raise InvalidRequest(f"mode: {order.mode!r} is none of {REGISTER}, {RESTORE}, {COPY}")
    if order.generate_new_id and order.mode != COPY:
        raise InvalidRequest(f"generate_new_id: only mode: {COPY} can give a new Id, not mode: {order.mode}")
    if order.generate_new_id and order.virtual_machine_path is None:
        raise InvalidRequest(
            "generate_new_id: give virtual_machine_path too, a folder of its own, by which a second run knows the copy"
        )
    wrong = [name for name in _ONLY_COPYING if getattr(order, name) is not None and not order.copies]
    if wrong:
        raise InvalidRequest(f"{wrong[0]}: with mode: {REGISTER} the files stay where they are; use mode: {RESTORE}")
    return order


def root_of(configuration_file: str) -> str:
    """Return the folder of a tree: what holds ``Virtual Machines``, or the file's own folder where that is not so."""
    folder = ntpath.dirname(configuration_file)
    return ntpath.dirname(folder) if ntpath.basename(folder).lower() == VIRTUAL_MACHINES else folder
