# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""-Filter and -LDAPFilter of the directory's cmdlets, as far as a tool for hosts needs them.

-Filter: ``*``, comparisons by -eq, -ne, -like and -notlike, -and, -or, -not,
parentheses. -LDAPFilter: &, |, !, equality with wildcards.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .base import wildcard

if TYPE_CHECKING:
    from collections.abc import Callable

    from .directory import DirectoryObject

    Test = Callable[[DirectoryObject], bool]

ALIASES = {
    "dnshostname": "dNSHostName",
    "samaccountname": "sAMAccountName",
    "serviceprincipalnames": "servicePrincipalName",
    "sid": "objectSid",
    "distinguishedname": "distinguishedName",
}
_TOKEN = re.compile(r"\s*(?:(\()|(\))|'((?:[^']|'')*)'|\"([^\"]*)\"|(-?[^\s()'\"]+))")


class BadFilter(ValueError):
    """A filter that can't be read; the text names the place."""


def value_of(found: DirectoryObject, name: str) -> Any:
    """Return what a filter compares: an attribute by its LDAP name or the module's."""
    plain = name.lower()
    if plain == "distinguishedname":
        return found.dn
    if plain == "objectclass":
        return list(found.classes)
    if plain == "objectguid":
        return str(found.guid)
    if plain == "enabled":
        return not found.control & 2
    return found.get(ALIASES.get(plain, name))


def powershell(text: str) -> Test:
    """Return the test of a -Filter; raise BadFilter."""
    if text.strip() == "*":
        return lambda _found: True
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[tuple[str, bool]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise BadFilter(f"Error parsing query: '{text}' at position {position}.")
            position = match.end()
            quoted = match[3] if match[3] is not None else match[4]
            word = quoted.replace("''", "'") if quoted is not None else match[1] or match[2] or match[5]
            self.words.append((word, quoted is not None))

    def whole(self) -> Test:
        test = self._either()
        if self.words:
            raise self._bad()
        return test

    def _bad(self) -> BadFilter:
        return BadFilter(f"Error parsing query: '{self.text}'.")

    def _next(self) -> tuple[str, bool]:
        if not self.words:
            raise self._bad()
        return self.words.pop(0)

    def _at(self, word: str) -> bool:
        if self.words and not self.words[0][1] and self.words[0][0].lower() == word:
            self.words.pop(0)
            return True
        return False

    def _either(self) -> Test:
        tests = [self._both()]
        while self._at("-or"):
            tests.append(self._both())
        return lambda found: any(test(found) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._at("-and"):
            tests.append(self._one())
        return lambda found: all(test(found) for test in tests)

    def _one(self) -> Test:
        if self._at("-not"):
            inner = self._one()
            return lambda found: not inner(found)
        if self._at("("):
            inner = self._either()
            if not self._at(")"):
                raise self._bad()
            return inner
        name, operator, value = self._next()[0], self._next()[0].lower(), self._next()[0]
        if operator not in ("-eq", "-ne", "-like", "-notlike"):
            raise self._bad()
        pattern = operator in ("-like", "-notlike")
        negated = operator in ("-ne", "-notlike")
        return lambda found: compare(value_of(found, name), value, pattern=pattern) != negated


def compare(held: Any, wanted: str, *, pattern: bool) -> bool:
    """Return whether an attribute, or one of its values, is what is wanted, without case."""
    expression = wildcard(wanted) if pattern else None
    for each in held if isinstance(held, list) else [held]:
        if each is None:
            continue
        text = str(each)
        if expression.fullmatch(text) if expression is not None else text.lower() == wanted.lower():
            return True
    return False


def ldap(text: str) -> Test:
    """Return the test of an -LDAPFilter; raise BadFilter."""
    test, rest = _ldap(text.strip())
    if rest.strip():
        raise BadFilter(f"The search filter cannot be recognized: '{text}'.")
    return test


def _ldap(text: str) -> tuple[Test, str]:
    if not text.startswith("("):
        raise BadFilter(f"The search filter cannot be recognized: '{text}'.")
    if text[1:2] in ("&", "|", "!"):
        kind, rest, tests = text[1], text[2:].lstrip(), []
        while rest.startswith("("):
            test, rest = _ldap(rest)
            tests.append(test)
        if not rest.startswith(")"):
            raise BadFilter(f"The search filter cannot be recognized: '{text}'.")
        if kind == "!":
            return (lambda found: not tests[0](found)), rest[1:].lstrip()
        combine = all if kind == "&" else any
        return (lambda found: combine(test(found) for test in tests)), rest[1:].lstrip()
    match = re.match(r"\(([\w;-]+)=([^()]*)\)\s*", text)
    if match is None:
        raise BadFilter(f"The search filter cannot be recognized: '{text}'.")
    name, value = match[1], match[2]
    if value == "*":
        return (lambda found: value_of(found, name) not in (None, [])), text[match.end() :]
    parts = [re.escape(_unescaped(part)) for part in value.split("*")]
    expression = re.compile(".*".join(parts), re.IGNORECASE | re.DOTALL)
    return (lambda found: _any_fits(value_of(found, name), expression)), text[match.end() :]


def _unescaped(part: str) -> str:
    return re.sub(r"\\([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), part)


def _any_fits(held: Any, expression: re.Pattern[str]) -> bool:
    values = held if isinstance(held, list) else [held]
    return any(value is not None and expression.fullmatch(str(value)) is not None for value in values)
