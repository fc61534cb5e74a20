# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a lab per test module, or a fresh one per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from integration.harness import ROOT, Lab, serve

FLEETS = ROOT / "tests" / "lab" / "hyperv_lab" / "fleets"


def _path(fleet: str | dict[str, Any]) -> Path | dict[str, Any]:
    return FLEETS / f"{fleet}.yml" if isinstance(fleet, str) else fleet


@pytest.fixture(scope="module")
def module_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab shared by the tests of a module, for tests that change nothing others read; FLEET names it."""
    yield from serve(_path(request.module.FLEET), tmp_path_factory.mktemp("lab"))


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """A function that starts a lab of its own for the test: by a fleet's name, or a fleet as data."""
    with ExitStack() as stack:
        count = 0

        def start(fleet: str | dict[str, Any], *options: str) -> Lab:
            nonlocal count
            count += 1
            return stack.enter_context(contextmanager(serve)(_path(fleet), tmp_path / f"lab{count}", *options))

        yield start
