# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""net.exe and nltest.exe: services, accounts, local groups, shares; the secure channel to the domain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...hyperv import accounts
from . import programs_services
from .console import Result, completed, failed, is_administrator, lines, not_played, ok, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...world import Account, Identity
    from .state import WindowsMachine

_HELP = {
    2182: ("The requested service has already been started.", "Le service demandé a déjà été démarré."),
    2185: ("The service name is invalid.", "Le nom du service n’est pas valide."),
    2220: ("The group name could not be found.", "Le nom du groupe est introuvable."),
    2221: ("The user name could not be found.", "Le nom d’utilisateur est introuvable."),
    3521: ("The service is not started.", "Le service n’a pas démarré."),
}


def net(machine: WindowsMachine, identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Run net.exe."""
    verb = arguments[0].lower() if arguments else ""
    verbs = {"start": _start, "stop": _stop, "user": _user, "localgroup": _group, "use": _use}
    if verb not in verbs:
        return not_played("net", arguments)
    return verbs[verb](machine, identity, list(arguments)[1:])


def _helped(machine: WindowsMachine, number: int) -> Result:
    more = say(machine, "More help is available by typing", "Vous obtiendrez une aide supplémentaire en entrant")
    return failed(lines(say(machine, *_HELP[number]), "", f"{more} NET HELPMSG {number}.", ""), 2)


def _system_error(machine: WindowsMachine, number: int, text: str = "") -> Result:
    head = say(machine, f"System error {number} has occurred.", f"L’erreur système {number} s’est produite.")
    return failed(lines(head, "", text, ""), 2)


def _denied(machine: WindowsMachine) -> Result:
    return _system_error(machine, 5, say(machine, "Access is denied.", "Accès refusé."))


def _service(machine: WindowsMachine, words: list[str]) -> str | None:
    wanted = " ".join(word for word in words if not word.startswith("/")).lower()
    for name, service in list(machine.services.items()):
        if wanted in (name, service.display[machine.french].lower()):
            return name
    return None


def _start(machine: WindowsMachine, identity: Identity, words: list[str]) -> Result:
    if not words:
        head = say(machine, "These Windows services are started:", "Les services Windows suivants ont démarré :")
        running = sorted(s.display[machine.french] for s in machine.services.values() if s.status == "Running")
        return ok(lines(head, "", *(f"   {name}" for name in running), "") + completed(machine))
    name = _service(machine, words)
    if name is None:
        return _helped(machine, 2185)
    if not is_administrator(identity):
        return _denied(machine)
    try:
        programs_services.start(machine, name)
    except programs_services.ServiceError as problem:
        if problem.code == 1056:
            return _helped(machine, 2182)
        return _system_error(machine, problem.code, programs_services.message(machine, problem.code))
    shown = machine.services[name].display[machine.french]
    text = (f"The {shown} service is starting.", f"The {shown} service was started successfully.")
    french = (f"Le service {shown} démarre.", f"Le service {shown} a démarré.")
    return ok(lines(*(french if machine.french else text), ""))


def _stop(machine: WindowsMachine, identity: Identity, words: list[str]) -> Result:
    name = _service(machine, words)
    if name is None:
        return _helped(machine, 2185)
    if not is_administrator(identity):
        return _denied(machine)
    try:
        programs_services.stop(machine, name)
    except programs_services.ServiceError as problem:
        if problem.code == 1062:
            return _helped(machine, 3521)
        return _system_error(machine, problem.code, programs_services.message(machine, problem.code))
    shown = machine.services[name].display[machine.french]
    text = (f"The {shown} service is stopping.", f"The {shown} service was stopped successfully.")
    french = (f"Le service {shown} s’arrête.", f"Le service {shown} a été arrêté.")
    return ok(lines(*(french if machine.french else text), ""))


# --- accounts ---
def _user(machine: WindowsMachine, identity: Identity, words: list[str]) -> Result:
    if not words:
        rows = (f"{account.username:<25}" for account in machine.local)
        return ok(lines("", f"\\\\{machine.name}", "", "-" * 79, "".join(rows)) + completed(machine))
    account = next((each for each in machine.local if each.username.lower() == words[0].lower()), None)
    if account is None:
        return _helped(machine, 2221)
    switches = [word.lower() for word in words[1:]]
    if not switches:
        return ok(_account(machine, account) + completed(machine))
    if switches not in (["/active:yes"], ["/active:no"], ["/active"]):
        return not_played("net", ["user", *words])
    if not is_administrator(identity):
        return _denied(machine)
    active = switches[0] != "/active:no"
    with machine.fleet.lock:
        machine.local[machine.local.index(account)] = replace(account, enabled=active)
        if active:
            machine.windows.locked.discard(account.sid)
    return ok(completed(machine))


def _account(machine: WindowsMachine, account: Account) -> str:
    yes, no = say(machine, "Yes", "Oui"), say(machine, "No", "Non")
    active = yes if account.enabled else no
    if account.sid in machine.windows.locked:
        active = say(machine, "Locked", "Verrouillé")
    member = [name for name in _groups(machine) if account.sid in machine.groups.get(_groups(machine)[name], [])]
    rows = (
        ("User name", "Nom d’utilisateur", account.username),
        ("Full Name", "Nom complet", ""),
        ("Comment", "Commentaire", ""),
        ("Account active", "Compte : actif", active),
        ("Account expires", "Le compte expire", say(machine, "Never", "Jamais")),
        ("Local Group Memberships", "Appartient aux groupes locaux", "".join(f"*{name:<21}" for name in member)),
        ("Global Group memberships", "Appartient aux groupes globaux", say(machine, "*None", "*Aucun")),
    )
    return lines(*(f"{say(machine, english, french):<29}{value}" for english, french, value in rows))


def _groups(machine: WindowsMachine) -> dict[str, str]:
    return accounts.FRENCH_GROUPS if machine.french else accounts.LOCAL_GROUPS


def _group(machine: WindowsMachine, identity: Identity, words: list[str]) -> Result:
    if not words:
        head = f"{say(machine, 'Aliases for', 'Alias de')} \\\\{machine.name}"
        return ok(lines("", head, "", "-" * 79, *(f"*{name}" for name in _groups(machine))) + completed(machine))
    sid = accounts.group_by_name(machine.language, words[0])
    if sid is None or words[0].upper().startswith("S-1-"):  # net knows no SIDs
        return _helped(machine, 2220)
    members = machine.groups.setdefault(sid, [])
    if len(words) == 1:
        names = [accounts.describe(machine, member)[0].removeprefix(f"{machine.name}\\") for member in members]
        head = f"{say(machine, 'Alias name', 'Nom alias')}     {words[0]}"
        return ok(lines(head, "", say(machine, "Members", "Membres"), "", "-" * 79, *names) + completed(machine))
    account = next((each for each in machine.local if each.username.lower() == words[1].lower()), None)
    if len(words) != 3 or words[2].lower() not in ("/add", "/delete") or account is None:
        return not_played("net", ["localgroup", *words])
    if not is_administrator(identity):
        return _denied(machine)
    adding = words[2].lower() == "/add"
    if adding == (account.sid in members):
        return _system_error(machine, 1378 if adding else 1377)
    if adding:
        members.append(account.sid)
    else:
        members.remove(account.sid)
    return ok(completed(machine))


def _use(machine: WindowsMachine, _identity: Identity, words: list[str]) -> Result:
    """List connections (none), or say whether a share can be reached."""
    if not words:
        return ok(lines(say(machine, "There are no entries in the list.", "La liste est vide."), ""))
    share = words[0].rstrip("\\")
    if len(words) > 1 and [word.lower() for word in words[1:]] not in (["/delete"], ["/delete", "/y"]):
        return not_played("net", ["use", share, "…"])
    if share.lower() in machine.storage.shares:
        return ok(completed(machine))
    english, french = "The network path was not found.", "Le chemin réseau n’a pas été trouvé."
    return _system_error(machine, 53, say(machine, english, french))


# --- nltest ---
def nltest(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Run nltest.exe; it isn't localised."""
    verb, _colon, domain = (arguments[0] if arguments else "").partition(":")
    netlogon = machine.services.get("netlogon")
    if verb.lower() not in ("/sc_verify", "/sc_query", "/sc_reset", "/dsgetdc") or len(arguments) != 1:
        return not_played("nltest", arguments)
    if netlogon is None or netlogon.status != "Running":
        return _netlogon_fails(verb, 1792, "ERROR_NETLOGON_NOT_STARTED")
    if not machine.domain_joined or domain.lower() not in _domain_names(machine):
        return _netlogon_fails(verb, 1355, "ERROR_NO_SUCH_DOMAIN")
    controller = f"\\\\DC1.{machine.fleet.directory_spec.domain}"
    if verb.lower() == "/dsgetdc":
        if not machine.windows.logon_server:
            return _netlogon_fails(verb, 1355, "ERROR_NO_SUCH_DOMAIN")
        name = machine.fleet.directory_spec.domain
        return ok(lines(f"           DC: {controller}", f"     Dom Name: {name}", "The command completed successfully"))
    code, name = 0, "NERR_Success"
    if not machine.windows.logon_server:
        code, name, controller = 1311, "ERROR_NO_LOGON_SERVERS", ""
    elif not machine.windows.trust:
        code, name, controller = 1789, "ERROR_TRUSTED_RELATIONSHIP_FAILURE", ""
    status = f"Status = {code} 0x{code:x} {name}"
    flags = "Flags: b0 HAS_IP  HAS_TIMESERV " if code == 0 else "Flags: 80"
    rows = [flags, f"Trusted DC Name {controller}", f"Trusted DC Connection Status {status}"]
    if verb.lower() == "/sc_verify":
        rows.append(f"Trust Verification {status}")
    return ok(lines(*rows, "The command completed successfully"))


def _netlogon_fails(verb: str, code: int, name: str) -> Result:
    call = "Getting DC name failed" if verb.lower() == "/dsgetdc" else "I_NetLogonControl failed"
    return ok(lines(f"{call}: Status = {code} 0x{code:x} {name}"), code)


def _domain_names(machine: WindowsMachine) -> tuple[str, str, str]:
    spec = machine.fleet.directory_spec
    return "", spec.domain.lower(), spec.netbios.lower()


PROGRAMS: dict[str, Any] = {"net": net, "net1": net, "nltest": nltest}
