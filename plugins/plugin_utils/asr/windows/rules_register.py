# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about registering with a server. Pure functions over the evidence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...findings import Severity
from ..catalogue import Cure, finding
from .rules_system import AGENT_SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import WindowsEvidence


DATA_PORT = 9443
"""Of process servers and appliances; any other port is taken for one of control."""
_PROXY = re.compile(r"^\s*(address|port)\s*=[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


def no_address(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """No adapter has an IPv4 address; IPv6 alone isn't supported."""
    if evidence.network.addresses == ():
        yield finding("register:no-valid-ip", subject="adapters", evidence="none of them has an IPv4 address")


def server_names(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """A server's name doesn't resolve on the machine."""
    for name in evidence.network.unresolved:
        yield finding(
            "ConfiguratorConfigurationFailedWithDNSissue",
            subject=f"name {name}",
            evidence="it does not resolve on the machine",
            cure=Cure.MANUAL,
        )


def servers_closed(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """A port of a server doesn't open from the machine."""
    for server in evidence.network.reached:
        if not server.opens:
            yield finding(
                "78169" if server.port == DATA_PORT else "register:curl-7",
                subject=f"{server.address}:{server.port}",
                evidence="the TCP port does not open from the machine",
                cure=Cure.MANUAL,
            )


def old_tls(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """TLS 1.0 is off for clients: matters to the classic stack alone, and so is a warning."""
    if evidence.software.tls10_client_off:
        yield finding(
            "register:load-accounts",
            subject="TLS 1.0",
            evidence="SCHANNEL has it disabled for clients; the classic configuration server may need it",
            severity=Severity.WARNING,
        )


def agent_stopped(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The installed agent's services don't run."""
    if evidence.agent is None:
        return
    known = evidence.software.services or {}
    stopped = [known[name.lower()] for name in AGENT_SERVICES if name.lower() in known]
    shown = [f"{item.name}: start type {item.start}" for item in stopped if item.state == "Stopped"]
    if shown:
        yield finding("78174", subject="services of the agent", evidence=f"stopped; {', '.join(shown)}")


def proxy(evidence: WindowsEvidence, _wanted: Wanted) -> Iterator[AsrFinding]:
    """The agent's own proxy settings are there without an address or a port."""
    settings = evidence.software.proxy_file
    if not settings:
        return
    lacking = sorted({"address", "port"} - {name.lower() for name, _value in _PROXY.findall(settings)})
    if lacking:
        yield finding(
            "151072", subject="ProxyInfo.conf", evidence=f"it has no {' and no '.join(lacking)}", cure=Cure.MANUAL
        )


RULES = (no_address, server_names, servers_closed, old_tls, agent_stopped, proxy)
