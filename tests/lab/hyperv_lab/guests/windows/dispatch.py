# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting programs of a Windows machine: which file a name means, which function plays it (state.py says how)."""

from __future__ import annotations

import inspect
import ntpath
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, TypeAlias

from ...hyperv import programs as host_programs
from . import __path__
from .command_line import split

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ...world import Identity
    from .state import WindowsMachine

    Program: TypeAlias = Callable[..., tuple[int, bytes, bytes]]

RUNNING = "running_programs"
"""Key of the machine's notes: how often a program runs just now, by its name without an ending."""
STAND_IN = b"hyperv-lab stand-in: "
ENDINGS = (".com", ".exe", ".bat", ".cmd")
FOLDERS = ("C:\\Windows\\System32", "C:\\Windows", "C:\\Windows\\System32\\Wbem")
_VARIABLES = {
    "systemroot": "C:\\Windows",
    "windir": "C:\\Windows",
    "systemdrive": "C:",
    "programdata": "C:\\ProgramData",
    "programfiles": "C:\\Program Files",
    "programfiles(x86)": "C:\\Program Files (x86)",
    "temp": "C:\\Windows\\Temp",
}


_READER = re.compile(r"[\s\"]*(?:[^\s\"]*\\)?(findstr|more|sort)(?:\.exe|\.com)?\"?(?=\s|$)(.*)", re.IGNORECASE)
"""Programs that read their input to its end, where no file is named; no others are played."""


def reads_input(command_line: str) -> bool:
    """Return whether a program of a command line reads its input to the end: no file is named, no pipe feeds it."""
    text = re.sub(r".*?cmd(?:\.exe)?\"?\s.*?/c\s", "", command_line, count=1, flags=re.IGNORECASE)
    for part in re.split(r"&&|&", text):
        found = _READER.match(re.split(r"[|<>]", part)[0])
        if found is None or "<" in part:
            continue
        rest = re.sub(r"/(?:rec\w*|o\w*)\s+(?:\"[^\"]*\"|\S+)", "", found[2], flags=re.IGNORECASE)
        words = [word for word in rest.split() if not word.startswith("/")]
        pattern = found[1].lower() == "findstr" and "/c:" not in found[2].lower()
        if len(words) <= pattern:
            return True
    return False


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a program may see beside its arguments and its input."""

    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str | None = None
    write: Any = None
    stopping: Any = None
    line: str | None = None
    """The command line as it came, for cmd, which takes it apart in its own way."""


@cache
def table() -> dict[str, Program]:
    """Return every program's function by its lower-case name; ValueError where two files have the same."""
    found: dict[str, Program] = {}
    for module in iter_modules(__path__):
        if not module.name.startswith("programs"):
            continue
        for name, program in getattr(import_module("." + module.name, __package__), "PROGRAMS", {}).items():
            if name in found:
                raise ValueError(f"the program {name!r} is simulated twice")
            found[name] = program
    return found


def expand(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return a text with ``%VARIABLE%`` replaced; unknown ones stay."""
    known = {**_VARIABLES, **{name.lower(): value for name, value in (environment or {}).items()}}
    return re.sub(r"%([^%]+)%", lambda found: known.get(found[1].lower(), found[0]), text)


def locate(machine: WindowsMachine, program: str, directory: str | None) -> str | None:
    """Return the full path of the file that a program's name means; None where there is none."""
    name = expand(program.strip('"'))
    if ntpath.dirname(name):
        folders: tuple[str, ...] = ("",) if ntpath.isabs(name) else (directory or "C:\\",)
    else:
        folders = (*([directory] if directory else ()), *FOLDERS)
    for folder in folders:
        path = ntpath.normpath(ntpath.join(folder, name))
        for ending in ("", *ENDINGS) if ntpath.splitext(name)[1].lower() in ENDINGS else ENDINGS:
            if machine.files.is_file(path + ending):
                return path + ending
    return None


def run_line(
    machine: WindowsMachine, identity: Identity, command_line: str, stdin: bytes, surroundings: Surroundings
) -> tuple[int, bytes, bytes]:
    """Run a command line; FileNotFoundError where its program isn't there.

    Some clients don't quote a program's path with blanks; Windows then tries ever longer beginnings.
    """
    surroundings = replace(surroundings, line=command_line)
    words = split(command_line)
    if words and locate(machine, words[0], surroundings.directory) is None and not command_line.startswith('"'):
        pieces = command_line.split(" ")
        for count in range(2, len(pieces) + 1):
            if locate(machine, " ".join(pieces[:count]), surroundings.directory):
                words = [" ".join(pieces[:count]), *split('"" ' + " ".join(pieces[count:]))[1:]]
                break
    return run_words(machine, identity, words, stdin, surroundings)


def run_words(
    machine: WindowsMachine, identity: Identity, words: Sequence[str], stdin: bytes, surroundings: Surroundings
) -> tuple[int, bytes, bytes]:
    """Run a program by its words; FileNotFoundError where there is no such file, or one that nothing plays."""
    path = locate(machine, words[0], surroundings.directory) if words else None
    if path is None:
        raise FileNotFoundError(words[0] if words else "")
    name = name_of(machine, path)
    program = table().get(name)
    arguments = list(words[1:])
    if program is None:
        result = host_programs.run(machine, identity, name, arguments)
        if result is None:
            raise FileNotFoundError(f"{path}: the lab has no program {name!r}")
        code, out, err = result
        return code, out.encode(), err.encode()
    offered = {
        "path": path,
        "directory": surroundings.directory or "C:\\Windows\\System32",
        "environment": surroundings.environment,
        "write": surroundings.write or (lambda _stream, _data: None),
        "stopping": surroundings.stopping,
        "line": surroundings.line,
    }
    known = inspect.signature(program).parameters
    extras = {key: value for key, value in offered.items() if key in known}
    running: Counter[str] = machine.notes.setdefault(RUNNING, Counter())
    shown = ntpath.splitext(ntpath.basename(path))[0]
    running[shown] += 1
    try:
        return program(machine, identity, arguments, stdin, **extras)
    finally:
        running[shown] -= 1


def name_of(machine: WindowsMachine, path: str) -> str:
    """Return the lower-case name of the program that a file is."""
    content = machine.files.read(path)
    if content.startswith(STAND_IN):
        return content[len(STAND_IN) :].split(b"\n", 1)[0].strip().decode("utf-8", "replace").lower()
    return ntpath.basename(path).lower().removesuffix(".exe")
