# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enumerations of the Hyper-V module and its neighbours, with their real numbers (facts on Hyper-V, section 5)."""

from __future__ import annotations

from ..powershell.values import EnumValue

HYPERV = "Microsoft.HyperV.PowerShell."
VHD = "Microsoft.Vhd.PowerShell."


def _numbered(names: str, start: int = 0) -> dict[str, int]:
    return {name: number for number, name in enumerate(names.split(), start)}


_CRITICAL = (
    "RunningCritical OffCritical StoppingCritical SavedCritical PausedCritical StartingCritical ResetCritical "
    "SavingCritical PausingCritical ResumingCritical FastSavedCritical FastSavingCritical"
)
_STATE = {
    "Other": 1,
    "Running": 2,
    "Off": 3,
    "Stopping": 4,
    "Saved": 6,
    "Paused": 9,
    "Starting": 10,
    "Reset": 11,
    "Saving": 32773,
    "Pausing": 32776,
    "Resuming": 32777,
    "FastSaved": 32779,
    "FastSaving": 32780,
    "ForceShutdown": 32781,
    "ForceReboot": 32782,
    "Hibernated": 32783,
    "ComponentServicing": 32784,
} | _numbered(_CRITICAL, 32785)

_VM_STATUS = {
    "Ok": 2,
    "Degraded": 3,
    "PredictiveFailure": 5,
    "InService": 11,
    "Dormant": 15,
    "SupportingEntityInError": 16,
    "ApplyingSnapshot": 23769,
    "CreatingSnapshot": 32768,
    "DeletingSnapshot": 32770,
    "WaitingToStart": 32771,
    "MergingDisks": 32772,
    "ExportingVirtualMachine": 32773,
    "MigratingVirtualMachine": 32774,
    "BackingUpVirtualMachine": 32776,
    "ModifyingUpVirtualMachine": 32777,
    "StorageMigrationPhaseOne": 32778,
    "StorageMigrationPhaseTwo": 32779,
    "MigratingPlannedVm": 32780,
    "CheckingCompatibility": 32781,
    "ApplicationCriticalState": 32782,
    "CommunicationTimedOut": 32783,
    "CommunicationFailed": 32784,
    "NoIommu": 32785,
    "CriticalIoError": 32795,
}
_COMPONENT_STATUS = {
    "Ok": 2,
    "Degraded": 3,
    "Error": 6,
    "NonRecoverableError": 7,
    "NoContact": 12,
    "LostCommunication": 13,
    "ProtocolMismatch": 32775,
    "ApplicationCritical": 32782,
    "CommunicationTimedOut": 32783,
    "CommunicationFailed": 32784,
    "Disabled": 32896,
}
_REPLICATION_STATE = (
    "Disabled ReadyForInitialReplication InitialReplicationInProgress WaitingForInitialReplication Replicating "
    "PreparedForFailover FailedOverWaitingCompletion FailedOver Suspended Error WaitingForStartResynchronize "
    "Resynchronizing ResynchronizeSuspended RecoveryInProgress FailbackInProgress FailbackComplete "
    "WaitingForUpdateCompletion UpdateError WaitingForRepurposeCompletion PreparedForSyncReplication "
    "PreparedForGroupReverseReplication FiredrillInProgress"
)

ENUMERATIONS: dict[str, dict[str, int]] = {
    HYPERV + "VMState": _STATE,
    HYPERV + "VMOperationalStatus": _VM_STATUS,
    HYPERV + "VMHeartbeatStatus": _numbered(
        "Unknown Disabled NoContact Error LostCommunication OkApplicationsUnknown OkApplicationsHealthy "
        "OkApplicationsCritical Paused"
    ),
    HYPERV + "VMIntegrationComponentOperationalStatus": _COMPONENT_STATUS,
    HYPERV + "VMProcessorOperationalStatus": {"Ok": 2, "HostResourceProtectionDisabled": 32770},
    HYPERV + "VMNetworkAdapterOperationalStatus": {
        "Ok": 2,
        "Degraded": 3,
        "Error": 6,
        "NoContact": 12,
        "LostCommunication": 13,
        "ProtocolVersion": 32775,
    },
    HYPERV + "StartAction": {"Nothing": 2, "StartIfRunning": 3, "Start": 4},
    HYPERV + "StopAction": {"TurnOff": 2, "Save": 3, "ShutDown": 4},
    HYPERV + "CriticalErrorAction": {"None": 0, "Pause": 1},
    HYPERV + "CheckpointType": {"Disabled": 2, "Production": 3, "ProductionOnly": 4, "Standard": 5},
    HYPERV + "OnOffState": {"On": 0, "Off": 1},
    HYPERV + "VirtualMachineType": {"RealizedVirtualMachine": 3, "PlannedVirtualMachine": 4},
    HYPERV + "VirtualMachineSubType": _numbered("Unknown Generation1 Generation2"),
    HYPERV + "SnapshotType": {
        "Standard": 0,
        "Recovery": 1,
        "Planned": 2,
        "Missing": 5,
        "Replica": 6,
        "AppConsistentReplica": 7,
        "SyncedReplica": 8,
    },
    HYPERV + "MigrationAuthenticationType": _numbered("CredSSP Kerberos"),
    HYPERV + "VMMigrationPerformance": _numbered("TCPIP Compression SMB"),
    HYPERV + "ControllerType": _numbered("IDE SCSI PMEM"),
    HYPERV + "DvdMediaType": _numbered("None ISO PassThrough"),
    HYPERV + "AttachedDiskType": _numbered("None Virtual Physical"),
    HYPERV + "CacheAttributes": _numbered("Default WriteCacheEnabled WriteCacheAndFUAEnabled WriteCacheDisabled"),
    HYPERV + "VMSwitchType": _numbered("Private Internal External"),
    HYPERV + "VMNetworkAdapterVlanMode": _numbered("Untagged Access Trunk Private"),
    HYPERV + "VMNetworkAdapterIsolationMode": _numbered("None NativeVirtualSubnet ExternalVirtualSubnet Vlan"),
    HYPERV + "CompatibilityForMigrationMode": _numbered("MinimumFeatureSet CommonClusterFeatureSet"),
    HYPERV + "ApicMode": _numbered("Default Legacy x2Apic"),
    HYPERV + "EnhancedSessionTransportType": _numbered("VMBus HvSocket"),
    HYPERV + "VMReplicationState": _numbered(_REPLICATION_STATE),
    HYPERV + "VMReplicationHealthState": _numbered("NotApplicable Normal Warning Critical"),
    HYPERV + "VMReplicationMode": _numbered("None Primary Replica TestReplica ExtendedReplica"),
    HYPERV + "VMReplicationRelationshipType": _numbered("Simple Extended"),
    HYPERV + "ReplicationAuthenticationType": {"Kerberos": 1, "Certificate": 2},
    HYPERV + "RecoveryAuthenticationType": {"Kerberos": 1, "Certificate": 2, "CertificateAndKerberos": 3},
    HYPERV + "VMReplicationServerOperationalStatus": {"Ok": 2, "Degraded": 3, "Error": 6},
    HYPERV + "WmiProtocolIFType": {"None": 0, "Other": 1, "IPv4": 4096, "IPv6": 4097, "IPv4v6": 4098},
    HYPERV + "VMCompatibilityOperationType": _numbered(
        "MoveVirtualMachine ImportVirtualMachine MoveVirtualMachineAndStorage"
    ),
    HYPERV + "VMResourcePoolType": _numbered("Memory Processor Ethernet VHD ISO VFD"),
    HYPERV + "ConsoleModeType": _numbered("Default COM1 COM2 None"),
    HYPERV + "IPProtocolPreference": _numbered("IPv4 IPv6"),
    HYPERV + "BootSourceType": _numbered("Unknown Drive Network File"),
    HYPERV + "RestartType": _numbered("Reset Reboot"),
    VHD + "VhdFormat": {"VHD": 2, "VHDX": 3, "VHDSet": 4},
    VHD + "VhdType": {"Fixed": 2, "Dynamic": 3, "Differencing": 4},
    VHD + "VirtualHardDiskPmemAddressAbstractionType": _numbered("None BTT"),
    "System.ServiceProcess.ServiceControllerStatus": _numbered(
        "Stopped StartPending StopPending Running ContinuePending PausePending Paused", 1
    ),
    "System.ServiceProcess.ServiceStartMode": _numbered("Boot System Automatic Manual Disabled"),
    "Microsoft.Windows.ServerManager.Commands.InstallState": {
        "Available": 0,
        "Installed": 1,
        "InstallPending": 2,
        "Removed": 5,
    },
    "Microsoft.Windows.ServerManager.Commands.FeatureOperationResult+RestartState": _numbered("Maybe No Yes"),
    "Microsoft.Windows.ServerManager.Commands.FeatureOperationResult+OperationExitCode": {
        "Success": 0,
        "NoChangeNeeded": 1003,
        "SuccessRestartRequired": 3010,
        "Failed": -1,
    },
    "Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.Enabled": {"True": 1, "False": 2},
    "Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.Profile": {
        "Any": 0,
        "Domain": 1,
        "Private": 2,
        "Public": 4,
    },
    "Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.Direction": {"Inbound": 1, "Outbound": 2},
    "Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.Action": _numbered("NotConfigured Allow", 0)
    | {"Allow": 2, "Block": 4},
    "Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.PolicyStoreType": _numbered(
        "None Local GroupPolicy Dynamic Generated Hardcoded"
    ),
    "Microsoft.PowerShell.Commands.PrincipalSource": _numbered(
        "Unknown Local ActiveDirectory AzureAD MicrosoftAccount"
    ),
}

_CACHE: dict[tuple[str, str], EnumValue] = {}
_SHORT = {full.rpartition(".")[2].rpartition("+")[2]: full for full in ENUMERATIONS}


def full_name(short: str) -> str:
    """Return the full type name of an enumeration by its short one; raise KeyError when unknown."""
    return _SHORT[short]


def value(short: str, member: str) -> EnumValue:
    """Return the member of an enumeration, by the enumeration's short name; raise KeyError when unknown."""
    key = (short, member)
    found = _CACHE.get(key)
    if found is None:
        full = _SHORT[short]
        found = _CACHE[key] = EnumValue(full, member, ENUMERATIONS[full][member])
    return found


def named(short: str, given: object) -> EnumValue:
    """Return the member meant by a bound value: an enumeration value, a name in any case, or a number.

    Raises KeyError when there is no such member.
    """
    members = ENUMERATIONS[_SHORT[short]]
    if isinstance(given, int):
        for name, number in members.items():
            if number == given:
                return value(short, name)
    text = str(given).lower()
    for name in members:
        if name.lower() == text:
            return value(short, name)
    raise KeyError(f"{short}: {given}")
