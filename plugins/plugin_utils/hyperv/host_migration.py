# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a host able to receive live migrations, and proves that it is: the listener has an address."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from ..errors import TimedOut
from ..operation import Outcome, carry_out
from ..waiting import SYSTEM_CLOCK, Deadline, wait_until
from .gateway_host import MIGRATION_RULE, MigrationFacts, read_listener, read_migration_facts
from .host_migration_plan import HostMigrationPlan, Wanted, parse, plan
from .writing import change, send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..operation import Request
    from ..session.command import Pipeline
    from ..session.protocol import Session
    from ..waiting import Clock

_POLL_SECONDS = 2.0
_ANY_NETWORK = "UseAnyNetworkForMigration"


def operate(request: Request, *, clock: Clock = SYSTEM_CLOCK) -> Outcome:
    """Return the outcome with ``computer_name``, ``listener_addresses`` and ``ready``.

    ``ready`` is None in check mode where something would change, and where the host does not show its listener.
    """
    wanted = parse(request.arguments)
    session = request.sessions.here()
    patience = float(request.arguments.get("ready_timeout_seconds", 60))
    facts = read_migration_facts(session)
    decided = plan(facts, wanted, host=request.host)
    values = {
        "computer_name": facts.host.name if facts.host else None,
        "listener_addresses": list(facts.listener_addresses or ()),
        "ready": None,
    }

    def apply(decided: HostMigrationPlan) -> Mapping[str, Any]:
        now = _apply(session, facts, decided, wanted, host=request.host)
        proven = _prove(session, now, wanted, Deadline(patience, clock), changed=True)
        return {"computer_name": now.host.name if now.host else None, **proven}

    if not decided.changed:
        values |= _prove(session, facts, wanted, Deadline(patience, clock), changed=False)
    outcome = carry_out(decided, apply, request, values)
    return Outcome(changed=outcome.changed, values=outcome.values, diff=outcome.diff, warnings=_warnings(facts, wanted))


def _apply(
    session: Session, facts: MigrationFacts, decided: HostMigrationPlan, wanted: Wanted, *, host: str
) -> MigrationFacts:
    """Send the changes; where the service had to be started first, decide the rest on what the host says then."""
    send(session, *statements(decided))
    if facts.host is not None:
        return facts
    facts = read_migration_facts(session)
    send(session, *statements(plan(facts, wanted, host=host)), changed=True)
    return facts


def statements(decided: HostMigrationPlan) -> list[Pipeline]:
    """Return the changes in their order: what opens the host comes before what closes a way into it."""
    found: list[Pipeline] = []
    if decided.make_service_automatic:
        found.append(change("Set-Service", Name="vmms", StartupType="Automatic"))
    if decided.start_service:
        found.append(change("Start-Service", Name="vmms"))
    settings = dict(decided.settings)
    closing = {_ANY_NETWORK: settings.pop(_ANY_NETWORK)} if settings.get(_ANY_NETWORK) is False else {}
    if settings:
        found.append(change("Set-VMHost", **settings))
    found += [change("Add-VMMigrationNetwork", Subnet=item.subnet, Priority=item.priority) for item in decided.add]
    found += [
        change("Set-VMMigrationNetwork", Subnet=item.subnet, NewPriority=item.priority) for item in decided.change
    ]
    if closing:
        # Only once the networks are listed that stay open: where one can't be, the host goes on receiving.
        found.append(change("Set-VMHost", **closing))
    if decided.enable is not None:
        found.append(change("Enable-VMMigration" if decided.enable else "Disable-VMMigration"))
    if decided.open_firewall:
        found.append(change("Enable-NetFirewallRule", Name=[MIGRATION_RULE]))
    found += [change("Remove-VMMigrationNetwork", Subnet=subnet) for subnet in decided.remove]
    return found


def _prove(
    session: Session, facts: MigrationFacts, wanted: Wanted, deadline: Deadline, *, changed: bool
) -> dict[str, Any]:
    """Wait for the listener to have an address; TimedOut says why it may have none."""
    if not wanted.enabled:
        return {"ready": False, "listener_addresses": []}
    if facts.listener_addresses is None:
        return {"ready": None, "listener_addresses": []}
    if not changed and facts.listener_addresses:
        return {"ready": True, "listener_addresses": list(facts.listener_addresses)}
    try:
        found = wait_until(
            lambda: read_listener(session), what="listener for migrations", deadline=deadline, interval=_POLL_SECONDS
        )
    except TimedOut as late:
        reason = why_not_ready(read_migration_facts(session))
        raise TimedOut(
            f"{session.host} does not listen for migrations within {deadline.seconds:g} seconds: {reason}",
            changed=changed,
            last_seen=[],
            waited_seconds=late.details.get("waited_seconds"),
            reason=reason,
        ) from late
    return {"ready": True, "listener_addresses": list(found)}


def why_not_ready(facts: MigrationFacts) -> str:
    """Return the likeliest reason, in one clause, for an empty listener list."""
    if facts.service is not None and facts.service.status != "Running":
        return f"the service vmms is {facts.service.status}"
    if facts.host is None:
        return "the host does not say its Hyper-V settings"
    if not facts.host.virtual_machine_migration_enabled:
        return "live migration is disabled, perhaps by a policy"
    subnets = [item.subnet for item in facts.networks if _is_subnet(item.subnet)]
    if not facts.host.use_any_network_for_migration:
        listed = ", ".join(subnets) or "none"
        return f"no address of the host lies in its migration networks ({listed})"
    return "the host gives no reason; look for policies, and restart the service vmms"


def _is_subnet(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _warnings(facts: MigrationFacts, wanted: Wanted) -> tuple[str, ...]:
    found = []
    if wanted.enabled and wanted.firewall_rule and facts.host is not None and facts.rule is None:
        found.append(f"The firewall rule {MIGRATION_RULE} was not found: make sure that TCP 6600 is let in.")
    if wanted.enabled and facts.host is not None and facts.listener_addresses is None:
        found.append("The host does not show its migration listener: that it can receive migrations is not proven.")
    return tuple(found)
