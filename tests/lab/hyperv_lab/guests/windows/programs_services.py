# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sc.exe: services as the service control manager tells of them; the numbers are the same in every language.

Which of sc's labels Windows translates isn't known here: the French ones are the lab's, so that nobody leans on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .console import Result, is_administrator, lines, not_played, ok, say
from .state import SERVICES_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...hyperv.host import Service
    from ...world import Identity
    from .state import WindowsMachine

STATES = {
    "Stopped": (1, "STOPPED"),
    "StartPending": (2, "START_PENDING"),
    "StopPending": (3, "STOP_PENDING"),
    "Running": (4, "RUNNING"),
    "ContinuePending": (5, "CONTINUE_PENDING"),
    "PausePending": (6, "PAUSE_PENDING"),
    "Paused": (7, "PAUSED"),
}
_STARTS = {0: "BOOT_START", 1: "SYSTEM_START", 2: "AUTO_START", 3: "DEMAND_START", 4: "DISABLED"}
_TYPES = {1: "KERNEL_DRIVER", 2: "FILE_SYSTEM_DRIVER", 0x10: "WIN32_OWN_PROCESS", 0x20: "WIN32_SHARE_PROCESS"}
_CONFIG = {"auto": "Automatic", "demand": "Manual", "disabled": "Disabled", "delayed-auto": "Automatic"}
_NO_SERVICE, _ACCESS, _RUNNING, _DISABLED, _NOT_STARTED = 1060, 5, 1056, 1058, 1062
_DEPENDENCY, _USAGE, _MARKED, _BUSY = 1068, 1639, 1072, 1061
_TEXTS = {
    _NO_SERVICE: (
        "The specified service does not exist as an installed service.",
        "Le service spécifié n’existe pas en tant que service installé.",
    ),
    _ACCESS: ("Access is denied.", "Accès refusé."),
    _RUNNING: ("An instance of the service is already running.", "Une instance du service s’exécute déjà."),
    _DISABLED: (
        "The service cannot be started, because it is disabled or has no enabled devices associated with it.",
        "Le service ne peut pas être démarré, car il est désactivé.",
    ),
    _NOT_STARTED: ("The service has not been started.", "Le service n’a pas été démarré."),
    _DEPENDENCY: (
        "The dependency service or group failed to start.",
        "Le service ou groupe de dépendance n’a pas pu démarrer.",
    ),
    _MARKED: ("The specified service has been marked for deletion.", "Le service a été marqué pour suppression."),
    _BUSY: (
        "The service cannot accept control messages at this time.",
        "Le service ne peut pas accepter de messages de contrôle pour le moment.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A service or driver as the service control manager knows it."""

    name: str
    display: str
    status: str
    start: int
    kind: int
    path: str
    account: str
    depends: tuple[str, ...]


class ServiceError(Exception):
    """What the service control manager refuses; ``code`` is the Win32 error."""

    def __init__(self, call: str, code: int) -> None:
        super().__init__(call)
        self.call, self.code = call, code


def find(machine: WindowsMachine, name: str) -> Entry | None:
    """Return a service by its name, or a driver that only the registry has; None for neither."""
    service = machine.services.get(name.lower())
    key = f"{SERVICES_KEY}\\{name}"
    kind, start = machine.registry.data(key, "Type"), machine.registry.data(key, "Start")
    if service is not None:
        return _of_service(machine, service, kind if isinstance(kind, int) else 0x20)
    if kind not in (1, 2) or not isinstance(start, int) or not isinstance(kind, int):
        return None
    return Entry(
        name=machine.registry.written(key).rpartition("\\")[2],
        display=str(machine.registry.data(key, "DisplayName", name)),
        status="Running" if start <= 1 else "Stopped",
        start=start,
        kind=kind,
        path=str(machine.registry.data(key, "ImagePath", "")),
        account="",
        depends=(),
    )


def _of_service(machine: WindowsMachine, service: Service, kind: int) -> Entry:
    return Entry(
        name=service.name,
        display=service.display[machine.french],
        status=service.status,
        start={"Automatic": 2, "Manual": 3, "Disabled": 4, "Boot": 0, "System": 1}[service.start],
        kind=kind,
        path=service.path,
        account=service.account,
        depends=service.depends,
    )


def start(machine: WindowsMachine, name: str) -> None:
    """Start a service with those it depends on; raise ServiceError."""
    service = machine.services.get(name.lower())
    if service is None:
        raise ServiceError("OpenService", _NO_SERVICE)
    if machine.registry.data(f"{SERVICES_KEY}\\{service.name}", "DeleteFlag") == 1:
        raise ServiceError("StartService", _MARKED)
    if service.status == "StartPending":
        raise ServiceError("StartService", _RUNNING)
    if service.start == "Disabled":
        raise ServiceError("StartService", _DISABLED)
    if service.status == "Running":
        raise ServiceError("StartService", _RUNNING)
    for needed in service.depends:
        below = machine.services.get(needed.lower())
        if below is not None and below.status != "Running":
            try:
                start(machine, needed)
            except ServiceError as problem:
                raise ServiceError("StartService", _DEPENDENCY) from problem
    machine.set_service(name, status="Running")


def stop(machine: WindowsMachine, name: str) -> None:
    """Stop a service; raise ServiceError."""
    service = machine.services.get(name.lower())
    if service is None:
        raise ServiceError("OpenService", _NO_SERVICE)
    if service.status == "Stopped":
        raise ServiceError("ControlService", _NOT_STARTED)
    if service.status.endswith("Pending"):
        raise ServiceError("ControlService", _BUSY)
    machine.set_service(name, status="Stopped")


def message(machine: WindowsMachine, code: int) -> str:
    """Return the text of a Win32 error of services in the machine's language."""
    return say(machine, *_TEXTS[code])


def sc(machine: WindowsMachine, identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Run sc.exe."""
    verb, *rest = [argument.lower() for argument in arguments] or [""]
    names = list(arguments)[1:]
    asking = {"query": _query, "queryex": _query, "qc": _qc}
    changing = {"start": _start, "stop": _stop, "config": _config, "delete": _delete}
    try:
        if verb in asking:
            return asking[verb](machine, verb, names)
        if verb not in changing or not rest:
            return not_played("sc", arguments)
        if not is_administrator(identity):
            raise ServiceError("OpenService", _ACCESS)
        return changing[verb](machine, names)
    except ServiceError as problem:
        failed = say(machine, "FAILED", "ÉCHEC")
        text = lines(f"[SC] {problem.call} {failed} {problem.code}:", "", message(machine, problem.code), "")
        return ok(text, problem.code)


def _query(machine: WindowsMachine, verb: str, words: list[str]) -> Result:
    extended = verb == "queryex"
    filters = " ".join(words).lower()
    if words and not words[0].endswith("="):
        found = find(machine, words[0])
        if found is None:
            raise ServiceError("EnumQueryServicesStatus:OpenService", _NO_SERVICE)
        return ok(_status(machine, found, extended=extended))
    if filters not in ("", "state= all", "type= service", "type= service state= all"):
        return not_played("sc", [verb, *words])
    entries = [find(machine, name) for name in sorted(machine.services)]
    shown = [each for each in entries if each and ("state= all" in filters or each.status != "Stopped")]
    return ok("".join(_status(machine, each, extended=extended, display=True) for each in shown))


def _label(machine: WindowsMachine, english: str, french: str) -> str:
    return f"        {say(machine, english, french):<19}"


def _status(machine: WindowsMachine, entry: Entry, *, extended: bool, display: bool = False) -> str:
    number, word = STATES[entry.status]
    rows = ["", f"{say(machine, 'SERVICE_NAME', 'NOM_SERVICE')}: {entry.name} "]
    if display:
        rows.append(f"{say(machine, 'DISPLAY_NAME', 'NOM_AFFICHÉ')}: {entry.display}")
    running = entry.status == "Running"
    accepts = "(STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)" if running else "(NOT_STOPPABLE, NOT_PAUSABLE, IGNORES)"
    rows += [
        f"{_label(machine, 'TYPE', 'TYPE')}: {entry.kind:x}  {_TYPES.get(entry.kind, '')}  ",
        f"{_label(machine, 'STATE', 'ÉTAT')}: {number}  {word} ",
        f"                                {accepts}",
        f"{_label(machine, 'WIN32_EXIT_CODE', 'CODE_SORTIE_WIN32')}: 0  (0x0)",
        f"{_label(machine, 'SERVICE_EXIT_CODE', 'CODE_SORTIE_SERVICE')}: 0  (0x0)",
        f"{_label(machine, 'CHECKPOINT', 'POINT_CONTRÔLE')}: 0x0",
        f"{_label(machine, 'WAIT_HINT', 'ATTENTE')}: 0x0",
    ]
    if extended:
        pid = 1000 + sum(entry.name.encode()) % 3000 if running else 0
        rows += [f"{_label(machine, 'PID', 'PID')}: {pid}", f"{_label(machine, 'FLAGS', 'INDICATEURS')}: "]
    return lines(*rows)


def _qc(machine: WindowsMachine, _verb: str, words: list[str]) -> Result:
    entry = find(machine, words[0]) if words else None
    if entry is None:
        raise ServiceError("OpenService", _NO_SERVICE)
    first, *others = entry.depends or ("",)
    success = say(machine, "SUCCESS", "réussi(s)")
    rows = [
        f"[SC] QueryServiceConfig {success}",
        "",
        f"{say(machine, 'SERVICE_NAME', 'NOM_SERVICE')}: {entry.name} ",
        f"{_label(machine, 'TYPE', 'TYPE')}: {entry.kind:x}  {_TYPES.get(entry.kind, '')} ",
        f"{_label(machine, 'START_TYPE', 'TYPE_DÉMARRAGE')}: {entry.start}   {_STARTS[entry.start]}",
        f"{_label(machine, 'ERROR_CONTROL', 'CONTRÔLE_ERREUR')}: 1   NORMAL",
        f"{_label(machine, 'BINARY_PATH_NAME', 'NOM_CHEMIN_BINAIRE')}: {entry.path} ",
        f"{_label(machine, 'LOAD_ORDER_GROUP', 'GROUPE_CHARGEMENT')}: ",
        f"{_label(machine, 'TAG', 'BALISE')}: 0",
        f"{_label(machine, 'DISPLAY_NAME', 'NOM_AFFICHÉ')}: {entry.display}",
        f"{_label(machine, 'DEPENDENCIES', 'DÉPENDANCES')}: {first}",
        *(f"{'':27}: {other}" for other in others),
        f"{_label(machine, 'SERVICE_START_NAME', 'COMPTE_SERVICE')}: {entry.account}",
    ]
    return ok(lines(*rows))


def _start(machine: WindowsMachine, words: list[str]) -> Result:
    start(machine, words[0])
    found = find(machine, words[0])
    return ok(_status(machine, found, extended=True) if found else "")


def _stop(machine: WindowsMachine, words: list[str]) -> Result:
    stop(machine, words[0])
    found = find(machine, words[0])
    return ok(_status(machine, found, extended=False) if found else "")


def _config(machine: WindowsMachine, words: list[str]) -> Result:
    if len(words) != 3 or words[1].lower() != "start=" or words[2].lower() not in _CONFIG:
        return ok(lines("hyperv_lab: only sc config NAME start= auto|demand|disabled|delayed-auto is played"), _USAGE)
    if not machine.set_service(words[0], start=_CONFIG[words[2].lower()]):
        raise ServiceError("OpenService", _NO_SERVICE)
    return ok(lines(f"[SC] ChangeServiceConfig {say(machine, 'SUCCESS', 'réussi(s)')}"))


def _delete(machine: WindowsMachine, words: list[str]) -> Result:
    service = machine.services.get(words[0].lower())
    if service is None:
        raise ServiceError("OpenService", _NO_SERVICE)
    key = f"{SERVICES_KEY}\\{service.name}"
    if service.status == "Stopped":
        del machine.services[words[0].lower()]
        machine.registry.delete_key(key)
    else:
        machine.registry.set(key, "DeleteFlag", 1)
    return ok(lines(f"[SC] DeleteService {say(machine, 'SUCCESS', 'réussi(s)')}"))


PROGRAMS: dict[str, Any] = {"sc": sc}
