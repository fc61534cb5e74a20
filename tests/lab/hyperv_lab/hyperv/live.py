# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the live objects of a simulated host have in common."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from ..powershell.values import OBJECT, LiveObject

if TYPE_CHECKING:
    from .host import Host

EDITIONS = ("2012R2", "2016", "2019", "2022", "2025")
"""Editions that a Hyper-V host can have."""
_IN_ORDER = ("2008R2SP1", "2012", *EDITIONS)
NO_ID = uuid.UUID(int=0)
PREFIX = "Microsoft.HyperV.PowerShell."


def since(edition: str, oldest: str) -> bool:
    """Return whether an edition is as new as another."""
    return _IN_ORDER.index(edition) >= _IN_ORDER.index(oldest)


class ModelObject(LiveObject):
    """A live object of one host, with the members that every object of the Hyper-V module has."""

    SINCE: ClassVar[dict[str, str]] = {}
    """Property -> oldest edition that has it, where that is not the oldest of all."""
    host: Host
    is_deleted = False

    @property
    def computer_name(self) -> str:
        """Return the host's name as Windows has it."""
        return self.host.name

    @property
    def cim_session(self) -> CimSession:
        """Return the local session that the module shows."""
        return LOCAL_SESSION

    def ps_names(self) -> list[str]:
        """Return the names of the properties that this host's edition has."""
        edition = self.host.edition
        return [name for name in self.PROPERTIES if since(edition, self.SINCE.get(name, EDITIONS[0]))]

    def ps_get(self, name: str) -> Any:
        """Return a property's value; raise KeyError for one that this edition doesn't have."""
        if not since(self.host.edition, self.SINCE.get(name, EDITIONS[0])):
            raise KeyError(name)
        return getattr(self, self.PROPERTIES[name])


class CimSession(LiveObject):
    """The CimSession member: a session to the host itself."""

    TYPE_NAMES: ClassVar = ("Microsoft.Management.Infrastructure.CimSession", OBJECT)
    PROPERTIES: ClassVar = {"ComputerName": "computer_name", "InstanceId": "instance_id"}
    computer_name: str | None = None

    def __init__(self) -> None:
        self.instance_id = uuid.uuid4()

    def ps_text(self) -> str:
        """Return the text that lists show."""
        return "CimSession: ."


LOCAL_SESSION = CimSession()


def chain(*names: str) -> tuple[str, ...]:
    """Return type names of the Hyper-V module, most derived first, down to Object."""
    return (*(PREFIX + name for name in names), PREFIX + "VirtualizationObject", OBJECT)
