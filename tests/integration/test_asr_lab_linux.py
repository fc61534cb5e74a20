# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Linux machines: Ansible reaches every system, in every way to sign in, and nothing is left of them."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hyperv_lab.guests.linux.rows import ROWS
from integration.harness import kill, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from integration.harness import Lab

pytestmark = pytest.mark.lab
WAYS = (
    {"become": "none", "sign_in": "password"},
    {"become": "sudo", "sign_in": "password"},
    {"become": "sudo_nopasswd", "sign_in": "key"},
    {"become": "none", "sign_in": "key"},
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    machines = [{"name": name, "os": name, **WAYS[number % len(WAYS)]} for number, name in enumerate(ROWS)]
    yield from serve({"linux_machines": machines}, tmp_path_factory.mktemp("lab"))


def test_every_system_answers_as_root(lab: Lab) -> None:
    run = lab.tasks("linux_machines", {"name": "who", "raw": "id -u; hostname; test ! -e /usr/bin/python3"})
    assert run.code == 0, run.output
    for name in ROWS:
        assert run.one("who", name)["stdout_lines"][-2:] == ["0", name]
    told = {line["host"] for line in lab.journal() if line["event"] == "command"}
    assert told == set(ROWS)


def test_nothing_is_left_when_the_lab_ends(tmp_path: Path) -> None:
    for lab in serve({"linux_machines": [{"name": "lin01", "os": "debian-9"}]}, tmp_path):
        lab.tasks("lin01", {"name": "stay", "raw": "nohup sleep 7654 >/dev/null 2>&1 & sleep 1; echo started"})
        assert _with("sleep\x007654")
        kill(lab.process, signal.SIGTERM)
        assert not _with("sleep\x007654")
        assert not _with(str(tmp_path / "linux"))
        assert not (tmp_path / "linux").exists()
        assert str(tmp_path) not in Path("/proc/self/mounts").read_text(encoding="utf-8")


def _with(words: str) -> list[str]:
    """Return the processes of this machine whose command line holds the words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if words in line:
            found.append(line)
    return found
