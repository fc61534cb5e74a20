# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that arrive: psrpcore's objects become values of the engine."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from typing import Any

from psrpcore import types as ps

from ..powershell import values as engine

_NUMBERS: tuple[tuple[type, type], ...] = (
    (ps.PSByte, engine.Byte),
    (ps.PSSByte, engine.SByte),
    (ps.PSUInt16, engine.UInt16),
    (ps.PSInt16, engine.Int16),
    (ps.PSUInt, engine.UInt32),
    (ps.PSUInt64, engine.UInt64),
    (ps.PSInt64, engine.Int64),
    (ps.PSInt, int),
)
_TEXTS: tuple[tuple[type, type], ...] = ((ps.PSVersion, engine.Version), (ps.PSUri, engine.Uri))


def to_engine(value: Any) -> Any:
    """Return the engine's value for something that a client sent."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, ps.PSSecureString):
        return _secure(value)
    if isinstance(value, dict):
        return {to_engine(key): to_engine(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_engine(item) for item in value]
    if isinstance(value, ps.PSEnumBase | ps.PSFlagBase):
        return engine.EnumValue(_type_name(value), value.name or "", int(value.value))
    scalar = _scalar(value)
    return scalar if scalar is not NotImplemented else _object(value)


def _secure(value: ps.PSSecureString) -> engine.SecureString:
    """Return the text; one that was encrypted with another session's key is as good as none (replays hold such)."""
    try:
        return engine.SecureString("".join(value.decrypt()))
    except ValueError:
        return engine.SecureString("")


def _scalar(value: Any) -> Any:
    for source, target in _NUMBERS:
        if isinstance(value, source):
            return target(value)
    for source, target in _TEXTS:
        if isinstance(value, source):
            return target(str(value))
    if isinstance(value, ps.PSChar):
        return engine.Char(chr(int(value)))
    if isinstance(value, ps.PSSingle):
        return engine.Single(float(value))
    if isinstance(value, str):
        return str.__str__(value) if type(value) is str else "".join(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    return _moment(value)


def _moment(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=value.int)
    if isinstance(value, dt.datetime):
        return dt.datetime.combine(value.date(), value.timetz())
    if isinstance(value, dt.timedelta):
        return dt.timedelta(days=value.days, seconds=value.seconds, microseconds=value.microseconds)
    if isinstance(value, decimal.Decimal):
        return decimal.Decimal(value)
    if isinstance(value, float):
        return float(value)
    return int(value) if isinstance(value, int) else NotImplemented


def _type_name(value: Any) -> str:
    names = list(value.PSTypeNames)
    return str(names[0]) if names else engine.OBJECT


def _object(value: Any) -> Any:
    """Return a credential for one, else a bag of the object's properties."""
    names = tuple(str(name) for name in value.PSTypeNames)
    described = value.PSObject
    properties = {
        str(one.name): to_engine(one.get_value(value))
        for one in (*described.adapted_properties, *described.extended_properties)
    }
    if any(name.endswith("System.Management.Automation.PSCredential") for name in names):
        secret = properties.get("Password")
        if isinstance(secret, engine.SecureString):
            return engine.Credential(str(properties.get("UserName") or ""), secret)
    return engine.PropertyBag(properties, names or (engine.OBJECT,), text=described.to_string)
