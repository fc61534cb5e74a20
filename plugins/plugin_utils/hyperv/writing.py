# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes sent to a host: several in one invocation, each of which ends it when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ConnectionLost, TimedOut
from ..session.command import Pipeline, command

if TYPE_CHECKING:
    from typing import Any

    from ..session.protocol import Session


def change(name: str, /, **parameters: Any) -> Pipeline:
    """Return a changing command whose error ends the invocation, so that nothing after it runs."""
    return command(name, ErrorAction="Stop", **parameters)


def send(session: Session, *statements: Pipeline, timeout_seconds: float | None = None, changed: bool = False) -> None:
    """Run the changes in order; RemoteError tells the truth about ``changed``: whether one of them was done before.

    ``changed`` says that something had been changed before this call. ConnectionLost and TimedOut have it too.
    """
    if not statements:
        return
    try:
        replies = session.invoke(*statements, timeout_seconds=timeout_seconds)
    except (ConnectionLost, TimedOut) as lost:
        lost.changed = lost.changed or changed
        raise
    for number, reply in enumerate(replies):
        if reply.errors:
            raise reply.errors[0].as_error(changed=changed or number > 0)
        if not reply.ran:
            replies.check(changed=changed or number > 1)
            reply.check(changed=changed or number > 1)
    replies.check(changed=changed or len(statements) > 1)
