# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Integration services of a machine as its host shows them: localised names, stable component GUIDs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ..powershell.values import EnumValue, TypedArray
from . import enums, messages
from .components import OWNER_PROPERTIES, Component
from .guest import IN_CONTACT, OUTDATED
from .live import PREFIX, chain, since

if TYPE_CHECKING:
    from .machine import VirtualMachineBase

messages.add(
    {
        "status_degraded": ("Degraded", "Détérioré"),
        "status_protocol_mismatch": (
            "The component in the virtual machine speaks another version of the protocol than this computer expects.",
            "Le composant de l’ordinateur virtuel utilise une autre version du protocole que celle attendue ici.",
        ),
        "integration_current": ("Up to date", "À jour"),
        "integration_behind": ("Update required", "Mise à jour requise"),
    }
)
INTEGRATION_SERVICES = {
    "guest": "6C09BB55-D683-4DA0-8931-C9BF705F6480",
    "heartbeat": "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47",
    "kvp": "2A34B1C2-FD73-4043-8A5B-DD2159BC743F",
    "shutdown": "9F8233AC-BE49-4C79-8EE3-E7E1985B2077",
    "time": "2497F4DE-E9FA-4204-80E4-4B75C46419C0",
    "vss": "5CED1297-4598-4915-A5FC-AD21BB4D02A4",
}
"""Component GUIDs in the order of the module's output (facts on Hyper-V, 7.1)."""


class IntegrationService(Component):
    """VMIntegrationComponent: localised name, stable GUID."""

    TYPE_NAMES: ClassVar = chain("VMIntegrationComponent", "VMDevice", "VMComponentObject")
    PROPERTIES: ClassVar = {
        "Enabled": "enabled",
        "OperationalStatus": "operational_status",
        "PrimaryOperationalStatus": "primary_status",
        "PrimaryStatusDescription": "primary_description",
        "SecondaryOperationalStatus": "secondary_status",
        "SecondaryStatusDescription": "secondary_description",
        "StatusDescription": "status_description",
        **OWNER_PROPERTIES,
    }

    def __init__(self, owner: VirtualMachineBase, key: str, *, member: bool = False) -> None:
        super().__init__(owner)
        self.key = key
        self.member = member
        """Whether it was read through the machine's VMIntegrationService member."""
        self.DEVICE = INTEGRATION_SERVICES[key]

    @property
    def name(self) -> str:  # type: ignore[override]
        """Return the localised name."""
        return messages.text(self.host.language, "service_" + self.key)

    @property
    def enabled(self) -> bool:
        """Return whether the host offers it."""
        return self.key in self.owner.services_enabled

    @property
    def _shows(self) -> bool:
        """Return whether it has a status: not while off, nor through the machine's member with module 2.0 (CENI)."""
        return self.owner.is_on and not (self.member and since(self.host.edition, "2016"))

    @property
    def _condition(self) -> str:
        """Return Ok, NoContact, or ProtocolMismatch: what the guest's side makes of it, also where disabled here."""
        state = self.owner.service_state(self.key)
        if not self.owner.guest_answers or state not in IN_CONTACT:
            return "NoContact"
        return "ProtocolMismatch" if state == OUTDATED else "Ok"

    @property
    def primary_status(self) -> EnumValue | None:
        """Return Ok, NoContact, on 2012 R2 Degraded for an older protocol, or nothing for a machine that is off."""
        if not self._shows:
            return None
        name = self._condition
        if name == "ProtocolMismatch":
            name = "Ok" if since(self.host.edition, "2016") else "Degraded"
        return enums.value("VMIntegrationComponentOperationalStatus", name)

    @property
    def secondary_status(self) -> EnumValue | None:
        """Return ProtocolMismatch where the guest's service is out of date (facts, 7.1), else nothing."""
        if not self._shows or self._condition != "ProtocolMismatch":
            return None
        return enums.value("VMIntegrationComponentOperationalStatus", "ProtocolMismatch")

    @property
    def primary_description(self) -> str | None:
        """Return the localised text of the status, which the machine's member has too (CENI)."""
        if not self.owner.is_on:
            return None
        condition = self._condition
        if condition == "ProtocolMismatch" and not since(self.host.edition, "2016"):
            return messages.text(self.host.language, "status_degraded")
        return messages.text(
            self.host.language, "status_no_contact" if condition == "NoContact" else "status_component_ok"
        )

    @property
    def secondary_description(self) -> str | None:
        """Return an empty text while the machine is on (field objects), or that the protocols differ."""
        if not self.owner.is_on:
            return None
        outdated = self._condition == "ProtocolMismatch"
        return messages.text(self.host.language, "status_protocol_mismatch") if outdated else ""

    @property
    def operational_status(self) -> TypedArray:
        """Return the statuses as an array."""
        items = [status for status in (self.primary_status, self.secondary_status) if status is not None]
        return TypedArray(PREFIX + "VMIntegrationComponentOperationalStatus", items)

    @property
    def status_description(self) -> TypedArray:
        """Return the descriptions as an array."""
        return TypedArray(
            "System.String", [text for text in (self.primary_description, self.secondary_description) if text]
        )
