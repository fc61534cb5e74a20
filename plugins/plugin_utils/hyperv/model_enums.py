# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and numbers of the enumerations that are read (facts on Hyper-V, section 5).

Fields of the model hold the *name* as text, so that what a newer Windows sends stays readable; the classes here name
what is known, and compare equal to that text.
"""

from __future__ import annotations

from enum import Enum


class VmState(str, Enum):
    """States of a virtual machine that operations ask about; the critical ones end in ``Critical``."""

    OTHER = "Other"
    RUNNING = "Running"
    OFF = "Off"
    STOPPING = "Stopping"
    SAVED = "Saved"
    PAUSED = "Paused"
    STARTING = "Starting"
    RESET = "Reset"
    SAVING = "Saving"
    PAUSING = "Pausing"
    RESUMING = "Resuming"
    FAST_SAVED = "FastSaved"
    HIBERNATED = "Hibernated"


class Heartbeat(str, Enum):
    """What the heartbeat service of a guest says; null for a machine that is off."""

    UNKNOWN = "Unknown"
    DISABLED = "Disabled"
    NO_CONTACT = "NoContact"
    ERROR = "Error"
    LOST_COMMUNICATION = "LostCommunication"
    OK_APPLICATIONS_UNKNOWN = "OkApplicationsUnknown"
    OK_APPLICATIONS_HEALTHY = "OkApplicationsHealthy"
    OK_APPLICATIONS_CRITICAL = "OkApplicationsCritical"
    PAUSED = "Paused"


class IntegrationService(str, Enum):
    """Integration services by the GUID at the end of their Id, which is the same in every language."""

    GUEST_SERVICE_INTERFACE = "6c09bb55-d683-4da0-8931-c9bf705f6480"
    HEARTBEAT = "84eaae65-2f2e-45f5-9bb5-0e857dc8eb47"
    KEY_VALUE_PAIR_EXCHANGE = "2a34b1c2-fd73-4043-8a5b-dd2159bc743f"
    SHUTDOWN = "9f8233ac-be49-4c79-8ee3-e7e1985b2077"
    TIME_SYNCHRONIZATION = "2497f4de-e9fa-4204-80e4-4b75c46419c0"
    VSS = "5ced1297-4598-4915-a5fc-ad21bb4d02a4"


def _from(first: int, names: str) -> dict[int, str]:
    return dict(enumerate(names.split(), first))


VM_STATES = {
    1: "Other",
    2: "Running",
    3: "Off",
    4: "Stopping",
    6: "Saved",
    9: "Paused",
    10: "Starting",
    11: "Reset",
    32773: "Saving",
    32776: "Pausing",
    32777: "Resuming",
    32779: "FastSaved",
    32780: "FastSaving",
    32781: "ForceShutdown",
    32782: "ForceReboot",
}
"""Only numbers that mean the same on every build: from 32783 on they moved, so those states are read by name."""

VM_STATUSES = {
    2: "Ok",
    3: "Degraded",
    5: "PredictiveFailure",
    11: "InService",
    15: "Dormant",
    16: "SupportingEntityInError",
    23769: "ApplyingSnapshot",
    32768: "CreatingSnapshot",
    32769: "ApplyingSnapshot",
    32770: "DeletingSnapshot",
    32771: "WaitingToStart",
    32772: "MergingDisks",
    32773: "ExportingVirtualMachine",
    32774: "MigratingVirtualMachine",
    32776: "BackingUpVirtualMachine",
    32777: "ModifyingUpVirtualMachine",
    32778: "StorageMigrationPhaseOne",
    32779: "StorageMigrationPhaseTwo",
    32780: "MigratingPlannedVm",
    32781: "CheckingCompatibility",
    32782: "ApplicationCriticalState",
    32783: "CommunicationTimedOut",
    32784: "CommunicationFailed",
    32785: "NoIommu",
    32795: "CriticalIoError",
}
HEARTBEATS = _from(0, " ".join(item.value for item in Heartbeat))
COMPONENT_STATUSES = {
    2: "Ok",
    3: "Degraded",
    6: "Error",
    7: "NonRecoverableError",
    12: "NoContact",
    13: "LostCommunication",
    32775: "ProtocolMismatch",
    32782: "ApplicationCritical",
    32783: "CommunicationTimedOut",
    32784: "CommunicationFailed",
    32896: "Disabled",
}
START_ACTIONS = _from(2, "Nothing StartIfRunning Start")
STOP_ACTIONS = _from(2, "TurnOff Save ShutDown")
CHECKPOINT_TYPES = _from(2, "Disabled Production ProductionOnly Standard")
SNAPSHOT_TYPES = {
    0: "Standard",
    1: "Recovery",
    2: "Planned",
    5: "Missing",
    6: "Replica",
    7: "AppConsistentReplica",
    8: "SyncedReplica",
}
CONTROLLER_TYPES = _from(0, "IDE SCSI PMEM")
DVD_MEDIA_TYPES = _from(0, "None ISO PassThrough")
VHD_FORMATS = _from(2, "VHD VHDX VHDSet")
VHD_TYPES = _from(2, "Fixed Dynamic Differencing")
SWITCH_TYPES = _from(0, "Private Internal External")
VLAN_MODES = _from(0, "Untagged Access Trunk Private")
ON_OFF = _from(0, "On Off")
AUTHENTICATION_TYPES = _from(0, "CredSSP Kerberos")
PERFORMANCE_OPTIONS = _from(0, "TCPIP Compression SMB")
COMPATIBILITY_MODES = _from(0, "MinimumFeatureSet CommonClusterFeatureSet")
REPLICATION_MODES = _from(0, "None Primary Replica TestReplica ExtendedReplica")
REPLICATION_HEALTHS = _from(0, "NotApplicable Normal Warning Critical")
REPLICATION_STATES = _from(
    0,
    "Disabled ReadyForInitialReplication InitialReplicationInProgress WaitingForInitialReplication Replicating "
    "PreparedForFailover FailedOverWaitingCompletion FailedOver Suspended Error WaitingForStartResynchronize "
    "Resynchronizing ResynchronizeSuspended RecoveryInProgress FailbackInProgress FailbackComplete "
    "WaitingForUpdateCompletion UpdateError WaitingForRepurposeCompletion PreparedForSyncReplication "
    "PreparedForGroupReverseReplication FiredrillInProgress",
)
SERVICE_STATUSES = _from(1, "Stopped StartPending StopPending Running ContinuePending PausePending Paused")
SERVICE_START_TYPES = _from(0, "Boot System Automatic Manual Disabled")
FEATURE_STATES = {0: "Available", 1: "Installed", 2: "InstallPending", 3: "UninstallPending", 5: "Removed"}
RULE_ENABLED = {1: "True", 2: "False"}
