# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules document is what their actions accept: names, types, defaults, choices, required, aliases."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.options import for_validator
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.preflight.needs import Needs

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.hyperv.mobility.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py") if path.stem != "__init__")
FACTS = ("type", "default", "choices", "required", "aliases", "elements")


def documentation(name: str) -> dict[str, Any]:
    """The documentation with its fragments laid in, as ansible-doc does."""
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    found: dict[str, Any] = yaml.safe_load(module.DOCUMENTATION)
    for fragment in found.get("extends_documentation_fragment", []):
        part = importlib.import_module(f"{PACKAGE}.doc_fragments.{fragment.rpartition('.')[2]}")
        for key, value in yaml.safe_load(part.ModuleDocFragment.DOCUMENTATION).items():
            if isinstance(value, dict):
                found[key] = {**value, **found.get(key, {})}
            elif isinstance(value, list):
                found[key] = [*found.get(key, []), *value]
    return found


def spec(name: str) -> dict[str, Any]:
    action = importlib.import_module(f"{PACKAGE}.action.{name}")
    return for_validator(action.ActionModule.SPEC)


def comparable(options: dict[str, Any], nested: str) -> dict[str, Any]:
    """Options reduced to what must agree; ``nested`` is the key of options within options."""
    found = {}
    for name, option in options.items():
        facts = {key: option[key] for key in FACTS if option.get(key) not in (None, False, [])}
        facts |= {"default": option["default"]} if option.get("default") is not None else {}
        if option.get(nested):
            facts["options"] = comparable(option[nested], nested)
        found[name] = facts
    return found


@pytest.mark.parametrize("name", MODULES)
def test_documented_options_are_the_accepted_ones(name: str) -> None:
    assert comparable(documentation(name).get("options", {}), "suboptions") == comparable(spec(name), "options")


@pytest.mark.parametrize("name", MODULES)
def test_module_has_everything_a_user_looks_for(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    found = documentation(name)
    assert found["module"] == name
    assert found["version_added"] == "0.1.0"
    assert {"check_mode", "diff_mode"} <= set(found["attributes"])
    assert found["short_description"]
    assert found["description"]
    assert found["author"]
    assert yaml.safe_load(module.RETURN)
    examples = yaml.safe_load(module.EXAMPLES)
    assert any(f"hyperv.mobility.{name}" in task for task in examples)


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_documented_options_only(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    for task in yaml.safe_load(module.EXAMPLES):
        given = task.get(f"hyperv.mobility.{name}")
        assert set(given or {}) <= set(spec(name)), task["name"]


@pytest.mark.parametrize("name", MODULES)
def test_every_option_and_return_value_is_described(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")

    def check(values: dict[str, Any], nested: str, where: str) -> None:
        for key, value in values.items():
            assert value.get("description"), f"{where}.{key}"
            assert value.get("type"), f"{where}.{key}"
            check(value.get(nested) or {}, nested, f"{where}.{key}")

    check(documentation(name).get("options", {}), "suboptions", "options")
    check(yaml.safe_load(module.RETURN), "contains", "RETURN")


def test_every_module_has_its_action_and_the_other_way_round() -> None:
    actions = sorted(path.stem for path in (ROOT / "plugins/action").glob("*.py") if path.stem != "__init__")
    assert actions == MODULES


def test_the_action_group_names_every_module() -> None:
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert sorted(runtime["action_groups"]["all"]) == MODULES
    assert runtime["requires_ansible"] == ">=2.16.0"


def test_what_an_image_is_built_from_is_there_and_has_kerberos() -> None:
    needed = yaml.safe_load((ROOT / "meta/execution-environment.yml").read_text(encoding="utf-8"))["dependencies"]
    python = (ROOT / needed["python"]).read_text(encoding="utf-8").splitlines()
    assert "-r requirements.txt" in python
    assert {"pypsrp[kerberos]", "pywinrm[kerberos]"} <= {line.partition(">=")[0] for line in python}
    assert "libkrb5-dev [compile platform:dpkg]" in (ROOT / needed["system"]).read_text(encoding="utf-8")


def test_what_a_vm_needs_is_documented_alike_and_as_it_is_returned() -> None:
    modules = [importlib.import_module(f"{PACKAGE}.modules.{name}") for name in ("vm_migration", "vm_cold_migration")]
    one, other = (yaml.safe_load(module.RETURN)["vms"]["contains"]["needs"]["contains"] for module in modules)
    assert one == other
    assert set(one) == set(Needs().as_plain())
