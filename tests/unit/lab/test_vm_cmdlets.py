# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets on machines, bound by the engine's binder, against a small fleet."""

from __future__ import annotations

import ast
import inspect
import json
import os
import textwrap
import uuid
from pathlib import Path
from typing import Any

import pytest
from hyperv_lab.hyperv import catalogue
from hyperv_lab.hyperv import fleet as fleets
from hyperv_lab.powershell import contract
from hyperv_lab.powershell.binder import BindingFailed
from unit.lab.cmdlet_runner import get, identity, run

OP = {"directory": {"accounts": [{"name": "op", "password": "x"}, {"name": "reader", "password": "x"}]}}


def fleet(*vms: dict[str, Any], speed: float = 100_000, **host: Any) -> Any:
    """Return a host of a fleet whose clock runs so fast that nothing takes long."""
    groups = {"Hyper-V Administrators": ["LAB\\op"], "Remote Management Users": ["LAB\\op", "LAB\\reader"]}
    content = {
        **OP,
        "hosts": [{"name": "A", "groups": groups, **host}],
        "vms": [{"host": "A", **vm} for vm in vms],
    }
    return fleets.parse(content, speed=speed).hosts["A"]


def asked_for(cmdlet: type[Any]) -> set[str]:
    """Return the parameters that a cmdlet's own code asks for."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cmdlet)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    asking = [call for call in calls if getattr(call.func, "attr", "") in ("given", "switched", "bound_to")]
    return {str(call.args[0].value) for call in asking if isinstance(call.args[0], ast.Constant)}


def test_every_parameter_a_cmdlet_asks_for_is_in_the_contract() -> None:
    wrong = []
    for name, cmdlet in catalogue.commands().items():
        signature = contract.signature(name, "2025")
        assert signature is not None, name
        known = {parameter.name for parameter in signature.parameters} | {"AsJob"}
        wrong += [f"{cmdlet.NAME} -{parameter}" for parameter in asked_for(cmdlet) - known]
    assert wrong == []


def test_class_names_are_those_of_the_field() -> None:
    shared = Path(os.environ.get("HYPERV_MOBILITY_SHARED", Path(__file__).parents[4] / "shared"))
    if not (shared / "data" / "field_errors.json").exists():
        pytest.skip("the recordings of field errors are not at hand")
    classes = json.loads((shared / "data" / "field_errors.json").read_text(encoding="utf-8"))["classes"]
    for name, cmdlet in catalogue.commands().items():
        seen = next((value for key, value in classes.items() if key.lower() == name), None)
        if seen is None or "-" in seen:
            continue
        names = [text.rpartition(".")[2].removesuffix("Command") for text in (cmdlet.CLASS, seen)]  # 2012 R2 adds it
        assert names[0] == names[1], name


def test_machines_by_id_by_name_by_pattern_and_all() -> None:
    host = fleet({"name": "web"}, {"name": "web"}, {"name": "Db [1]"})
    first = next(iter(host.vms))
    assert get(run(host, "Get-VM", Id=str(first)).one(), "Id") == first
    assert len(run(host, "Get-VM", Name=["WEB"]).output) == 2
    assert len(run(host, "Get-VM").output) == 3
    assert [vm.name for vm in run(host, "Get-VM", Name=["db `[1`]"]).output] == ["Db [1]"]
    assert run(host, "Get-VM", Name=["none*"]).errors == []


def test_a_machine_that_is_not_there() -> None:
    host = fleet({"name": "web"})
    assert run(host, "Get-VM", Id=str(uuid.uuid4())).error() == ("ObjectNotFound", "ObjectNotFound")
    missing = run(host, "Get-VM", Name=["nope"])
    assert missing.error() == ("InvalidParameter", "InvalidArgument")
    assert missing.errors[0].target == "nope"
    assert run(host, "Start-VM", Name=["nope"]).error() == ("ObjectNotFound", "ObjectNotFound")


def test_old_hosts_have_other_classes() -> None:
    host = fleet({"name": "web"}, edition="2012R2")
    record = run(host, "Get-VM", Name=["nope"]).errors[0]
    assert record.class_name == "Microsoft.HyperV.PowerShell.Commands.GetVMCommand"
    assert record.exception[0].endswith("VirtualizationInvalidArgumentException")
    assert catalogue.find(host, "Get-VMSecurity") is None
    assert "CheckpointType" not in run(host, "Get-VM").one().ps_names()


def test_rights_and_the_service() -> None:
    host = fleet({"name": "web"})
    reader, op = identity(host.fleet, "A", "reader"), identity(host.fleet, "A", "op")
    assert run(host, "Get-VM", who=reader).error() == ("Unspecified", "NotSpecified")
    for name, bound in (("Start-VM", {"Name": ["web"]}), ("Set-VMDvdDrive", {"VMName": "web", "Path": None})):
        assert run(host, name, who=reader, **bound).error() == ("AccessDenied", "PermissionDenied")
    assert len(run(host, "Get-VM", who=op).output) == 1
    host.services["vmms"].status = "Stopped"
    both = run(host, "Get-VM", Name=["web"], who=op).errors
    assert [record.error_id for record in both] == ["ObjectNotFound", "InvalidParameter"]


def test_errors_speak_the_language_of_the_host_and_ids_do_not() -> None:
    english, french = fleet({"name": "v"}), fleet({"name": "v"}, language="fr")
    one, other = run(english, "Get-VM", Name=["x"]).errors[0], run(french, "Get-VM", Name=["x"]).errors[0]
    assert one.error_id == other.error_id
    assert "n’a pas trouvé" in other.message
    services = [get(s, "Name") for s in run(french, "Get-VMIntegrationService", VMName=["v"]).output]
    assert "Interface de services d’invité" in services
    by_name = run(french, "Enable-VMIntegrationService", VMName=["v"], Name=["Guest Service Interface"])
    assert by_name.error() == ("InvalidParameter", "InvalidArgument")
    every = run(french, "Get-VMIntegrationService", VMName=["v"]).output
    guest = next(s for s in every if get(s, "Id").endswith("6C09BB55-D683-4DA0-8931-C9BF705F6480"))
    assert not get(guest, "Enabled")
    assert run(french, "Enable-VMIntegrationService", guest).errors == []
    assert get(guest, "Enabled")


def test_the_processor_flag_only_while_off() -> None:
    host = fleet({"name": "v", "state": "Running"})
    refused = run(host, "Set-VMProcessor", VMName=["v"], CompatibilityForMigrationEnabled=True)
    assert refused.error() == ("InvalidState", "InvalidOperation")
    run(host, "Stop-VM", Name=["v"])
    vm = run(host, "Get-VM").one()
    assert get(vm, "State").name == "Off"
    assert run(host, "Set-VMProcessor", vm, CompatibilityForMigrationEnabled=True).errors == []
    assert get(run(host, "Get-VMProcessor", vm).one(), "CompatibilityForMigrationEnabled") is True


def test_weights_may_change_while_running_and_bad_values_never() -> None:
    host = fleet({"name": "v", "state": "Running"})
    assert run(host, "Set-VMProcessor", VMName=["v"], RelativeWeight=200).errors == []
    assert run(host, "Set-VMProcessor", VMName=["v"], Reserve=200).error() == ("InvalidParameter", "InvalidArgument")


def test_start_stop_save_pause() -> None:
    host = fleet({"name": "v"})
    for command, state in (
        ("Start-VM", "Running"),
        ("Suspend-VM", "Paused"),
        ("Resume-VM", "Running"),
        ("Save-VM", "Saved"),
        ("Start-VM", "Running"),
    ):
        assert run(host, command, Name=["v"]).errors == [], command
        assert run(host, "Get-VM").one().state == state
    assert run(host, "Start-VM", Name=["v"]).warnings
    run(host, "Stop-VM", Name=["v"], TurnOff=True)
    assert run(host, "Get-VM").one().state == "Off"
    assert run(host, "Stop-VM", Name=["v"]).warnings
    assert run(host, "Remove-VMSavedState", VMName=["v"]).error() == ("InvalidState", "InvalidOperation")


def test_a_guest_that_ignores_the_shutdown() -> None:
    host = fleet({"name": "v", "state": "Running", "guest": {"ignores_shutdown": True}})
    assert run(host, "Stop-VM", Name=["v"]).error() == ("InvalidOperation", "InvalidOperation")
    assert run(host, "Stop-VM", Name=["v"], Force=True).error() == ("OperationFailed", "NotSpecified")
    assert run(host, "Get-VM").one().state == "Running"


def test_a_locked_guest_goes_down_when_it_is_forced() -> None:
    host = fleet({"name": "v", "state": "Running", "guest": {"locked": True}})
    assert run(host, "Stop-VM", Name=["v"]).error() == ("Unspecified", "NotSpecified")
    assert run(host, "Get-VM").one().state == "Running"
    run(host, "Stop-VM", Name=["v"], Force=True)
    assert run(host, "Get-VM").one().state == "Off"


def test_a_start_without_memory_or_disk() -> None:
    host = fleet({"name": "big", "memory_mb": 20480}, {"name": "lost", "disks": [{"missing": True}]}, memory_gb=8)
    record = run(host, "Start-VM", Name=["big"])
    assert record.error() == ("OutOfMemory", "FromStdErr")
    assert "(0x8007000E)" in record.errors[0].message
    assert run(host, "Start-VM", Name=["lost"]).error() == ("Unspecified", "NotSpecified")


def test_what_is_busy_is_refused() -> None:
    host = fleet({"name": "v", "state": "Running", "backup": {"seconds": 1e9}})
    vm = run(host, "Get-VM").one()
    assert get(vm, "PrimaryOperationalStatus").name == "InService"
    assert get(vm, "SecondaryOperationalStatus").number == 32776
    assert run(host, "Stop-VM", Name=["v"]).error() == ("InvalidState", "InvalidOperation")


def test_what_if_changes_nothing() -> None:
    host = fleet({"name": "v"})
    run(host, "Start-VM", Name=["v"], WhatIf=True)
    assert run(host, "Get-VM").one().state == "Off"


def test_disks_checkpoints_and_their_layers() -> None:
    host = fleet({"name": "v", "state": "Running"})
    before = get(run(host, "Get-VMHardDiskDrive", VMName=["v"]).one(), "Path")
    run(host, "Set-VM", Name=["v"], CheckpointType="Standard")
    run(host, "Checkpoint-VM", Name=["v"], SnapshotName="one")
    snapshot = run(host, "Get-VMSnapshot", VMName=["v"]).one()
    assert snapshot.memory_state
    path = get(run(host, "Get-VMHardDiskDrive", VMName=["v"]).one(), "Path")
    assert path.endswith(".avhdx")
    disk = run(host, "Get-VHD", Path=[path]).one()
    assert get(disk, "VhdType").name == "Differencing"
    assert get(disk, "ParentPath") == before
    assert get(run(host, "Get-VMHardDiskDrive", VMSnapshot=snapshot).one(), "Path") == before
    assert run(host, "Remove-VMSnapshot", snapshot).errors == []
    assert get(run(host, "Get-VMHardDiskDrive", VMName=["v"]).one(), "Path") == before
    assert host.storage.file(path) is None
    missing = run(host, "Get-VHD", Path=["D:\\no.vhdx"])
    assert missing.error() == ("InvalidParameter", "InvalidArgument")
    host.storage.file(before).disk = None
    unreadable = run(host, "Get-VHD", Path=[before])
    assert unreadable.error() == ("OperationFailed", "NotSpecified")
    assert not [record for found in (missing, unreadable) for record in found.errors if "(0x" in record.message]


def test_a_checkpoint_is_applied() -> None:
    host = fleet({"name": "v", "memory_mb": 2048, "checkpoints": [{"name": "c", "memory_state": True}]})
    run(host, "Set-VM", Name=["v"], MemoryStartupBytes=str(4 * 1024**3))
    assert run(host, "Restore-VMSnapshot", VMName="v", Name="c", Confirm=False).errors == []
    vm = run(host, "Get-VM").one()
    assert vm.memory_startup == 2 * 1024**3
    assert vm.state == "Saved"
    assert run(host, "Start-VM", Name=["v"]).errors == []


def test_adapters_are_connected_to_switches_that_exist() -> None:
    host = fleet({"name": "v", "adapters": [{"switch": "Nowhere", "vlan": 7}]}, switches=["External", "Lab"])
    adapter = run(host, "Get-VMNetworkAdapter", VMName=["v"]).one()
    assert get(adapter, "SwitchName") == "Nowhere"
    assert not get(adapter, "Connected")
    assert get(run(host, "Get-VMNetworkAdapterVlan", adapter).one(), "AccessVlanId") == 7
    refused = run(host, "Connect-VMNetworkAdapter", adapter, SwitchName="Missing")
    assert refused.error() == ("InvalidParameter", "InvalidArgument")
    run(host, "Connect-VMNetworkAdapter", adapter, SwitchName="lab")
    assert get(adapter, "SwitchName") == "Lab"
    run(host, "Disconnect-VMNetworkAdapter", adapter)
    assert not get(adapter, "Connected")


def test_an_iso_is_ejected() -> None:
    host = fleet({"name": "v", "dvd": "D:\\iso\\setup.iso"})
    drive = run(host, "Get-VMDvdDrive", VMName=["v"]).one()
    assert get(drive, "DvdMediaType").number == 1
    run(host, "Set-VMDvdDrive", drive, Path=None)
    assert get(drive, "Path") is None
    assert run(host, "Set-VMDvdDrive", drive, Path="D:\\no.iso").error() == ("OperationFailed", "NotSpecified")


def test_a_new_machine_a_new_name_and_its_end() -> None:
    host = fleet(speed=100_000)
    vm = run(
        host, "New-VM", Name="n", Generation=2, NewVHDPath="D:\\n\\n.vhdx", NewVHDSizeBytes=str(10 * 1024**3)
    ).one()
    assert host.storage.file("D:\\n\\n.vhdx") is not None
    run(host, "Rename-VM", vm, NewName="m")
    assert run(host, "Get-VM", Name=["m"]).one() is vm
    assert run(host, "Remove-VM", vm).error() == ("InvalidOperation", "InvalidOperation")
    assert run(host, "Remove-VM", vm, Force=True).errors == []
    assert run(host, "Get-VM").output == []
    assert host.storage.file("D:\\n\\n.vhdx") is not None
    assert run(host, "Start-VM", vm).error() == ("ObjectNotFound", "ObjectNotFound")


def test_the_contract_is_enforced() -> None:
    host = fleet({"name": "v"})
    with pytest.raises(BindingFailed) as caught:
        run(host, "Get-VM", Nam="v", Bogus=1)
    assert caught.value.error_id == "NamedParameterNotFound"


def test_a_drive_gets_another_file() -> None:
    host = fleet(
        {"name": "web", "disks": [{"path": "D:\\a.vhdx"}]}, {"name": "spare", "disks": [{"path": "D:\\b.vhdx"}]}
    )
    drive = next(vm for vm in host.vms.values() if vm.name == "web").hard_drives[0]
    assert run(host, "Set-VMHardDiskDrive", drive, Path="D:\\none.vhdx").error()[0] == "OperationFailed"
    assert run(host, "Set-VMHardDiskDrive", drive, Path="D:\\b.vhdx").errors == []
    assert drive.path == "D:\\b.vhdx"
    assert run(host, "Start-VM", Name=["web"]).errors == []
    assert run(host, "Set-VMHardDiskDrive", drive, Path="D:\\a.vhdx").error()[0] == "InvalidState"
