# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The psrp plugin's runspace after its link was lost."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.sessions import PluginLink


class Plugin:
    """A psrp connection whose host has gone: closing it fails, as deleting the old shell does."""

    transport = "psrp"

    def __init__(self) -> None:
        self.runspace: object | None = object()
        self._connected = True
        self.closed = 0

    def close(self) -> None:
        self.closed += 1
        raise OSError("connection reset")

    @property
    def connected(self) -> bool:
        return self._connected


def test_a_lost_link_is_forgotten_though_closing_it_fails() -> None:
    plugin = Plugin()
    with pytest.raises(OSError, match="reset"):
        PluginLink(plugin, "hv01").release(plugin.runspace, lost=True)
    assert plugin.runspace is None
    assert not plugin.connected, "the next use would go on with the dead runspace"


def test_a_link_that_works_stays_the_plugins() -> None:
    plugin = Plugin()
    PluginLink(plugin, "hv01").release(plugin.runspace, lost=False)
    assert plugin.runspace is not None
    assert plugin.closed == 0
