# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in packages and scripts: names, sameness, syntax."""

from __future__ import annotations

import io
import subprocess
import tarfile
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import installers
from hyperv_lab.guests.linux import base, packages
from hyperv_lab.guests.linux.rows import ROWS, Row

SCRIPTS = [*sorted(base.STANDINS.iterdir()), *sorted(p for p in packages.SCRIPTS.rglob("*") if p.is_file())]


def test_packages_are_the_same_every_time_and_flat() -> None:
    one = packages.content("9.55.6765.1", "UBUNTU-18.04-64")
    assert one == packages.content("9.55.6765.1", "UBUNTU-18.04-64")
    with tarfile.open(fileobj=io.BytesIO(one)) as archive:
        names = archive.getnames()
        assert archive.getmember("install").mode == 0o755
    assert {"install", "supported_kernels", "payload/UnifiedAgentConfigurator.sh"} <= set(names)


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_the_kernel_of_each_row_is_in_its_package(row: Row) -> None:

    assert any(fnmatchcase(row.kernel, line) for line in packages.supported_kernels(row.osid))


def test_the_command_writes_packages_that_the_collection_recognises(tmp_path: Path) -> None:
    assert packages.main([str(tmp_path), "--version", "9.66.7567.1"]) == 0
    written = {path.name for path in tmp_path.iterdir()}
    assert len(written) == len(packages.OSIDS) + 1
    assert all(installers.parse_name(name) is not None for name in written)


def test_an_unknown_system_is_refused(tmp_path: Path) -> None:
    assert packages.main([str(tmp_path), "--os", "AMIGA"]) == 2


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_posix_sh_and_say_what_they_are(script: Path) -> None:
    checked = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False, timeout=30)
    assert checked.returncode == 0, checked.stderr
    assert "Stand-in of the lab" in "".join(script.read_text(encoding="utf-8").splitlines(keepends=True)[:2])
