# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built artifact, installed elsewhere, does its work; tests/build.sh says where, else the checkout is tried."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from integration.harness import BIN, ROOT, Lab, ansible_environment
from integration.scenario import fleet, task

FLEET = fleet(
    [{"name": "HV01"}, {"name": "HV02", "language": "fr"}, {"name": "ADMIN01"}],
    directory={"ad_hosts": ["ADMIN01"]},
    groups={"fleet": ["HV01", "HV02"]},
)


def collections(lab: Lab) -> Path:
    return Path(ansible_environment(lab.workdir)["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections/hyperv/mobility"


def test_the_installed_copy_is_used(module_lab: Lab) -> None:
    place = collections(module_lab)
    assert (place / "roles" / "prepare").is_dir()
    if "HYPERV_MOBILITY_COLLECTIONS" in os.environ:
        assert (place / "MANIFEST.json").is_file()
        assert ROOT not in place.resolve().parents
        assert not (place / "tests").exists()


def test_a_task_of_the_installed_collection(module_lab: Lab) -> None:
    run = module_lab.tasks("fleet", task("read", "vm_host_info"))
    assert run.code == 0, run.output
    assert {run.one("read", host)["host"]["name"] for host in ("hv01", "hv02")} == {"HV01", "HV02"}


def test_a_playbook_by_its_full_name(module_lab: Lab) -> None:
    command: list[Any] = [BIN / "ansible-playbook", "-i", module_lab.inventory, "hyperv.mobility.prepare"]
    done = subprocess.run(
        [*command, "-e", "prepare_hosts=fleet"],
        env=ansible_environment(module_lab.workdir) | {"HYPERV_MOBILITY_RECORD": os.devnull},
        cwd=module_lab.workdir,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    hosts = module_lab.state()["hosts"]
    assert all(hosts[name]["migration"]["listening"] for name in ("HV01", "HV02"))


def test_documentation_is_found(module_lab: Lab) -> None:
    done = subprocess.run(
        [BIN / "ansible-doc", "-t", "module", "hyperv.mobility.vm_migration"],
        env=ansible_environment(module_lab.workdir),
        cwd=module_lab.workdir,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "destination_host" in done.stdout


def test_files_beside_the_code_are_in_the_artifact(module_lab: Lab) -> None:
    entry = {"name": "entry", "ansible.builtin.debug": {"msg": "{{ lookup('hyperv.mobility.asr_error', '95107').id }}"}}
    run = module_lab.tasks("hv01", entry)
    assert run.one("entry")["msg"] == "95107", run.output
    scripts = {path.relative_to(ROOT) for path in (ROOT / "plugins").rglob("*.sh")}
    assert len(scripts) > 5
    assert not [path for path in scripts if not (collections(module_lab) / path).is_file()]
