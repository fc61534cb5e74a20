# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that a tree's files can't get are known before anything is exported or fetched."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.names import (
    longest_path,
    transfer_path_too_long,
    tree_names,
    web_name_has_brackets,
)
from unit.plugin_utils.hyperv.fake_host import WEB
from unit.plugin_utils.hyperv.fake_transfers import PATH, copied, lab, run

NAMES = tree_names(WEB, "web01", ["C:\\VMs\\a.vhdx", "\\\\nas\\v\\longer.vhdx"])


def test_names_are_those_that_an_export_makes() -> None:
    assert (
        f"web01\\Virtual Machines\\{WEB}.vmcx",
        "web01\\Virtual Hard Disks\\a.vhdx",
        "web01\\Virtual Hard Disks\\longer.vhdx",
    ) == NAMES


def test_while_it_is_fetched_a_file_has_a_longer_name() -> None:
    longest = longest_path("D:\\x", NAMES)
    assert longest == f"D:\\x\\{NAMES[0]}"
    assert longest_path("D:\\x", NAMES, fetched=True).startswith(f"{longest}.")
    assert longest_path("D:\\x", NAMES, fetched=True).endswith(".part")
    assert longest_path("D:\\x", ()) == "D:\\x"


@pytest.mark.parametrize(("spare", "fits"), [(0, True), (-1, False)])
def test_the_longest_name_of_all_has_259_characters(spare: int, fits: bool) -> None:
    room = 259 - len(longest_path("", ["x" * 20], fetched=True)) - 1
    folder = "D:\\" + "f" * (room - 3 - spare)
    found = transfer_path_too_long("web01", folder, ["x" * 20])
    assert (found is None) is fits
    if found is not None:
        assert (found.id, found.subject) == ("transfer_path_too_long", "web01")
        assert "260 characters" in found.evidence


@pytest.mark.parametrize(("name", "disk", "folder", "refused"), [
    ("web01", "a.vhdx", "D:\\VMs", False),
    ("web[01]", "a.vhdx", "D:\\VMs", True),
    ("web01", "a[1].vhdx", "D:\\VMs", True),
    ("web01", "a.vhdx", "D:\\VMs]", True),
])  # fmt: skip
def test_brackets_anywhere_in_the_path(name: str, disk: str, folder: str, refused: bool) -> None:
    found = web_name_has_brackets(name, folder, tree_names(WEB, name, [f"C:\\[x]\\{disk}"]))
    assert (found is not None) is refused


def test_a_transfer_says_it_before_anything_is_fetched() -> None:
    here = lab()
    path = f"{PATH}\\{'f' * 150}"
    for check_mode in (True, False):
        outcome = run(here, path=path, check_mode=check_mode)
        (one,) = outcome.values["vms"]
        assert (outcome.changed, one["outcome"], one["findings"][0]["id"]) == (
            False,
            "failed",
            "transfer_path_too_long",
        )
    assert copied(here) == []
    assert run(here, path=path, method="external", source=None, username=None, password=None).values["vms"] != []
