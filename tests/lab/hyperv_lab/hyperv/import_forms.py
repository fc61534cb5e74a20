# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the import forms of Compare-VM and Import-VM share: what is asked for, and how refusals are written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from . import failures, messages
from .file_tree import plain
from .import_plan import COPY, ImportFailed, ImportRequest
from .migration_errors import detail, job_failed
from .migration_plan import owner_of

if TYPE_CHECKING:
    from ..powershell.commands import ErrorRecord
    from .base import HyperVCmdlet
    from .host import Host

messages.add(
    {
        "import_missing": (
            "Import failed. The virtual machine's configuration file was not found: '{path}'.",
            "Échec de l’importation. Le fichier de configuration de l’ordinateur virtuel est introuvable : « {path} ».",
        ),
        "import_parameter": (
            "A parameter that is not valid was passed to the operation: '{path}'.",
            "Un paramètre non valide a été transmis à l’opération : « {path} ».",
        ),
        "import_unreadable": (
            "Failed to import a virtual machine: the configuration '{path}' cannot be read.",
            "Échec de l’importation d’un ordinateur virtuel : la configuration « {path} » est illisible.",
        ),
        "import_version": (
            "Failed to import a virtual machine. The operation failed with error code '32784'.",
            "Échec de l’importation d’un ordinateur virtuel. L’opération a échoué avec le code d’erreur « 32784 ».",
        ),
        "import_exists": (
            "A virtual machine with the identifier {id} exists already on this computer.",
            "Un ordinateur virtuel ayant l’identificateur {id} existe déjà sur cet ordinateur.",
        ),
        "import_report": (
            "The compatibility report is not valid any more: its virtual machine is gone, or was imported.",
            "Le rapport de compatibilité n’est plus valide : son ordinateur virtuel a disparu, ou a été importé.",
        ),
        "import_incompatible": (
            "Unable to import virtual machine due to configuration errors. Use Compare-VM to repair it. {first}",
            "Impossible d’importer l’ordinateur virtuel : erreurs de configuration. Utilisez Compare-VM. {first}",
        ),
    }
)


def import_request(cmdlet: HyperVCmdlet) -> ImportRequest:
    """Return what the bound parameters of an import form ask for."""
    text = {name: str(cmdlet.given(name) or "").rstrip("\\") for name in _FOLDERS}
    return ImportRequest(
        host=cmdlet.host,
        path=plain(str(cmdlet.given("Path"))),
        mode=COPY if cmdlet.switched("Copy") else "Register",
        owner=owner_of(cmdlet.host, cmdlet.call.session.identity),
        new_id=cmdlet.switched("GenerateNewId"),
        **{field: text[name] for name, field in _FOLDERS.items()},
    )


_FOLDERS = {
    "VhdSourcePath": "vhd_source",
    "VhdDestinationPath": "vhd_destination",
    "VirtualMachinePath": "vm_path",
    "SnapshotFilePath": "snapshot_path",
    "SmartPagingFilePath": "paging_path",
}


def refusal(host: Host, failed: ImportFailed, command_class: str) -> ErrorRecord:
    """Return the error record of an import or comparison that is refused (ids: field errors)."""
    values: dict[str, Any] = {"path": "", "vm": "", **failed.values}
    if isinstance(failed.cause, int):
        return job_failed(host, detail(host.language, failed.cause, **values), command_class)
    record = failures.record(host, failed.cause, command_class=command_class, **values)
    if failed.cause == "import_incompatible" and not host.is_new("2016"):
        # The module of 2012 R2 names the class alone.
        return replace(record, error_id=command_class + "Command", class_name="", category="NotSpecified")
    return record
