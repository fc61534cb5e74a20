# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with exports on fake disks, for tests of exporting and transferring."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold import manifest as manifests
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.export_task import operate
from unit.fake_session import FakeClock, request
from unit.plugin_utils.hyperv.fake_files import FakeFiles, disk_of
from unit.plugin_utils.hyperv.fake_host import WEB, vm

PATH = "D:\\Exports"
FOLDER = f"{PATH}\\{WEB}"
MANIFEST = f"{FOLDER}\\manifest.json"
DEAD = "00000000-1-0123456789abcdef"
"""A token of another controller."""


def host(state: str = "Off", name: str = "web01") -> FakeFiles:
    found = FakeFiles()
    found.vms.append(vm(WEB, name, state, **disk_of(WEB, "C:\\VMs\\web01.vhdx", b"web", found)))
    return found


def run(here: FakeFiles, *, check_mode: bool = False, **arguments: Any) -> Any:
    given = {"path": PATH, "ids": [WEB], **arguments}
    return operate(request(here.session, check_mode=check_mode, **given), clock=FakeClock())


def written(here: FakeFiles) -> manifests.Manifest:
    return manifests.parse(here.disk.read(MANIFEST).decode(), where=MANIFEST)


def unfinished(here: FakeFiles, state: str = manifests.EXPORTING, token: str = DEAD) -> None:
    """Leave what a killed run leaves: a whole tree, and a manifest that does not say so."""
    run(here)
    here.disk.put(MANIFEST, replace(written(here), state=state, files=(), token=token).as_text())
    here.session.invocations.clear()
