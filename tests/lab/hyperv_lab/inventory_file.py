# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a served fleet: one host per machine, with everything Ansible needs to reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .world import Account, Machine, World

_TIMEOUTS = {"operation": 20, "read": 30}


def write_inventory(world: World, path: Path, ca: Path, linux: Mapping[str, Any] | None = None) -> None:
    """Write the YAML inventory; readable by this user only, since it holds the lab's passwords.

    ``linux`` are the variables of the Linux machines by name.
    """
    found = inventory(world, ca)
    if linux:
        found["all"]["hosts"] |= dict(linux)
        found["all"]["children"]["linux_machines"] = {"hosts": {name: {} for name in linux}}
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(found, sort_keys=False, allow_unicode=True), encoding="utf-8")


def inventory(world: World, ca: Path) -> dict[str, Any]:
    """Return the inventory as data: groups ``hyperv`` and ``ad_hosts``, and those that the fleet names."""
    domain = list(world.domain_accounts())
    hosts = {_alias(one): host_variables(one, domain, ca) for one in world.machines()}
    directory: Any = getattr(world, "directory_spec", None)
    ad_names = {name.upper() for name in getattr(directory, "ad_hosts", ())}
    ad_hosts = [_alias(one) for one in world.machines() if one.name.upper() in ad_names]
    roles = {_alias(one): _groups_of(one) for one in world.machines()}
    groups: dict[str, Any] = {
        group: {"hosts": {name: {} for name in hosts if group in roles[name]}}
        for group in dict.fromkeys(group for names in roles.values() for group in names)
    }
    if ad_hosts:
        groups["ad_hosts"] = {"hosts": {name: {} for name in ad_hosts}}
    named: Any = getattr(world, "groups", {})
    for name, members in dict(named).items():
        groups.setdefault(name, {"hosts": {member: {} for member in members}})
    return {"all": {"hosts": hosts, "children": groups}}


def _groups_of(machine: Machine) -> tuple[str, ...]:
    """Return the groups of a machine by what it is."""
    return tuple(getattr(machine, "inventory_groups", ("hyperv",)))


def _alias(machine: Machine) -> str:
    return str(getattr(machine, "alias", machine.name.lower()))


def host_variables(machine: Machine, domain: list[Account], ca: Path) -> dict[str, Any]:
    """Return the connection variables of a machine as the fleet says it is to be reached."""
    winrm: Any = getattr(machine, "winrm", None)
    connection = str(getattr(winrm, "connection", "psrp"))
    scheme = str(getattr(winrm, "scheme", "https"))
    auth = str(getattr(winrm, "auth", "credssp"))
    account = _account(machine, domain, str(getattr(winrm, "user", "")), auth)
    own = _psrp if connection == "psrp" else _winrm
    return {
        "ansible_host": machine.address,
        "ansible_connection": connection,
        "ansible_port": machine.listeners[scheme],
        "ansible_user": user_name(account),
        "ansible_password": account.password,
        "ansible_shell_type": "powershell",
        **own(scheme, auth, ca),
    }


def user_name(account: Account) -> str:
    """Return how a client names an account: ``DOMAIN\\user``, or the plain name of a local one."""
    return f"{account.domain}\\{account.username}" if account.domain else account.username


def _account(machine: Machine, domain: list[Account], wanted: str, auth: str) -> Account:
    local = list(machine.local_accounts())
    if not getattr(machine, "domain_joined", True):
        domain = []
    candidates = local if auth == "basic" or not domain else [*domain, *local]
    for account in [*domain, *local]:
        if wanted and wanted.casefold() in {user_name(account).casefold(), account.username.casefold()}:
            return account
    enabled = [account for account in candidates if account.enabled]
    if wanted or not enabled:
        raise ValueError(f"{machine.name}: there is no account {wanted or 'that is enabled'!r} to sign in with")
    return enabled[0]


def _psrp(scheme: str, auth: str, ca: Path) -> dict[str, Any]:
    variables: dict[str, Any] = {
        "ansible_psrp_protocol": scheme,
        "ansible_psrp_auth": auth,
        "ansible_psrp_operation_timeout": _TIMEOUTS["operation"],
        "ansible_psrp_read_timeout": _TIMEOUTS["read"],
    }
    if scheme == "https":
        variables |= {"ansible_psrp_cert_validation": "validate", "ansible_psrp_ca_cert": str(ca.absolute())}
    return variables


def _winrm(scheme: str, auth: str, ca: Path) -> dict[str, Any]:
    variables: dict[str, Any] = {
        "ansible_winrm_scheme": scheme,
        "ansible_winrm_transport": "ntlm" if auth == "negotiate" else auth,
        "ansible_winrm_operation_timeout_sec": _TIMEOUTS["operation"],
        "ansible_winrm_read_timeout_sec": _TIMEOUTS["read"],
    }
    if scheme == "https":
        variables |= {
            "ansible_winrm_server_cert_validation": "validate",
            "ansible_winrm_ca_trust_path": str(ca.absolute()),
        }
    return variables
