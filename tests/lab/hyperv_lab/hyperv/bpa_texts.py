# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of the analyzer's results in the languages of hosts: for people, never to decide on."""

from __future__ import annotations

from dataclasses import dataclass

from .messages import FRENCH

_WORDS = {
    "Error": "Erreur",
    "Warning": "Avertissement",
    "Information": "Informations",
    "Configuration": "Configuration",
    "Operations": "Opérations",
    "Prerequisites": "Conditions préalables",
}
_FRENCH_TITLES = {
    "The-Hyper-V-Virtual-Machine-Management-service-must-be-running": "Le service de gestion doit être démarré",
    "The-Hyper-V-Virtual-Machine-Management-service-should-be-configured-to-start": (
        "Le service de gestion doit démarrer automatiquement"
    ),
    "Domain-membership-is-recommended-for-servers-running-Hyper-V": "L’appartenance à un domaine est recommandée",
    "Avoid-pausing-a-virtual-machine": "Évitez de suspendre un ordinateur virtuel",
    "Offer-all-available-integration-services-to-virtual-machines": "Proposez tous les services d’intégration",
    "Compression-is-recommended-for-replication-traffic": "La compression de la réplication est recommandée",
    "Certificate-based-authentication-is-recommended-for-replication": (
        "L’authentification par certificat est recommandée pour la réplication"
    ),
    "Replication-is-paused-for-one-or-more-virtual-machines-on-this-server": "La réplication est suspendue",
    "Configure-the-server-with-a-sufficient-amount-of-dynamic-MAC-addresses": (
        "Prévoyez assez d’adresses MAC dynamiques"
    ),
    "Enable-all-integration-services-in-virtual-machines": "Activez tous les services d’intégration",
    "A-Replica-server-must-be-configured-to-accept-replication-requests": (
        "Le serveur de réplication doit accepter les demandes"
    ),
    "Replica-servers-should-be-configured-to-identify-specific-primary-servers": (
        "Nommez les serveurs principaux qui peuvent répliquer"
    ),
    "Integration-services-must-be-installed-before-primary-or-Replica-virtual-machine": (
        "Les services d’intégration doivent être installés avant l’usage d’une autre adresse IP"
    ),
    "Authorization-entries-should-have-distinct-trust-group-names-for-primary-servers": (
        "Donnez des groupes d’approbation distincts aux serveurs principaux"
    ),
    "Configure-a-policy-to-throttle-the-replication-traffic-on-the-network": "Limitez le trafic de réplication",
    "Configure-the-Failover-TCPIP-settings-that-you-want-the-Replica-virtual-machine": (
        "Configurez les paramètres TCP/IP de basculement"
    ),
    "Resynchronization-of-replication-should-be-scheduled-for-off-peak-hours": (
        "Planifiez la resynchronisation aux heures creuses"
    ),
    "Certificate-based-authentication-configured-but-certificate-not-installed": (
        "Le certificat configuré n’est pas installé"
    ),
    "Test-failover-should-be-attempted-after-initial-replication-is-complete": (
        "Testez le basculement après la réplication initiale"
    ),
    "Test-failovers-should-be-carried-out-at-least-monthly-to-verify-that-failover": (
        "Testez le basculement chaque mois"
    ),
    "Recovery-snapshots-should-be-removed-after-failover": "Supprimez les points de récupération après un basculement",
    "At-least-one-network-for-live-migration-traffic-should-have-a-link-speed-at-least": (
        "Au moins un réseau de migration doit atteindre 1 Gbit/s"
    ),
    "All-networks-for-live-migration-traffic-should-have-a-link-speed-of-at-least-1-G": (
        "Tous les réseaux de migration doivent atteindre 1 Gbit/s"
    ),
    "More-than-one-network-adapter-should-be-available": "Plusieurs cartes réseau doivent être disponibles",
    "Ensure-that-all-mandatory-virtual-switch-extensions-are-available": (
        "Les extensions obligatoires des commutateurs doivent être disponibles"
    ),
    "Avoid-using-checkpoints-on-a-virtual-machine-server-workload-production": (
        "Évitez les points de contrôle en production"
    ),
}


@dataclass(frozen=True, kw_only=True)
class BpaTexts:
    """What a result says in words."""

    severity: str
    category: str
    title: str
    problem: str
    impact: str
    resolution: str


def describe(language: str, slug: str, severity: str, category: str, subject: str) -> BpaTexts:
    """Return the texts of a result; without a subject the rule holds, and there is nothing to say but its title."""
    french = language == FRENCH
    title = _FRENCH_TITLES[slug] if french else slug.replace("-", " ")
    problem = impact = resolution = ""
    if subject:
        problem = "La règle n’est pas respectée." if french else "The rule is not followed."
        impact = f"Concerne : {subject}" if french else f"Affects: {subject}"
        resolution = "Consultez l’aide de la règle." if french else "See the rule's page."
    return BpaTexts(
        severity=_WORDS[severity] if french else severity,
        category=_WORDS[category] if french else category,
        title=title,
        problem=problem,
        impact=impact,
        resolution=resolution,
    )
