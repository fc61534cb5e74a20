# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sides of an integration service: what the host offers, and what the guest answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..model_enums import IntegrationService, VmState

if TYPE_CHECKING:
    from ..model import Vm
    from ..model_guest import Service
    from .exchange import Exchange

SERVICE_NAMES = {service.value: service.name.lower() for service in IntegrationService}
"""Our names of the services by the GUID at the end of their Id."""
SERVICE_GUIDS = {name: identifier for identifier, name in SERVICE_NAMES.items()}

WINDOWS_SERVICES = {
    IntegrationService.GUEST_SERVICE_INTERFACE.value: "vmicguestinterface",
    IntegrationService.HEARTBEAT.value: "vmicheartbeat",
    IntegrationService.KEY_VALUE_PAIR_EXCHANGE.value: "vmickvpexchange",
    IntegrationService.SHUTDOWN.value: "vmicshutdown",
    IntegrationService.TIME_SYNCHRONIZATION.value: "vmictimesync",
    IntegrationService.VSS.value: "vmicvss",
}
LINUX_PARTS = {
    IntegrationService.GUEST_SERVICE_INTERFACE.value: "hv_fcopy_daemon",
    IntegrationService.HEARTBEAT.value: "hv_utils",
    IntegrationService.KEY_VALUE_PAIR_EXCHANGE.value: "hv_kvp_daemon",
    IntegrationService.SHUTDOWN.value: "hv_utils",
    IntegrationService.TIME_SYNCHRONIZATION.value: "hv_utils",
    IntegrationService.VSS.value: "hv_vss_daemon",
}
"""What serves each of them in a guest (facts, 7.1); ``hv_utils`` is a module of the kernel, the others are daemons."""

_SILENT = frozenset(
    {"NoContact", "LostCommunication", "CommunicationTimedOut", "CommunicationFailed", "Error", "NonRecoverableError"}
)
_ANSWERING = frozenset({"Ok", "Degraded", "ApplicationCritical"})
"""Degraded is what a host often says of Linux guests that work (facts, 7.1); the raw status is always returned."""
_OTHER_PROTOCOL = "ProtocolMismatch"


class GuestSide(str, Enum):
    """What the guest's side of a service is, seen from the host."""

    OK = "ok"
    NO_CONTACT = "no_contact"
    OUTDATED = "outdated"
    UNKNOWN = "unknown"
    OFF = "off"
    """The machine does not run, so nothing in it can answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """One service of one machine."""

    service: Service
    guest: GuestSide
    evidence: str

    @property
    def name(self) -> str:
        """Our name of the service, its GUID for one that we don't know."""
        return SERVICE_NAMES.get(self.service.service_id, self.service.service_id)

    def described(self) -> dict[str, Any]:
        """Return the documented value: the host's side, the guest's, and the host's own words for the latter."""
        return {
            "enabled": self.service.enabled,
            "guest": self.guest.value,
            "primary_operational_status": self.service.primary_operational_status,
            "secondary_operational_status": self.service.secondary_operational_status,
        }


def sides(vm: Vm, service: Service, exchange: Exchange | None) -> Sides:
    """Return both sides of a service; ``exchange`` is what the guest tells, None where that could not be read.

    The key-value exchange counts as silent when the host's status is fine and the guest has sent nothing all the same:
    Linux's driver negotiates the channel before its daemon is there (drivers/hv/hv_kvp.c; not verified on a host).
    """
    primary, secondary = service.primary_operational_status, service.secondary_operational_status
    said = f"PrimaryOperationalStatus is {primary or 'empty'}, SecondaryOperationalStatus {secondary or 'empty'}"
    side = _of_status(primary, secondary)
    if vm.state != VmState.RUNNING:
        side, said = GuestSide.OFF, f"the VM's state is {vm.state}"
    elif not service.enabled:
        side, said = GuestSide.UNKNOWN, "the service is disabled on the host"
    elif service.service_id == IntegrationService.KEY_VALUE_PAIR_EXCHANGE and exchange is not None:
        if side is GuestSide.OK and not exchange.answers:
            side, said = GuestSide.NO_CONTACT, f"{said}, and the guest has sent no pairs"
        elif side is GuestSide.UNKNOWN and exchange.answers:
            side, said = GuestSide.OK, f"{said}, and the guest has sent pairs"
    return Sides(service=service, guest=side, evidence=said)


def _of_status(primary: str | None, secondary: str | None) -> GuestSide:
    if _OTHER_PROTOCOL in (primary, secondary):
        return GuestSide.OUTDATED
    if primary in _SILENT:
        return GuestSide.NO_CONTACT
    return GuestSide.OK if primary in _ANSWERING else GuestSide.UNKNOWN
