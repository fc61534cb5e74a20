# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a move fails: HRESULTs with their texts in the host's language, and the error records made of them.

No printed error record of Move-VM is known. Class MoveVM follows the rule of the module, OperationFailed and
NotSpecified what other job based cmdlets print when a job fails with an HRESULT (notes on field errors).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..powershell.commands import ErrorRecord
from . import messages
from .failures import GENERIC_HRESULT, OLD_OPERATION, VIRTUALIZATION

if TYPE_CHECKING:
    from .host import Host
    from .vm import VM

NO_CREDENTIALS = 0x8009030E
WRONG_PRINCIPAL = 0x80090322
ACCESS_DENIED = 0x80070005
TIMED_OUT = 0x8007274C
REFUSED = 0x8007274D
RESET = 0x80072746
HOST_UNKNOWN = 0x80072AF9
NO_RESOURCES = 0x800705AA
DISK_FULL = 0x80070070
BUSY = 0x800700AA
CANCELLED = 0x800704C7
OBJECT_EXISTS = 0x80071392
FILE_EXISTS = 0x80070050
FILE_MISSING = 0x80070002
INVALID_NAME = 0x8007007B
NETNAME_DELETED = 0x80070040
PATH_MISSING = 0x80070003
LOGON_FAILURE = 0x8007052E
INVALID_ARGUMENT = 0x80070057
SHARING_VIOLATION = 0x80070020

SOURCE, DESTINATION = "source", "destination"

_CONNECT = (
    (
        "The Virtual Machine Management Service failed to establish a connection for a Virtual Machine "
        "migration with host "
        "'{peer}': "
    ),
    (
        "Le service de gestion d’ordinateurs virtuels n’a pas pu établir de connexion pour une migration "
        "d’ordinateur virtuel "
        "avec l’hôte « {peer} » : "
    ),
)
_SEND = (
    "The Virtual Machine Management Service failed to send data for a Virtual Machine migration: ",
    "Le service de gestion d’ordinateurs virtuels n’a pas pu envoyer de données pour une migration : ",
)
_RECEIVE = (
    "The Virtual Machine Management Service failed to receive data for a Virtual Machine migration: ",
    "Le service de gestion d’ordinateurs virtuels n’a pas pu recevoir de données pour une migration : ",
)


def _after(lead: tuple[str, str], english: str, french: str) -> tuple[str, str]:
    return lead[0] + english, lead[1] + french


TEXTS: dict[int, tuple[str, str]] = {
    NO_CREDENTIALS: _after(
        _CONNECT,
        "No credentials are available in the security package",
        "Aucune information d’identification n’est disponible dans le package de sécurité",
    ),
    0x8009030D: _after(
        _CONNECT,
        "The credentials supplied to the package were not recognized",
        "Les informations d’identification fournies au package n’ont pas été reconnues",
    ),
    WRONG_PRINCIPAL: _after(
        _CONNECT, "The target principal name is incorrect", "Le nom principal de la cible est incorrect"
    ),
    ACCESS_DENIED: ("General access denied error", "Erreur générale d’accès refusé"),
    TIMED_OUT: _after(
        _CONNECT,
        "A connection attempt failed because the connected party did not properly respond after a period of time",
        "Une tentative de connexion a échoué car le parti connecté n’a pas répondu convenablement",
    ),
    REFUSED: _after(
        _CONNECT,
        "No connection could be made because the target machine actively refused it",
        "Aucune connexion n’a pu être établie car l’ordinateur cible l’a expressément refusée",
    ),
    RESET: _after(
        _SEND,
        "An existing connection was forcibly closed by the remote host",
        "Une connexion existante a dû être fermée par l’hôte distant",
    ),
    0x8007271D: _after(
        _CONNECT,
        "An attempt was made to access a socket in a way forbidden by its access permissions",
        "Une tentative d’accès à un socket de manière interdite par ses autorisations d’accès a été tentée",
    ),
    0x800705B4: _after(
        _RECEIVE,
        "This operation returned because the timeout period expired",
        "Cette opération s’est terminée car le délai d’attente a expiré",
    ),
    HOST_UNKNOWN: _after(_CONNECT, "No such host is known", "Hôte inconnu"),
    NO_RESOURCES: (
        "Failed to create partition: Insufficient system resources exist to complete the requested service",
        "Échec de création de la partition : Ressources système insuffisantes pour terminer le service demandé",
    ),
    0x8007000E: (
        "'{vm}' could not initialize memory: Ran out of memory",
        "« {vm} » n’a pas pu initialiser la mémoire : Mémoire insuffisante",
    ),
    DISK_FULL: ("There is not enough space on the disk", "Espace insuffisant sur le disque"),
    BUSY: (
        "A migration of the virtual machine '{vm}' is already in progress: The requested resource is in use",
        (
            "Une migration de l’ordinateur virtuel « {vm} » est déjà en cours : La ressource demandée est en cours "
            "d’utilisation"
        ),
    ),
    SHARING_VIOLATION: (
        "'{path}': The process cannot access the file because it is being used by another process",
        "« {path} » : Le processus ne peut pas accéder au fichier car ce fichier est utilisé par un autre processus",
    ),
    CANCELLED: ("The operation was canceled by the user", "L’opération a été annulée par l’utilisateur"),
    OBJECT_EXISTS: (
        "Failed to create Planned Virtual Machine at migration destination: The object already exists",
        "Impossible de créer l’ordinateur virtuel planifié à la destination de la migration : L’objet existe déjà",
    ),
    0x80070569: (
        (
            "Failed to create Planned Virtual Machine at migration destination: Logon failure: the user has not "
            "been granted "
            "the requested logon type at this computer"
        ),
        (
            "Impossible de créer l’ordinateur virtuel planifié à la destination de la migration : Échec "
            "d’ouverture de session : "
            "l’utilisateur ne bénéficie pas du type d’ouverture de session demandé"
        ),
    ),
    0x80070534: (
        "No mapping between account names and security IDs was done",
        "Le mappage entre les noms de compte et les ID de sécurité n’a pas été effectué",
    ),
    FILE_MISSING: ("The system cannot find the file specified", "Le fichier spécifié est introuvable"),
    INVALID_NAME: (
        "The filename, directory name, or volume label syntax is incorrect",
        "La syntaxe du nom de fichier, de répertoire ou de volume est incorrecte",
    ),
    NETNAME_DELETED: (
        "The specified network name is no longer available",
        "Le nom réseau spécifié n’est plus disponible",
    ),
    0x80070035: ("The network path was not found", "Le chemin réseau n’a pas été trouvé"),
    0x80070043: ("The network name cannot be found", "Le nom de réseau est introuvable"),
    FILE_EXISTS: ("The file '{path}' exists", "Le fichier « {path} » existe"),
    PATH_MISSING: (
        "The system cannot find the path specified: '{path}'",
        "Le chemin d’accès spécifié est introuvable : « {path} »",
    ),
    LOGON_FAILURE: (
        "The user name or password is incorrect",
        "Le nom d’utilisateur ou le mot de passe est incorrect",
    ),
    INVALID_ARGUMENT: ("One or more arguments are invalid", "Un ou plusieurs arguments ne sont pas valides"),
    0xC0370027: (
        "The saved state file could not be read",
        "Le fichier d’état enregistré n’a pas pu être lu",
    ),
}
_OTHER = ("The operation failed", "L’opération a échoué")

messages.add(
    {
        "move_head_source": (
            (
                "Virtual machine migration operation for '{vm}' failed at migration source '{host}'. "
                "(Virtual machine ID {id})"
            ),
            (
                "Échec de l’opération de migration de machine virtuelle « {vm} » à la source de la migration « "
                "{host} ». "
                "(ID d’ordinateur virtuel {id})"
            ),
        ),
        "move_head_destination": (
            (
                "Virtual machine migration operation for '{vm}' failed at migration destination '{host}'. "
                "(Virtual machine ID {id})"
            ),
            (
                "Échec de l’opération de migration de machine virtuelle « {vm} » à la destination de la "
                "migration « {host} ». "
                "(ID d’ordinateur virtuel {id})"
            ),
        ),
        "move_slots": (
            (
                'Failed to perform migration on virtual machine "{vm}" because virtual machine migration limit '
                '"{limit}" '
                "was reached, please wait for completion of an ongoing migration operation."
            ),
            (
                "Impossible d’effectuer la migration de l’ordinateur virtuel « {vm} », car la limite « {limit} » "
                "de migrations d’ordinateurs virtuels est atteinte. Attendez la fin d’une migration en cours."
            ),
        ),
        "move_storage_slots": (
            (
                'Failed to perform migration on virtual machine "{vm}" because storage migration limit "{limit}" '
                "was reached, please wait for completion of an ongoing migration operation."
            ),
            (
                "Impossible d’effectuer la migration de l’ordinateur virtuel « {vm} », car la limite « {limit} » "
                "de migrations de stockage est atteinte. Attendez la fin d’une migration en cours."
            ),
        ),
        "move_not_enabled": (
            "Virtual machine migration is not enabled on the computer '{host}'. Use Enable-VMMigration to enable it.",
            (
                "La migration d’ordinateurs virtuels n’est pas activée sur l’ordinateur « {host} ». Utilisez "
                "Enable-VMMigration "
                "pour l’activer."
            ),
        ),
        "move_state": (
            "The virtual machine is not in a valid state to perform the operation.",
            "L’ordinateur virtuel n’est pas dans un état valide pour effectuer l’opération.",
        ),
        "move_same_host": (
            "The destination computer '{peer}' is the computer that the virtual machine '{vm}' is on.",
            "L’ordinateur de destination « {peer} » est celui sur lequel se trouve l’ordinateur virtuel « {vm} ».",
        ),
        "move_incompatible": (
            "The virtual machine cannot be moved to the destination computer. {first}",
            "Impossible de déplacer l’ordinateur virtuel vers l’ordinateur de destination. {first}",
        ),
        "move_clustered": (
            (
                "The virtual machine '{vm}' is part of a cluster: remove the cluster role before it moves to "
                "another computer."
            ),
            "L’ordinateur virtuel « {vm} » fait partie d’un cluster : supprimez le rôle avant de le déplacer.",
        ),
        "move_vhds": (
            "A parameter that is not valid was passed to the operation: Vhds: {what}.",
            "Un paramètre non valide a été transmis à l’opération : Vhds : {what}.",
        ),
        "move_report": (
            (
                "The compatibility report is not valid any more: its virtual machine is gone or was moved, or "
                "the Virtual "
                "Machine Management service was restarted."
            ),
            (
                "Le rapport de compatibilité n’est plus valide : son ordinateur virtuel a disparu ou a été "
                "déplacé, ou le "
                "service de gestion d’ordinateurs virtuels a été redémarré."
            ),
        ),
    }
)
_CATEGORIES = {
    "move_not_enabled": ("InvalidOperation", "InvalidOperation"),
    "move_state": ("InvalidState", "InvalidOperation"),
    "move_same_host": ("InvalidParameter", "InvalidArgument"),
    "move_vhds": ("InvalidParameter", "InvalidArgument"),
    "move_incompatible": ("OperationFailed", "InvalidOperation"),
    "move_report": ("InvalidParameter", "InvalidArgument"),
}
"""Key of a text -> error id and category, where they aren't those of a failed job."""


class MoveFailed(Exception):
    """A move that doesn't take place or breaks off: an HRESULT of the table, or the key of a text without one."""

    def __init__(self, cause: int | str, *, at: str = SOURCE, **values: Any) -> None:
        super().__init__(f"0x{cause:08X}" if isinstance(cause, int) else cause)
        self.cause = cause
        self.at = at
        self.values = values


def detail(language: str, code: int, **values: Any) -> str:
    """Return the text of an HRESULT with the code in parentheses, as it ends messages of the module."""
    english, french = TEXTS.get(code, _OTHER)
    chosen = french if language == messages.FRENCH else english
    return f"{chosen.format(**values)} (0x{code:08X})."


def message(host: Host, failed: MoveFailed, vm: VM, destination: str) -> str:
    """Return the message of a failure in the source host's language."""
    values = {"vm": vm.name, "id": str(vm.id).upper(), "peer": destination, "host": host.name, "path": ""}
    values.update(failed.values)
    if isinstance(failed.cause, str):
        return messages.text(host.language, failed.cause, **values)
    at = {"host": host.name if failed.at == SOURCE else destination}
    head = messages.text(host.language, "move_head_" + failed.at, **(values | at))
    return f"{head}\n\n{detail(host.language, failed.cause, **values)}"


def record(host: Host, failed: MoveFailed, text: str, command_class: str, target: Any = None) -> ErrorRecord:
    """Return the error record of a failed move or comparison."""
    error_id, category = "OperationFailed", "NotSpecified"
    if isinstance(failed.cause, str):
        error_id, category = _CATEGORIES.get(failed.cause, (error_id, category))
    elif failed.cause == ACCESS_DENIED:
        error_id, category = "AccessDenied", "PermissionDenied"
    return job_failed(host, text, command_class, error_id=error_id, category=category, target=target)


def job_failed(
    host: Host,
    text: str,
    command_class: str,
    *,
    error_id: str = "OperationFailed",
    category: str = "NotSpecified",
    target: Any = None,
) -> ErrorRecord:
    """Return the error record of a cmdlet whose job failed (field errors: Export-VM has these ids, too)."""
    old = host.edition == "2012R2"
    return ErrorRecord(
        error_id=error_id,
        category=category,
        message=text,
        exception=OLD_OPERATION if old else VIRTUALIZATION,
        hresult=GENERIC_HRESULT,
        properties={"ErrorIdentifier": error_id, "ErrorCategory": category, "IsModuleException": True},
        target=target,
        class_name=command_class + "Command" if old else None,
    )
