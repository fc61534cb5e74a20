# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in anew where messages are sealed for a connection that is gone.

Windows drops a connection that was idle for 120 seconds (http.sys), and everything between may do it earlier. Messages
over plain HTTP are sealed with what was agreed on that connection; pypsrp goes on sealing with it on the next one,
where the host can't read them: it answers 400, or refuses the sign-in (pypsrp's issues 21 and 53). The shell lives
on, and a new sign-in reaches it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from pypsrp.exceptions import WinRMTransportError

from .translate import FOREIGN, refused

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET_SECONDS: Final = 60.0
"""After this long without a request a connection isn't relied on: half of what Windows keeps it."""
_FAULT: Final = 500
_BAD_REQUEST: Final = 400


def renew_when_needed(client: Any) -> Any:
    """Return the WSMan client; from now on it signs in anew where its connection may be gone. Safe to call twice."""
    transport = client.transport
    if transport.wrap_required and not isinstance(transport.send, Renewing):
        transport.send = Renewing(transport)
    return client


class Renewing:
    """Takes the place of a transport's ``send``."""

    def __init__(self, transport: Any, now: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._send = transport.send
        self._now = now
        self._accepted = transport.encryption is not None
        self._good_until = now() + QUIET_SECONDS

    def __call__(self, message: bytes, **options: Any) -> Any:
        """Return the answer; raises what the library raises.

        A message that a host which had accepted us can't read has not been carried out: it is sent once more.
        """
        if self._now() > self._good_until:
            self._renew()
        accepted = self._accepted
        try:
            return self._sent(message, options)
        except FOREIGN as error:
            if not accepted or not _unread(error):
                raise
        self._renew()
        return self._sent(message, options)

    def _sent(self, message: bytes, options: dict[str, Any]) -> Any:
        self._good_until = 0.0
        try:
            answer = self._send(message, **options)
        except WinRMTransportError as said:
            if said.code == _FAULT:  # a readable answer, over a connection that works
                self._note()
            raise
        self._note()
        return answer

    def _note(self) -> None:
        self._accepted = True
        self._good_until = self._now() + QUIET_SECONDS

    def _renew(self) -> None:
        self._transport.close()
        self._transport.session = None
        self._transport.encryption = None


def _unread(error: BaseException) -> bool:
    return refused(error) or (isinstance(error, WinRMTransportError) and error.code == _BAD_REQUEST)
