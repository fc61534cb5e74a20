# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic parameters: those that a command has only where its path is of a certain provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from .signature import Parameter, Signature

FILE_SYSTEM = "FileSystem"
_DRIVES = {
    "cert": "Certificate",
    "hklm": "Registry",
    "hkcu": "Registry",
    "wsman": "WSMan",
    "alias": "Alias",
    "function": "Function",
    "env": "Environment",
    "variable": "Variable",
}
_PATHS = ("path", "literalpath", "pspath")
_KEPT: WeakKeyDictionary[Signature, dict[str, Signature]] = WeakKeyDictionary()


def provider_of(path: Any) -> str:
    """Return the provider of a path as text; FileSystem where the text doesn't say another."""
    if isinstance(path, list):
        path = path[0] if path else None
    if not isinstance(path, str):
        return FILE_SYSTEM
    qualifier, marked, _ = path.partition("::")
    if marked:
        return qualifier.rpartition("\\")[2]
    drive, colon, _ = path.partition(":")
    return _DRIVES.get(drive.lower(), FILE_SYSTEM) if colon else FILE_SYSTEM


def with_provider(signature: Signature, arguments: Sequence[tuple[str | None, Any]]) -> Signature:
    """Return the signature without the dynamic parameters that the path given doesn't call for."""
    if not signature.dynamic:
        return signature
    variants = _KEPT.setdefault(signature, {})
    named = [value for name, value in arguments if name is not None and name.lower() in _PATHS]
    unnamed = [value for name, value in arguments if name is None]
    provider = provider_of((named or unnamed or [None])[0])
    if provider not in variants:
        variants[provider] = _variant(signature, provider)
    return variants[provider]


def _variant(signature: Signature, provider: str) -> Signature:
    kept = [_under(each) for each in signature.parameters if not each.providers or provider in each.providers]
    return replace(signature, parameters=tuple(kept))


def _under(parameter: Parameter) -> Parameter:
    if not parameter.provider_mandatory_in:
        return parameter
    sets = {
        name: replace(flags, mandatory=flags.mandatory or name in parameter.provider_mandatory_in)
        for name, flags in parameter.sets.items()
    }
    return replace(parameter, sets=sets)
