# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values on their way to a machine and texts on their way back.

Only types whose form on the wire is known go out: the library beneath crashes on the others, and writes a whole number
of 2**31 or more as a 32-bit one, on which a PowerShell host never answers (measured). A whole number beyond 32 bits
goes as text, which the engine converts to any 64-bit parameter without loss.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from pypsrp.complex_objects import PSCredential
from pypsrp.serializer import TaggedValue

from .command import NULL, ON, Credential, Secret

_INT32 = 2**31


def time_span(value: timedelta) -> str:
    """Return the text that PowerShell reads as this span: ``d.hh:mm:ss`` with a fraction where there is one.

    A number would be read as ticks of 100 ns, and a plain ``5`` as five days (measured).
    """
    sign = "-" if value < timedelta() else ""
    whole = abs(value)
    minutes, seconds = divmod(whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{whole.microseconds:06d}" if whole.microseconds else ""
    return f"{sign}{whole.days}.{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"


def _moment(value: datetime, parameter: str) -> str:
    if value.tzinfo is None:
        raise TypeError(f"{parameter}: a point of time without a time zone can't be sent")
    return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _fraction(value: float, parameter: str) -> TaggedValue:
    if not math.isfinite(value):
        raise TypeError(f"{parameter}: {value} can't be sent")
    # The library's own choice is single precision, which loses digits.
    return TaggedValue("Db", float.__repr__(value))


def to_wire(value: Any, parameter: str) -> Any:
    """Return the value in a type that travels unharmed; subclasses of plain types become plain.

    Raises TypeError naming the type and the parameter for anything else.
    """
    if value is NULL or value is None:
        return None
    if value is ON or isinstance(value, bool):
        return True if value is ON else bool(value)
    if isinstance(value, int):
        number = int(value)
        return number if -_INT32 <= number < _INT32 else str(number)
    if isinstance(value, str):
        return str.__str__(value)
    return _rarer(value, parameter)


def _rarer(value: Any, parameter: str) -> Any:
    if isinstance(value, float):
        return _fraction(value, parameter)
    if isinstance(value, UUID):
        return UUID(int=value.int)
    if isinstance(value, timedelta):
        return time_span(value)
    if isinstance(value, datetime):
        return _moment(value, parameter)
    if isinstance(value, Secret):
        return TaggedValue("SS", str(value.text))
    if isinstance(value, Credential):
        return PSCredential(username=str(value.username), password=str(value.password.text))
    return _collection(value, parameter)


def _collection(value: Any, parameter: str) -> Any:
    if isinstance(value, (set, frozenset)):
        return [to_wire(item, parameter) for item in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        return [to_wire(item, parameter) for item in value]
    if isinstance(value, dict):
        return {_key(key, parameter): to_wire(item, f"{parameter}.{key}") for key, item in value.items()}
    raise TypeError(f"{parameter}: a value of type {type(value).__name__} can't be sent to a machine")


def _key(key: Any, parameter: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{parameter}: a key of type {type(key).__name__} can't be sent, only text")
    return str.__str__(key)


def holds_secret(value: Any) -> bool:
    """Whether a value to be sent needs the session's key exchange first."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(holds_secret(item) for item in value)
    if isinstance(value, dict):
        return any(holds_secret(item) for item in value.values())
    return isinstance(value, (Secret, Credential))
