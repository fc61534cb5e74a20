# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of failures that operations raise and that the action base turns into results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .findings import Finding


class MobilityError(Exception):
    """A failure an operator can act on: one sentence naming the thing and the value, then what to do.

    ``changed`` says whether anything was changed before the failure. ``details`` are plain JSON values for
    ``result["error"]``; ``kind`` is the stable word playbooks compare with.
    """

    kind = "error"

    def __init__(self, msg: str, *, changed: bool = False, **details: Any) -> None:
        super().__init__(msg)
        self.msg = msg
        self.changed = changed
        self.details: Mapping[str, Any] = details

    def retold(self, msg: str, *, changed: bool) -> MobilityError:
        """Return a copy of this failure, of the same kind and with the same details, that says another sentence."""
        told = type(self).__new__(type(self), msg)
        told.__dict__.update(vars(self), msg=msg, changed=changed)
        return told


class InvalidRequest(MobilityError):
    """Options contradict each other or the specification; nothing was sent."""

    kind = "invalid_request"


class NotFound(MobilityError):
    """A name or an Id matches nothing."""

    kind = "not_found"


class Ambiguous(MobilityError):
    """A name matches several; ``details["candidates"]`` lists them with their Ids."""

    kind = "ambiguous"


class NotPossible(MobilityError):
    """A precondition does not hold; ``findings`` say which, on what evidence, and the remedy."""

    kind = "not_possible"

    def __init__(self, msg: str, *, findings: Sequence[Finding], changed: bool = False, **details: Any) -> None:
        super().__init__(msg, changed=changed, **details)
        self.findings = tuple(findings)

    @classmethod
    def blocked(cls, name: str, stops: Sequence[Finding]) -> NotPossible:
        """Return the error about a thing that these findings block: the first in words, the others counted."""
        more = f" (and {len(stops) - 1} more)" if len(stops) > 1 else ""
        return cls(f"{name}: {stops[0].id}: {stops[0].evidence}{more}", findings=stops)


class RemoteError(MobilityError):
    """A command ran and the machine said no.

    ``details`` carry ``error_id`` (FullyQualifiedErrorId), ``category``, ``hresult`` ("0x8009030E" or None),
    ``command`` and, where one is known, ``remedy``.
    """

    kind = "remote_error"


class TimedOut(MobilityError):
    """Waited for something until a deadline; ``details["last_seen"]`` is what was seen last."""

    kind = "timed_out"


class ConnectionLost(MobilityError):
    """The link to a machine failed; ``changed`` says whether a change had begun."""

    kind = "connection_lost"


class AuthenticationFailed(ConnectionLost):
    """The machine refused the credentials. Never tried again with the same secret."""

    kind = "authentication_failed"
