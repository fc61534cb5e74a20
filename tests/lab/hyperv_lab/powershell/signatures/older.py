# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of Windows older than the contract: those of Windows Server 2012 R2 minus what the system had not.

An approximation (README, "Old Windows"): "2012" is PowerShell 3.0 with the modules of Windows Server 2012, "2008R2SP1"
PowerShell 2.0 with its snap-ins alone. Its modules had to be imported by hand then, so no session has them.
From the release notes of PowerShell 3.0 and 4.0 and the modules' own pages; what no page says is left as in 2012 R2.
"""

from __future__ import annotations

from dataclasses import replace

from ..signature import Signature

BASE = "2012R2"
OLDER = ("2008R2SP1", "2012")
_SNAPINS = (
    "Microsoft.PowerShell.Management",
    "Microsoft.PowerShell.Utility",
    "Microsoft.PowerShell.Core",
    "Microsoft.PowerShell.Security",
    "Microsoft.WSMan.Management",
)
_GONE_2012 = frozenset(
    name.lower()
    for name in (
        "Get-FileHash",
        "Test-NetConnection",
        "Get-NetIPConfiguration",
        "Enable-SmbDelegation",
        "Disable-SmbDelegation",
        "Get-SmbDelegation",
        "Get-SmbBandwidthLimit",
        "Set-SmbBandwidthLimit",
    )
)
"""Came with Windows Server 2012 R2 or PowerShell 4.0."""
_MODULES_GONE_2012 = ("Hyper-V", "Defender", "Microsoft.PowerShell.LocalAccounts", "Microsoft.PowerShell.Archive")
"""The Hyper-V module of 2012 is another one; the lab's machines of that edition are no Hyper-V hosts."""
_GONE_2008R2 = frozenset(
    name.lower()
    for name in (
        "Invoke-WebRequest",
        "ConvertTo-Json",
        "Get-ItemPropertyValue",
        "New-PSSessionConfigurationFile",
        "New-PSRoleCapabilityFile",
        "Get-ComputerInfo",
    )
)
_SINCE_3: dict[str, tuple[str, ...]] = {
    "get-content": ("Raw", "Tail", "Stream"),
    "set-content": ("Stream", "NoNewline"),
    "add-content": ("Stream", "NoNewline"),
    "clear-content": ("Stream",),
    "get-item": ("Stream",),
    "remove-item": ("Stream",),
    "get-childitem": ("File", "Directory", "Hidden", "System", "ReadOnly", "Attributes", "Depth"),
    "where-object": (),
    "foreach-object": ("RemainingScripts", "MemberName", "ArgumentList"),
    "select-object": ("Wait", "SkipLast"),
    "tee-object": ("Append", "LiteralPath"),
    "get-command": ("All", "ListImported", "ParameterName", "ParameterType", "ShowCommandInfo", "FullyQualifiedModule"),
    "get-module": ("PSSession", "CimSession", "CimResourceUri", "CimNamespace", "Refresh", "FullyQualifiedName"),
    "import-module": ("MinimumVersion", "MaximumVersion", "NoClobber", "PSSession", "CimSession", "CimResourceUri",
                      "CimNamespace", "Scope", "FullyQualifiedName"),
    "restart-computer": ("Wait", "For", "Timeout", "Delay", "Protocol", "WsmanAuthentication", "DcomAuthentication"),
    "stop-computer": ("Protocol", "WsmanAuthentication"),
    "get-job": ("Before", "After", "Newest", "IncludeChildJob", "HasMoreData", "ChildJobState", "Filter"),
    "remove-job": ("Filter",),
    "stop-job": ("Filter",),
    "wait-job": ("Filter", "Force"),
    "receive-job": ("AutoRemoveJob", "Wait", "WriteEvents", "WriteJobInResults", "Force"),
    "invoke-command": ("InDisconnectedSession", "SessionName", "NoNewScope", "EnableNetworkAccess"),
    "new-psdrive": ("Persist",),
    "get-process": ("IncludeUserName",),
    "get-acl": ("AllCentralAccessPolicies", "InputObject", "LiteralPath"),
    "set-acl": ("ClearCentralAccessPolicy", "CentralAccessPolicy", "AclObject", "LiteralPath"),
    "get-authenticodesignature": ("LiteralPath", "SourcePathOrExtension", "Content"),
    "rename-item": ("LiteralPath",),
    "test-path": ("OlderThan", "NewerThan"),
    "get-hotfix": (),
}  # fmt: skip
"""Parameters that came with PowerShell 3.0 or later."""
_SINCE_4: dict[str, tuple[str, ...]] = {
    "get-process": ("IncludeUserName",),
    "get-command": ("FullyQualifiedModule",),
    "get-module": ("FullyQualifiedName",),
    "import-module": ("FullyQualifiedName",),
}
_OLD_SETS = {"where-object": ("ScriptBlockSet",), "foreach-object": ("ScriptBlockSet",)}
"""Commands of which PowerShell 2.0 had only these parameter sets."""


def older(newer: Signature, edition: str) -> Signature | None:
    """Return a command of 2012 R2 as the older edition has it, or None where it has not."""
    key = newer.name.lower()
    if newer.module in _MODULES_GONE_2012 or key in _GONE_2012:
        return None
    gone = {"pipelinevariable", *(name.lower() for name in _SINCE_4.get(key, ()))}
    sets = newer.sets
    if edition == "2008R2SP1":
        if newer.module not in _SNAPINS or key in _GONE_2008R2:
            return None
        gone |= {name.lower() for name in _SINCE_3.get(key, ())}
        sets = tuple(name for name in sets if name in _OLD_SETS.get(key, sets))
    lost = {name for each in newer.parameters for name, in_set in each.sets.items()
            if each.name.lower() in gone and in_set.mandatory}  # fmt: skip
    kept_sets = tuple(name for name in sets if name not in lost)
    parameters = []
    for each in newer.parameters:
        here = {name: flags for name, flags in each.sets.items() if name in kept_sets or name not in newer.sets}
        if each.name.lower() not in gone and here:
            parameters.append(each if len(here) == len(each.sets) else replace(each, sets=here))
    default = newer.default if newer.default in kept_sets or not newer.sets else None
    return replace(newer, parameters=tuple(parameters), sets=kept_sets, default=default)
