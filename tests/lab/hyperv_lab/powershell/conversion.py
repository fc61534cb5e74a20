# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a value to a parameter's: conversion, then validation, with the errors of compiled commands or functions."""

from __future__ import annotations

import re
from typing import Any

from .signature import Kind, Parameter
from .targets import NULL_REFUSED, TRANSFORMATION, ConversionRefused, Target, convert_scalar
from .texts import text_of

VALIDATION = "ParameterArgumentValidationError"
EMPTY_TEXT_REFUSED = "ParameterArgumentValidationErrorEmptyStringNotAllowed"
EMPTY_LIST_REFUSED = "ParameterArgumentValidationErrorEmptyArrayNotAllowed"

__all__ = ["ConversionRefused", "ValidationRefused", "convert", "validate"]


class ValidationRefused(ConversionRefused):
    """A converted value that the parameter doesn't allow."""

    def __init__(self, error_id: str = VALIDATION) -> None:
        super().__init__(error_id, "InvalidData")


def convert(target: Target, value: Any, kind: Kind) -> Any:
    """Return the value as the target's type; raise ConversionRefused as a command of this kind reports it."""
    try:
        return target.null(kind) if value is None else convert_scalar(target, value, kind)
    except ConversionRefused as refused:
        if refused.error_id == NULL_REFUSED:
            raise ValidationRefused(NULL_REFUSED) from None
        if kind == "function":
            raise ConversionRefused(TRANSFORMATION, "InvalidData") from None
        raise


def validate(parameter: Parameter, value: Any, *, mandatory: bool) -> None:
    """Raise ValidationRefused for a converted value that the parameter doesn't allow.

    ``mandatory`` is whether the parameter is mandatory in any set: then it takes neither null nor nothing.
    """
    if mandatory:
        _refuse_nothing(value)
    if value is None:
        return
    if parameter.values is not None and parameter.type in ("String", "String[]"):
        _refuse_others(parameter.values, value)
    if parameter.allowed is not None:
        _refuse_others(parameter.allowed, value)
    if parameter.pattern is not None:
        for each in _each(value):
            if not re.search(parameter.pattern, text_of(each), re.IGNORECASE):
                raise ValidationRefused


def _refuse_nothing(value: Any) -> None:
    if value is None:
        raise ValidationRefused(NULL_REFUSED)
    if isinstance(value, str) and not value:
        raise ValidationRefused(EMPTY_TEXT_REFUSED)
    if isinstance(value, (list, bytes)) and not value:
        raise ValidationRefused(EMPTY_LIST_REFUSED)
    if isinstance(value, list):
        for each in value:
            if each is None or each == "":
                raise ValidationRefused(NULL_REFUSED if each is None else EMPTY_TEXT_REFUSED)


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _refuse_others(allowed: tuple[str, ...], value: Any) -> None:
    names = {name.lower() for name in allowed}
    if any(text_of(each).lower() not in names for each in _each(value)):
        raise ValidationRefused
