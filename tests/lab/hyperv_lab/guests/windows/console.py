# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the system programs of Windows machines share: results, languages, a loud refusal of what isn't played."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...hyperv import accounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...world import Identity
    from .state import WindowsMachine

Result = tuple[int, bytes, bytes]
NOT_PLAYED = 250
"""Exit code of a program that is asked for what the lab doesn't play."""


def ok(text: str = "", code: int = 0) -> Result:
    """Return a result with output."""
    return code, text.encode(), b""


def failed(text: str, code: int = 1) -> Result:
    """Return a result with error output."""
    return code, b"", text.encode()


def not_played(program: str, arguments: Sequence[str]) -> Result:
    """Return the refusal of what the lab doesn't know of a program."""
    return failed(f"hyperv_lab: not played: {program} {' '.join(arguments)}\r\n", NOT_PLAYED)


def lines(*texts: str) -> str:
    """Return lines with the ends that console programs write."""
    return "".join(f"{text}\r\n" for text in texts)


def say(machine: WindowsMachine, english: str, french: str) -> str:
    """Return the text in the machine's language."""
    return french if machine.french else english


def is_administrator(identity: Identity) -> bool:
    """Return whether the caller may change the machine."""
    return accounts.ADMINISTRATORS in identity.groups


def completed(machine: WindowsMachine) -> str:
    """Return what net says at a good end."""
    return say(machine, "The command completed successfully.", "La commande s’est terminée correctement.") + "\r\n\r\n"
