# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that reaches the exports of another one, for tests of transferring."""

from __future__ import annotations

from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import manifest as manifests
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.transfer_task import operate
from unit.fake_session import FakeClock, request
from unit.plugin_utils.hyperv.fake_exports import run as run_export
from unit.plugin_utils.hyperv.fake_files import FakeDisk, FakeFiles, disk_of
from unit.plugin_utils.hyperv.fake_host import DB, WEB, vm

SOURCE = "\\\\hv01\\D$\\Exports"
PATH = "E:\\VMs"
HOME = f"{PATH}\\{WEB}"
SECRET = "S3cret!"
SIGNED = {"username": "HV01\\mover", "password": SECRET}
DISK = "web01\\Virtual Hard Disks\\web01.vhdx"


def exported(name: str = "web01") -> FakeFiles:
    """The source host with a complete export of one VM."""
    source = FakeFiles()
    source.vms.append(vm(WEB, name, **disk_of(WEB, "C:\\VMs\\web01.vhdx", b"web" * 1000, source)))
    source.vms.append(vm(DB, "db01", **disk_of(DB, "C:\\VMs\\db01.vhdx", b"db", source)))
    run_export(source, ids=[WEB, DB])
    return source


def destination(source: FakeFiles) -> FakeFiles:
    """A host that reaches the source's drive D as a share, and its files by http."""
    here = FakeFiles()
    share = FakeDisk()
    for file in list(source.disk.files.values()):
        if file.path.lower().startswith("d:\\exports"):
            below = file.path[len("D:\\Exports\\") :]
            share.put(f"{SOURCE}\\{below}", file.content)
            here.web["http://web/e/" + below.replace("\\", "/").replace(" ", "%20")] = file.content
    here.disk.shares["\\\\hv01\\d$\\"] = share
    return here


def lab() -> FakeFiles:
    return destination(exported())


def run(here: FakeFiles, *, check_mode: bool = False, **arguments: Any) -> Any:
    given: dict[str, Any] = {"method": "smb", "source": SOURCE, "path": PATH, "ids": [WEB], **SIGNED, **arguments}
    given = {name: value for name, value in given.items() if value is not None}
    return operate(request(here.session, check_mode=check_mode, **given), clock=FakeClock())


def share_of(here: FakeFiles) -> FakeDisk:
    return here.disk.shares["\\\\hv01\\d$\\"]


def manifest_of(here: FakeFiles) -> manifests.Manifest:
    return manifests.parse(share_of(here).read(f"{SOURCE}\\{WEB}\\manifest.json").decode(), where="x")


def copied(here: FakeFiles) -> list[str]:
    return [str(item["LiteralPath"]).rpartition("\\")[2] for item in here.session.sent("Copy-Item")]
