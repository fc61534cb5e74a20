# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of hosts: real bytes, copies that take time, faults."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.hyperv import carrying, contents, power
from hyperv_lab.hyperv.faults import HostFault, spoil
from hyperv_lab.hyperv.fleet import parse
from hyperv_lab.hyperv.storage import GB, File, VirtualDisk
from hyperv_lab.powershell.values import Byte
from unit.lab.cmdlet_runner import Call, Result, Session, get, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hyperv_lab.hyperv.fleet import Fleet
    from hyperv_lab.hyperv.host import Host

from unit.lab.file_bench import BIG, fleet


@pytest.fixture
def lab() -> Fleet:
    return fleet()


@pytest.fixture
def ticking(lab: Fleet) -> Iterator[Fleet]:
    """The fleet with a clock that is pushed on while commands wait."""
    done = threading.Event()

    def push() -> None:
        while not done.wait(0.001):
            lab.clock.advance(0.5)

    thread = threading.Thread(target=push, daemon=True)
    thread.start()
    yield lab
    done.set()
    thread.join()


def test_bytes_of_a_file_make_the_same_file_again() -> None:
    file = File("D:\\a.vhdx", 8 * GB, VirtualDisk(type="Differencing", parent="D:\\base.vhdx"))
    copy = File.of_bytes("E:\\b.vhdx", file.read())
    assert (copy.size, copy.disk, copy.identity) == (file.size, file.disk, file.identity)
    assert copy.read() == file.read()
    assert File.of_bytes("E:\\c", file.read()[:-9]).disk is None
    assert File.of_bytes("E:\\d", b"plain").read() == b"plain"


def test_a_copy_has_the_same_hash_and_a_short_or_damaged_one_another() -> None:
    file = File("D:\\a.vhdx", 8 * GB, VirtualDisk())
    other = File("D:\\a.vhdx", 8 * GB, file.disk)
    assert file.part("D:\\b.vhdx", file.size).read() == file.read() != other.read()
    short = file.part("D:\\b.vhdx", file.size - 1)
    assert short.disk is None
    damaged = file.part("D:\\b.vhdx", file.size)
    damaged.damage()
    assert damaged.disk == file.disk
    assert len({file.read(), short.read(), damaged.read()}) == 3
    text = File("D:\\t", 4, content=b"text")
    text.damage()
    assert text.read() == b"teyt"


def test_a_virtual_disk_changes_when_its_machine_runs(lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    (vm,) = host.vms.values()
    disk = vm.hard_drives[0].path
    before = contents.sha256(host, disk)
    power.turn_off(vm)
    lab.clock.advance(5)
    assert vm.state == "Off"
    off, written = contents.sha256(host, disk), host.storage.moments[disk.lower()]
    assert off != before
    lab.clock.advance(500)
    assert contents.sha256(host, disk) == off
    assert host.storage.moments[disk.lower()] == written
    power.start(vm)
    assert contents.sha256(host, disk) != off
    assert host.storage.moments[disk.lower()] > written


def test_the_same_fleet_has_the_same_bytes_in_every_run() -> None:
    one, two = fleet(), fleet()
    path = next(iter(one.hosts["HV1"].vms.values())).hard_drives[0].path
    assert contents.sha256(one.hosts["HV1"], path) == contents.sha256(two.hosts["HV1"], path)


def test_a_configuration_file_follows_its_machine(lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    (vm,) = host.vms.values()
    path = vm.configuration_files()[0]
    before = contents.sha256(host, path)
    vm.notes = "changed"
    assert contents.sha256(host, path) != before
    assert b"changed" in contents.read(host, path)


def test_contents_by_commands(lab: Fleet) -> None:
    host = lab.hosts["HV2"]
    run(host, "New-Item", Path="D:\\T", ItemType="Directory")
    run(host, "Set-Content", Path="D:\\T\\m.json", Value='{"a": 1}', Encoding="ASCII")
    run(host, "Add-Content", LiteralPath="D:\\T\\m.json", Value="x")
    assert run(host, "Get-Content", LiteralPath="D:\\T\\m.json", Raw=True).one() == '{"a": 1}\r\nx\r\n'
    digest = run(host, "Get-FileHash", LiteralPath="D:\\T\\m.json").one().notes["Hash"]
    assert digest == hashlib.sha256(b'{"a": 1}\r\nx\r\n').hexdigest().upper()
    raw = run(host, "Get-Content", LiteralPath="D:\\T\\m.json", Encoding="Byte").output
    assert bytes(raw) == b'{"a": 1}\r\nx\r\n'
    assert isinstance(raw[0], Byte)
    (missing,) = run(host, "Get-FileHash", LiteralPath="D:\\T\\none").errors
    assert (missing.error_id, missing.class_name) == (
        "PathNotFound", "Microsoft.PowerShell.Commands.ResolvePathCommand",
    )  # fmt: skip


def test_moves_replace_only_with_force_and_rename_in_one_moment(lab: Fleet) -> None:
    host = lab.hosts["HV2"]
    run(host, "Set-Content", Path="D:\\a", Value="new", NoNewline=True)
    run(host, "Set-Content", Path="D:\\b", Value="old", NoNewline=True)
    assert run(host, "Move-Item", LiteralPath="D:\\a", Destination="D:\\b").error() == (
        "MoveFileInfoItemIOError", "WriteError",
    )  # fmt: skip
    assert not run(host, "Move-Item", LiteralPath="D:\\a", Destination="D:\\b", Force=True).errors
    assert host.storage.read("D:\\b") == b"new"
    assert host.storage.file("D:\\a") is None
    run(host, "Rename-Item", LiteralPath="D:\\b", NewName="c")
    assert host.storage.read("D:\\c") == b"new"
    used = host.storage.volumes["D:"].used
    run(host, "New-Item", Path="D:\\F\\G", ItemType="Directory")
    run(host, "Copy-Item", LiteralPath="D:\\c", Destination="D:\\F\\G")
    run(host, "Move-Item", LiteralPath="D:\\F", Destination="D:\\H")
    assert host.storage.read("D:\\H\\G\\c") == b"new"
    assert not host.storage.folder_exists("D:\\F")
    assert host.storage.volumes["D:"].used == used + 3


def test_a_copy_takes_the_time_of_its_disks_and_line(ticking: Fleet) -> None:
    host = ticking.hosts["HV2"]
    began = ticking.clock.now()
    source = "\\\\HV1\\Exports\\big.vhdx"
    assert not run(host, "Copy-Item", who=None, LiteralPath=source, Destination="D:\\").errors
    assert 10 <= ticking.clock.now() - began <= 25  # 4 GB over disks of 400 MB a second
    copy = host.storage.file("D:\\big.vhdx")
    assert copy is not None
    assert copy.disk is not None
    assert contents.sha256(host, "D:\\big.vhdx") == contents.sha256(ticking.hosts["HV1"], BIG)


class Background:
    """A command in a thread of its own, while the clock stands."""

    def __init__(self, host: Host, command: str, **parameters: Any) -> None:
        self.session, self.result = Session(host), Result()
        self.call = Call(self.session, command, self.result)
        self.call.bound = parameters
        self.thread = threading.Thread(target=self._run, args=(host, command), daemon=True)
        self.thread.start()

    def _run(self, host: Host, command: str) -> None:
        from hyperv_lab.hyperv import catalogue  # noqa: PLC0415

        found = catalogue.find(host, command)
        assert found is not None
        found(self.call).process()  # type: ignore[arg-type]

    def finish(self) -> Result:
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self.result


def wait_for(lab: Fleet, condition: Any) -> None:
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.001)
    raise AssertionError(lab.clock.now())


def test_a_copy_grows_is_in_use_and_a_stop_leaves_what_was_written(lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    target = "D:\\copy.vhdx"
    copying = Background(host, "Copy-Item", LiteralPath=[BIG], Destination=target)
    wait_for(lab, lambda: host.storage.file(target) is not None)
    lab.clock.advance(8)
    wait_for(lab, lambda: host.storage.file(target).size > GB)  # type: ignore[union-attr]
    assert run(host, "Get-FileHash", LiteralPath=target).error() == ("FileReadError", "ReadError")
    assert run(host, "Remove-Item", LiteralPath=target).error() == ("RemoveFileSystemItemIOError", "WriteError")
    assert run(host, "Get-VHD", Path=target).error() == ("ObjectInUse", "ResourceBusy")
    copying.call.stopping.set()
    lab.clock.notify()
    copying.finish()
    left = host.storage.file(target)
    assert left is not None
    assert GB < left.size < 4 * GB
    assert left.disk is None
    assert not run(host, "Remove-Item", LiteralPath=target).errors


def test_a_full_disk_ends_a_copy_with_its_hresult_and_leaves_a_part(ticking: Fleet) -> None:
    host = ticking.hosts["HV2"]
    host.storage.volumes["D:"].other = 98 * GB
    (error,) = run(host, "Copy-Item", LiteralPath="\\\\HV1\\Exports\\big.vhdx", Destination="D:\\").errors
    assert (error.hresult, error.category) == (0x80070070, "WriteError")
    left = host.storage.file("D:\\big.vhdx")
    assert left is not None
    assert left.size == 2 * GB


@pytest.mark.parametrize("action", ["break_copy", "cut_copy", "damage_copy"])
def test_faults_of_copies(ticking: Fleet, action: str) -> None:
    host = ticking.hosts["HV2"]
    host.faults.planned.append(HostFault(action=action, path="*\\big*"))
    copy = {"LiteralPath": "\\\\HV1\\Exports\\big.vhdx", "Destination": "D:\\"}
    errors = run(host, "Copy-Item", **copy).errors
    assert [error.hresult for error in errors] == ([0x80070040] if action == "break_copy" else [])
    source = contents.sha256(ticking.hosts["HV1"], BIG)
    assert contents.sha256(host, "D:\\big.vhdx") != source
    assert not run(host, "Copy-Item", **copy).errors
    assert contents.sha256(host, "D:\\big.vhdx") == source


def test_a_machine_that_is_on_holds_its_disks(lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    (vm,) = host.vms.values()
    path = vm.hard_drives[0].path
    (error,) = run(host, "Copy-Item", LiteralPath=path, Destination="D:\\").errors
    assert error.hresult == 0x80070020
    assert run(host, "Remove-Item", LiteralPath=vm.path, Recurse=True).errors
    assert host.storage.file(path) is not None


def test_files_are_carried_out_and_into_another_lab(tmp_path: Path, lab: Fleet) -> None:
    host = lab.hosts["HV1"]
    (vm,) = host.vms.values()
    names = carrying.save(host, vm.path, tmp_path)
    later = fleet(vms=[])
    carrying.bring(later.hosts["HV2"], tmp_path, "D:\\In")
    for name in names:
        path = "D:\\In\\" + name.replace("/", "\\")
        assert contents.sha256(later.hosts["HV2"], path) == contents.sha256(
            host, f"{vm.path}\\{name}".replace("/", "\\")
        )
    disk = later.hosts["HV2"].storage.file("D:\\In\\Virtual Hard Disks\\web.vhdx")
    assert disk is not None
    assert disk.size == 8 * GB
    assert disk.disk is not None


def test_files_are_spoilt_at_a_moment_of_the_clock() -> None:
    faults = [{"action": "cut_file", "path": BIG, "after_seconds": 10, "part": 0.25}]
    lab = parse({"hosts": [{"name": "HV1", "faults": faults}]}, speed=0)
    host = lab.hosts["HV1"]
    host.storage.volume(BIG).put(File(BIG, 4 * GB, VirtualDisk()))
    assert get(run(host, "Get-Item", LiteralPath=BIG).one(), "Length") == 4 * GB
    lab.clock.advance(11)
    assert get(run(host, "Get-Item", LiteralPath=BIG).one(), "Length") == GB
    with pytest.raises(KeyError):
        spoil(host, "D:\\none")
