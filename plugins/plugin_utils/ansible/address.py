# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a task's machine is, without opening its connection."""

from __future__ import annotations

from typing import Any

from .sessions import option_reader


def address_of(connection: Any, host: str) -> str:
    """Return the address that the connection would go to (ansible_host), or the inventory name where it has none."""
    read = option_reader(connection)
    found = read("remote_addr") or read("host") or getattr(connection._play_context, "remote_addr", None)  # noqa: SLF001
    return str(found or host)
