# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet in which every machine has one reason why it can't move, or looks as if it had one and can."""

from __future__ import annotations

from typing import Any

from integration.moving import ready

TAKEN = "7d3f5a1e-0000-4000-8000-00000000abcd"

BLOCKED: dict[str, tuple[dict[str, Any], str]] = {
    "runs without flag": ({"state": "Running"}, "cpu_model_differs"),
    "paused without flag": ({"state": "Paused"}, "cpu_model_differs"),
    "saved without flag": ({"state": "Saved"}, "cpu_model_differs"),
    "memory checkpoint": ({"checkpoints": [{"memory_state": True}]}, "checkpoint_cpu_state"),
    "too much memory": ({"state": "Running", "compatibility": True, "memory_mb": 100 * 1024}, "memory_insufficient"),
    "too many bytes": ({"disks": [{"size_gb": 900, "file_size_gb": 700}]}, "space_insufficient"),
    "no switch": ({"adapters": [{"switch": "Backup"}]}, "switch_missing"),
    "whole disk": ({"disks": [{"pass_through": 3}]}, "pass_through_disk"),
    "shared disk": (
        {"disks": [{"path": "D:\\quorum\\q.vhdx", "size_gb": 5, "file_size_gb": 1, "shared": True}]},
        "shared_disk",
    ),
    "disk set": ({"disks": [{"path": "D:\\quorum\\s.vhds", "size_gb": 5, "file_size_gb": 1}]}, "shared_disk"),
    "iso": ({"dvd": "D:\\iso\\setup.iso"}, "iso_missing"),
    "guest services": ({"dvd": "C:\\Windows\\System32\\vmguest.iso"}, "iso_missing"),
    "replica": ({"replication": {"mode": "Replica", "state": "Replicating"}}, "replication_replica"),
    "cluster role": ({"clustered": True}, "vm_clustered"),
    "same id": ({"id": TAKEN}, "id_taken"),
    "many processors": ({"processors": 60}, "compare_vm_990005"),
    "tpm": ({"security": {"tpm": True}}, "compare_vm_990008"),
    "lost disk": ({"disks": [{"path": "D:\\gone\\g.vhdx", "size_gb": 5, "missing": True}]}, "compare_vm_40010"),
}
"""Name -> what the machine has, and the finding that blocks it on the way from HV01 to HV02."""

CLEAN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "off": ({}, set()),
    "off with checkpoint": ({"checkpoints": [{"name": "production"}]}, set()),
    "runs with flag": ({"state": "Running", "compatibility": True}, set()),
    "runs with flag and checkpoints": (
        {"state": "Running", "compatibility": True, "checkpoints": [{}, {"memory_state": True}]},
        set(),
    ),
    "saved with flag": ({"state": "Saved", "compatibility": True}, set()),
    "empty drive": ({"dvd": True}, set()),
    "no adapter connected": ({"adapters": [{"name": "loose"}]}, set()),
    "primary": (
        {"replication": {"mode": "Primary", "state": "Replicating", "replica_server": "HV09"}},
        {"replication_primary"},
    ),
    "namesake": ({}, {"name_taken"}),
    "big disk, small file": ({"disks": [{"size_gb": 5000, "file_size_gb": 1}]}, set()),
}
"""Name -> what the machine has, and the findings that only warn."""


SHARE = "\\\\fs01\\vms"


def obstacles(language: str = "en") -> dict[str, Any]:
    """Return the fleet: HV01 with all machines, HV02 of another processor generation and smaller."""
    vms = [{"name": name, "host": "HV01", **has} for name, (has, _) in {**BLOCKED, **CLEAN}.items()]
    there = [
        {"name": "namesake", "host": "HV02"},
        {"name": "other", "host": "HV02", "id": TAKEN},
    ]
    small = {"C": {"size_gb": 700, "free_gb": 500}, "D": {"size_gb": 900, "free_gb": 600, "rate_mb": 2000}}
    hosts: list[dict[str, Any]] = [
        {"name": "HV01", "cpu": {"model": "icelake", "cores": 32}, "switches": ["External", "Backup"]},
        {"name": "HV02", "cpu": {"model": "cascadelake", "cores": 8}, "memory_gb": 64, "volumes": small},
    ]
    return ready([{**host, "language": language} for host in hosts], vms + there)


MOVE_ALL = {"select": "[*]", "destination_host": "hv02", "retries": 0}


def pairs(language: str = "en") -> dict[str, Any]:
    """Return a fleet whose hosts don't fit each other: what is wrong with a host is in its name."""
    migration = {
        "enabled": True,
        "authentication": "CredSSP",
        "slots": 4,
        "storage_slots": 4,
        "networks": ["10.0.0.0/8"],
    }
    link = {"connection": "psrp", "scheme": "http", "auth": "credssp", "user": "LAB\\admin", "https": False}
    hosts: list[dict[str, Any]] = [
        {"name": "SOURCE"},
        {"name": "GOOD"},
        {"name": "DISABLED", "migration": {**migration, "enabled": False}},
        {"name": "DEAF", "migration": {**migration, "networks": []}},
        {"name": "KERBEROS", "migration": {**migration, "authentication": "Kerberos"}},
        {"name": "SLOTLESS", "migration": {**migration, "slots": 0}},
        {"name": "AMD", "cpu": "milan"},
        {"name": "OLDER", "edition": "2019"},
        {"name": "OLDEST", "edition": "2012R2"},
        {"name": "GUARDED", "edition": "2025"},
        {"name": "UNGUARDED", "edition": "2025", "credential_guard": False},
        {"name": "STRANGER", "winrm": {**link, "user": "LAB\\reader"}},
        {"name": "HELPER", "winrm": {**link, "user": "LAB\\hvadmin"}},
        {"name": "STOPPED", "services": {"vmms": "Stopped"}},
        {"name": "NTLM", "winrm": {**link, "auth": "ntlm"}},
        {"name": "LOCAL", "winrm": {**link, "auth": "ntlm", "user": "Administrator"}},
        {"name": "WINRM", "winrm": {**link, "connection": "winrm"}},
    ]
    vms: list[dict[str, Any]] = [
        {"name": "on", "host": "SOURCE", "state": "Running", "compatibility": True},
        {"name": "off", "host": "SOURCE"},
        {"name": "iso on a share", "host": "SOURCE", "dvd": f"{SHARE}\\iso\\setup.iso"},
        {"name": "amd checkpoint", "host": "SOURCE", "checkpoints": [{"memory_state": True}], "compatibility": True},
        {"name": "v9", "host": "SOURCE", "version": "9.0", "state": "Running", "compatibility": True},
        {"name": "v5", "host": "OLDEST", "state": "Running", "compatibility": True},
        {"name": "v5 off", "host": "OLDEST"},
        {"name": "v8", "host": "OLDER", "version": "8.0"},
        {"name": "v5 on 2019", "host": "OLDER", "version": "5.0"},
        {"name": "ntlm vm", "host": "NTLM", "state": "Running", "compatibility": True},
        {"name": "local vm", "host": "LOCAL"},
        {"name": "helper vm", "host": "HELPER", "state": "Running"},
        {"name": "winrm vm", "host": "WINRM", "state": "Running"},
        {"name": "guarded vm", "host": "GUARDED", "version": "10.0"},
        {"name": "unguarded vm", "host": "UNGUARDED", "version": "10.0"},
        *({"name": state, "host": "SOURCE", "state": state} for state in ("Starting", "Stopping", "Saving")),
    ]
    shares = [{"path": SHARE, "size_gb": 1000, "free_gb": 800, "rate_mb": 2000}]
    return ready([{**host, "language": language} for host in hosts], vms, shares=shares)


WAYS: dict[str, tuple[str, str, str, set[str]]] = {
    "to a good host": ("source", "good", "on", set()),
    "enabled at one end": ("source", "disabled", "off", {"migration_disabled"}),
    "listening at one end": ("source", "deaf", "off", {"migration_not_listening"}),
    "other authentication": ("source", "kerberos", "off", {"authentication_type_differs"}),
    "an ISO where only the host can look": (
        "source",
        "ntlm",
        "iso on a share",
        {"compare_vm_40010", "compare_vm_990001", "compare_vm_990002"},
    ),
    "no slots": ("source", "slotless", "off", {"no_slots"}),
    "other vendor, on": ("source", "amd", "on", {"cpu_vendor_differs"}),
    "other vendor, checkpoint with memory": ("source", "amd", "amd checkpoint", {"cpu_vendor_differs"}),
    "other vendor, off": ("source", "amd", "off", set()),
    "newer than the host": ("source", "older", "on", {"configuration_version_unsupported"}),
    "old version to an older host": ("source", "older", "v9", set()),
    "2012 R2 to 2022": ("oldest", "good", "v5", {"configuration_version_unsupported"}),
    "2012 R2 to 2019": ("oldest", "older", "v5", set()),
    "5.0 from 2019 to 2012 R2": ("older", "oldest", "v5 on 2019", set()),
    "8.0 from 2019 to 2012 R2": ("older", "oldest", "v8", {"configuration_version_unsupported"}),
    "no rights at the destination": ("source", "stranger", "off", {"caller_lacks_rights"}),
    "Hyper-V administrator there": ("source", "helper", "off", set()),
    "Hyper-V administrator here": ("helper", "good", "helper vm", set()),
    "service stopped there": ("source", "stopped", "off", {"management_service_stopped"}),
    "no credentials for the second hop": ("ntlm", "good", "ntlm vm", {"second_hop_impossible"}),
    "a local account": ("local", "good", "local vm", {"second_hop_impossible"}),
    "Credential Guard here": ("guarded", "good", "guarded vm", {"credential_guard_running"}),
    "Credential Guard there": ("source", "guarded", "off", set()),
    "2025 without Credential Guard": ("unguarded", "guarded", "unguarded vm", set()),
    "over the winrm plugin": ("winrm", "good", "winrm vm", set()),
    "starting": ("source", "good", "Starting", {"vm_in_transition"}),
    "stopping": ("source", "good", "Stopping", {"vm_in_transition"}),
    "saving": ("source", "good", "Saving", {"vm_in_transition"}),
}
"""What is compared -> source, destination, machine, and the findings that block."""
