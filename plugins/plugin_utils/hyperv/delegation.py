# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets hosts act for a caller on each other: constrained delegation with protocol transition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..operation import Outcome, carry_out
from .delegation_plan import AccountChange, DelegationPlan, parse, plan
from .directory_refusals import explained
from .gateway_directory import DELEGATE_TO, Directory, directory_of, read_computers
from .writing import send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..operation import Request
    from ..session.command import Pipeline
    from ..session.protocol import Session

TICKET_CACHE_SECONDS = 900
"""How long a domain controller may go on answering from its cache, beside replication (facts, 1.6)."""
PURGE_HINT = "klist purge -li 0x3e7"
_IN_ONE_INVOCATION = 40
"""Changes sent together, so that one message stays well under the size limits of the host."""


def operate(request: Request) -> Outcome:
    """Return the outcome with the accounts under ``computers`` and ``effective_after_seconds``."""
    wanted = parse(request.arguments)
    directory = directory_of(request.arguments)
    session = request.sessions.here()
    with explained(request.host, directory):
        computers = read_computers(session, directory, wanted.names)
    decided = plan(computers, wanted)
    values = {
        "computers": [_described(item) for item in decided.accounts],
        "effective_after_seconds": TICKET_CACHE_SECONDS if decided.changed else 0,
    }

    def apply(due: DelegationPlan) -> dict[str, Any]:
        with explained(request.host, directory):
            _write(session, directory, due)
        return {}

    outcome = carry_out(decided, apply, request, values)
    return Outcome(changed=outcome.changed, values=outcome.values, diff=outcome.diff, warnings=_warnings(decided))


def _described(item: AccountChange) -> dict[str, Any]:
    return {
        "name": item.computer.name,
        "dns_host_name": item.computer.dns_host_name,
        "distinguished_name": item.computer.distinguished_name,
        "added": list(item.add),
        "removed": list(item.remove),
        **item.view(after=True),
    }


def _write(session: Session, directory: Directory, decided: DelegationPlan) -> None:
    statements = [statement for account in decided.due for statement in _statements(directory, account)]
    for first in range(0, len(statements), _IN_ONE_INVOCATION):
        send(session, *statements[first : first + _IN_ONE_INVOCATION], changed=first > 0)


def _statements(directory: Directory, account: AccountChange) -> Iterator[Pipeline]:
    identity = account.computer.distinguished_name

    def change(name: str, **parameters: Any) -> Pipeline:
        return directory.command(name, Identity=identity, ErrorAction="Stop", **parameters)

    if account.transition is False:
        yield change("Set-ADAccountControl", TrustedToAuthForDelegation=False)
    if account.remove:
        yield change("Set-ADObject", Remove={DELEGATE_TO: list(account.remove)})
    if account.add:
        yield change("Set-ADObject", Add={DELEGATE_TO: list(account.add)})
    if account.transition:
        yield change("Set-ADAccountControl", TrustedToAuthForDelegation=True)


def _warnings(decided: DelegationPlan) -> tuple[str, ...]:
    if not decided.changed:
        return ()
    names = ", ".join(item.computer.name for item in decided.due)
    warning = (
        f"Delegation of {names} takes effect when the directory has replicated and caches have run out, about "
        f"{TICKET_CACHE_SECONDS // 60} minutes. A move that fails before then proves nothing. On a source host, "
        f"'{PURGE_HINT}' clears its own part of the caches."
    )
    return (warning,)
