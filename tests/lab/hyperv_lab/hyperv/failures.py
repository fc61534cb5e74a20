# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the model refuses something, and the error record that a cmdlet makes of it.

Ids, categories and exception types are those that hosts showed (recordings of field errors); the texts are our own
words in the host's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..powershell.commands import ErrorRecord
from . import messages

if TYPE_CHECKING:
    from .host import Host
    from .vm import VM

EXCEPTION = ("System.Exception", "System.Object")
VIRTUALIZATION = ("Microsoft.HyperV.PowerShell.VirtualizationException", *EXCEPTION)
OLD_ARGUMENT = ("Microsoft.HyperV.PowerShell.VirtualizationInvalidArgumentException", *EXCEPTION)
OLD_OPERATION = ("Microsoft.HyperV.PowerShell.VirtualizationOperationFailedException", *EXCEPTION)
GENERIC_HRESULT = 0x80131500
"""Exception.HResult is a generic .NET code; the real one stands in the message (facts on Hyper-V, 3.7)."""


@dataclass(frozen=True)
class Kind:
    """A kind of refusal: error id, category, HRESULT of the message."""

    error_id: str
    category: str
    hresult: int | None = None


KINDS: dict[str, Kind] = {
    "authorization": Kind("Unspecified", "NotSpecified"),
    "denied": Kind("AccessDenied", "PermissionDenied"),
    "prompt_impossible": Kind("InvalidOperation", "InvalidOperation"),
    "replication_state": Kind("InvalidOperation", "InvalidOperation"),
    "replication_peer": Kind("OperationFailed", "NotSpecified"),
    "replication_refused": Kind("OperationFailed", "NotSpecified"),
    "entry_unknown": Kind("ObjectNotFound", "ObjectNotFound"),
    "entry_exists": Kind("InvalidParameter", "InvalidArgument"),
    "replication_off": Kind("InvalidOperation", "InvalidOperation"),
    "volume_full": Kind("OperationFailed", "NotSpecified", 0x80070070),
    "remote_refused": Kind("Unspecified", "NotSpecified"),
    "vmms_stopped": Kind("ObjectNotFound", "ObjectNotFound"),
    "vm_name_unknown": Kind("InvalidParameter", "InvalidArgument"),
    "vm_name_missing": Kind("ObjectNotFound", "ObjectNotFound"),
    "vm_id_unknown": Kind("ObjectNotFound", "ObjectNotFound"),
    "invalid_state": Kind("InvalidState", "InvalidOperation"),
    "out_of_memory": Kind("OutOfMemory", "FromStdErr", 0x8007000E),
    "disk_missing": Kind("Unspecified", "NotSpecified", 0x80070002),
    "disk_in_use": Kind("OperationFailed", "NotSpecified", 0x800700AA),
    "disk_damaged": Kind("OperationFailed", "NotSpecified", 0xC03A0014),
    "disk_full": Kind("OperationFailed", "NotSpecified", 0x80070070),
    "saved_state_incompatible": Kind("OperationFailed", "NotSpecified", 0xC0370027),
    "shutdown_unanswered": Kind("OperationFailed", "NotSpecified"),
    "shutdown_asks": Kind("InvalidOperation", "InvalidOperation"),
    "guest_locked": Kind("Unspecified", "NotSpecified"),
    "switch_unknown": Kind("InvalidParameter", "InvalidArgument"),
    "switch_id_unknown": Kind("ObjectNotFound", "ObjectNotFound"),
    "mac_pool_exhausted": Kind("OperationFailed", "NotSpecified", 0x800701E7),
    "adapter_unknown": Kind("ObjectNotFound", "ObjectNotFound"),
    "snapshot_unknown": Kind("ObjectNotFound", "ObjectNotFound"),
    "service_unknown": Kind("InvalidParameter", "InvalidArgument"),
    "drive_unknown": Kind("ObjectNotFound", "ObjectNotFound"),
    "disk_unknown": Kind("InvalidParameter", "InvalidArgument"),
    "disk_unreadable": Kind("OperationFailed", "NotSpecified"),
    "medium_missing": Kind("OperationFailed", "NotSpecified", 0x80070002),
    "medium_denied": Kind("AccessDenied", "PermissionDenied", 0x80070005),
    "disk_written": Kind("ObjectInUse", "ResourceBusy", 0x80070020),
    "file_exists": Kind("OperationFailed", "NotSpecified", 0x80070050),
    "path_missing": Kind("ObjectNotFound", "ObjectNotFound", 0x80070003),
    "parameter": Kind("InvalidParameter", "InvalidArgument"),
    "import_missing": Kind("ObjectNotFound", "ObjectNotFound", 0x80070002),
    "import_parameter": Kind("InvalidParameter", "InvalidArgument"),
    "import_unreadable": Kind("Unspecified", "NotSpecified"),
    "import_version": Kind("Unspecified", "NotSpecified"),
    "import_exists": Kind("OperationFailed", "NotSpecified", 0x80071392),
    "import_report": Kind("InvalidParameter", "InvalidArgument"),
    "import_incompatible": Kind("OperationFailed", "InvalidOperation"),
    "network_unknown": Kind("ObjectNotFound", "ObjectNotFound"),
    "network_exists": Kind("InvalidParameter", "InvalidArgument"),
    "not_supported": Kind("NotSupported", "InvalidOperation"),
    "not_clustered": Kind("InvalidOperation", "InvalidOperation"),
    "checkpoints_disabled": Kind("InvalidOperation", "InvalidOperation"),
    "saved_state_missing": Kind("InvalidOperation", "InvalidOperation"),
}

messages.add(
    {
        "volume_full": (
            "There is not enough space on the disk for '{path}'.",
            "Espace insuffisant sur le disque pour « {path} ».",
        ),
        "replication_off": (
            "Replication is not enabled for the virtual machine '{vm}'.",
            "La réplication n’est pas activée pour l’ordinateur virtuel « {vm} ».",
        ),
        "replication_state": (
            "The operation is not possible for the virtual machine '{vm}' in its replication state ({state}).",
            "L’opération est impossible pour l’ordinateur virtuel « {vm} » dans son état de réplication ({state}).",
        ),
        "replication_peer": (
            "The other end of the replication of '{vm}', '{server}', could not be reached or lacks the copy.",
            "L’autre bout de la réplication de « {vm} », « {server} », est inaccessible ou n’a pas la copie.",
        ),
        "replication_refused": (
            "The server '{server}' does not accept replication of '{vm}' from '{primary}'.",
            "Le serveur « {server} » n’accepte pas la réplication de « {vm} » depuis « {primary} ».",
        ),
        "entry_unknown": (
            "No authorization entry was found for '{name}'.",
            "Aucune entrée d’autorisation n’a été trouvée pour « {name} ».",
        ),
        "entry_exists": (
            "There is an authorization entry for '{name}' already.",
            "Une entrée d’autorisation existe déjà pour « {name} ».",
        ),
        "prompt_impossible": (
            "Windows PowerShell is in NonInteractive mode and cannot ask whether to go on with '{vm}'.",
            "Windows PowerShell est en mode non interactif et ne peut pas demander s’il faut continuer avec « {vm} ».",
        ),
        "remote_refused": (
            "The operation on another computer failed: the credentials of this session do not reach it.",
            "L’opération sur un autre ordinateur a échoué : les informations d’identification n’y parviennent pas.",
        ),
        "vm_name_missing": (
            'Hyper-V was unable to find a virtual machine with name "{name}".',
            "Hyper-V n’a pas trouvé d’ordinateur virtuel nommé « {name} ».",
        ),
        "out_of_memory": (
            "'{vm}' failed to start. Not enough memory in the system to start the virtual machine with {mb} MB.",
            "« {vm} » n’a pas démarré. Mémoire insuffisante pour démarrer l’ordinateur virtuel avec {mb} Mo.",
        ),
        "disk_missing": (
            "'{vm}' failed to start. Attachment '{path}' not found: the system cannot find the file.",
            "« {vm} » n’a pas démarré. Pièce jointe « {path} » introuvable : le fichier spécifié est introuvable.",
        ),
        "disk_in_use": (
            "'{vm}' failed to start. Attachment '{path}' cannot be opened: the requested resource is in use.",
            "« {vm} » n’a pas démarré. Impossible d’ouvrir la pièce jointe « {path} » : la ressource est utilisée.",
        ),
        "disk_damaged": (
            "'{vm}' failed to start. Attachment '{path}' cannot be opened: no support provider was found for the file.",
            "« {vm} » n’a pas démarré. Impossible d’ouvrir la pièce jointe « {path} » : aucun fournisseur trouvé.",
        ),
        "disk_full": (
            "'{vm}': there is not enough space on the disk for '{path}'.",
            "« {vm} » : espace insuffisant sur le disque pour « {path} ».",
        ),
        "saved_state_incompatible": (
            "'{vm}' could not be restored: its saved state does not fit the processors of this computer.",
            "« {vm} » n’a pas pu être restauré : son état ne convient pas aux processeurs de cet ordinateur.",
        ),
        "shutdown_unanswered": (
            "Failed to stop virtual machine '{vm}': the guest did not shut down.",
            "Impossible d’arrêter l’ordinateur virtuel « {vm} » : l’invité ne s’est pas arrêté.",
        ),
        "guest_locked": (
            "'{vm}' can't be shut down: its session is locked; use -Force.",
            "« {vm} » ne peut pas être arrêté : sa session est verrouillée ; utilisez -Force.",
        ),
        "shutdown_asks": (
            "The guest of '{vm}' does not shut down, and Windows PowerShell is in NonInteractive mode: it cannot ask.",
            "L’invité de « {vm} » ne s’arrête pas et Windows PowerShell est en mode non interactif : aucune question.",
        ),
        "switch_unknown": (
            'Hyper-V was unable to find a virtual switch with name "{name}".',
            "Hyper-V n’a pas trouvé de commutateur virtuel nommé « {name} ».",
        ),
        "switch_id_unknown": (
            'Hyper-V was unable to find a virtual switch with ID "{name}".',
            "Hyper-V n’a pas trouvé de commutateur virtuel ayant l’ID « {name} ».",
        ),
        "mac_pool_exhausted": (
            "'{vm}' failed to start. '{name}': no dynamic MAC address is left. Attempt to access invalid address.",
            "« {vm} » n’a pas démarré. « {name} » : aucune adresse MAC dynamique n’est libre (adresse non valide).",
        ),
        "adapter_unknown": (
            'No network adapter "{name}" was found on the virtual machine.',
            "Aucune carte réseau « {name} » n’a été trouvée sur l’ordinateur virtuel.",
        ),
        "snapshot_unknown": (
            'Hyper-V was unable to find a checkpoint with "{name}".',
            "Hyper-V n’a pas trouvé de point de contrôle « {name} ».",
        ),
        "service_unknown": (
            'A parameter is invalid. No integration service "{name}" was found.',
            "Un paramètre n’est pas valide. Aucun service d’intégration « {name} » n’a été trouvé.",
        ),
        "drive_unknown": (
            "No drive was found at the specified place of the virtual machine '{name}'.",
            "Aucun lecteur n’a été trouvé à l’emplacement indiqué de l’ordinateur virtuel « {name} ».",
        ),
        "disk_written": (
            "Failed to get information on the virtual disk '{path}': it is being used by another process.",
            "Impossible de lire les informations du disque virtuel « {path} » : en cours d’utilisation.",
        ),
        "denied": (
            "You do not have the required permission to complete this task on the computer '{host}'.",
            "Vous ne disposez pas de l’autorisation requise pour cette tâche sur l’ordinateur « {host} ».",
        ),
        "disk_unknown": (
            "A parameter is not valid: '{path}' is not an existing virtual hard disk file.",
            "Un paramètre n’est pas valide : « {path} » n’est pas un fichier de disque dur virtuel existant.",
        ),
        "disk_unreadable": (
            "Failed to get information on the virtual disk '{path}': the file is corrupted or no virtual disk.",
            "Impossible de lire les informations du disque virtuel « {path} » : fichier endommagé ou d’un autre type.",
        ),
        "medium_missing": (
            "'{vm}' failed to change the device: attachment '{path}' was not found.",
            "« {vm} » n’a pas pu changer le périphérique : pièce jointe « {path} » introuvable.",
        ),
        "medium_denied": (
            "'{vm}' failed to change the device: the account of the computer may not open '{path}'.",
            "« {vm} » n’a pas pu changer le périphérique : le compte de l’ordinateur n’a pas accès à « {path} ».",
        ),
        "file_exists": ("The file '{path}' exists.", "Le fichier « {path} » existe."),
        "path_missing": (
            "The system cannot find the path '{path}'.",
            "Le chemin d’accès « {path} » est introuvable.",
        ),
        "parameter": (
            "A parameter that is not valid was passed to the operation: {what}.",
            "Un paramètre non valide a été transmis à l’opération : {what}.",
        ),
        "network_unknown": (
            'No migration network "{name}" was found.',
            "Aucun réseau de migration « {name} » n’a été trouvé.",
        ),
        "network_exists": (
            'The migration network "{name}" exists already.',
            "Le réseau de migration « {name} » existe déjà.",
        ),
        "not_supported": (
            "The operation is not supported: {what}.",
            "L’opération n’est pas prise en charge : {what}.",
        ),
        "not_clustered": (
            "The computer '{host}' is not part of a failover cluster.",
            "L’ordinateur « {host} » ne fait pas partie d’un cluster de basculement.",
        ),
        "checkpoints_disabled": (
            "Checkpoints are disabled for the virtual machine '{vm}'.",
            "Les points de contrôle sont désactivés pour l’ordinateur virtuel « {vm} ».",
        ),
        "saved_state_missing": (
            "The virtual machine '{vm}' has no saved state.",
            "L’ordinateur virtuel « {vm} » n’a pas d’état enregistré.",
        ),
    }
)


class Refused(Exception):
    """The model refuses an operation on a machine or host: the kind, and values for its text."""

    def __init__(self, kind: str, vm: VM | None = None, **values: Any) -> None:
        super().__init__(kind)
        self.kind = kind
        self.vm = vm
        self.values = values


def record(host: Host, kind: str, *, command_class: str = "", target: Any = None, **values: Any) -> ErrorRecord:
    """Return the error record of a Hyper-V cmdlet, as the host's edition and language have it."""
    known = KINDS[kind]
    message = messages.text(host.language, kind, host=host.name, **values)
    if known.hresult is not None:
        message += f" (0x{known.hresult:08X})"
    exception, class_name, error_id, category = VIRTUALIZATION, None, known.error_id, known.category
    if host.edition == "2012R2":
        argument = category == "InvalidArgument"
        exception = OLD_ARGUMENT if argument else OLD_OPERATION
        class_name = command_class + "Command" if command_class else None
        if kind == "vm_id_unknown":
            error_id, category = "Unspecified", "NotSpecified"
    return ErrorRecord(
        error_id=error_id,
        category=category,
        message=message,
        exception=exception,
        hresult=GENERIC_HRESULT,
        properties={"ErrorIdentifier": error_id, "ErrorCategory": category, "IsModuleException": True},
        target=target,
        class_name=class_name,
    )


def of(host: Host, refused: Refused, command_class: str = "") -> ErrorRecord:
    """Return the error record of a refusal."""
    values = dict(refused.values)
    if refused.vm is not None:
        values.update(vm=refused.vm.name, id=refused.vm.id)
    return record(host, refused.kind, command_class=command_class, **values)
