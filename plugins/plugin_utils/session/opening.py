# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a link to a machine: what is worth waiting for, and which refusal is really a broken link."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from ..errors import AuthenticationFailed, ConnectionLost
from ..waiting import Deadline
from .translate import broke_off, fault_code, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..waiting import Clock

PATIENCE_SECONDS: Final = 90.0
"""How long a full quota or a starting service is waited for."""
_PAUSE_SECONDS: Final = 5.0
LINK_PAUSES_SECONDS: Final = (1.0, 2.0, 4.0)
"""Between the tries of what a link broke off in, where nothing can have begun or all of it only reads."""

T = TypeVar("T")


def opened(host: str, start: Callable[[], T], accepted: set[str], clock: Clock | None = None) -> T:
    """Return what ``start`` opens; errors as in ``signing_in``. The host is noted as one that took our credentials.

    With a clock, a link that breaks off meanwhile is opened again, three times in some seconds: nobody asked it for
    anything yet. That is for what leaves nothing behind. The host names a cmd shell, so one can't be taken back
    whose name was lost.
    """
    for pause in (*(LINK_PAUSES_SECONDS if clock else ()), None):
        try:
            with signing_in(host, accepted):
                found = start()
            break
        except ConnectionLost as lost:
            if clock is None or pause is None or not broke_off(lost):
                raise
        clock.sleep(pause)
    accepted.add(host)
    return found


@contextmanager
def signing_in(host: str, accepted: set[str]) -> Iterator[None]:
    """Raise the family's errors. A refused sign-in by a host that took the same credentials before is a broken link.

    A connection lost in the middle of a handshake ends in one: the rest meets a host that knows nothing of it.
    ``accepted`` are the hosts that took our credentials during this task. A fault is an answer to who we are.
    """
    try:
        with translated(host):
            yield
    except AuthenticationFailed as refused:
        if host not in accepted or fault_code(refused) is not None:
            raise
        raise ConnectionLost(f"the link to {host} failed while signing in: {refused.msg}", reason="link") from refused


def patiently(start: Callable[[], T], deadline: Deadline, clock: Clock) -> T:
    """Return what ``start`` gives, called again while a quota is full or a service starts and nothing had begun."""
    patience = Deadline(min(PATIENCE_SECONDS, deadline.remaining), clock)
    while True:
        try:
            return start()
        except ConnectionLost as refusal:
            if not refusal.details.get("retry") or patience.passed:
                raise
        clock.sleep(min(_PAUSE_SECONDS, max(patience.remaining, 0.1)))
