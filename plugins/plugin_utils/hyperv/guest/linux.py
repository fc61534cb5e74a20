# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux guests: which distributions have the integration services built in, and what else an address needs there.

From Microsoft's pages of supported Linux guests (MicrosoftDocs/windowsserverdocs, virtualization/hyper-v,
``Supported-*-virtual-machines-on-Hyper-V.md``), rows "LIS Availability", "Key-Value Pair" and "Static IP Injection",
and the page of Debian's package hyperv-daemons. What these pages don't name is called unverified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .sides import LINUX_PARTS

if TYPE_CHECKING:
    from .exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A family of distributions as the published pages have it."""

    key: str
    names: tuple[str, ...]
    """What NAME of /etc/os-release contains, in lower case."""
    built_in: str
    """Which releases have the services built in."""
    package: str
    """What carries the daemons; the packages of Ubuntu and SUSE are not named by the pages."""
    takes_addresses: bool = True
    """Whether the pages list static IP injection, which a failover address is."""


DISTRIBUTIONS = (
    Distribution(
        key="rhel",
        names=("red hat", "centos", "rocky", "alma"),
        built_in="Red Hat Enterprise Linux and CentOS 7.0 to 10 (Rocky and Alma: unverified)",
        package="hyperv-daemons (or hypervkvpd)",
    ),
    # Page "Supported Oracle Linux virtual machines on Hyper-V"; it names the packages for release 6 only.
    Distribution(
        key="oracle",
        names=("oracle",),
        built_in="Oracle Linux 7.3 to 7.8, and 8.0 to 8.5 and 9.0 with Red Hat's kernel (others: unverified)",
        package="hyperv-daemons (or hypervkvpd)",
    ),
    Distribution(
        key="ubuntu",
        names=("ubuntu",),
        built_in="Ubuntu 14.04 to 20.04 (later: unverified)",
        package="linux-cloud-tools of the running kernel (unverified), or the kernel linux-azure",
    ),
    Distribution(
        key="sles",
        names=("sles", "suse"),
        built_in="SUSE Linux Enterprise Server 11 SP3 to 15",
        package="hyper-v (unverified)",
    ),
    Distribution(
        key="debian",
        names=("debian",),
        built_in="Debian 10 and 11 (others: unverified)",
        package="hyperv-daemons (from 8.3; before, from the backports)",
        takes_addresses=False,
    ),
)


def distribution(exchange: Exchange | None) -> Distribution | None:
    """Return the family of the guest's distribution, None where it is unknown or not published."""
    name = exchange.os_name.lower() if exchange is not None else ""
    return next((known for known in DISTRIBUTIONS if any(word in name for word in known.names)), None)


def published_list() -> str:
    """Return the published list in one sentence."""
    return "; ".join(f"{known.built_in} (package {known.package})" for known in DISTRIBUTIONS)


def linux_remedy(service_id: str, exchange: Exchange | None, *, outdated: bool) -> str:
    """Return what to do about an integration service in a Linux guest."""
    if outdated:
        return (
            "a Linux guest of another age than its host often reports another protocol and works all the same; where "
            "it does not, update its kernel and its hyperv daemons"
        )
    part = LINUX_PARTS.get(service_id, "hv_utils")
    if not part.endswith("_daemon"):
        return f"load the kernel module {part} in the guest; kernels with it built in: {published_list()}"
    known = distribution(exchange)
    if known is not None:
        return f"install {known.package} in the guest, then enable and start {part}; built in: {known.built_in}"
    return f"install the distribution's hyperv daemons in the guest, then enable and start {part}; {published_list()}"


def address_doubts(exchange: Exchange | None) -> str | None:
    """Return why a Linux guest whose exchange works may still not take an address, None where nothing is published."""
    known = distribution(exchange)
    if known is None or known.takes_addresses:
        return None
    return (
        f"{known.key}: the published pages list no static IP injection for it, and its package has no hv_set_ifconfig "
        "script, without which hv_kvp_daemon can't set an address"
    )
