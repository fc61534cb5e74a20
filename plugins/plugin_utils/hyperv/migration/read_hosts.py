# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what a move needs to know of the two hosts themselves."""

from __future__ import annotations

import ntpath
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...session.command import ON, command, select
from ..gateway_host import cim, read_host_facts_and
from ..model_host import DeviceGuard
from ..preflight.facts import HostFacts
from ..wire_values import whole
from .look import HostLook
from .placement import volume_of

if TYPE_CHECKING:
    from ...session.protocol import Session

PLANNED = "Msvm_PlannedComputerSystem"
_NAMESPACE = "root\\virtualization\\v2"
DEVICE_GUARD = cim("Win32_DeviceGuard", DeviceGuard, namespace="root\\Microsoft\\Windows\\DeviceGuard")
TPM_STORE = "Cert:\\LocalMachine\\Shielded VM Local Certificates"


def read_host(session: Session, look: HostLook, *, tpm: bool = False, guard: bool = False) -> HostFacts:
    """Return the facts of one end.

    With ``tpm`` also the certificates of virtual TPMs (one more invocation), with ``guard`` also whether Credential
    Guard runs.
    """
    facts, answers = read_host_facts_and(session, *([DEVICE_GUARD] if guard else []))
    protection = next((answer.first for answer in answers), None)
    settings, system = facts.settings, facts.operating_system
    cpu = facts.processors[0] if facts.processors else None
    versions = facts.supported_versions or ()
    return HostFacts(
        inventory_name=session.host,
        computer_name=settings.name if settings else "",
        windows_name=look.windows_name,
        migration_enabled=bool(settings and settings.virtual_machine_migration_enabled),
        authentication_type=settings.authentication_type if settings else "",
        listeners=facts.listener_addresses,
        maximum_moves=settings.maximum_virtual_machine_migrations if settings else 0,
        maximum_storage_moves=settings.maximum_storage_migrations if settings else 0,
        supported_versions=tuple(version.version for version in versions if version.is_released),
        cpu_vendor=cpu.manufacturer if cpu else None,
        cpu_family=cpu.family if cpu else None,
        cpu_model=cpu.model if cpu else None,
        cpu_name=cpu.name if cpu else "",
        memory_free=system.free_memory if system else None,
        build=system.build if system else None,
        logical_processors=settings.logical_processor_count if settings else None,
        volumes={v.drive_letter.upper(): v.free_space for v in facts.volumes or () if v.drive_letter},
        mounted=facts.volumes or (),
        switches=frozenset(switch.name for switch in facts.switches or ()),
        sids=frozenset(facts.rights.sids) if facts.rights else None,
        default_path=settings.virtual_machine_path if settings else "",
        vm_names={machine.id: machine.name for machine in look.machines.values()},
        credential_guard=protection.has_credential_guard if protection else None,
        certificates=read_certificates(session) if tpm else None,
    )


def read_certificates(session: Session) -> frozenset[str] | None:
    """Return the thumbprints in the store of virtual TPMs' certificates; None where it can't be read."""
    (reply,) = session.invoke(command("Get-ChildItem", LiteralPath=[TPM_STORE]) | select("Thumbprint"))
    if reply.errors or not reply.ran:
        return None
    return frozenset(str(one.get("Thumbprint")) for one in reply.objects)


def read_existing(session: Session, paths: Sequence[str]) -> frozenset[str]:
    """Return those of the paths that exist on the host, in lower case; one invocation."""
    if not paths:
        return frozenset()
    (reply,) = session.invoke(command("Test-Path", LiteralPath=list(paths)))
    reply.check()
    return frozenset(path.lower() for path, exists in zip(paths, reply.objects, strict=True) if exists is True)


def read_presence(session: Session, paths: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return those of the paths that exist on the host, and those of which it can't be told; both in lower case.

    One invocation with a question per drive and share. Where the caller may not look, Test-Path says False and writes
    an error, which names no path: a share refuses every session that passes no credentials on, though the host itself
    may reach it.
    """
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(volume_of(path), []).append(path)
    if not groups:
        return frozenset(), frozenset()
    replies = session.invoke(*(command("Test-Path", LiteralPath=group) for group in groups.values()))
    there, unseen = set[str](), set[str]()
    for group, reply in zip(groups.values(), replies, strict=True):
        said = reply.objects if len(reply.objects) == len(group) else (False,) * len(group)
        there |= {path.lower() for path, exists in zip(group, said, strict=True) if exists is True}
        if reply.errors or not reply.ran:
            unseen |= {path.lower() for path in group} - there
    return frozenset(there), frozenset(unseen)


def read_used_folders(session: Session, folders: Sequence[str]) -> frozenset[str]:
    """Return the names of those folders that hold any file at any depth; empty ones are free to use.

    A comparison leaves empty folders behind, a failed move may leave files.
    """
    (reply,) = session.invoke(
        command("Get-ChildItem", LiteralPath=list(folders), Recurse=ON, Force=ON) | select("FullName", "PSIsContainer")
    )
    files = [str(item.get("FullName")).lower() for item in reply.objects if item.get("PSIsContainer") is not True]
    return frozenset(
        ntpath.basename(folder) for folder in folders if any(f.startswith(folder.lower() + "\\") for f in files)
    )


def destroy_planned(session: Session, vm_id: str) -> bool:
    """Remove a planned VM from the host it is on; False when the host did not do it, True also where there is none.

    Get-VM does not list planned VMs. DestroySystem of the management service takes a reference to the system, which on
    a WMI object is a path. In the arguments of Invoke-CimMethod it would have to be a live instance: of what a client
    sends, PowerShell's serializer makes one only with the metadata of its class (public source; not tried on a host).
    """
    (found,) = session.invoke(
        command("Get-WmiObject", Namespace=_NAMESPACE, Class=PLANNED, Filter=f"Name = '{vm_id.upper()}'")
        | select("__PATH")
    )
    if found.errors or not found.ran:
        return False
    return all(_destroyed(session, str(one.get("__PATH"))) for one in found.objects)


def _destroyed(session: Session, path: str) -> bool:
    (reply,) = session.invoke(
        command("Get-WmiObject", Namespace=_NAMESPACE, Class="Msvm_VirtualSystemManagementService")
        | command("ForEach-Object", MemberName="DestroySystem", ArgumentList=[path])
        | select("ReturnValue")
    )
    return not reply.errors and any(whole(one.get("ReturnValue")) in {0, 4096} for one in reply.objects)
