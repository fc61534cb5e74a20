# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.manifest import (
    COMPLETE,
    EXPORTING,
    Manifest,
    NoManifest,
    TreeFile,
    parse,
)

MANIFEST = Manifest(
    state=COMPLETE,
    vm_id="0c0f0e00-0000-4000-8000-000000000001",
    vm_name="[x] 'a\" $b; 机器",
    version="9.0",
    source_host="HV01",
    capture="off",
    started="2026-01-05T08:00:00Z",
    token="5e1f",
    configuration_file="vm\\Virtual Machines\\A.vmcx",
    files=(
        TreeFile(path="vm\\Virtual Machines\\A.vmcx", size=5, sha256="ab" * 32),
        TreeFile(path="vm\\Virtual Hard Disks\\d.vhdx", size=2**40, sha256="cd" * 32),
    ),
)


def test_a_manifest_comes_back_as_it_was_written() -> None:
    assert parse("\ufeff" + MANIFEST.as_text() + "\r\n", where="D:\\x") == MANIFEST
    assert MANIFEST.as_text().isascii()
    assert (MANIFEST.complete, MANIFEST.size) == (True, 2**40 + 5)
    assert not replace(MANIFEST, state=EXPORTING).complete


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"format": 1}', '{"format": 2}'])
def test_what_is_no_manifest_is_named(text: str) -> None:
    with pytest.raises(NoManifest, match="D:"):
        parse(text, where="D:\\x\\manifest.json")


@pytest.mark.parametrize("path", ["..\\a", "a\\..\\b", "C:\\a", "\\\\s\\a", "a//b", "", "a:stream", "/a"])
def test_paths_stay_in_the_tree(path: str) -> None:
    raw = json.loads(MANIFEST.as_text())
    raw["files"][1]["path"] = path
    with pytest.raises(NoManifest, match="out of the tree"):
        parse(json.dumps(raw), where="D:\\x")
