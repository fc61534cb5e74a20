# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small system programs: vssadmin, ipconfig, netstat, ping, nslookup, hostname, shutdown, tasklist."""

from __future__ import annotations

import ntpath
import threading
from typing import TYPE_CHECKING, Any

from .console import Result, failed, is_administrator, lines, not_played, ok, say
from .programs_netsh import dynamic_ports
from .smb import resolve
from .vendor import PROVIDERS_KEY, pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...world import Identity
    from .state import WindowsMachine

SYSTEM_PROVIDER = ("Microsoft Software Shadow Copy provider 1.0", "{b5946137-7b9f-4925-af80-51abd60b20d5}")
WRITERS = (
    ("Task Scheduler Writer", "{d61d61c8-d73a-4eee-8cdd-f6f9786b7124}"),
    ("VSS Metadata Store Writer", "{75dfb225-e2e4-4d39-9ac9-ffaff65ddf06}"),
    ("System Writer", "{e8132975-6f93-4464-a53e-1050253ae220}"),
    ("WMI Writer", "{a6ad56c2-b509-4e6c-bb19-49d8f43532f0}"),
    ("COM+ REGDB Writer", "{542da469-d3e1-473c-9f4f-7847f01fc64f}"),
)
FAILED_WRITERS = "failed_writers"
"""Key of the machine's notes: names of writers that timed out."""
_LISTENING = (135, 139, 445, 5985, 49664)
_GOES_SOON = 0.3
"""Seconds of the wall clock before a restart, so that the answer to who asked for it gets away."""


def vssadmin(machine: WindowsMachine, identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """List providers or writers; names of the kinds are localised, ids and state numbers aren't."""
    words = [word.lower() for word in arguments]
    if words not in (["list", "providers"], ["list", "writers"]):
        return not_played("vssadmin", arguments)
    english = "vssadmin 1.1 - Volume Shadow Copy Service administrative command-line tool"
    french = "vssadmin 1.1 - Outil ligne de commande d’administration du service de cliché instantané de volume"
    head = lines(say(machine, english, french), "(C) Copyright Microsoft Corp.", "")
    service = machine.services.get("vss")
    if not is_administrator(identity):
        return ok(
            head + lines(say(machine, "Error: You don't have the correct permissions.", "Erreur : autorisations.")), 2
        )
    if service is None or service.start == "Disabled":
        return ok(head + lines(say(machine, "Error: Unexpected failure.", "Erreur : échec inattendu.")), 2)
    return ok(head + (_providers(machine) if words[1] == "providers" else _writers(machine)))


def _providers(machine: WindowsMachine) -> str:
    found = [(*SYSTEM_PROVIDER, "1.0.0.7", ("System", "Système"))]
    for key in machine.registry.keys(PROVIDERS_KEY):
        path = f"{PROVIDERS_KEY}\\{key}"
        name, version = machine.registry.data(path, "", key), machine.registry.data(path, "Version", "")
        found.append((str(name), key.lower(), str(version), ("Software", "Logiciel")))
    text = ""
    for name, identifier, version, kind in found:
        text += lines(
            f"{say(machine, 'Provider name', 'Nom du fournisseur')}: '{name}'",
            f"   {say(machine, 'Provider type', 'Type de fournisseur')}: {say(machine, *kind)}",
            f"   {say(machine, 'Provider Id', 'ID du fournisseur')}: {identifier}",
            f"   {say(machine, 'Version', 'Version')}: {version}",
            "",
        )
    return text


def _writers(machine: WindowsMachine) -> str:
    text = ""
    for name, identifier in WRITERS:
        bad = name in machine.notes.get(FAILED_WRITERS, ())
        state = ("[8] Failed", "[8] Échec") if bad else ("[1] Stable", "[1] Stable")
        last = ("Timed out", "Délai dépassé") if bad else ("No error", "Aucune erreur")
        text += lines(
            f"{say(machine, 'Writer name', 'Nom du rédacteur')}: '{name}'",
            f"   {say(machine, 'Writer Id', 'ID du rédacteur')}: {identifier}",
            f"   {say(machine, 'State', 'État')}: {say(machine, *state)}",
            f"   {say(machine, 'Last error', 'Dernière erreur')}: {say(machine, *last)}",
            "",
        )
    return text


def hostname(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Print the computer's name."""
    return not_played("hostname", arguments) if arguments else ok(lines(machine.name))


def ipconfig(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Print the addresses."""
    if [word.lower() for word in arguments] not in ([], ["/all"]):
        return not_played("ipconfig", arguments)
    text = lines("", say(machine, "Windows IP Configuration", "Configuration IP de Windows"), "", "")
    text += lines(say(machine, "Ethernet adapter Ethernet0:", "Carte Ethernet Ethernet0 :"), "")
    for address in machine.network.addresses if machine.windows.ipv4 else ():
        label = say(machine, "IPv4 Address. . . . . . . . . . .", "Adresse IPv4. . . . . . . . . . .")
        text += lines(f"   {label}: {address.ip}")
    return ok(text)


def netstat(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Print connections: those that listen, and as many as hold an ephemeral port."""
    words = [word.lower().lstrip("-/") for word in arguments]
    letters = "".join(word for word in words if word not in ("p", "tcp"))
    if "n" not in letters or set(letters) - set("anop"):
        return not_played("netstat", arguments)
    owner = "o" in letters
    head = (
        "  Proto  Local Address          Foreign Address        State",
        "  Proto  Adresse locale         Adresse distante       État",
    )
    text = lines("", say(machine, "Active Connections", "Connexions actives"), "", say(machine, *head))
    if "a" in letters:
        text += "".join(_connection(f"0.0.0.0:{port}", "0.0.0.0:0", "LISTENING", owner=owner) for port in _LISTENING)
    first, number = dynamic_ports(machine)
    for index in range(min(machine.windows.connections, number)):
        local = f"{machine.address}:{first + index}"
        text += _connection(local, f"10.0.{index % 250}.1:443", "ESTABLISHED", owner=owner)
    return ok(text)


def _connection(local: str, foreign: str, state: str, *, owner: bool) -> str:
    return f"  TCP    {local:<22} {foreign:<22} {state:<15}" + ("  4" if owner else "") + "\r\n"


def ping(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Answer for machines of the fleet that are up."""
    words = [word for word in arguments if not word.startswith(("-", "/")) and not word.isdigit()]
    if len(words) != 1:
        return not_played("ping", arguments)
    found = resolve(machine, words[0])
    if not found:
        english = f"Ping request could not find host {words[0]}. Please check the name and try again."
        french = f"La requête Ping n’a pas pu trouver l’hôte {words[0]}. Vérifiez le nom et essayez à nouveau."
        return ok(lines(say(machine, english, french)), 1)
    address = found[0]
    host, server = machine.fleet.host(address), machine.fleet.asr.find(address)
    answers = server is not None or (host is not None and host.up())
    if answers:
        return ok(
            lines(
                "",
                say(
                    machine,
                    f"Reply from {address}: bytes=32 time<1ms TTL=128",
                    f"Réponse de {address} : octets=32 temps<1ms TTL=128",
                ),
            )
        )
    return ok(lines("", say(machine, "Request timed out.", "Délai d’attente de la demande dépassé.")), 1)


def nslookup(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Resolve a name, or an address to its name."""
    if len(arguments) not in (1, 2) or arguments[0].startswith("-"):
        return not_played("nslookup", arguments)
    head = lines(
        f"{say(machine, 'Server', 'Serveur')}:  dns.{machine.fleet.directory_spec.domain}", "Address:  127.0.0.1", ""
    )
    address = next(iter(resolve(machine, arguments[0])), None)
    name = _name_of(machine, arguments[0]) if address == arguments[0] else arguments[0]
    if address is None or name is None:
        return 0, head.encode(), f"*** {arguments[0]}: Non-existent domain\r\n".encode()
    return ok(head + lines(f"{say(machine, 'Name', 'Nom')}:    {name}", f"Address:  {address}", ""))


def _name_of(machine: WindowsMachine, address: str) -> str | None:
    host, server = machine.fleet.host(address), machine.fleet.asr.find(address)
    if "*" in machine.windows.unresolved:
        return None
    return host.fqdn if host else server.name if server else None


def shutdown(machine: WindowsMachine, identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Restart the machine a moment later."""
    words = [word.lower().replace("-", "/") for word in arguments]
    seconds = 30.0
    if "/t" in words[:-1]:
        given = words[words.index("/t") + 1]
        if not given.isdigit():
            return failed("hyperv_lab: shutdown /t wants seconds\r\n")
        seconds = float(given)
    if "/r" not in words or {word for word in words if word.startswith("/")} - {"/r", "/f", "/t", "/c", "/d"}:
        return not_played("shutdown", arguments)
    if not is_administrator(identity):
        return failed(say(machine, "Access is denied.(5)", "Accès refusé.(5)") + "\r\n", 5)
    threading.Thread(target=_restart, args=(machine, seconds), daemon=True).start()
    return ok()


def _restart(machine: WindowsMachine, seconds: float) -> None:
    threading.Event().wait(_GOES_SOON)
    pace(machine, seconds, None)
    machine.reboot()


def tasklist(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """List the programs of services that run."""
    words = [word.lower() for word in arguments]
    if words not in ([], ["/fo", "csv", "/nh"], ["/nh", "/fo", "csv"]):
        return not_played("tasklist", arguments)
    names = {
        ntpath.basename(s.path.strip('"').split(".exe")[0]) + ".exe"
        for s in machine.services.values()
        if s.status == "Running"
    }
    rows = [("System", "4"), *((name, str(1000 + number * 4)) for number, name in enumerate(sorted(names)))]
    if words:
        return ok(lines(*(f'"{name}","{pid}","Services","0","8 192 K"' for name, pid in rows)))
    return ok(lines("", *(f"{name:<25} {pid:>8} Services                   0      8 192 K" for name, pid in rows)))


PROGRAMS: dict[str, Any] = {
    "vssadmin": vssadmin,
    "hostname": hostname,
    "ipconfig": ipconfig,
    "netstat": netstat,
    "ping": ping,
    "nslookup": nslookup,
    "shutdown": shutdown,
    "tasklist": tasklist,
}
