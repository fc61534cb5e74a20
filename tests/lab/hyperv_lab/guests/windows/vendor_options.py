# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command lines of setup and configurator: ``/Name value``; what a version doesn't know is refused (facts, 3.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .vendor import STACK_OPTIONS_SINCE, Ends, Exit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FLAG = ""
"""The kind of an option without a value."""
ANY = "*"


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """Options by lower-case name: FLAG, ANY, or the values it takes, parted by ``|``."""

    options: Mapping[str, str]
    modern: frozenset[str] = frozenset()
    """Those that came with the modernized stack."""


_FILES = {
    "logfilepath": ANY,
    "summaryfilepath": ANY,
    "validationsoutputjsonfilepath": ANY,
    "invoker": "pushinstall|vmtools|commandline",
}
SETUP = Grammar(
    options={
        "role": "MS|MT",
        "platform": "VmWare|Azure|AzureStackHub",
        "installlocation": ANY,
        "silent": FLAG,
        "cstype": "CSPrime|CSLegacy",
        "installationtype": "Install|Upgrade",
        "skipprereqchecks": FLAG,
        **_FILES,
    },
    modern=frozenset({"cstype", "installationtype"}),
)
CONFIGURATOR = Grammar(
    options={
        "csendpoint": ANY,
        "csport": ANY,
        "passphrasefilepath": ANY,
        "externalip": ANY,
        "sourceconfigfilepath": ANY,
        "credentiallessdiscovery": "true|false",
        "cstype": "CSPrime|CSLegacy",
        "unconfigure": "true|false",
        "operation": "DiagnoseAndFix",
        "clientrequestid": ANY,
        "configureproxy": FLAG,
        "proxyaddress": ANY,
        "proxyport": ANY,
        "silent": FLAG,
        **_FILES,
    },
    modern=frozenset({"sourceconfigfilepath", "credentiallessdiscovery", "cstype", "unconfigure", "operation"}),
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a command line said; values of a closed set have their known spelling."""

    values: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        """Return the value of an option, None where it isn't given."""
        return self.values.get(name.lower())

    def has(self, name: str) -> bool:
        """Return whether an option is given."""
        return name.lower() in self.values


def parse(arguments: Sequence[str], grammar: Grammar, version: tuple[int, ...]) -> Options:
    """Return the options; raise Ends with InvalidCommandLine for what this version doesn't take."""
    values: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name = word[1:].lower()
        kind = grammar.options.get(name) if word[:1] in "/-" else None
        if kind is None or (name in grammar.modern and version < STACK_OPTIONS_SINCE):
            raise Ends(Exit.INVALID_COMMAND_LINE, f"{word} is no option of this version")
        if name in values:
            raise Ends(Exit.INVALID_COMMAND_LINE, f"{word} is given twice")
        if kind == FLAG:
            values[name] = "true"
            continue
        if not rest or rest[0][:1] == "/":
            raise Ends(Exit.INVALID_COMMAND_LINE, f"{word} needs a value")
        values[name] = _value(word, rest.pop(0), kind)
    return Options(values=values)


def _value(option: str, given: str, kind: str) -> str:
    if kind == ANY:
        return given
    for known in kind.split("|"):
        if known.lower() == given.lower():
            return known
    raise Ends(Exit.INVALID_COMMAND_LINE, f"{option} takes {kind}, not {given!r}")
