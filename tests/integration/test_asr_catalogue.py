# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup of Site Recovery's errors in a real playbook."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from integration.harness import BIN, ROOT, Lab, ansible_environment


@pytest.fixture
def controller(tmp_path: Path) -> Lab:
    """A controller without a lab."""
    (tmp_path / "inventory.yml").write_text(
        "all: {hosts: {localhost: {ansible_connection: local}}}\n", encoding="utf-8"
    )
    return Lab(tmp_path, subprocess.Popen(["true"], text=True))


def shown(name: str, expression: str) -> dict[str, Any]:
    return {"name": name, "ansible.builtin.set_fact": {"found": "{{ " + expression + " }}"}, "ignore_errors": True}


LOOKUP, QUERY = "lookup('hyperv.mobility.asr_error', ", "query('hyperv.mobility.asr_error', "


def test_entries_are_dictionaries_and_unknown_ids_are_errors(controller: Lab) -> None:
    run = controller.tasks(
        "localhost",
        shown("one", LOOKUP + "'95107')"),
        shown("several", QUERY + "'95105', 'vss:0x8007041F')"),
        shown("unknown", LOOKUP + "'12345')"),
        shown("text", LOOKUP + "'95524').title"),
    )
    one = run.one("one")["ansible_facts"]["found"]
    catalogue = json.loads((ROOT / "plugins/plugin_utils/asr/catalogue.json").read_text(encoding="utf-8"))
    assert one == next(each for each in catalogue if each["id"] == "95107")
    assert [each["id"] for each in run.one("several")["ansible_facts"]["found"]] == ["95105", "vss:0x8007041F"]
    assert run.one("text")["ansible_facts"]["found"] == "Less than 100 MB free for the copied agent"
    unknown = run.one("unknown")
    assert unknown["_status"] == "ignored"
    assert "12345" in str(unknown["msg"])


def test_its_documentation_is_found(controller: Lab) -> None:
    done = subprocess.run(
        [str(BIN / "ansible-doc"), "-t", "lookup", "hyperv.mobility.asr_error"],
        env=ansible_environment(controller.workdir),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "pair" in done.stdout
