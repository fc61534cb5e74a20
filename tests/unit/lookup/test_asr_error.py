# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup of catalogued errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible_collections.hyperv.mobility.plugins.lookup.asr_error import LookupModule


def run(*terms: object) -> list[dict[str, Any]]:
    plugin = LookupModule()
    plugin.set_options = lambda **_given: (
        None
    )  # needs Ansible's registry of plugins; the real run is an integration test
    return plugin.run(list(terms), {})


def test_an_id_gives_its_entry_in_plain_types() -> None:
    (found,) = run("95107")
    assert json.loads(json.dumps(found)) == found
    assert (found["id"], found["scope"], found["cure"]) == ("95107", "push", "weakening")
    assert "95517" in found["pair"]


def test_several_ids_and_numbers_give_as_many_entries() -> None:
    assert [each["id"] for each in run(95105, "vss:0x7")] == ["95105", "vss:0x7"]


def test_an_id_that_nobody_knows_is_named() -> None:
    with pytest.raises(AnsibleError, match="12345"):
        run("95107", "12345")
