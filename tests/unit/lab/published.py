# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the published facts and recordings are, for tests that compare with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]


def published(*parts: str) -> Path:
    """Return a published file; skip the test, saying so, where it isn't at hand."""
    root = os.environ.get("HYPERV_MOBILITY_SHARED")
    path = (Path(root) if root else CHECKOUT.parent / "shared").joinpath("data", *parts)
    if not path.is_file():
        pytest.skip(
            f"published data not at hand: {'/'.join(parts)} (set HYPERV_MOBILITY_SHARED to the folder that holds data/)"
        )
    return path
