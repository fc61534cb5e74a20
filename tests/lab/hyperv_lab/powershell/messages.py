# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own messages, in the languages of the lab. Nobody may classify on them; that is why there are two."""

from __future__ import annotations

_TEXTS: dict[str, tuple[str, str]] = {
    "binding": (
        "The parameters of {command} cannot be bound ({error}: {name}).",
        "Impossible de lier les paramètres de {command} ({error} : {name}).",
    ),
    "input": (
        "The input object cannot be bound to any parameters of {command} ({error}).",
        "L'objet d'entrée ne peut être lié à aucun paramètre de {command} ({error}).",
    ),
    "unknown": (
        "The term '{name}' is not recognized as the name of a command.",
        "Le terme « {name} » n'est pas reconnu comme nom de commande.",
    ),
    "script": (
        "The syntax is not supported by this runspace, which runs commands and no script.",
        "Cette instance d'exécution ne prend pas en charge cette syntaxe : des commandes, pas de script.",
    ),
    "variable": (
        "A variable cannot be referenced here.",
        "Une variable ne peut pas être référencée ici.",
    ),
}


def text(language: str, key: str, **values: object) -> str:
    """Return a message in "en" or "fr"."""
    return _TEXTS[key][1 if language == "fr" else 0].format(**values)
