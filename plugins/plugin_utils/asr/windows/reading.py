# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both channels share: what is asked for, and the evidence out of registry values and WMI's property bags.

WMI's property names and the words in them (Running, Auto) are the same in every language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...hyperv.wire_values import flag, many, text, whole
from ..catalogue import Scope
from . import registry
from .evidence import Account, Guard, Service, Software
from .rules_push import SHARING_RULES, VARIANTS, WMI_RULES
from .rules_system import AGENT_SERVICES, SERVER_SERVICE, driver_file

if TYPE_CHECKING:
    from ..patient import Wanted
    from .evidence import Rule
    from .registry import Keys

_STATUS = re.compile(r"=\s*(\d+)\s+0x[0-9a-fA-F]+")
Bag = Mapping[str, Any]
SERVICES = (
    "Winmgmt", "LanmanServer", "Netlogon", *registry.CRITICAL, "ClusSvc", "WinDefend", *AGENT_SERVICES,
    registry.VSS_PROVIDER, SERVER_SERVICE,
)  # fmt: skip
START_PENDING = "Start Pending"
FIREWALL_RULES = tuple(name + ending for name in (*SHARING_RULES, *WMI_RULES) for ending in VARIANTS)
DRIVERS_FOLDER = "C:\\Windows\\System32\\drivers"
FILES = (registry.RUNDLL, *(f"{DRIVERS_FOLDER}\\{name}.sys" for name in
         ("atapi", "vmbus", "vmstorfl", "storflt", "storvsc", "intelide")))  # fmt: skip
"""Files that are looked for; storflt's driver is usually vmstorfl.sys."""
AGENT_FILES = ("UnifiedAgentConfigurator.exe", "InMageVSSProvider_Install.cmd", "InMageVSSProvider_Uninstall.cmd")
"""Files of the installed agent that are looked for; setup's own list is not published."""
VACP_LOG = "Application Data\\ApplicationPolicyLogs\\vacp.log"
VACP_LINES = 100
PROXY_FILE = "C:\\ProgramData\\Microsoft Azure Site Recovery\\Config\\ProxyInfo.conf"
ADMINISTRATORS = "S-1-5-32-544"
ADMINISTRATORS_FILTER = f"LocalAccount=TRUE AND SID='{ADMINISTRATORS}'"
LINK_LOCAL = "169.254."
EPHEMERAL = 49152
"""The first dynamic port of a system whose range was not changed."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What is to be read of one machine: it depends on the scopes and on who would push."""

    wanted: Wanted
    push: bool
    register: bool
    account: str | None
    """The push account's own name where it is one of the machine's."""
    own_name: str


def asking(wanted: Wanted, keys: Keys) -> Asking:
    """Return what is to be read; an account of the machine is a bare name or one behind the machine's name."""
    push = Scope.PUSH in wanted.scopes
    return Asking(
        wanted=wanted,
        push=push,
        register=Scope.REGISTER in wanted.scopes,
        account=local_account(wanted.push_account, registry.computer_name(keys)) if push else None,
        own_name=registry.full_name(keys),
    )


def local_account(given: str | None, computer: str) -> str | None:
    """Return the bare name of an account of the machine, None for one of a domain.

    Without a domain the portal sends the user as one of WORKGROUP (facts, 3.3), so that is local too.
    """
    if not given or "@" in given:
        return None
    domain, slash, name = given.rpartition("\\")
    if slash and domain.lower() not in (".", "workgroup", computer.lower()):
        return None
    return name


def service_filter() -> str:
    """Return the WQL condition for the services that matter, and for any that doesn't come up."""
    names = " OR ".join(f"Name='{name}'" for name in SERVICES)
    return f"{names} OR State='{START_PENDING}'"


def account_filter(name: str) -> str:
    """Return the WQL condition for a local account; quotes and backslashes in its name are escaped."""
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"LocalAccount=TRUE AND Name='{escaped}'"


def services(bags: Iterable[Bag]) -> tuple[dict[str, Service], tuple[str, ...]]:
    """Return the services by lower-case name, and the names of those that are being started."""
    found = [
        Service(name=text(bag.get("Name")), state=text(bag.get("State")), start=text(bag.get("StartMode")))
        for bag in bags
    ]
    asked = {name.lower() for name in SERVICES}
    return (
        {item.name.lower(): item for item in found if item.name.lower() in asked},
        tuple(item.name for item in found if item.state == START_PENDING),
    )


def account(bags: Iterable[Bag], members: Iterable[str] | None) -> Account | None:
    """Return the push account; ``members`` are SIDs of administrators, None where they could not be read."""
    for bag in bags:
        sid = text(bag.get("SID"))
        known = None if members is None else sid in set(members)
        return Account(
            name=text(bag.get("Name")),
            sid=sid,
            disabled=bool(flag(bag.get("Disabled"))),
            locked=bool(flag(bag.get("Lockout"))),
            is_administrator=known,
        )
    return None


def lists_member(lines: Iterable[str], name: str) -> bool:
    """Return whether the lines of ``net localgroup`` have an account of the machine: a line of its own."""
    return name.lower() in {line.strip().lower() for line in lines}


def nltest_succeeded(output: str) -> bool:
    """Return whether nltest's answer has no status but 0; it ends with 0 even where the trust is broken."""
    statuses = [int(found) for found in _STATUS.findall(output)]
    return not any(statuses)


def free_bytes(bags: Iterable[Bag]) -> dict[str, int]:
    """Return the free bytes by drive."""
    found = {text(bag.get("DeviceID")).upper(): whole(bag.get("FreeSpace")) for bag in bags}
    return {drive: free for drive, free in found.items() if free is not None}


def addresses(bags: Iterable[Bag]) -> tuple[str, ...]:
    """Return the IPv4 addresses of adapters, without link-local ones."""
    found = [text(address) for bag in bags for address in many(bag.get("IPAddress"))]
    return tuple(dict.fromkeys(item for item in found if "." in item and not item.startswith(LINK_LOCAL)))


def guard(keys: Keys, rules: tuple[Rule, ...] | None) -> Guard:
    """Return what decides about a push, by the registry and the rules that were read."""
    return Guard(
        rules=rules,
        policy_only=registry.policy_only(keys),
        token_filter_policy=registry.number(keys, registry.POLICIES_SYSTEM, registry.TOKEN_FILTER),
        filter_administrator_token=registry.number(keys, registry.POLICIES_SYSTEM, "FilterAdministratorToken"),
        no_inplace_sharing=registry.no_inplace_sharing(keys),
        admin_shares_off=registry.admin_shares_off(keys),
        winmgmt_start=registry.number(keys, f"{registry.SERVICES}\\Winmgmt", "Start"),
    )


def software(
    keys: Keys, there: Mapping[str, bool], bags: Iterable[Bag] | None, control_sets: Iterable[str]
) -> Software:
    """Return what is installed, pending or missing; ``there`` says of keys and files whether they exist."""
    found, pending = services(bags) if bags is not None else (None, ())
    existing = frozenset(registry.canonical(path) for path in registry.KEYS_THERE if there.get(path))
    return Software(
        services=found,
        start_pending=pending,
        control_sets=tuple(control_sets),
        keys=registry.service_keys(keys),
        missing_files=missing_files(keys, there),
        dotnet=bool(registry.number(keys, registry.DOTNET, "Install")),
        cscript_off=registry.number(keys, registry.SCRIPT_HOST, "Enabled") == 0,
        cluster_configured=registry.canonical(registry.CLUSTER) in existing,
        involflt=registry.canonical(registry.INVOLFLT) in existing,
        restart_pending=registry.restart_pending(keys, existing),
        renames_pending=bool(registry.value(keys, registry.SESSION_MANAGER, "PendingFileRenameOperations")),
        delete_flags=registry.delete_flags(keys),
        tls10_client_off=registry.number(keys, registry.TLS10, "Enabled") == 0,
    )


def missing_files(keys: Keys, there: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the needed files that are missing, in lower case: rundll32, and those that a driver's key names."""
    named = {driver_file(key.image) for key in registry.service_keys(keys) if key.image} | {registry.RUNDLL.lower()}
    return tuple(path.lower() for path, exists in there.items() if not exists and path.lower() in named)
