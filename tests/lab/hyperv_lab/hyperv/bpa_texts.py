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
