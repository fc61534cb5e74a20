# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which errors of the catalogue the code really checks or recognises, read from the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import exit_codes, recognise
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import entries

ASR = Path(exit_codes.__file__).parent
ROOMS = ("windows", "linux", "push")


def with_pairs(ids: Iterable[str]) -> set[str]:
    """The ids that are reported where these are found."""
    found = set(ids)
    return found | {other for each in found for other in entries()[each].pair}


def recognised() -> set[str]:
    """Ids that exit codes, errors JSON, HRESULTs or logs can end in."""
    tables = [value for value in vars(exit_codes).values() if isinstance(value, dict)]
    by_code = {code.id for table in tables for code in table.values() if isinstance(code, exit_codes.Exit)}
    by_name = {recognise.NAMES.get(key[5:], key) for key in entries() if key.startswith("name:")}
    by_text = {*recognise.NAMES.values(), *recognise.HRESULTS.values(), *recognise.VACP.values()}
    by_line = {error_id for _pattern, error_id in recognise.LOG_LINES}
    special = {"vss:0x8004E00F-cluster", "151137", "78144"}
    return {each for each in by_code | by_name | by_text | by_line | special if each}


def checked() -> set[str]:
    """Ids that some rule makes a finding of."""
    found: set[str] = set()
    for room in ROOMS:
        for path in sorted((ASR / room).glob("*.py")):
            found |= _made(ast.parse(path.read_text(encoding="utf-8")))
    return found


def _made(tree: ast.Module) -> set[str]:
    """Ids that a file calls ``finding`` with: written there, or given to the function that calls it, or in a table."""
    constants = _constants(tree)
    found: set[str] = set()
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for call in _calls(function, "finding"):
            value = call.args[0] if call.args else next(kw.value for kw in call.keywords if kw.arg == "error_id")
            texts = set(_texts(value, constants)) or _given(tree, function, value) or _tables(tree)
            found |= {known for known in entries() if any(fnmatchcase(known, text) for text in texts)}
    return found


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
            yield node


def _constants(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in tree.body:
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[target.id] = value.value
    return found


def _texts(value: ast.expr, constants: Mapping[str, str]) -> Iterator[str]:
    """The texts an expression can be, open parts as stars; nothing where they don't stand in it."""
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.Name) and value.id in constants:
        yield constants[value.id]
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body, constants)
        yield from _texts(value.orelse, constants)
    elif isinstance(value, ast.JoinedStr):
        parts = [
            part.value if isinstance(part, ast.Constant) else constants.get(getattr(part.value, "id", ""), "*")
            for part in value.values
            if isinstance(part, (ast.Constant, ast.FormattedValue))
        ]
        yield "".join(str(part) for part in parts)


def _given(tree: ast.Module, function: ast.FunctionDef, value: ast.expr) -> set[str]:
    """What callers in the same file hand to the parameter that ``value`` is."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    if not isinstance(value, ast.Name) or value.id not in names:
        return set()
    constants, position = _constants(tree), names.index(value.id)
    found: set[str] = set()
    for call in _calls(tree, function.name):
        handed = call.args[position : position + 1] or [kw.value for kw in call.keywords if kw.arg == value.id]
        found |= {text for each in handed for text in _texts(each, constants)}
    return found


def _tables(tree: ast.Module) -> set[str]:
    """Every catalogued id that stands in the file: an id that a loop takes from a table."""
    return {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)} & set(entries())
