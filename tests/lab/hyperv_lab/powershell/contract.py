# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract: which commands exist in which edition, and how they bind.

``python -m hyperv_lab.powershell.contract regenerate PATH_TO_CMDLETS_JSON`` writes the data file anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from .signature import Signature
from .signatures.layout import EDITIONS, pack, unpack
from .signatures.older import BASE, OLDER, older

DATA = Path(__file__).parent / "signatures" / "contract.tsv"
__all__ = ["EDITIONS", "commands", "enumerations", "regenerate", "resolve", "signature"]


@cache
def _lines() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for line in DATA.read_text(encoding="utf-8").splitlines():
        name, _, packed = line.partition("\t")
        found[name.lower()] = (name, packed)
    return found


@cache
def _packed(key: str) -> dict[str, Any]:
    packed: dict[str, Any] = json.loads(_lines()[key][1])
    return packed


@cache
def _signature(key: str, edition: str) -> Signature | None:
    if edition in OLDER:
        newer = _signature(key, BASE)
        return older(newer, edition) if newer else None
    return unpack(_lines()[key][0], _packed(key), edition)


@cache
def _aliases() -> dict[str, str]:
    return {alias.lower(): key for key in _lines() for alias in _packed(key).get("a", ())}


def signature(name: str, edition: str) -> Signature | None:
    """Return the command of this name (any case, no module, no alias) in the edition, or None.

    The same object each time, so that what the binder derives from it is kept.
    """
    key = name.lower()
    return _signature(key, edition) if key in _lines() else None


def resolve(name: str, edition: str) -> Signature | None:
    """Return the command that a text names, or None: ``Get-VM``, ``Hyper-V\\Get-VM`` or an alias, in any case."""
    module, _, bare = name.rpartition("\\")
    key = bare.lower()
    found = signature(key if key in _lines() else _aliases().get(key, key), edition)
    if found is None or (module and module.lower() != found.module.lower()):
        return None
    return found


def commands(edition: str) -> Iterator[Signature]:
    """Yield every command that the edition has, in the order of the contract."""
    for key in _lines():
        found = _signature(key, edition)
        if found is not None:
            yield found


@cache
def enumerations() -> dict[str, tuple[str, ...]]:
    """Return the names of each enumeration by its short type name, in the order of their first appearance."""
    found: dict[str, dict[str, None]] = {}
    for key in _lines():
        for row in _packed(key)["p"]:
            values = row[7].get("v") if len(row) > 7 else None
            if values:
                found.setdefault(row[1].removesuffix("[]"), {}).update(dict.fromkeys(values))
    return {name: tuple(values) for name, values in found.items()}


def regenerate(source: Path, target: Path = DATA) -> int:
    """Write the data file from the published contract; return the number of commands."""
    contract = json.loads(source.read_text(encoding="utf-8"))
    lines = [
        f"{name}\t{json.dumps(pack(module, entry), separators=(',', ':'), ensure_ascii=False)}\n"
        for module, entries in contract.items()
        for name, entry in entries.items()
    ]
    target.write_text("".join(lines), encoding="utf-8")
    return len(lines)


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    if len(arguments) != 2 or arguments[0] != "regenerate":
        print("usage: python -m hyperv_lab.powershell.contract regenerate PATH_TO_CMDLETS_JSON", file=sys.stderr)
        return 2
    print(f"{regenerate(Path(arguments[1]))} commands in {DATA.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
