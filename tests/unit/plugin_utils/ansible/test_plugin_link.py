# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The psrp plugin's own runspace as a link."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.sessions import PluginLink, UnreachableLink
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    AuthenticationFailed,
    ConnectionLost,
    InvalidRequest,
)
from pypsrp.exceptions import AuthenticationError
from pypsrp.wsman import SelectorSet
from requests.exceptions import ChunkedEncodingError, ConnectTimeout


class Client:
    """A WSMan client whose messages need no sealing."""

    def __init__(self) -> None:
        self.transport = SimpleNamespace(wrap_required=False)
        self.closed = False
        self.ended: list[str] = []
        self.refuses = False

    def delete(self, resource_uri: str, *, selector_set: SelectorSet, timeout: int) -> None:
        if self.refuses:
            raise AuthenticationError("401")
        self.ended += [selector.text for selector in selector_set.pack()]

    def close(self) -> None:
        self.closed = True


class Pool:
    def __init__(self) -> None:
        self.open = self.deleted = False
        self.connection = Client()
        self.shell = SimpleNamespace(id="S-1", resource_uri="shell/cmd")


class Plugin:
    """Behaves as the psrp plugin does: a pool that did not open stays, and is not opened again."""

    def __init__(self, refusals: int, failure: Exception | None = None) -> None:
        self.failure = failure
        self._connected = False
        self.runspace: Pool | None = None
        self.pools: list[Pool] = []
        self.refusals = refusals
        self.refuses = False
        """Whether the machine refuses the credentials when a shell is to be deleted."""

    def _connect(self) -> None:
        if self.runspace is None:
            self.runspace = Pool()
            self.runspace.connection.refuses = self.refuses
            self.pools.append(self.runspace)
            if self.refusals:
                self.refusals -= 1
                if self.failure is not None:
                    raise self.failure
                raise AnsibleConnectionFailure("no room") from OSError("no room")
            self.runspace.open = True
            self._connected = True

    def get_option(self, name: str) -> str:
        return {"auth": "kerberos"}[name]

    def close(self) -> None:
        if self.runspace is not None:
            self.runspace.deleted = True
        self.runspace = None
        self._connected = False


def test_a_pool_that_did_not_open_is_not_taken_for_an_open_one() -> None:
    link = PluginLink(Plugin(refusals=2), "hv1")
    for _ in range(2):
        with pytest.raises(ConnectionLost, match="the link to hv1 failed: no room"):
            link.open()
    assert link.open().open


def wrapped(cause: Exception) -> Exception:
    failure: Exception = AnsibleConnectionFailure("not connected")
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize(
    ("failure", "ended"),
    [
        (wrapped(ConnectionResetError("reset")), ["S-1"]),
        (ChunkedEncodingError("cut"), ["S-1"]),
        (wrapped(ConnectTimeout("nobody")), []),
    ],
)
def test_what_an_opening_that_broke_off_may_have_left_is_deleted(failure: Exception, ended: list[str]) -> None:
    plugin = Plugin(refusals=1, failure=failure)
    with pytest.raises(ConnectionLost):
        PluginLink(plugin, "hv1").open()
    assert plugin.pools[0].connection.ended == ended


def test_credentials_that_are_refused_meanwhile_are_not_shown_again() -> None:
    plugin = Plugin(refusals=1, failure=wrapped(ConnectionResetError("reset")))
    plugin.refuses = True
    with pytest.raises(AuthenticationFailed, match="hv1 refused the credentials"):
        PluginLink(plugin, "hv1").open()
    assert plugin.runspace is None


@pytest.mark.parametrize("failure", [ValueError("no password"), ImportError("no gssapi")])
def test_what_is_missing_on_the_controller_is_told(failure: Exception) -> None:
    with pytest.raises(InvalidRequest, match=f"hv1: .* kerberos.*: {failure}"):
        PluginLink(Plugin(refusals=1, failure=failure), "hv1").open()


@pytest.mark.parametrize("answered", [False, True])
def test_only_a_host_that_has_not_answered_the_task_is_unreachable(answered: bool) -> None:
    link = UnreachableLink(PluginLink(Plugin(refusals=1), "hv1"), "hv1", {"hv1"} if answered else set())
    with pytest.raises(ConnectionLost) as caught:
        link.open()
    assert ("unreachable" in caught.value.details) is not answered


def test_a_pool_that_is_left_is_not_deleted_by_the_plugin_either() -> None:
    plugin = Plugin(refusals=0)
    link = PluginLink(plugin, "hv1")
    pool = link.open()
    link.leave(pool)
    plugin.close()
    assert not pool.deleted
    assert pool.connection.closed
    assert link.open() is not pool
