# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which command a name means in a runspace: full language, or an endpoint that shows only what it grants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from . import contract
from .commands import Cmdlet
from .signature import Parameter, Signature

Finder = Callable[[str], type[Cmdlet] | None]


@dataclass(frozen=True)
class Entry:
    """A command that can run: how it binds, what runs, and whose name stands in its errors."""

    name: str
    signature: Signature
    cmdlet: type[Cmdlet] | None
    """None: the contract has it, the lab doesn't simulate it."""
    class_name: str
    is_function: bool = False
    inner: Entry | None = None
    """The command behind a proxy function of a restricted endpoint."""


@dataclass(frozen=True)
class Grant:
    """What a restricted endpoint shows of a command: whole, or some parameters with sets or patterns."""

    name: str
    parameters: Mapping[str, Mapping[str, object]] | None = None
    """{parameter: {"values": (…)} or {"pattern": …} or {}}; None grants the command whole."""


@dataclass
class CommandTable:
    """The commands of a machine: signatures by edition, implementations by name."""

    edition: str
    find: Finder
    """Returns the implementation of a command by its plain name."""
    by_hand: Mapping[str, Signature] = field(default_factory=dict)
    """Signatures beside the contract, by lower-case name."""
    aliases: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, name: str) -> Entry | None:
        """Return the command of a plain or module-qualified name, or None."""
        module, _, plain = name.rpartition("\\")
        if not module:
            plain = self.aliases.get(plain.lower(), plain)
        signature = self.by_hand.get(plain.lower()) or contract.signature(plain, self.edition)
        if signature is None or (module and signature.module.lower() != module.lower()):
            return None
        cmdlet = self.find(signature.name)
        if cmdlet is None and signature.name.lower() in self.by_hand:
            return None
        class_name = (cmdlet.CLASS if cmdlet else "") or signature.name
        return Entry(signature.name, signature, cmdlet, class_name, is_function=signature.kind == "function")

    def names(self) -> Iterable[str]:
        """Return the names of the commands there are."""
        return [*(s.name for s in self.by_hand.values())]


def granted(entry: Entry, grant: Grant) -> Entry:
    """Return a command as a restricted endpoint shows it: with restrictions it is a proxy function."""
    if grant.parameters is None:
        return entry
    wanted = {name.lower(): rule for name, rule in grant.parameters.items()}
    kept: list[Parameter] = []
    for parameter in entry.signature.parameters:
        rule = wanted.get(parameter.name.lower())
        if rule is None and not parameter.common:
            continue
        if rule:
            values, pattern = rule.get("values"), rule.get("pattern")
            allowed = tuple(str(value) for value in values) if isinstance(values, (list, tuple)) else None
            kept.append(replace(parameter, allowed=allowed, pattern=f"^(?:{pattern})$" if pattern else None))
            continue
        kept.append(parameter)
    signature = replace(entry.signature, parameters=tuple(kept), kind="function")
    return Entry(entry.name, signature, entry.cmdlet, entry.name, is_function=True, inner=entry)
