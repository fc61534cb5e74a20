# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that is served, and our session with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.endpoint import (
    EndpointLink,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.psrp import PsrpSession
from unit.lab.wire_world import Served, serving
from unit.psrp_machine import act_as_machine, endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("lab")) as one:
        act_as_machine(one)
        yield one


@pytest.fixture
def session(served: Served) -> Iterator[PsrpSession]:
    one = PsrpSession("hv01", EndpointLink("hv01", (endpoint(served),)))
    yield one
    one.close()
