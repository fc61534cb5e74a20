# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides on a Windows machine who gets into its shares (hyperv/sharing.py asks): registry and domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .baseline import POLICIES

if TYPE_CHECKING:
    from .state import WindowsMachine

NO_LOGON_SERVERS: Final = 1311
TRUSTED_RELATIONSHIP_FAILURE: Final = 1789
NETLOGON_NOT_STARTED: Final = 1792
PARAMETERS: Final = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters"


def domain_answers(machine: WindowsMachine) -> int:
    """Return the code with which a sign-in by the domain ends before a password is looked at; 0 where it answers."""
    if machine.services["netlogon"].status != "Running":
        return NETLOGON_NOT_STARTED
    if not machine.windows.logon_server:
        return NO_LOGON_SERVERS
    return 0 if machine.windows.trust else TRUSTED_RELATIONSHIP_FAILURE


def has_administrative_shares(machine: WindowsMachine) -> bool:
    """Return whether the administrative shares are there."""
    return machine.registry.data(PARAMETERS, "AutoShareServer", 1) != 0


def filters_local_administrators(machine: WindowsMachine) -> bool:
    """Return whether local administrators lose their rights over the network."""
    return machine.registry.data(POLICIES, "LocalAccountTokenFilterPolicy", 0) != 1
