# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a task as an argument specification, built by functions that accept only keys that take effect.

Ansible's validator ignores unknown keys, so that a misspelt ``no_log`` would protect nothing.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

Option: TypeAlias = dict[str, Any]
Spec: TypeAlias = dict[str, Option]


def _option(kind: str, *, required: bool, default: Any, aliases: tuple[str, ...] = ()) -> Option:
    if required and default is not None:
        raise ValueError("a required option has no default")
    option: Option = {"type": kind}
    if required:
        option["required"] = True
    if default is not None:
        option["default"] = default
    if aliases:
        option["aliases"] = list(aliases)
    return option


def text(*, required: bool = False, default: str | None = None, aliases: tuple[str, ...] = ()) -> Option:
    """Return an option that takes a text."""
    return _option("str", required=required, default=default, aliases=aliases)


def path(*, required: bool = False, default: str | None = None) -> Option:
    """Return an option that takes a path on a Windows machine; it is left as it is, not expanded here."""
    return _option("str", required=required, default=default)


def boolean(*, required: bool = False, default: bool | None = None) -> Option:
    """Return an option that takes yes or no; None when it is not given and has no default."""
    return _option("bool", required=required, default=default)


def integer(*, required: bool = False, default: int | None = None, minimum: int | None = None) -> Option:
    """Return an option that takes a whole number, checked against ``minimum`` by the action base."""
    option = _option("int", required=required, default=default)
    return option if minimum is None else {**option, MINIMUM: minimum}


def choice(*choices: str, required: bool = False, default: str | None = None) -> Option:
    """Return an option that takes one of the given words."""
    if not choices or (default is not None and default not in choices):
        raise ValueError(f"choices {choices} do not hold the default {default!r}")
    return {**_option("str", required=required, default=default), "choices": list(choices)}


def listing(
    of: str | Option = "str", *, required: bool = False, default: list[Any] | None = None, choices: tuple[str, ...] = ()
) -> Option:
    """Return an option that takes a list of one type: "str", "int" or what ``mapping`` returns."""
    option = _option("list", required=required, default=default)
    if isinstance(of, dict):
        return {**option, "elements": of["type"], **{key: of[key] for key in _NESTED if key in of}}
    if of not in ("str", "int", "float", "bool", "dict", "raw"):
        raise ValueError(f"{of!r} is no type of elements")
    return {**option, "elements": of, **({"choices": list(choices)} if choices else {})}


def mapping(
    keys: Spec | None = None,
    *,
    required: bool = False,
    default: dict[str, Any] | None = None,
    mutually_exclusive: tuple[tuple[str, ...], ...] = (),
    required_together: tuple[tuple[str, ...], ...] = (),
    required_one_of: tuple[tuple[str, ...], ...] = (),
) -> Option:
    """Return an option that takes a dictionary: of any keys, or of exactly the given ones."""
    option = _option("dict", required=required, default=default)
    rules = {
        "mutually_exclusive": mutually_exclusive,
        "required_together": required_together,
        "required_one_of": required_one_of,
    }
    if keys is not None:
        option["options"] = keys
    return {**option, **{name: [list(group) for group in groups] for name, groups in rules.items() if groups}}


def secret(*, required: bool = False) -> Option:
    """Return an option whose value is masked wherever it would show."""
    return {**_option("str", required=required, default=None), "no_log": True}


def secret_json(*, required: bool = False) -> Option:
    """Return a secret option whose text is JSON; ansible-core before 2.19 templates such a text into a dictionary."""
    return {**_option("jsonarg", required=required, default=None), "no_log": True}


MINIMUM = "minimum"
"""Our own key; taken out again before Ansible's validator sees the specification."""
_NESTED = ("options", "mutually_exclusive", "required_together", "required_one_of")


def for_validator(spec: Spec) -> dict[str, Any]:
    """Return the specification as Ansible's ArgumentSpecValidator wants it."""
    return {name: _clean(option) for name, option in spec.items()}


def _clean(option: Option) -> Option:
    kept = {key: value for key, value in option.items() if key != MINIMUM}
    if "options" in kept:
        kept["options"] = for_validator(kept["options"])
    return kept


def too_small(spec: Spec, values: dict[str, Any]) -> list[str]:
    """Return one sentence per number below its minimum, also within lists and dictionaries."""
    found = []
    for name, option in spec.items():
        value = values.get(name)
        if value is None:
            continue
        if MINIMUM in option and value < option[MINIMUM]:
            found.append(f"{name} is {value}; the smallest possible value is {option[MINIMUM]}")
        for part in value if isinstance(value, list) else [value]:
            if "options" in option and isinstance(part, dict):
                found += [f"{name}: {problem}" for problem in too_small(option["options"], part)]
    return found


def secrets_of(spec: Spec, values: dict[str, Any]) -> set[str]:
    """Return the texts given for secret options, also within lists and dictionaries."""
    found: set[str] = set()
    for name, option in spec.items():
        for key in (name, *option.get("aliases", ())):
            value = values.get(key)
            if option.get("no_log") and value not in (None, ""):
                found.add(str(value))
                if isinstance(value, dict):
                    found.add(json.dumps(value))
            for part in value if isinstance(value, list) else [value]:
                if "options" in option and isinstance(part, dict):
                    found |= secrets_of(option["options"], part)
    return found
