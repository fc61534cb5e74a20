# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host gives the engine for a runspace: who is there, which commands it has, which programs.

The engine takes an ``Environment`` in ``hyperv_lab.powershell.engine.open_runspace(environment)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..powershell.types import TYPES, Types
from . import accounts, catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..powershell.commands import Cmdlet
    from ..powershell.restricted import Endpoint
    from ..world import Identity
    from .host import Host

DEFAULT = "microsoft.powershell"


@dataclass(kw_only=True)
class Environment:
    """A runspace's surroundings; it is also the SessionState that cmdlets see."""

    host: Host
    identity: Identity
    configuration: str = DEFAULT
    types: Types = TYPES
    variables: dict[str, Any] = field(default_factory=dict)
    endpoint: Endpoint | None = None
    """What a restricted endpoint shows; None in full language."""

    @property
    def edition(self) -> str:
        """Return the edition whose contract holds."""
        return self.host.edition

    def find(self, name: str) -> type[Cmdlet] | None:
        """Return the cmdlet of a documented name; None where the host's modules don't have it."""
        return catalogue.find(self.host, name)

    def lacks(self, name: str) -> bool:
        """Return whether a command of the contract is unknown here: its module is not installed."""
        return catalogue.lacks(self.host, name)

    @property
    def script(self) -> Callable[[str], Sequence[Any] | None] | None:
        """Return what answers script texts, or None."""
        return self.host.scripts

    def program(self, name: str, arguments: Sequence[str]) -> tuple[int, str, str] | None:
        """Run a native program; return exit code, output, error output, or None where there is none."""
        return self.host.run_native(self.identity, name, arguments)


def open_runspace(host: Host, identity: Identity, configuration: str) -> Any:
    """Return a new runspace; LookupError for an unknown configuration, PermissionError without the right to it.

    A restricted endpoint runs as a virtual account: an administrator of the host without credentials for another one.
    """
    engine = import_module("hyperv_lab.powershell.engine")
    if configuration.lower() == DEFAULT:
        if not accounts.MAY_USE_WINRM & set(identity.groups):
            raise PermissionError(configuration)
        return engine.open_runspace(Environment(host=host, identity=identity))
    found = host.endpoints.get(configuration.lower())
    if found is None:
        raise LookupError(configuration)
    if not (accounts.MAY_USE_WINRM | set(found.users)) & {*identity.groups, identity.account.sid}:
        raise PermissionError(configuration)
    virtual = replace(identity, delegable=False, groups=(*identity.groups, accounts.ADMINISTRATORS))
    return engine.open_runspace(
        Environment(host=host, identity=virtual, configuration=found.name, endpoint=found.visible)
    )
