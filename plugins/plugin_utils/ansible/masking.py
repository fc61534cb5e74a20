# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets kept out of everything a task shows; ansible-core before 2.22 does not do it for an in-process action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK: Final = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


class Masker:
    """Replaces secrets in texts, keys and nested values; longer secrets first, so that no part of one stays."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def text(self, value: str) -> str:
        """Return the text without secrets."""
        for secret in self._secrets:
            value = value.replace(secret, MASK)
        return value

    def value(self, value: Any) -> Any:
        """Return the plain value without secrets; a number or a truth value that is one is replaced as well."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in self._secrets:
            return MASK
        return value


def announce(secrets: Iterable[str]) -> None:
    """Tell ansible-core about the secrets where it has a register of them."""
    try:
        from ansible.utils.display import register_secret  # noqa: PLC0415
    except ImportError:
        return
    for secret in secrets:
        register_secret(secret)
