# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""netsh: firewall rules by name, group name or group resource; the range of ephemeral ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import firewall
from .console import Result, is_administrator, lines, not_played, ok, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...world import Identity
    from .firewall import GuestRule
    from .state import WindowsMachine

EPHEMERAL = (49152, 16384)
"""First dynamic port and their number, as Windows has them since 6.0."""
PORTS = "dynamic_ports"
"""Key of the machine's notes for another range."""
_LINE = "-" * 70
_PROFILES = {"Domain": "Domaine", "Private": "Privé", "Public": "Public"}


def dynamic_ports(machine: WindowsMachine) -> tuple[int, int]:
    """Return the first ephemeral TCP port and their number."""
    found: tuple[int, int] = machine.notes.get(PORTS, EPHEMERAL)
    return found


def netsh(machine: WindowsMachine, identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Run netsh.exe."""
    words = [argument.lower() for argument in arguments]
    if words[:3] == ["advfirewall", "firewall", "show"] and words[3:4] == ["rule"]:
        return _show(machine, list(arguments)[4:])
    if words[:3] == ["advfirewall", "firewall", "set"] and words[3:4] == ["rule"]:
        return _set(machine, identity, list(arguments)[4:])
    if words[:1] in (["int"], ["interface"]) and words[1:4] == ["ipv4", "show", "dynamicport"]:
        return _ports(machine, arguments, words[4:])
    return not_played("netsh", arguments)


def _ports(machine: WindowsMachine, arguments: Sequence[str], rest: list[str]) -> Result:
    if rest not in (["tcp"], ["protocol=tcp"]):
        return not_played("netsh", arguments)
    first, number = dynamic_ports(machine)
    title = say(machine, "Protocol tcp Dynamic Port Range", "Plage de ports dynamique du protocole tcp")
    start, count = (
        say(machine, "Start Port     ", "Port de démarrage"),
        say(machine, "Number of Ports", "Nombre de ports"),
    )
    return ok(lines("", title, "-" * 33, f"{start} : {first}", f"{count} : {number}", ""))


def _parts(words: list[str]) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return what chooses rules and what they become (behind ``new``); None for a word without ``=``."""
    choosing: dict[str, str] = {}
    new: dict[str, str] = {}
    target = choosing
    for word in words:
        if word.lower() == "new":
            target = new
            continue
        if word.lower() == "verbose":
            continue
        key, sign, value = word.partition("=")
        if not sign:
            return None
        target[key.lower()] = value.strip('"')
    return choosing, new


def _chosen(machine: WindowsMachine, choosing: dict[str, str]) -> list[GuestRule] | None:
    """Return the rules that fit; None for conditions that aren't played."""
    if set(choosing) - {"name", "group", "dir", "profile"} or not {"name", "group"} & set(choosing):
        return None
    rules = [rule for name, rule in firewall.rules(machine.windows.os).items() if name in machine.firewall]
    wanted = choosing.get("name", "all").lower()
    if wanted != "all":
        rules = [rule for rule in rules if rule.display[machine.french].lower() == wanted]
    group = choosing.get("group", "").lower()
    if group:
        rules = [rule for rule in rules if group in (rule.resource.lower(), rule.group[machine.french].lower())]
    profile = choosing.get("profile", "any").lower()
    if profile != "any":
        rules = [rule for rule in rules if not rule.profiles or profile in {each.lower() for each in rule.profiles}]
    direction = choosing.get("dir", "").lower()
    return [rule for rule in rules if not direction or direction == ("out" if rule.outbound else "in")]


def _none(machine: WindowsMachine) -> Result:
    text = say(machine, "No rules match the specified criteria.", "Aucune règle ne correspond aux critères spécifiés.")
    return ok(lines("", text, ""), 1)


def _show(machine: WindowsMachine, words: list[str]) -> Result:
    parts = _parts(words)
    rules = _chosen(machine, parts[0]) if parts else None
    if parts is None or rules is None or parts[1] or "group" in parts[0]:  # show knows no group
        return not_played("netsh", ["advfirewall", "firewall", "show", "rule", *words])
    if not rules:
        return _none(machine)
    return ok("".join(_block(machine, rule) for rule in rules) + lines(say(machine, "Ok.", "OK.")) + "\r\n")


def _block(machine: WindowsMachine, rule: GuestRule) -> str:
    yes, no = say(machine, "Yes", "Oui"), say(machine, "No", "Non")
    every = say(machine, "Any", "Tout")
    profiles = [
        say(machine, name, french) for name, french in _PROFILES.items() if not rule.profiles or name in rule.profiles
    ]
    rows = (
        (("Enabled:", "Activé :"), yes if machine.firewall[rule.name] else no),
        (("Direction:", "Direction :"), say(machine, *(("Out", "Sortant") if rule.outbound else ("In", "Actif")))),
        (("Profiles:", "Profils :"), ",".join(profiles)),
        (("Grouping:", "Regroupement :"), rule.group[machine.french]),
        (("LocalIP:", "IP locale :"), every),
        (("RemoteIP:", "IP distante :"), every),
        (("Protocol:", "Protocole :"), rule.protocol),
        (("LocalPort:", "Port local :"), rule.port),
        (("RemotePort:", "Port distant :"), every),
        (("Edge traversal:", "Traversée latérale :"), no),
        (("Action:", "Action :"), say(machine, "Allow", "Autoriser")),
    )
    name = say(machine, "Rule Name:", "Nom de la règle :")
    shown = [f"{say(machine, *label):<38}{value}" for label, value in rows]
    return lines("", f"{name:<38}{rule.display[machine.french]}", _LINE, *shown)


def _set(machine: WindowsMachine, identity: Identity, words: list[str]) -> Result:
    parts = _parts(words)
    rules = _chosen(machine, parts[0]) if parts else None
    if parts is None or rules is None or set(parts[1]) != {"enable"} or parts[1]["enable"].lower() not in ("yes", "no"):
        return not_played("netsh", ["advfirewall", "firewall", "set", "rule", *words])
    if not is_administrator(identity):
        english = "The requested operation requires elevation (Run as administrator)."
        return ok(lines("", say(machine, english, "L’opération demandée nécessite une élévation."), ""), 1)
    if not rules:
        return _none(machine)
    for rule in rules:
        machine.firewall[rule.name] = parts[1]["enable"].lower() == "yes"
    machine.fleet.clock.notify()
    updated = say(machine, f"Updated {len(rules)} rule(s).", f"{len(rules)} règle(s) mise(s) à jour.")
    return ok(lines("", updated, say(machine, "Ok.", "OK."), ""))


PROGRAMS: dict[str, Any] = {"netsh": netsh}
