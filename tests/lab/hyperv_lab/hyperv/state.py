# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole fleet as JSON: what tests and people look at to see what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..guests.linux.description import describe as describe_linux
from ..guests.windows.description import describe_machine
from ..guests.windows.state import WindowsMachine
from .directory import DELEGATE_TO, TRUSTED_TO_AUTH

if TYPE_CHECKING:
    from .devices import NetworkAdapter
    from .fleet import Fleet
    from .host import Host
    from .storage import Volume
    from .vm import VM


def describe(fleet: Fleet) -> dict[str, Any]:
    """Return the state of the fleet in plain JSON types: hosts with their machines, moves, events."""
    with fleet.lock:
        return {
            "now": round(fleet.clock.now(), 3),
            "date": fleet.clock.date().isoformat(),
            "hosts": {h.name: describe_host(h) for h in fleet.hosts.values() if not isinstance(h, WindowsMachine)},
            "windows_machines": {
                h.name: describe_machine(h) for h in fleet.hosts.values() if isinstance(h, WindowsMachine)
            },
            "moves": [dict(move) for move in fleet.moves],
            "moves_running": sum(1 for move in fleet.moves if move.get("finished") is None),
            "storage_migrations": [dict(move) for move in fleet.storage_migrations],
            "exports": [dict(one) for one in fleet.exports],
            "imports": [dict(one) for one in fleet.imports],
            "events": [
                {"at": round(e.at, 3), "kind": e.kind, "vm": e.vm, "host": e.host, **e.details} for e in fleet.events
            ],
            "shares": {volume.name: _files(volume.files) for volume in fleet.shares.values()},
            "delegation": describe_delegation(fleet),
            "asr_servers": fleet.asr.as_plain(),
            "linux_machines": {machine.name: describe_linux(machine) for machine in fleet.linux_machines},
        }


def describe_delegation(fleet: Fleet) -> dict[str, Any]:
    """Return what the directory says about the delegation of each computer."""
    return {
        str(computer.get("name")): {
            "delegates_to": sorted(computer.get(DELEGATE_TO)),
            "protocol_transition": bool(computer.control & TRUSTED_TO_AUTH),
        }
        for computer in fleet.directory.computers()
    }


def describe_host(host: Host) -> dict[str, Any]:
    """Return one host."""
    migration = host.migration
    return {
        "alias": host.alias,
        "edition": host.edition,
        "language": host.language,
        "up": host.up(),
        "boots": host.boots,
        "cpu": {"model": host.cpu.key, "vendor": host.cpu.vendor, "generation": host.cpu.generation},
        "memory": host.memory,
        "memory_free": host.memory_free,
        "vms": {str(vm.id): describe_vm(vm) for vm in list(host.vms.values())},
        "planned": [{"id": str(vm.id), "name": vm.name} for vm in list(host.planned.values())],
        "migration": {
            "enabled": migration.enabled,
            "authentication": migration.authentication,
            "performance": migration.performance,
            "any_network": migration.any_network,
            "slots": migration.slots,
            "storage_slots": migration.storage_slots,
            "networks": [{"subnet": str(n.subnet), "priority": n.priority} for n in migration.networks],
            "listening": host.listener_addresses(),
        },
        "running_migrations": sorted(host.incoming),
        "running_storage_migrations": sorted(host.storage_moves),
        "paths": {"vm": host.settings.vm_path, "disk": host.settings.disk_path},
        "volumes": {name: _volume(volume) for name, volume in host.storage.volumes.items()},
        "shares": {share.name: share.path for share in host.shares.values()},
        "switches": sorted(switch.name for switch in host.switches.values()),
        "features": {name: state for name, state in host.features.items() if state != "Available"},
        "services": {service.name: service.status for service in host.services.values()},
        "firewall_disabled": sorted(name for name, enabled in host.firewall.items() if not enabled),
        "requests": host.faults.requests,
    }


def describe_vm(vm: VM) -> dict[str, Any]:
    """Return one machine."""
    vm.settle_guest()
    return {
        "id": str(vm.id),
        "name": vm.name,
        "state": vm.state,
        "activity": vm.secondary,
        "version": str(vm.version),
        "generation": vm.generation,
        "path": vm.path,
        "disks": [drive.path if drive.disk_number is None else drive.disk_number for drive in vm.hard_drives],
        "dvds": [drive.path for drive in vm.dvd_drives],
        "adapters": [describe_adapter(adapter) for adapter in vm.adapters],
        "services": {s.key: {"host": s.enabled, "guest": vm.service_state(s.key)} for s in vm.services()},
        "checkpoints": [{"id": str(s.id), "name": s.name, "memory_state": s.memory_state} for s in vm.snapshots],
        "replication": describe_replication(vm),
        "processors": int(vm.processor.count),
        "compatibility": vm.processor.compatibility_for_migration_enabled,
        "memory": vm.memory_startup,
        "heartbeat": vm.heartbeat.name if vm.heartbeat else None,
        "power_ons": vm.power_ons,
        "moves": vm.moves,
        "notes": vm.notes,
        "start_action": vm.start_action.name,
    }


def describe_adapter(adapter: NetworkAdapter) -> dict[str, Any]:
    """Return one adapter, with what its guest was told (addresses) and what it reports."""
    trunk, told = adapter.trunk, adapter.configuration
    return {
        "name": adapter.name,
        "switch": adapter.switch,
        "connected": adapter.connected,
        "mac": adapter.mac_address,
        "vlan": adapter.vlan,
        "trunk": {"native": trunk.native, "allowed": trunk.text} if trunk else None,
        "dynamic_mac": adapter.dynamic_mac,
        "gateways": list(told.gateways),
        "dns": list(told.dns),
        "dhcp": told.dhcp,
        "addresses": list(adapter.addresses),
        "reported": list(adapter.ip_addresses),
    }


def describe_replication(vm: VM) -> dict[str, Any] | None:
    """Return what a copy of a replicated machine is, and the last failover it went through; None for others."""
    replication = vm.replication
    if replication is None:
        return None
    failover = vm.failover
    return {
        "mode": replication.mode.name,
        "state": replication.state.name,
        "health": replication.health.name,
        "primary_server": replication.primary_server,
        "replica_server": replication.replica_server,
        "test_vm": str(replication.test_vm.id) if replication.test_vm else None,
        "failover": failover.kind if failover else None,
        "came_up_with": failover.outcome if failover else None,
    }


def _volume(volume: Volume) -> dict[str, Any]:
    folders = sorted(volume.folders.values())
    return {"size": volume.size, "free": volume.free, "files": _files(volume.files), "folders": folders}


def _files(files: dict[str, Any]) -> dict[str, int]:
    return {file.path: file.size for file in list(files.values())}
