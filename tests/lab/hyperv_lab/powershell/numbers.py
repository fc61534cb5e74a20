# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Integers of the engine: widths, and the forms of text it takes for them (``4GB``, ``0x10``, ``1e3``, ``1.5``)."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from .values import Byte, Char, EnumValue, Int16, Int64, SByte, UInt16, UInt32, UInt64

WIDTHS: dict[str, tuple[type[int], int, int]] = {
    "Int32": (int, -(1 << 31), (1 << 31) - 1),
    "Int64": (Int64, -(1 << 63), (1 << 63) - 1),
    "UInt64": (UInt64, 0, (1 << 64) - 1),
    "UInt32": (UInt32, 0, (1 << 32) - 1),
    "Int16": (Int16, -(1 << 15), (1 << 15) - 1),
    "UInt16": (UInt16, 0, (1 << 16) - 1),
    "SByte": (SByte, -128, 127),
    "Byte": (Byte, 0, 255),
}
"""Name of the type: Python class, smallest and largest number."""

_MULTIPLIERS = {"": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
_HEX = re.compile(r"\s*(?:0x|&h|#)([0-9a-f]+)\s*", re.IGNORECASE)
_HEX_SUFFIXED = re.compile(r"\s*([+-]?)0x([0-9a-f]+)l?(kb|mb|gb|tb|pb)\s*", re.IGNORECASE)
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)[ld]?(|kb|mb|gb|tb|pb)\s*", re.IGNORECASE)


def scan(text: str, largest: int, smallest: int) -> Decimal | None:
    """Return the number that a text stands for, or None. Hexadecimal digits are the bits of a type of these limits."""
    if not text:
        return Decimal(0)
    plain = _HEX.fullmatch(text)
    if plain:
        bits = int(plain[1], 16)
        whole = largest - smallest + 1
        return Decimal(bits - whole if smallest and largest < bits < whole else bits)
    suffixed = _HEX_SUFFIXED.fullmatch(text)
    if suffixed:
        return Decimal(int(suffixed[1] + suffixed[2], 16) * _MULTIPLIERS[suffixed[3].lower()])
    found = _NUMBER.fullmatch(text)
    return Decimal(found[1]) * _MULTIPLIERS[found[2].lower()] if found else None


def _exact(value: Any, smallest: int, largest: int) -> Decimal | int | None:
    if value is None:
        return 0
    if isinstance(value, EnumValue):
        return value.number
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, str):
        return scan(value, largest, smallest)
    if isinstance(value, (float, Decimal)):
        return Decimal(value)
    return None


def integer(value: Any, type_name: str) -> int | None:
    """Return the value as a number of the integer type, a half rounded to the even neighbour; None if it is none."""
    python, smallest, largest = WIDTHS[type_name]
    try:
        exact = _exact(value, smallest, largest)
        if exact is None:
            return None
        rounded = exact if isinstance(exact, int) else int(exact.to_integral_value(ROUND_HALF_EVEN))
    except (InvalidOperation, OverflowError, ValueError):
        return None
    return python(rounded) if smallest <= rounded <= largest else None


def is_number(value: Any) -> bool:
    """Return whether the engine counts the value among numbers (a Boolean and an enumeration are none)."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
