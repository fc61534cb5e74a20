# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which command a name means in a runspace: full language, or an endpoint that shows only what it grants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import editions, restricted
from .commands import Cmdlet
from .restricted import Endpoint, Grant
from .signature import Signature

Finder = Callable[[str], "type[Cmdlet] | None"]


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


class CommandTable:
    """The commands of a machine."""

    def __init__(
        self,
        edition: str,
        find: Finder,
        *,
        by_hand: Mapping[str, Signature] | None = None,
        aliases: Mapping[str, str] | None = None,
        lacks: Callable[[str], bool] = lambda _name: False,
    ) -> None:
        self.edition, self._find, self._lacks = edition, find, lacks
        self._by_hand: Mapping[str, Signature] = {**editions.by_hand(edition), **(by_hand or {})}
        self._aliases = aliases or {}
        self._modules = {each.module.lower() for each in self._by_hand.values()}

    def resolve(self, name: str) -> Entry | None:
        """Return the command of a plain or module-qualified name, or None."""
        module, _, plain = name.rpartition("\\")
        if not module:
            plain = self._aliases.get(plain.lower(), plain)
        signature = self._by_hand.get(plain.lower()) or editions.signature(plain, self.edition)
        if signature is None or (module and signature.module.lower() != module.lower()) or self._lacks(signature.name):
            return None
        cmdlet = self._find(signature.name)
        class_name = (cmdlet.CLASS if cmdlet else "") or signature.name
        return Entry(signature.name, signature, cmdlet, class_name, is_function=signature.kind == "function")

    def every(self, name: str) -> list[Entry]:
        """Return all commands of a plain or module-qualified name."""
        found = self.resolve(name)
        return [] if found is None else [found]

    def entries(self) -> list[Entry]:
        """Return what Get-Command lists: every command, by name."""
        return [entry for name in self.names() if (entry := self.resolve(name)) is not None]

    def knows_module(self, name: str) -> bool:
        """Return whether a module of this name is there: one whose commands are all missing isn't."""
        wanted = name.lower()
        if wanted not in self._modules and wanted not in editions.modules(self.edition):
            return False
        found = (self.resolve(each) for each in self.names())
        return any(each is not None and each.signature.module.lower() == wanted for each in found)

    def names(self) -> list[str]:
        """Return the names of all commands, in order."""
        every = {each.name for each in self._by_hand.values()} | set(editions.names(self.edition))
        return sorted((name for name in every if not self._lacks(name)), key=str.lower)


class RestrictedTable:
    """The commands that a restricted endpoint shows of a machine's."""

    def __init__(self, table: CommandTable, endpoint: Endpoint) -> None:
        self.edition = table.edition
        self._table = table
        self._whole: dict[str, Entry] = {}
        self._functions: dict[str, Entry] = {}
        for name, signature in restricted.default_proxies(table.edition).items():
            inner = table.resolve(name)
            self._functions[name] = self._proxy(signature, inner)
        for each in endpoint.visible:
            self._add(each)

    @staticmethod
    def _proxy(signature: Signature, inner: Entry | None) -> Entry:
        cmdlet = inner.cmdlet if inner else None
        return Entry(signature.name, signature, cmdlet, signature.name, is_function=True, inner=inner)

    def _add(self, rules: Grant) -> None:
        inner = self._table.resolve(rules.name)
        if inner is None:
            return
        if rules.parameters is None:
            self._whole[inner.name.lower()] = inner
        else:
            self._functions[inner.name.lower()] = self._proxy(restricted.granted(inner.signature, rules), inner)

    def resolve(self, name: str) -> Entry | None:
        """Return what a name means: a proxy function before a cmdlet; qualified, only a cmdlet that is shown whole."""
        module, _, plain = name.rpartition("\\")
        key = plain.lower()
        if module:
            found = self._whole.get(key)
            return found if found is not None and found.signature.module.lower() == module.lower() else None
        key = restricted.ALIASES.get(key, key).lower()
        return self._functions.get(key) or self._whole.get(key)

    def every(self, name: str) -> list[Entry]:
        """Return all commands of a plain name: a proxy function doesn't hide its cmdlet from Get-Command."""
        key = name.lower()
        return [found for found in (self._functions.get(key), self._whole.get(key)) if found is not None]

    def knows_module(self, name: str) -> bool:
        """Return whether a module of this name is there, though it may show nothing."""
        return self._table.knows_module(name)

    def entries(self) -> list[Entry]:
        """Return what Get-Command lists: functions, then cmdlets, each by name."""
        return [table[name] for table in (self._functions, self._whole) for name in sorted(table)]
