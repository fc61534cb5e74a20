# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about the virtual machines of a host: few invocations, whatever their number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ..errors import NotFound
from ..session import live
from ..session.command import ON, command, expand, select
from ..session.reply import lacks_command
from .gateway_reading import Answer, Question, ask
from .model import Adapter, Checkpoint, Disk, DvdDrive, Processor, Vhd, Vlan, Vm
from .model_guest import Replication, Security, Service

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ..session.command import Pipeline
    from ..session.protocol import Session

_KEPT = "vms"
"""The machines of one read, kept live on the host between its statements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmDetails:
    """A machine with its parts. None stands for what the host's edition can't say; parts of checkpoints are apart."""

    vm: Vm
    processor: Processor | None = None
    disks: tuple[Disk, ...] = ()
    vhds: tuple[Vhd, ...] = ()
    dvd_drives: tuple[DvdDrive, ...] = ()
    adapters: tuple[Adapter, ...] = ()
    vlans: tuple[Vlan, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    checkpoint_adapters: tuple[Adapter, ...] = ()
    checkpoint_dvd_drives: tuple[DvdDrive, ...] = ()
    checkpoint_disks: tuple[Disk, ...] = ()
    checkpoint_processors: tuple[Processor, ...] = ()
    services: tuple[Service, ...] = ()
    security: Security | None = None
    replications: tuple[Replication, ...] = ()


def kept() -> Pipeline:
    """Return the pipeline that gives the kept machines one by one (a kept list comes out whole otherwise)."""
    return live.kept(_KEPT) | command("Write-Output")


def vms_source(ids: Sequence[str] | None = None) -> Pipeline:
    """Return the pipeline of all machines, or of those with these Ids."""
    if ids is None:
        return command("Get-VM")
    if len(ids) == 1:
        return command("Get-VM", Id=ids[0])
    return command("Get-VM") | command("Where-Object", Property="Id", Value=list(ids), In=ON)


def read_vms(session: Session, ids: Sequence[str] | None = None) -> tuple[Vm, ...]:
    """Return all machines of the host, or those with these Ids. Raises RemoteError where the host refuses to say."""
    source = vms_source(ids)
    (answer,) = ask(session, Question(source, Vm))
    if answer.errors and ids is not None and _only_not_found(answer):
        return answer.items
    return _named_states(session, answer.check(), source)


_OBJECT_NOT_FOUND = 13
"""Category number of ObjectNotFound."""


def _only_not_found(answer: Answer[Any]) -> bool:
    """Whether all errors are about machines that are not there; a missing command has the same category."""
    return all(error.category == _OBJECT_NOT_FOUND and not lacks_command(error.error_id) for error in answer.errors)


def find_vm(session: Session, vm_id: str) -> Vm | None:
    """Return the machine with this Id, or None when the host shows none."""
    found = read_vms(session, [vm_id])
    return found[0] if found else None


def get_vm(session: Session, vm_id: str) -> Vm:
    """Return the machine with this Id; NotFound when the host shows none."""
    found = find_vm(session, vm_id)
    if found is None:
        raise NotFound(f"{session.host}: no virtual machine has the Id {vm_id}")
    return found


def _named_states(session: Session, vms: tuple[Vm, ...], source: Pipeline) -> tuple[Vm, ...]:
    """Read the states again by name where a number differs between builds (critical states; facts, section 5)."""
    if not any(vm.state.isdigit() for vm in vms):
        return vms
    (answer,) = ask(session, Question(source | select("Id", "State")))
    states = {_id(raw): str(raw.get("State")) for raw in answer.items if isinstance(raw, dict)}
    return tuple(replace(vm, state=states.get(vm.id, vm.state)) for vm in vms)


def _id(raw: dict[str, Any]) -> str:
    return str(raw.get("Id")).lower()


PARTS: Final[dict[str, tuple[str, ...]]] = {
    "processor": ("processors",),
    "hard_disk_drives": ("disks", "vhds"),
    "dvd_drives": ("dvd_drives",),
    "network_adapters": ("adapters", "vlans"),
    "checkpoints": ("checkpoints",),
    "integration_services": ("services",),
    "replication": ("replications",),
    "security": ("security",),
}
"""Parts of a machine that can be read apart, with the questions that each takes."""


def read_details(
    session: Session,
    ids: Sequence[str] | None = None,
    *,
    parts: Collection[str] = tuple(PARTS),
    checkpoint_parts: bool = False,
) -> tuple[VmDetails, ...]:
    """Return all machines of the host, or those with these Ids, with their parts: a constant number of invocations.

    ``parts`` are keys of PARTS. ``checkpoint_parts`` adds adapters, DVD drives, disks and processors of checkpoints.
    What an edition lacks stays None or empty.
    """
    questions = _questions(vms_source(ids), parts, checkpoint_parts=checkpoint_parts)
    answers = dict(zip(questions, ask(session, *questions.values()), strict=True))
    vms = answers["vms"]
    if not vms.items:
        if not (ids is not None and _only_not_found(answers["keep"])):
            answers["keep"].check()
        return ()
    named_vms = _named_states(session, vms.items, kept())
    files = {vhd.path.lower(): vhd for vhd in _with_parents(session, _items(answers, "vhds"))}
    vlans = {vlan.adapter: vlan for vlan in _items(answers, "vlans")}
    linked = {name: _by_vm(answer.items) for name, answer in answers.items() if name not in _UNLINKED}
    return tuple(_details(vm, linked, files, vlans) for vm in named_vms)


_UNLINKED = frozenset({"keep", "vms", "vhds", "vlans"})
"""Answers whose items do not carry the Id of their machine."""


def _items(answers: dict[str, Answer[Any]], name: str) -> tuple[Any, ...]:
    return answers[name].items if name in answers else ()


def _by_vm(items: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(item.vm_id, []).append(item)
    return found


def _questions(source: Pipeline, parts: Collection[str], *, checkpoint_parts: bool) -> dict[str, Question[Any]]:
    adapters = kept() | command("Get-VMNetworkAdapter")
    snapshots = kept() | command("Get-VMSnapshot")
    questions: dict[str, Question[Any]] = {
        "keep": Question(source | live.keep(_KEPT)),
        "vms": Question(kept(), Vm),
        "processors": Question(kept() | command("Get-VMProcessor"), Processor),
        "disks": Question(kept() | command("Get-VMHardDiskDrive"), Disk),
        "vhds": Question(kept() | select("VMId") | command("Get-VHD"), Vhd),
        "dvd_drives": Question(kept() | command("Get-VMDvdDrive"), DvdDrive),
        "adapters": Question(adapters, Adapter),
        "vlans": Question(adapters | expand("VlanSetting", keeping=("Id",)), Vlan),
        "checkpoints": Question(snapshots, Checkpoint),
        "services": Question(kept() | command("Get-VMIntegrationService"), Service),
        "replications": Question(kept() | command("Get-VMReplication"), Replication),
    }
    if checkpoint_parts:
        questions["checkpoint_adapters"] = Question(snapshots | command("Get-VMNetworkAdapter"), Adapter)
        questions["checkpoint_dvd_drives"] = Question(snapshots | command("Get-VMDvdDrive"), DvdDrive)
        questions["checkpoint_disks"] = Question(snapshots | command("Get-VMHardDiskDrive"), Disk)
        questions["checkpoint_processors"] = Question(snapshots | command("Get-VMProcessor"), Processor)
    # Last: a host without this command ends the invocation there.
    questions["security"] = Question(kept() | command("Get-VMSecurity"), Security)
    unasked = {name for part, names in PARTS.items() if part not in parts for name in names}
    return {name: question for name, question in questions.items() if name not in unasked}


def _details(
    vm: Vm, parts: dict[str, dict[str, list[Any]]], files: dict[str, Vhd], vlans: dict[str, Vlan]
) -> VmDetails:
    def mine(name: str) -> tuple[Any, ...]:
        return tuple(parts.get(name, {}).get(vm.id, ()))

    disks, adapters = mine("disks"), mine("adapters")
    checkpoint_disks = mine("checkpoint_disks")
    return VmDetails(
        vm=vm,
        processor=next(iter(mine("processors")), None),
        disks=disks,
        vhds=_chain([disk.path for disk in (*disks, *checkpoint_disks)], files),
        dvd_drives=mine("dvd_drives"),
        adapters=adapters,
        vlans=tuple(vlans[adapter.id] for adapter in adapters if adapter.id in vlans),
        checkpoints=mine("checkpoints"),
        checkpoint_adapters=mine("checkpoint_adapters"),
        checkpoint_dvd_drives=mine("checkpoint_dvd_drives"),
        checkpoint_disks=checkpoint_disks,
        checkpoint_processors=mine("checkpoint_processors"),
        services=mine("services"),
        security=next(iter(mine("security")), None),
        replications=mine("replications"),
    )


def _chain(paths: Iterable[str], files: dict[str, Vhd]) -> tuple[Vhd, ...]:
    """Return the files of these disks and their parents, each once, children first."""
    found: dict[str, Vhd] = {}
    for start in paths:
        path: str | None = start
        while path and path.lower() in files and path.lower() not in found:
            vhd = files[path.lower()]
            found[path.lower()] = vhd
            path = vhd.parent_path
    return tuple(found.values())


_DEEPEST_CHAIN = 64
"""More generations of differencing disks than any chain has; the bound of the loop below."""


def _with_parents(session: Session, vhds: tuple[Vhd, ...]) -> tuple[Vhd, ...]:
    """Return the files with all their parents: one invocation per generation, for all machines at once."""
    known = {vhd.path.lower(): vhd for vhd in vhds}
    asked: set[str] = set()
    for _generation in range(_DEEPEST_CHAIN):
        parents = {vhd.parent_path for vhd in known.values() if vhd.parent_path}
        wanted = sorted(path for path in parents if path.lower() not in known and path.lower() not in asked)
        if not wanted:
            break
        asked |= {path.lower() for path in wanted}
        known |= {vhd.path.lower(): vhd for vhd in read_vhds(session, wanted).items}
    return tuple(known.values())


def read_vhds(session: Session, paths: Sequence[str]) -> Answer[Vhd]:
    """Return the virtual hard disk files at these paths; a file that can't be read gives an error record."""
    (answer,) = ask(session, Question(command("Get-VHD", Path=list(paths)), Vhd))
    return answer


def processors(session: Session, ids: Sequence[str]) -> dict[str, Processor]:
    """Return the processor settings of these machines by Id."""
    (answer,) = ask(session, Question(vms_source(ids) | command("Get-VMProcessor"), Processor))
    return {processor.vm_id: processor for processor in answer.check()}


def has_parameter(session: Session, cmdlet: str, parameter: str) -> bool:
    """Return whether the host's version of a cmdlet has a parameter."""
    reply = session.invoke(
        command("Get-Command", Name=cmdlet, Module="Hyper-V", ParameterName=parameter, ErrorAction="SilentlyContinue")
        | select("Name")
    )
    return bool(reply[0].objects)
