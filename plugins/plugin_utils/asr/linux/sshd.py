# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sshd_config as data: which settings are in force, and the edit that puts one in force and changes nothing else.

sshd takes the first value it meets, reads included files where the Include stands, and what stands under a Match counts
for that Match alone. No input or output here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

MAIN_FILE = "/etc/ssh/sshd_config"
_LINE = re.compile(r"[ \t]*(?P<keyword>[A-Za-z0-9]+)(?:[ \t]*=[ \t]*|[ \t]+)(?P<value>.*?)[ \t\r]*\Z", re.DOTALL)
_COMMENTED = re.compile(r"[ \t]*#[ \t]*(?P<rest>\S.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """A line of sshd_config that says something."""

    path: str
    index: int
    """Of the line in its file."""
    keyword: str
    """In small letters."""
    value: str
    outer: int
    """Of the line in the main file: its own, or that of the Include that brought it."""
    in_match: bool = False

    @property
    def name(self) -> str:
        """What the directive sets: its keyword, with the name of the subsystem for a Subsystem."""
        return f"subsystem {_first(self.value)}" if self.keyword == "subsystem" else self.keyword

    @property
    def setting(self) -> str:
        """The value, without the subsystem's name."""
        return _rest(self.value) if self.keyword == "subsystem" else _first(self.value)


def _first(value: str) -> str:
    return _unquoted(value.split(None, 1)[0]) if value.split() else ""


def _rest(value: str) -> str:
    return value.split(None, 1)[1] if len(value.split(None, 1)) > 1 else ""


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def lines_of(text: str) -> list[str]:
    """Return the lines with their ends; only a line feed ends one for sshd."""
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def directives(files: Mapping[str, str]) -> list[Directive]:
    """Return what the files say in the order sshd reads it, with included files where they are included.

    A file that includes itself is not followed: sshd refuses it.
    """
    return list(_walk(files, (MAIN_FILE,), None, in_match=False))


def _walk(
    files: Mapping[str, str], chain: tuple[str, ...], outer: int | None, *, in_match: bool
) -> Iterator[Directive]:
    path, matching = chain[-1], in_match
    for index, line in enumerate(lines_of(files.get(path, ""))):
        found = _LINE.match(line.rstrip("\n"))
        if found is None:
            continue
        keyword, value = found["keyword"].lower(), found["value"]
        matching = matching or keyword == "match"
        where = index if outer is None else outer
        yield Directive(path=path, index=index, keyword=keyword, value=value, outer=where, in_match=matching)
        if keyword == "include":
            names = (name for pattern in value.split() for name in _matching(files, pattern) if name not in chain)
            for name in names:
                yield from _walk(files, (*chain, name), where, in_match=matching)


def _matching(files: Mapping[str, str], pattern: str) -> list[str]:
    whole = _unquoted(pattern) if pattern.strip('"').startswith("/") else f"/etc/ssh/{_unquoted(pattern)}"
    parts = whole.split("/")
    return sorted(
        path
        for path in files
        if path.count("/") == len(parts) - 1
        and all(fnmatchcase(name, part) for name, part in zip(path.split("/"), parts, strict=True))
    )


def first(files: Mapping[str, str], name: str) -> Directive | None:
    """Return the directive that decides a setting for everybody, or None where the default holds."""
    return next((each for each in directives(files) if each.name == name and not each.in_match), None)


def default(name: str, version: tuple[int, ...] | None) -> str | None:
    """Return what holds where nothing is said; OpenSSH 7.0 took root's password login out of the defaults."""
    if name == "permitrootlogin":
        return "yes" if version is not None and version < (7, 0) else "prohibit-password"
    return {"passwordauthentication": "yes", "port": "22"}.get(name)


def effective(files: Mapping[str, str], name: str, version: tuple[int, ...] | None) -> str | None:
    """Return the value in force for everybody, as the files say it; None is "not set, and no default"."""
    found = first(files, name)
    return found.setting if found else default(name, version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An edit of the main file: one line replaced or added. ``was`` is the line before, None for an added one."""

    name: str
    line: str
    was: str | None
    index: int

    def applied(self, text: str) -> str:
        """Return the file after the edit."""
        lines = lines_of(text)
        if self.was is None and self.index and self.index == len(lines) and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines[self.index : self.index + (self.was is not None)] = [self.line]
        return "".join(lines)


def set_value(files: Mapping[str, str], name: str, value: str) -> Edit | None:
    """Return the edit of the main file that makes a value hold for everybody; None where it holds already.

    The line that decides is replaced where it stands in the main file. Where an included file decides, the line goes
    before that Include, and the included file stays as it is. Where nothing decides, it takes the place of the
    distribution's commented line, or goes before the first Match. Match blocks are never touched.
    """
    text = files.get(MAIN_FILE, "")
    lines = lines_of(text)
    decides = first(files, name)
    if decides is not None and decides.setting.lower() == value.lower():
        return None
    if decides is not None and decides.path == MAIN_FILE:
        return Edit(
            name=name, line=_written(name, value, lines[decides.index]), was=lines[decides.index], index=decides.index
        )
    if decides is not None:
        return Edit(name=name, line=_written(name, value), was=None, index=decides.outer)
    match = next((each.index for each in directives(files) if each.keyword == "match" and each.path == MAIN_FILE), None)
    end = len(lines) if match is None else match
    commented = next((index for index, line in enumerate(lines[:end]) if _is_commented(line, name)), None)
    if commented is not None:
        return Edit(name=name, line=_written(name, value, lines[commented]), was=lines[commented], index=commented)
    return Edit(name=name, line=_written(name, value), was=None, index=end)


def undo(files: Mapping[str, str], name: str, was: str | None) -> Edit | None:
    """Return the edit that takes ``set_value`` back: the line as it was, or none where it was added.

    None where somebody has changed the setting since: the deciding line is no longer "yes" in the main file.
    """
    decides = first(files, name)
    if decides is None or decides.path != MAIN_FILE or decides.setting.lower() != "yes":
        return None
    line = lines_of(files[MAIN_FILE])[decides.index]
    return Edit(name=name, line=was or "", was=line, index=decides.index)


_SPELLED = {"passwordauthentication": "PasswordAuthentication", "permitrootlogin": "PermitRootLogin"}


def _written(name: str, value: str, instead_of: str = "\n") -> str:
    words = "Subsystem " + name.split(" ", 1)[1] if name.startswith("subsystem ") else _SPELLED[name]
    return f"{words} {value}" + ("\r\n" if instead_of.endswith("\r\n") else "\n")


def _is_commented(line: str, name: str) -> bool:
    comment = _COMMENTED.match(line.rstrip("\n"))
    found = _LINE.match(comment["rest"]) if comment else None
    if found is None:
        return False
    probe = Directive(path="", index=0, keyword=found["keyword"].lower(), value=found["value"], outer=0)
    plausible = len(probe.value.split()) == 1 or (probe.keyword == "subsystem" and probe.setting.startswith("/"))
    return probe.name == name and plausible
