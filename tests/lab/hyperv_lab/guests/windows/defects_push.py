# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects that hinder only a push by the portal: firewall, shares, accounts, domain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...hyperv import accounts
from . import baseline, firewall
from .defects import defect
from .services import put_in_state

if TYPE_CHECKING:
    from ...world import Account
    from .state import WindowsMachine

PUSH_ACCOUNT = "asrpush"
EXPLORER = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer"
PROFILES_BY_POLICY = "HKLM\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"


def _close(machine: WindowsMachine, *prefixes: str) -> None:
    for name in firewall.rules(machine.windows.os):
        if name.startswith(prefixes):
            machine.firewall[name] = False


@defect("wmi_firewall_closed", "95103", changes="the firewall rules of WMI are disabled")
def _wmi_rules(machine: WindowsMachine) -> None:
    _close(machine, "WMI-")


@defect(
    "winmgmt_disabled",
    "95103",
    "name:ASRMobilityServiceInstallerWMIQueryFailure",
    changes="the service Winmgmt is disabled: nothing answers CIM or WMI queries (both ids)",
)
def _winmgmt(machine: WindowsMachine) -> None:
    put_in_state(machine, "Winmgmt", "Disabled")


@defect("sharing_firewall_closed", "95105", "95106", changes="the rules of file and printer sharing are disabled")
def _sharing_rules(machine: WindowsMachine) -> None:
    _close(machine, "FPS-")


@defect(
    "netbios_firewall_closed",
    "95105",
    "95106",
    changes="the rules FPS-NB_* are disabled: matters up to 2008 R2",
    os=("2008R2SP1",),
)
def _netbios_rules(machine: WindowsMachine) -> None:
    _close(machine, "FPS-NB_")


@defect("server_service_stopped", "95105", "95106", changes="the service LanmanServer is stopped")
def _server(machine: WindowsMachine) -> None:
    put_in_state(machine, "LanmanServer", "Stopped")


@defect("server_service_disabled", "95105", "95106", changes="the service LanmanServer is disabled")
def _server_disabled(machine: WindowsMachine) -> None:
    put_in_state(machine, "LanmanServer", "Disabled")


@defect("sharing_policy", "95105", "95106", changes="NoInplaceSharing is 1 in the user's Explorer policies")
def _sharing_policy(machine: WindowsMachine) -> None:
    machine.registry.set(EXPLORER, "NoInplaceSharing", 1)


@defect("admin_shares_off", "95105", "95106", changes="AutoShareServer of LanmanServer is 0: no C$, no ADMIN$")
def _no_shares(machine: WindowsMachine) -> None:
    machine.registry.set("HKLM\\SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters", "AutoShareServer", 0)


@defect(
    "firewall_by_policy",
    "95103",
    changes="the rules of WMI are disabled, and Group Policy has local rules ignored in every profile",
)
def _by_policy(machine: WindowsMachine) -> None:
    _close(machine, "WMI-")
    for profile in ("DomainProfile", "PrivateProfile", "PublicProfile", "StandardProfile"):
        machine.registry.set(f"{PROFILES_BY_POLICY}\\{profile}", "AllowLocalPolicyMerge", 0)


@defect("token_filter_absent", "95107", "95517", changes="LocalAccountTokenFilterPolicy is not set")
def _token_filter(machine: WindowsMachine) -> None:
    machine.registry.delete_value(baseline.POLICIES, "LocalAccountTokenFilterPolicy")


@defect("push_account_no_admin", "95107", "95517", changes=f"the local account {PUSH_ACCOUNT} is no administrator")
def _no_admin(machine: WindowsMachine) -> None:
    account = push_account(machine)
    members = machine.groups[accounts.ADMINISTRATORS]
    machine.groups[accounts.ADMINISTRATORS] = [sid for sid in members if sid != account.sid]


@defect("push_account_missing", "95107", "95517", changes=f"there is no local account {PUSH_ACCOUNT}")
def _account_missing(machine: WindowsMachine) -> None:
    _no_admin(machine)
    machine.local.remove(push_account(machine))


@defect("push_account_disabled", "95519", changes=f"the local account {PUSH_ACCOUNT} is disabled")
def _account_disabled(machine: WindowsMachine) -> None:
    account = push_account(machine)
    machine.local[machine.local.index(account)] = replace(account, enabled=False)


@defect("push_account_locked", "95520", changes=f"the local account {PUSH_ACCOUNT} is locked out")
def _account_locked(machine: WindowsMachine) -> None:
    machine.windows.locked.add(push_account(machine).sid)


@defect("trust_broken", "95518", changes="the domain doesn't accept the machine's password", domain=True)
def _trust(machine: WindowsMachine) -> None:
    machine.windows.trust = False


@defect("no_logon_server", "95521", "95522", changes="no domain controller answers the machine", domain=True)
def _logon_server(machine: WindowsMachine) -> None:
    machine.windows.logon_server = False


@defect("netlogon_stopped", "95522", "95521", changes="the service Netlogon is stopped", domain=True)
def _netlogon(machine: WindowsMachine) -> None:
    put_in_state(machine, "Netlogon", "Stopped")


@defect("ephemeral_ports_used", "95117", "97118", changes="nearly every ephemeral TCP port is in use")
def _ports(machine: WindowsMachine) -> None:
    machine.windows.connections = 16_300


@defect("own_name_wrong", "95117", "97118", changes="the machine's own name resolves to an address of another one")
def _own_name(machine: WindowsMachine) -> None:
    machine.windows.names[machine.name.lower()] = "10.250.250.250"


def push_account(machine: WindowsMachine) -> Account:
    """Return the local account that the portal pushes with; it is made where the fleet file has none."""
    for account in machine.local:
        if account.username.lower() == PUSH_ACCOUNT:
            return account
    made = replace(machine.local[0], username=PUSH_ACCOUNT, sid=f"{machine.local[0].sid.rpartition('-')[0]}-1999")
    machine.local.append(made)
    machine.groups[accounts.ADMINISTRATORS].append(made.sid)
    return made
