# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about registering with a server. Pure functions over the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import Cure, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import LinuxEvidence

DATA_PORT = 9443
"""The process server's, by which the data goes."""


def no_address(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """No interface has an IPv4 address; IPv6 alone isn't supported."""
    if evidence.network.addresses_known and not evidence.network.addresses:
        yield finding("register:no-valid-ip", subject="interfaces", evidence="none of them has an IPv4 address")


def server_names(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """A server's name doesn't resolve on the machine."""
    for name in wanted.server_names:
        if evidence.network.names.get(name) == ():
            shown = "it does not resolve on the machine"
            yield finding(
                "ConfiguratorConfigurationFailedWithDNSissue", subject=f"name {name}", evidence=shown, cure=Cure.MANUAL
            )


def servers_closed(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """A port of a server doesn't open from the machine."""
    for address, port in wanted.servers:
        if evidence.network.connections.get((address, port)) is False:
            shown = "the TCP port does not open from the machine"
            error_id = "78169" if port == DATA_PORT else "register:curl-7"
            yield finding(error_id, subject=f"{address}:{port}", evidence=shown, cure=Cure.MANUAL)


def proxy(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The agent's own proxy settings are there without an address or a port."""
    settings = evidence.proxy
    lacking = [] if settings is None else [name for name in ("address", "port") if not settings.get(name)]
    if lacking:
        shown = f"it has no {' and no '.join(lacking)}"
        yield finding("151072", subject="ProxyInfo.conf", evidence=shown, cure=Cure.MANUAL)


def platform(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The installed agent doesn't know what it runs on."""
    if evidence.platform is not None and evidence.platform not in {"VmWare", "Azure"}:
        shown = f"VmPlatform is {evidence.platform!r}; VmWare or Azure are known"
        yield finding("register:platform-null", subject="drscout.conf", evidence=shown, cure=Cure.MANUAL)


RULES = (no_address, server_names, servers_closed, proxy, platform)
