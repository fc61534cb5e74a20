# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of a small fleet, exported and carried to another host, for the tests of imports."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hyperv_lab.hyperv import carrying, exporting
from hyperv_lab.hyperv.exporting import SAVED, ExportRequest
from unit.lab.cmdlet_runner import Result, Session, get, run
from unit.lab.migration_bench import Driver, fleet, vm_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hyperv_lab.hyperv.fleet import Fleet
    from hyperv_lab.hyperv.host import Host
    from hyperv_lab.hyperv.vm import VM

ADAPTER = {"switch": "External", "mac": "00155D0A0B0C", "vlan": 7}
WEB: dict[str, Any] = {
    "name": "web",
    "host": "HV1",
    "memory_mb": 4096,
    "processors": 4,
    "notes": "O'Brien – 测试",
    "adapters": [ADAPTER, {"switch": "External"}],
    "checkpoints": [{"name": "first"}, {"name": "second", "memory_state": True}],
    "guest": {"system": "linux", "boot_seconds": 33},
}
RUNNING = {**WEB, "state": "Running", "checkpoints": []}
TREE = "D:\\Exports"


def one(**more: Any) -> Fleet:
    return fleet([{"name": "HV1"}, {"name": "HV2", **more}], [WEB])


@contextmanager
def ticking(lab: Fleet) -> Iterator[None]:
    done = threading.Event()

    def push() -> None:
        while not done.wait(0.001):
            lab.clock.advance(2)

    thread = threading.Thread(target=push, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def export(lab: Fleet, name: str = "web", capture: str = SAVED) -> str:
    """Export a machine of HV1 and return its configuration file's path."""
    vm = vm_of(lab, name)
    driver = Driver(lab)
    with lab.lock:
        running = exporting.accept(ExportRequest(vm=vm, path=TREE, capture=capture, owner="x"))
    driver.watch(running)
    driver.finish()
    assert running.failure is None
    ending = ".xml" if float(vm.version) < 6 else ".vmcx"
    return f"{TREE}\\{name}\\Virtual Machines\\{str(vm.id).upper()}{ending}"


def carried(lab: Fleet, tmp_path: Path, to: str = "HV2", name: str = "web", **more: Any) -> str:
    """Export, carry the tree to another host and return the configuration file's path there."""
    path = export(lab, name, **more)
    carrying.save(lab.hosts["HV1"], TREE, tmp_path)
    carrying.bring(lab.hosts[to], tmp_path, "D:\\In")
    return path.replace(TREE, "D:\\In")


def shown(vm: VM) -> dict[str, Any]:
    return {
        "name": vm.name,
        "notes": vm.notes,
        "memory": vm.memory_startup,
        "processors": int(vm.processor.count),
        "version": str(vm.version),
        "generation": vm.generation,
        "guest": vm.guest,
        "adapters": [(a.name, a.switch, a.mac_address, a.dynamic_mac, a.vlan, a.device) for a in vm.adapters],
        "disks": [d.path.rpartition("\\")[2] for d in vm.hard_drives],
        "checkpoints": [(s.id, s.name, s.parent_name, s.memory_state) for s in vm.snapshots],
        "on": vm.parent_snapshot_name,
    }


def import_vm(lab: Fleet, host: str = "HV2", session: Session | None = None, **given: Any) -> Result:
    with ticking(lab):
        return run(lab.hosts[host], "Import-VM", session=session, **given)


def ids(report: Any) -> list[int]:
    return [int(entry.message_id) for entry in get(report, "Incompatibilities") or []]


def chain_names(host: Host, path: str) -> list[str]:
    return [file.path.rpartition("\\")[2] for file in host.storage.chain(path)]


def vm_of_host(host: Host, number: int) -> VM:
    return list(host.vms.values())[number]
