# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence of a healthy Windows machine, and how tests change one thing of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import Scope
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.patient import Wanted
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.evidence import (
    Account,
    Disk,
    Guard,
    Identity,
    Network,
    Partition,
    Release,
    Rule,
    Service,
    ServiceKey,
    Software,
    Storage,
    WindowsEvidence,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.reading import FIREWALL_RULES
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.windows.registry import CRITICAL, DRIVERS

GB = 1024**3
MB = 1024**2
SETS = ("ControlSet001", "ControlSet002")
RELEASES = {
    "2008R2SP1": Release(version=(6, 1), build=7601, service_pack=1, product="Windows Server 2008 R2 Standard"),
    "2012": Release(version=(6, 2), build=9200),
    "2012R2": Release(version=(6, 3), build=9600),
    "2016": Release(version=(10, 0), build=14393, installation_type="Server"),
    "2019": Release(version=(10, 0), build=17763, installation_type="Server Core"),
    "2022": Release(version=(10, 0), build=20348, installation_type="Server"),
    "2025": Release(version=(10, 0), build=26100, installation_type="Server"),
}
SERVICES = {
    name.lower(): Service(name=name, state=state, start=start)
    for name, state, start in (
        ("Winmgmt", "Running", "Auto"), ("LanmanServer", "Running", "Auto"), ("Netlogon", "Stopped", "Manual"),
        ("VSS", "Stopped", "Manual"), ("COMSysApp", "Stopped", "Manual"), ("EventSystem", "Running", "Auto"),
        ("MSDTC", "Running", "Auto"), ("RpcSs", "Running", "Auto"), ("WinDefend", "Running", "Auto"),
    )
}  # fmt: skip
KEYS = tuple(
    ServiceKey(control_set=name.lower(), name=service.lower(), start=0, image=f"System32\\drivers\\{service}.sys")
    for name in SETS
    for service in (*DRIVERS, *CRITICAL)
)
HEALTHY = WindowsEvidence(
    release=RELEASES["2016"],
    identity=Identity(name="WIN01", domain="WORKGROUP", part_of_domain=False),
    network=Network(addresses=("10.1.0.5",), own_addresses=("10.1.0.5",), ports_used=60),
    guard=Guard(rules=tuple(Rule(name=name, enabled=True) for name in FIREWALL_RULES), token_filter_policy=1),
    storage=Storage(
        disks=(Disk(number=0, size=60 * GB, partitions=2),),
        partitions=(Partition(disk=0, number=1, boots=True), Partition(disk=0, number=2, windows=True)),
        free={"C:": 20 * GB},
        uefi=False,
    ),
    software=Software(
        services=SERVICES,
        control_sets=SETS,
        keys=KEYS,
        dotnet=True,
        hotfixes=frozenset({"KB4474419", "KB4490628"}),
        defender_on=True,
        exclusions=("C:\\ProgramData\\ASR", "c:\\program files (x86)\\microsoft azure site recovery\\"),
    ),
    account=Account(name="asrpush", sid="S-1-5-21-1-2-3-1001", is_administrator=True),
    memory_bytes=4 * GB,
    memory_free_bytes=2 * GB,
)
ALL = frozenset({Scope.PUSH, Scope.AGENT, Scope.REGISTER})


def wanted(*scopes: Scope, **options: Any) -> Wanted:
    """What is wanted: every scope unless told."""
    return Wanted(scopes=frozenset(scopes) or ALL, **options)


def but(evidence: WindowsEvidence = HEALTHY, **changes: Any) -> WindowsEvidence:
    """The evidence with other values: ``guard={"token_filter_policy": None}`` changes fields of a part."""
    for name, value in changes.items():
        part = getattr(evidence, name)
        evidence = replace(evidence, **{name: replace(part, **value) if isinstance(value, dict) else value})
    return evidence


def with_service(name: str, state: str, start: str, evidence: WindowsEvidence = HEALTHY) -> WindowsEvidence:
    """The evidence with one service in another state, or one more."""
    services = {**(evidence.software.services or {}), name.lower(): Service(name=name, state=state, start=start)}
    return but(evidence, software={"services": services})
