# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cmd.exe with the little of it that somebody may need over WinRS; the rest is refused loudly."""

from __future__ import annotations

import ntpath
import re
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...hyperv.storage import DiskFull, NoSuchPath
from . import cmd_line, dispatch
from .command_line import split
from .console import NOT_PLAYED, Result, failed, lines, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...world import Identity
    from .state import WindowsMachine

_NAME = re.compile(r"([a-z]+)(?=[\s.:;,=/\\]|$)", re.IGNORECASE)
_NOT_PLAYED = frozenset(
    {
        "assoc",
        "cd",
        "chdir",
        "dir",
        "endlocal",
        "for",
        "ftype",
        "goto",
        "if",
        "path",
        "popd",
        "pushd",
        "ren",
        "set",
        "setlocal",
        "start",
    }
)
_CONSOLE_DEVICES = ("nul", "con")


class _Exited(Exception):
    """``exit`` was called."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class _Shell:
    machine: WindowsMachine
    identity: Identity
    surroundings: dispatch.Surroundings
    stdin: bytes

    def path(self, text: str) -> str:
        """Return the full path that a word means."""
        return ntpath.normpath(ntpath.join(self.surroundings.directory or "C:\\Windows\\System32", text.strip('"')))


def cmd(
    machine: WindowsMachine,
    identity: Identity,
    arguments: Sequence[str],
    stdin: bytes,
    *,
    directory: str,
    environment: dict[str, str],
    line: str | None = None,
    stopping: Any = None,
) -> Result:
    """Run ``cmd /c …``."""
    whole = line if line is not None else "cmd " + subprocess.list2cmdline(list(arguments))
    text = cmd_line.command_of(whole)
    if text is None:
        return failed(f"hyperv_lab: not played: {whole}\r\n", NOT_PLAYED)
    surroundings = dispatch.Surroundings(environment=environment, directory=directory, stopping=stopping)
    shell = _Shell(machine=machine, identity=identity, surroundings=surroundings, stdin=stdin)
    return _sequence(shell, dispatch.expand(text, environment))


def _sequence(shell: _Shell, text: str) -> Result:
    code, out, err = 0, b"", b""
    operator = "&"
    while text.strip():
        skipped = (operator == "&&" and code != 0) or (operator == "||" and code == 0)
        condition = cmd_line.condition(text.strip().lstrip("@"))
        part, next_operator, rest = ("", "", "") if condition else cmd_line.first(text)
        if not skipped:
            try:
                if condition:
                    result = _sequence(shell, condition.body) if _holds(shell, condition, code) else (0, b"", b"")
                else:
                    result = _pipe(shell, part)
            except _Exited as end:
                return end.code, out, err
            code, out, err = result[0], out + result[1], err + result[2]
        operator, text = next_operator, rest
    return code, out, err


def _holds(shell: _Shell, condition: cmd_line.Condition, code: int) -> bool:
    if condition.path is not None:
        holds = bool(_fitting(shell, condition.path)) or shell.machine.files.exists(shell.path(condition.path))
    elif condition.name is not None:
        holds = condition.name.lower() in {name.lower() for name in shell.surroundings.environment}
    elif condition.level is not None:
        holds = code >= condition.level
    else:
        holds = condition.sides[0] == condition.sides[1]
    return holds != condition.negated


def _pipe(shell: _Shell, text: str) -> Result:
    code, err = 0, b""
    stdin = shell.stdin
    out = b""
    for part in cmd_line.piped(text):
        code, out, more = _simple(replace(shell, stdin=stdin), part.lstrip().lstrip("@"))
        stdin, err = out, err + more
    return code, out, err


def _simple(shell: _Shell, text: str) -> Result:
    try:
        command = cmd_line.simple(text)
    except ValueError:
        return failed(f"hyperv_lab: not played in cmd: {text}\r\n", NOT_PLAYED)
    places: dict[int, tuple[str, bool]] = {}
    for handle, sign, target in command.redirections:
        if sign == "<":
            path = shell.path(target)
            if target.lower() != "nul" and not shell.machine.files.is_file(path):
                return _missing(shell)
            shell = replace(shell, stdin=b"" if target.lower() == "nul" else shell.machine.files.read(path))
        else:
            places[handle] = (target, sign == ">>")
    try:
        for target, appended in places.values():  # made before the program runs, as cmd does
            _open(shell, target, appended=appended)
        return _sent(shell, _run(shell, command.text), places)
    except DiskFull:
        return failed(say(shell.machine, "There is not enough space on the disk.", "Espace insuffisant.") + "\r\n")
    except NoSuchPath:
        return _missing(shell)


def _open(shell: _Shell, target: str, *, appended: bool) -> None:
    if target.startswith("&") or target.lower() in _CONSOLE_DEVICES:
        return
    path = shell.path(target)
    if not shell.machine.files.is_folder(ntpath.dirname(path)):
        raise NoSuchPath(path)
    if not appended or not shell.machine.files.is_file(path):
        shell.machine.files.write(path, b"")


def _sent(shell: _Shell, result: Result, places: dict[int, tuple[str, bool]]) -> Result:
    code, *streams = result
    shown = {1: streams[0], 2: streams[1]}
    for handle, (target, _appended) in places.items():
        data, shown[handle] = shown[handle], b""
        if target == "&1":
            if 1 in places:
                _append(shell, places[1][0], data)
            else:
                shown[1] += data
        elif target == "&2":
            shown[2] += data
        else:
            _append(shell, target, data)
    return code, shown[1], shown[2]


def _append(shell: _Shell, target: str, data: bytes) -> None:
    if target.lower() not in _CONSOLE_DEVICES and data:
        shell.machine.files.append(shell.path(target), data)


def _run(shell: _Shell, text: str) -> Result:
    if not text.strip():
        return 0, b"", b""
    found = _NAME.match(text)
    builtin = BUILTINS.get(found[1].lower()) if found else None
    if builtin is not None and found is not None:
        return builtin(shell, text[found.end() :])
    words = split(text)
    if words[0].lower() in _NOT_PLAYED:
        return failed(f"hyperv_lab: not played in cmd: {text}\r\n", NOT_PLAYED)
    if dispatch.locate(shell.machine, words[0], shell.surroundings.directory) is None:
        return _unknown(shell, words[0])
    surroundings = replace(shell.surroundings, line=text)
    try:
        return dispatch.run_words(shell.machine, shell.identity, words, shell.stdin, surroundings)
    except FileNotFoundError as problem:
        return failed(f"hyperv_lab: not played: {problem}\r\n", NOT_PLAYED)


def _unknown(shell: _Shell, name: str) -> Result:
    english = f"'{name}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n"
    french = f"'{name}' n’est pas reconnu en tant que commande interne\r\nou externe, un programme exécutable.\r\n"
    return failed(say(shell.machine, english, french))


def _missing(shell: _Shell, code: int = 1) -> Result:
    english, french = "The system cannot find the file specified.", "Le fichier spécifié est introuvable."
    return failed(say(shell.machine, english, french) + "\r\n", code)


# --- built-in commands: (shell, what follows the name) -> result ---
def _words(text: str) -> tuple[list[str], list[str]]:
    """Return paths and switches."""
    words = split('"" ' + re.sub(r"(?<=\S)(?=/[a-z]\b)", " ", text, flags=re.IGNORECASE))[1:]
    switches = [word.lower() for word in words if re.fullmatch(r"/[a-z](?::?[\w-]+)?", word, re.IGNORECASE)]
    return [word for word in words if word.lower() not in switches], switches


def _echo(_shell: _Shell, text: str) -> Result:
    shown = text[1:]
    return 0, b"" if shown.strip().lower() in ("off", "on") else f"{shown}\r\n".encode(), b""


def _type(shell: _Shell, text: str) -> Result:
    out = b""
    for word in _words(text)[0]:
        if word.lower() == "nul":
            continue
        if not shell.machine.files.is_file(shell.path(word)):
            return _missing(shell)
        out += shell.machine.files.read(shell.path(word))
    return 0, out, b""


def _fitting(shell: _Shell, word: str) -> list[str]:
    path = shell.path(word)
    if "*" not in path and "?" not in path:
        return [path] if shell.machine.files.is_file(path) else []
    pattern = re.escape(ntpath.basename(path)).replace(r"\*", ".*").replace(r"\?", ".")
    found = shell.machine.files.list(ntpath.dirname(path))
    fits = [each for each in found if re.fullmatch(pattern, ntpath.basename(each), re.IGNORECASE)]
    return [each for each in fits if shell.machine.files.is_file(each)]


def _del(shell: _Shell, text: str) -> Result:
    out = ""
    for word in _words(text)[0]:
        paths = _fitting(shell, word)
        for path in paths:
            shell.machine.files.delete(path)
        if not paths:
            out += f"{say(shell.machine, 'Could Not Find', 'Impossible de trouver')} {shell.path(word)}\r\n"
    return 0, out.encode(), b""


def _rd(shell: _Shell, text: str) -> Result:
    paths, switches = _words(text)
    for word in paths:
        path = shell.path(word)
        if not shell.machine.files.is_folder(path):
            return _missing(shell, 2)
        if "/s" not in switches and shell.machine.files.list(path):
            english, french = "The directory is not empty.", "Le répertoire n’est pas vide."
            return failed(say(shell.machine, english, french) + "\r\n", 145)
        if "/s" in switches and "/q" not in switches:
            return failed(f"hyperv_lab: rd /s without /q asks, which is not played: {text}\r\n", NOT_PLAYED)
        shell.machine.files.delete(path)
    return 0, b"", b""


def _md(shell: _Shell, text: str) -> Result:
    for word in _words(text)[0]:
        if shell.machine.files.exists(shell.path(word)):
            english = f"A subdirectory or file {word} already exists."
            return failed(say(shell.machine, english, f"Un sous-répertoire ou un fichier {word} existe déjà.") + "\r\n")
        shell.machine.files.make_folder(shell.path(word))
    return 0, b"", b""


def _copy(shell: _Shell, text: str) -> Result:
    return _transfer(shell, text, keep=True)


def _move(shell: _Shell, text: str) -> Result:
    return _transfer(shell, text, keep=False)


def _transfer(shell: _Shell, text: str, *, keep: bool) -> Result:
    words = _words(text)[0]
    files = shell.machine.files
    if len(words) != 2:
        return failed(f"hyperv_lab: not played in cmd: copy or move {text}\r\n", NOT_PLAYED)
    sources, target = _fitting(shell, words[0]), shell.path(words[1])
    if not sources:
        return _missing(shell)
    for source in sources:
        place = ntpath.join(target, ntpath.basename(source)) if files.is_folder(target) else target
        files.write(place, files.read(source), size=files.size(source))
        if not keep:
            files.delete(source)
    english, french = (("copied", "copié(s)"), ("moved", "déplacé(s)"))[not keep]
    count = say(shell.machine, f"{len(sources)} file(s) {english}.", f"{len(sources)} fichier(s) {french}.")
    return 0, lines(f"        {count}").encode(), b""


def _ver(shell: _Shell, _text: str) -> Result:
    shown = shell.machine.windows.version
    english, french = f"Microsoft Windows [Version {shown}]", f"Microsoft Windows [version {shown}]"
    return 0, lines("", say(shell.machine, english, french)).encode(), b""


def _exit(_shell: _Shell, text: str) -> Result:
    words = split('"" ' + text)[1:]
    raise _Exited(next((int(word) for word in words if word.lstrip("-").isdigit()), 0))


def _call(shell: _Shell, text: str) -> Result:
    return _run(shell, text.strip())


def _nothing(_shell: _Shell, _text: str) -> Result:
    return 0, b"", b""


BUILTINS: dict[str, Callable[[_Shell, str], Result]] = {
    "echo": _echo,
    "type": _type,
    "del": _del,
    "erase": _del,
    "rd": _rd,
    "rmdir": _rd,
    "md": _md,
    "mkdir": _md,
    "copy": _copy,
    "move": _move,
    "ver": _ver,
    "call": _call,
    "exit": _exit,
    "rem": _nothing,
    "chcp": _nothing,
}
PROGRAMS: dict[str, Any] = {"cmd": cmd}
