# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which simulated cmdlets a host has: what its edition, features and modules leave of them."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from ..powershell import contract
from ..powershell.types import TYPES
from . import __path__, enums

if TYPE_CHECKING:
    from ..powershell.commands import Cmdlet
    from ..powershell.types import Types
    from .host import Host

KINDS_OF_FILES = ("cmdlets_", "migration_", "compare", "directory", "delegation", "jobs", "planned")
FEATURE_OF_MODULE = {
    "Hyper-V": "Hyper-V-PowerShell",
    "ActiveDirectory": "RSAT-AD-PowerShell",
    "FailoverClusters": "Failover-Clustering",
}
"""Modules that are there only with a feature."""


@cache
def commands() -> dict[str, type[Cmdlet]]:
    """Return every simulated cmdlet by its lower-case name."""
    found: dict[str, type[Cmdlet]] = {}
    names = [module.name for module in iter_modules(__path__) if module.name.startswith(KINDS_OF_FILES)]
    for name in names:
        for each in getattr(import_module("." + name, __package__), "COMMANDS", ()):
            if each.NAME.lower() in found:
                raise ValueError(f"{each.NAME} is simulated twice")
            found[each.NAME.lower()] = each
    return found


def lacks(host: Host, name: str) -> bool:
    """Return whether the host has no such command because the module's feature is not installed."""
    signature = contract.signature(name, host.edition)
    if signature is not None and signature.module == "BestPractices":
        return not host.bpa.installed
    feature = FEATURE_OF_MODULE.get(signature.module) if signature else None
    return feature is not None and host.features.get(feature) != "Installed"


def find(host: Host, name: str) -> type[Cmdlet] | None:
    """Return the cmdlet of a host by its documented name (any case); None where its module isn't there."""
    if contract.signature(name, host.edition) is None or lacks(host, name):
        return None
    return host.own_commands().get(name.lower()) or commands().get(name.lower())


def register(types: Types) -> None:
    """Give the engine the real numbers of the enumerations."""
    for type_name, numbers in enums.ENUMERATIONS.items():
        types.register_enum(type_name, numbers, flags=type_name.endswith("NetSecurity.Profile"))


register(TYPES)
