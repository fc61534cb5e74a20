# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP connections with a deadline: what a port says to somebody who comes from the network."""

from __future__ import annotations

import errno
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from .observations import Port, PortState

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_ROUTE: Final = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


def look(address: str, ports: Mapping[str, int], timeout_seconds: float) -> tuple[Port, ...]:
    """Return the state of each port, all of them tried at once."""
    with ThreadPoolExecutor(max_workers=max(len(ports), 1)) as workers:
        states = workers.map(lambda number: _state(address, number, timeout_seconds), ports.values())
        return tuple(
            Port(name=name, number=number, state=state)
            for (name, number), state in zip(ports.items(), states, strict=True)
        )


def _state(address: str, number: int, timeout_seconds: float) -> PortState:
    try:
        socket.create_connection((address, number), timeout=timeout_seconds).close()
    except (socket.gaierror, UnicodeError):
        return PortState.NO_NAME
    except TimeoutError:
        return PortState.SILENT
    except OSError as error:
        if error.errno == errno.ETIMEDOUT:
            return PortState.SILENT
        return PortState.NO_ROUTE if error.errno in NO_ROUTE else PortState.REFUSED
    return PortState.OPEN
