# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing in a guest, and the remedy there: Windows by the age of its host, Linux by its distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...findings import Finding, Severity
from .exchange import GuestSystem
from .linux import linux_remedy
from .sides import WINDOWS_SERVICES, GuestSide

if TYPE_CHECKING:
    from ..model import Vm
    from ..model_host import WindowsService
    from .exchange import Exchange
    from .sides import Sides

FIRST_BUILD_WITHOUT_DISC = 14393
"""Windows Server 2016: since then the guest's update service brings the integration components (facts, 7.1)."""
UPDATE_SERVICE = "wuauserv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a remedy depends on besides the service itself."""

    system: GuestSystem = GuestSystem.UNKNOWN
    exchange: Exchange | None = None
    host_build: int | None = None
    """Build of the host's Windows; None where it could not be read."""
    guest_host: str | None = None
    """The guest as a host of the inventory, where its own services were read there."""
    guest_services: tuple[WindowsService, ...] = ()

    @property
    def has_disc(self) -> bool:
        """Whether this host's edition has the services disc."""
        return self.host_build is not None and self.host_build < FIRST_BUILD_WITHOUT_DISC

    @property
    def update_service_is_off(self) -> bool:
        """Whether the guest itself showed that its update service is disabled (stopped is how it usually is)."""
        return any(
            item.name.lower() == UPDATE_SERVICE and item.start_type == "Disabled" for item in self.guest_services
        )


def guest_findings(vm: Vm, found: tuple[Sides, ...], around: Surroundings) -> tuple[Finding, ...]:
    """Return a finding for each enabled service that the guest does not answer, or answers in an old protocol."""
    subject = f"{vm.name} ({vm.id})"
    findings = []
    for item in found:
        if not item.service.enabled or item.guest not in (GuestSide.NO_CONTACT, GuestSide.OUTDATED):
            continue
        findings.append(_finding(subject, item, around))
    if findings and around.update_service_is_off and not around.has_disc:
        findings.append(
            Finding(
                id="guest_update_service_off",
                severity=Severity.WARNING,
                subject=subject,
                evidence=f"{UPDATE_SERVICE} is disabled in the guest, as {around.guest_host} shows",
                remedy="enable the guest's update service, or bring its updates another way: since Windows Server 2016 "
                "they are what carries the integration components",
            )
        )
    return tuple(findings)


def _finding(subject: str, item: Sides, around: Surroundings) -> Finding:
    return Finding(
        id="guest_service_outdated" if item.guest is GuestSide.OUTDATED else "guest_service_silent",
        severity=Severity.WARNING,
        subject=subject,
        evidence=f"{item.name}: {item.evidence}{_in_guest(item, around)}",
        remedy=remedy(item, around),
    )


def _in_guest(item: Sides, around: Surroundings) -> str:
    name = WINDOWS_SERVICES.get(item.service.service_id, "")
    for service in around.guest_services:
        if service.name.lower() == name:
            start = f", start type {service.start_type}" if service.start_type else ""
            return f"; {name} in the guest is {service.status}{start}"
    missing = around.guest_host is not None and name
    return f"; the guest has no service {name}" if missing else ""


def remedy(item: Sides, around: Surroundings) -> str:
    """Return what to do in that guest about a service that is silent or outdated."""
    linux = linux_remedy(item.service.service_id, around.exchange, outdated=item.guest is GuestSide.OUTDATED)
    if around.system is GuestSystem.LINUX:
        return linux
    if around.system is GuestSystem.FREEBSD:
        return (
            "load hv_utils and run hv_kvp_daemon in the guest (built into FreeBSD; not verified with this collection)"
        )
    windows = _windows_remedy(item, around)
    if around.system is GuestSystem.WINDOWS:
        return windows
    return f"the guest's system is not known (guest_system says it). Windows: {windows}. Linux: {linux}"


def _windows_remedy(item: Sides, around: Surroundings) -> str:
    name = WINDOWS_SERVICES.get(item.service.service_id, "the service")
    disc = (
        "insert the services disc (insert_services_disc: true), run setup.exe of it in the guest, restart the guest, "
        "then take the disc out again"
    )
    update = "let the guest's update service install its updates, which carry the integration components"
    if around.host_build is None:
        cure = f"on a host of Windows Server 2016 or later, {update}; on an older one, {disc}"
    else:
        cure = disc if around.has_disc else update
    if item.guest is GuestSide.OUTDATED:
        return cure
    return f"start {name} in the guest; where the guest has no such service, {cure}"
