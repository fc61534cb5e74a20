# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the run that left something is gone can be told by its own controller only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils import owner


def ended() -> int:
    """Return the number of a process that is no more."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_run_of_this_controller_whose_process_has_ended_is_gone() -> None:
    assert owner.is_gone(f"{owner.controller()}-{ended()}-{'0' * 16}") is True
    assert owner.is_gone(f"{owner.controller()}-1-{'0' * 16}") is False


@pytest.mark.parametrize("other", ["namespace", "machine"])
def test_another_controller_of_the_same_name_is_another(monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    token = f"{owner.controller()}-{ended()}-{'0' * 16}"
    if other == "namespace":
        monkeypatch.setattr(Path, "stat", lambda *_arguments, **_options: SimpleNamespace(st_ino=1))
    else:
        monkeypatch.setattr(Path, "read_text", lambda *_arguments, **_options: "another start")
    assert owner.is_gone(token) is None


def test_a_controller_that_tells_neither_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_arguments: object, **_options: object) -> str:
        raise FileNotFoundError

    known = owner.controller()
    monkeypatch.setattr(Path, "read_text", nothing)
    assert len(owner.controller()) == 8
    assert owner.controller() != known
