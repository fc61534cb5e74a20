# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapters of a VM at the destination: to which switch and VLAN they come, which addresses its guest gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ....findings import Finding
    from .reading import Case
    from .request import ColdRequest
    from .work import Work


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What is wanted of one VM's adapters."""

    switch_map: dict[str, str] = field(default_factory=dict)
    readdresses: bool = False
    findings: tuple[Finding, ...] = ()


def wire(case: Case, request: ColdRequest) -> Wiring:
    """Return what is wanted of a VM's adapters."""
    del case
    return Wiring(switch_map=dict(request.switch_map))


def set_adapters(work: Work, wiring: Wiring) -> None:
    """Set switch, VLAN and MAC address of the imported VM's adapters."""


def give_addresses(work: Work, wiring: Wiring) -> None:
    """Give the guest its new addresses and wait until it shows them."""
