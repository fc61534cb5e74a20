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


LONGEST = (
    "test_attach_and_slots",
    "test_asr_preflight_windows",
    "test_asr_agent_windows",
    "test_asr_preflight_linux",
    "test_asr_agent_linux",
    "test_asr_role",
    "test_published_failures",
    "test_prepare_role",
    "test_compatibility",
    "test_cold_migrate_role",
    "test_migrate_role",
    "test_failover_ready",
    "test_audit",
    "test_vm_import",
    "test_vm_transfer",
    "test_export_killed",
    "test_storage_migration",
    "test_migration_storage",
    "test_french",
    "test_host_feature",
)
"""Files that take the longest: they begin first, so that no worker is left with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first; the order within a file stays."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(LONGEST)))


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
