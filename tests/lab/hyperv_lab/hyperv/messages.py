# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in the languages of hosts. Only ids and codes are the same everywhere; these differ, as on real hosts."""

from __future__ import annotations

from typing import Any

ENGLISH, FRENCH = "en", "fr"

_TEXTS: dict[str, tuple[str, str]] = {
    "device_processor": ("Processor", "Processeur"),
    "device_memory": ("Memory", "Mémoire"),
    "hard_drive_short": ("Hard Drive", "Disque dur"),
    "dvd_drive_short": ("DVD Drive", "Lecteur de DVD"),
    "hard_drive_place": (
        "Hard Drive on {type} controller number {number} at location {location}",
        "Disque dur sur le contrôleur {type} numéro {number} à l’emplacement {location}",
    ),
    "dvd_drive_place": (
        "DVD Drive on {type} controller number {number} at location {location}",
        "Lecteur de DVD sur le contrôleur {type} numéro {number} à l’emplacement {location}",
    ),
    "service_guest": ("Guest Service Interface", "Interface de services d’invité"),
    "service_heartbeat": ("Heartbeat", "Pulsation"),
    "service_kvp": ("Key-Value Pair Exchange", "Échange de paires clé-valeur"),
    "service_shutdown": ("Shutdown", "Arrêt"),
    "service_time": ("Time Synchronization", "Synchronisation date/heure"),
    "service_vss": ("VSS", "VSS"),
    "status_component_ok": ("OK", "OK"),
    "status_no_contact": ("No Contact", "Aucun contact"),
    "status_protection_disabled": (
        "Host resource protection is disabled.",
        "La protection des ressources de l’hôte est désactivée.",
    ),
    "status_normal": ("Operating normally", "Fonctionnement normal"),
    "status_in_service": ("In service", "En service"),
    "status_CreatingSnapshot": ("Creating checkpoint", "Création d’un point de contrôle"),
    "status_ApplyingSnapshot": ("Applying checkpoint", "Application d’un point de contrôle"),
    "status_DeletingSnapshot": ("Deleting checkpoint", "Suppression d’un point de contrôle"),
    "status_MergingDisks": ("Merging disks", "Fusion des disques"),
    "status_ExportingVirtualMachine": ("Exporting virtual machine", "Exportation de l’ordinateur virtuel"),
    "status_MigratingVirtualMachine": ("Migrating virtual machine", "Migration de l’ordinateur virtuel"),
    "status_MigratingPlannedVm": ("Migrating virtual machine", "Migration de l’ordinateur virtuel"),
    "status_BackingUpVirtualMachine": ("Backing up", "Sauvegarde en cours"),
    "status_StorageMigrationPhaseOne": ("Migrating virtual machine storage", "Migration du stockage"),
    "status_StorageMigrationPhaseTwo": ("Migrating virtual machine storage", "Migration du stockage"),
    "status_CheckingCompatibility": ("Checking compatibility", "Vérification de la compatibilité"),
    "authorization": (
        (
            "You do not have the required permission to complete this task. Contact the administrator of the "
            "authorization policy for the computer '{host}'."
        ),
        (
            "Vous ne disposez pas de l’autorisation requise pour effectuer cette tâche. Contactez l’administrateur "
            "de la stratégie d’autorisation de l’ordinateur « {host} »."
        ),
    ),
    "vmms_stopped": (
        "The Virtual Machine Management service on computer '{host}' could not be reached: an object was not found.",
        "Le service de gestion des ordinateurs virtuels de « {host} » est inaccessible : objet introuvable.",
    ),
    "vm_name_unknown": (
        'Hyper-V was unable to find a virtual machine with name "{name}".',
        "Hyper-V n’a pas trouvé d’ordinateur virtuel nommé « {name} ».",
    ),
    "vm_id_unknown": (
        'Hyper-V was unable to find a virtual machine with ID "{name}".',
        "Hyper-V n’a pas trouvé d’ordinateur virtuel ayant l’ID « {name} ».",
    ),
    "invalid_state": (
        (
            "The operation cannot be performed while the virtual machine '{vm}' is in its current state. "
            "(Virtual machine ID {id})"
        ),
        (
            "L’opération ne peut pas être effectuée tant que l’ordinateur virtuel « {vm} » est dans son état actuel. "
            "(ID d’ordinateur virtuel {id})"
        ),
    ),
}


def add(texts: dict[str, tuple[str, str]]) -> None:
    """Add texts of another file: key -> (English, French). A key that is taken is a mistake of the programmer."""
    taken = texts.keys() & _TEXTS.keys()
    if taken:
        raise ValueError(f"texts defined twice: {sorted(taken)}")
    _TEXTS.update(texts)


def text(language: str, key: str, **values: Any) -> str:
    """Return a text in a host's language; raise KeyError for an unknown key."""
    english, french = _TEXTS[key]
    chosen = french if language == FRENCH else english
    return chosen.format(**values) if values else chosen
