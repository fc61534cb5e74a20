# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refused bindings as error records: the exception's class and its HRESULT, which tells why a value didn't convert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .binder import BindingFailed, ObjectNotBound
from .commands import ErrorRecord
from .numbers import WIDTHS, is_number, scan
from .outcomes import BINDING, TRANSFORMATION, VALIDATION, engine_error
from .signature import Parameter, Signature
from .types import BUILT_IN
from .values import PropertyBag

GENERAL = 0x80131501
FORMAT, OVERFLOW, INVALID_CAST = 0x80131537, 0x80131516, 0x80004002
ARGUMENT, OPERATION, UNSUPPORTED = 0x80070057, 0x80131509, 0x80131515
_PARSED = frozenset({"Guid", "DateTime", "TimeSpan", "Double", "Single", "Decimal"})


def record_of(
    refused: BindingFailed | ObjectNotBound,
    signature: Signature,
    class_name: str,
    arguments: Sequence[tuple[str | None, Any]],
    message: str,
    target: Any = None,
) -> ErrorRecord:
    """Return the record of a refused binding; ``arguments`` are those of the command line."""
    error_id, category, hresult = refused.error_id, refused.category, GENERAL
    parameter = signature.parameter(refused.parameter) if refused.parameter else None
    if parameter is not None and error_id.startswith("CannotConvertArgument"):
        value = _value(parameter, arguments, refused.parameter)
        if value is None and target is None:
            error_id, category, hresult = "ParameterBindingFailed", "WriteError", INVALID_CAST
        else:
            hresult = _hresult(error_id, parameter, value)
    exception: tuple[str, ...] = BINDING
    if error_id.startswith("ParameterArgumentValidation"):
        exception = VALIDATION
    elif error_id == "ParameterArgumentTransformationError":
        exception = TRANSFORMATION
    return engine_error(error_id, category, message, exception, target=target, hresult=hresult, class_name=class_name)


def _value(parameter: Parameter, arguments: Sequence[tuple[str | None, Any]], name: str) -> Any:
    names = (parameter.name.lower(), *(alias.lower() for alias in parameter.aliases))
    for given, value in arguments:
        if given is not None and any(each.startswith(given.lower()) for each in names):
            return value
    del name
    return next((value for given, value in arguments if given is None), None)


def _hresult(error_id: str, parameter: Parameter, value: Any) -> int:
    wanted = parameter.type.removesuffix("[]").removeprefix("Nullable<").removesuffix(">")
    if error_id == "CannotConvertArgument":
        return UNSUPPORTED if isinstance(value, (list, bytes)) and wanted != "Boolean" else GENERAL
    elements = value if isinstance(value, list) else [value]
    return next((found for each in elements if (found := _one(wanted, each)) is not None), INVALID_CAST)


def _one(wanted: str, value: Any) -> int | None:
    """Return why one value doesn't become a type: the HRESULT of the exception inside."""
    if wanted in WIDTHS:
        return _number(wanted, value)
    if wanted == "Version":
        return FORMAT if isinstance(value, str) and not value.replace(".", "").isdigit() else ARGUMENT
    if wanted in _PARSED:
        return FORMAT if isinstance(value, str) else INVALID_CAST
    if wanted == "Hashtable":
        return OPERATION if isinstance(value, PropertyBag) else INVALID_CAST
    if wanted not in BUILT_IN and isinstance(value, str) and _is_enumeration(wanted):
        return GENERAL
    return INVALID_CAST


def _number(wanted: str, value: Any) -> int:
    _, smallest, largest = WIDTHS[wanted]
    if isinstance(value, str):
        return FORMAT if scan(value, largest, smallest) is None else OVERFLOW
    return OVERFLOW if is_number(value) else INVALID_CAST


def _is_enumeration(name: str) -> bool:
    """Return whether a type name is an enumeration's."""
    from .types import TYPES  # noqa: PLC0415 - grows while modules register theirs

    return TYPES.enumerations.find(name) is not None
