# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of roles take every option of the task they are for, and each option reaches it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible import move_options
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import Spec, for_validator

ROLES = Path(__file__).parents[2] / "roles"
FACTS = ("type", "elements", "choices", "required", "no_log")
OF_THE_ROLE = {"preflight_only", "skip_blocked"}


@pytest.mark.parametrize(
    ("role", "module", "spec"),
    [
        ("migrate", "vm_migration", move_options.MIGRATION),
        ("cold_migrate", "vm_cold_migration", move_options.COLD_MIGRATION),
    ],
)
def test_an_entry_takes_what_the_task_takes_and_hands_it_on(role: str, module: str, spec: Spec) -> None:
    written = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    entry = written["argument_specs"]["main"]["options"][f"{role}_moves"]["options"]
    accepted = {name: _facts(option) for name, option in for_validator(spec).items() if name not in OF_THE_ROLE}
    assert {name: _facts(option) for name, option in entry.items()} == accepted
    (task,) = yaml.safe_load((ROLES / role / "tasks" / "pass.yml").read_text(encoding="utf-8"))
    handed = task[f"hyperv.mobility.{module}"]
    assert set(handed) == set(spec)
    assert [name for name in entry if f".{name}" not in handed[name]] == []


def _facts(option: dict[str, Any]) -> dict[str, Any]:
    return {key: option[key] for key in FACTS if option.get(key)}
