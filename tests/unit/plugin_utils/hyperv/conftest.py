# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that several files of this room use."""

from __future__ import annotations

import pytest
from unit.plugin_utils.hyperv.fake_cold_migration import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Two hosts, and one VM on the first that migrates cold."""
    found = World(monkeypatch)
    found.add("web")
    return found
