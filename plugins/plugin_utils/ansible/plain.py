# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values on their way in from Ansible and out to it: plain JSON types only, in both directions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from ..errors import InvalidRequest


def arguments_in(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return task arguments without Ansible's own subclasses and tags, which crash the libraries beneath.

    Raises InvalidRequest, which names the argument, for a value that has no form in JSON.
    """
    found = {}
    for name, value in arguments.items():
        try:
            found[str(name)] = json.loads(json.dumps(result_out(value)))
        except (TypeError, ValueError) as error:
            raise InvalidRequest(f"{name}: {error}; give text, numbers, truth values, lists and mappings") from error
    return found


def result_out(value: Any) -> Any:
    """Return the value in JSON types.

    Ansible drops a task's whole output, without failing it, when a result holds anything else.
    Raises TypeError for a type that has no such form.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return result_out(value.value)
    if isinstance(value, str):
        return str.__str__(value)
    if getattr(type(value), "__ENCRYPTED__", False):  # !vault before ansible-core 2.19: decrypted when it is read
        return str(value)
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    return _collection(value)


def _collection(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key.value if isinstance(key, Enum) else key): result_out(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((result_out(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [result_out(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: result_out(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, (UUID, PurePath)):
        return str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"a result can't hold a value of type {type(value).__name__}")
