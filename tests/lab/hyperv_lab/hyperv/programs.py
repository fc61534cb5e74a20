# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Native programs of a host: whoami.exe and klist.exe."""

from __future__ import annotations

import csv
import io
import ntpath
import shlex
from typing import TYPE_CHECKING

from . import accounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..world import Identity
    from .host import Host

_GROUPS: dict[str, tuple[str, str, tuple[str, str]]] = {
    "S-1-1-0": ("Everyone", "Tout le monde", ("Well-known group", "Groupe bien connu")),
    "S-1-5-2": ("NT AUTHORITY\\NETWORK", "AUTORITE NT\\RESEAU", ("Well-known group", "Groupe bien connu")),
    "S-1-5-11": (
        "NT AUTHORITY\\Authenticated Users",
        "AUTORITE NT\\Utilisateurs authentifiés",
        ("Well-known group", "Groupe bien connu"),
    ),
    "S-1-16-12288": (
        "Mandatory Label\\High Mandatory Level",
        "Étiquette obligatoire\\Niveau obligatoire élevé",
        ("Label", "Étiquette"),
    ),
    "S-1-16-8192": (
        "Mandatory Label\\Medium Mandatory Level",
        "Étiquette obligatoire\\Niveau obligatoire moyen",
        ("Label", "Étiquette"),
    ),
}
_HEADERS = (
    ("Group Name", "Type", "SID", "Attributes"),
    ("Nom du groupe", "Type", "SID", "Attributs"),
)
_ATTRIBUTES = (
    "Mandatory group, Enabled by default, Enabled group",
    "Groupe obligatoire, Activé par défaut, Groupe activé",
)
_ALIAS, _GROUP = ("Alias", "Alias"), ("Group", "Groupe")


def run(host: Host, identity: Identity, program: str, arguments: Sequence[str]) -> tuple[int, str, str] | None:
    """Run a program; return exit code, output and error output, or None where the host has no such program."""
    name = ntpath.basename(program).lower().removesuffix(".exe")
    folder = ntpath.dirname(program).lower()
    if folder not in ("", "c:\\windows\\system32"):
        return None
    if name == "whoami":
        return _whoami(host, identity, [argument.lower() for argument in arguments])
    if name == "klist":
        return _klist(host, identity, [argument.lower() for argument in arguments])
    return None


def run_line(
    host: Host, identity: Identity, command_line: str, _environment: Mapping[str, str]
) -> tuple[int, bytes, bytes]:
    """Run a command line (WinRS); output comes in the code page of a console, here UTF-8."""
    try:
        words = [word.strip('"') for word in shlex.split(command_line, posix=False)]
    except ValueError:
        words = command_line.split()
    result = run(host, identity, words[0], words[1:]) if words else None
    if result is None:
        name = words[0] if words else ""
        english = (
            f"'{name}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
        )
        french = f"'{name}' n’est pas reconnu en tant que commande interne\r\nou externe, un programme exécutable.\r\n"
        return 1, b"", (french if host.language == "fr" else english).encode()
    code, out, err = result
    return code, out.encode(), err.encode()


def _whoami(host: Host, identity: Identity, arguments: list[str]) -> tuple[int, str, str]:
    account = identity.account
    if not arguments:
        return 0, f"{(account.domain or host.name).lower()}\\{account.username.lower()}\r\n", ""
    if "/groups" not in arguments or set(arguments) - {"/groups", "/fo", "csv", "/nh"} or "csv" not in arguments:
        return 1, "", "ERROR: Invalid argument/option.\r\n"
    french = host.language == "fr"
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    if "/nh" not in arguments:
        writer.writerow(_HEADERS[french])
    for sid in identity.groups:
        name, kind = _named(host, sid)
        writer.writerow([name, kind[french], sid, "" if sid.startswith("S-1-16") else _ATTRIBUTES[french]])
    return 0, text.getvalue(), ""


def _named(host: Host, sid: str) -> tuple[str, tuple[str, str]]:
    french = host.language == "fr"
    if sid in _GROUPS:
        english, local, kind = _GROUPS[sid]
        return (local if french else english), kind
    names = accounts.FRENCH_GROUPS if french else accounts.LOCAL_GROUPS
    for name, known in names.items():
        if known == sid:
            return f"BUILTIN\\{name}", _ALIAS
    return accounts.describe(host, sid)[0], _GROUP


def _klist(host: Host, identity: Identity, arguments: list[str]) -> tuple[int, str, str]:
    """List no tickets; ``purge -li 0x3e7`` makes the directory's view of this host fresh (facts on Hyper-V, 1.6)."""
    if "purge" in arguments and "-li" in arguments:
        if accounts.ADMINISTRATORS not in identity.groups:
            return 1, "", "Error calling API LsaCallAuthenticationPackage: 0x80070005\r\n"
        if "0x3e7" in arguments:
            with host.fleet.lock:
                for listener in host.fleet.purge_hooks:
                    listener(host)
        return 0, "\r\nCurrent LogonId is 0:0x3e7\r\n\tDeleting all tickets:\r\n\tTicket(s) purged!\r\n", ""
    return 0, "\r\nCurrent LogonId is 0:0x3e7\r\n\r\nCached Tickets: (0)\r\n", ""
