# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A refused sign-in is told apart from one that was interrupted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.sessions import UnreachableLink
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import AuthenticationFailed, ConnectionLost
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import command
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.endpoint import EndpointLink
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.psrp import PsrpSession
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, ReadTimeout, SSLError
from requests_credssp.exceptions import AuthenticationException
from unit.fake_session import FakeClock
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError


class RefusingLink:
    """A link that never opens; by default its host answers the last step of a CredSSP handshake with nothing."""

    delegates_credentials = True

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure or AuthenticationException(
            "Server did not response with a CredSSP token after step Credential exchange"
        )
        self.tries = 0

    def open(self) -> Any:
        self.tries += 1
        raise self.failure

    def release(self, pool: Any, *, lost: bool) -> None:
        raise AssertionError("nothing was opened")

    def leave(self, pool: Any) -> None:
        raise AssertionError("nothing was opened")


def test_credssp_refusals_are_of_the_family() -> None:
    with pytest.raises(AuthenticationFailed, match="hv1 refused the credentials"):
        PsrpSession("hv1", RefusingLink()).invoke(command("Get-VM"))


def test_a_host_that_took_the_credentials_before_is_a_broken_link() -> None:
    with pytest.raises(ConnectionLost, match="the link to hv1 failed while signing in") as raised:
        PsrpSession("hv1", RefusingLink(), accepted={"hv1"}).invoke(command("Get-VM"))
    assert not isinstance(raised.value, AuthenticationFailed)


class Ways:
    """Endpoints that fail one after the other, each with its failure; the last one stays."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.tries: list[str] = []

    def endpoint(self, auth: str) -> Any:
        return SimpleNamespace(auth=auth, delegates_credentials=False, connect=lambda: self._fail(auth))

    def _fail(self, auth: str) -> None:
        self.tries.append(auth)
        raise self.failures.pop(0) if len(self.failures) > 1 else self.failures[0]


def unknown_name() -> Exception:
    failure = RequestsConnectionError("hv1")
    failure.__cause__ = NewConnectionError(HTTPConnection("hv1"), "no such name")
    return failure


@pytest.mark.parametrize(
    ("failure", "tries", "waited"),
    [
        (ConnectionResetError("reset"), 4, 7),
        (ReadTimeout("silent"), 1, 0),
        (ConnectTimeout("nobody"), 1, 0),
        (ConnectionRefusedError("refused"), 1, 0),
        (unknown_name(), 1, 0),
        (OSError("no such CA file"), 1, 0),
        (WinRMTransportError("http", 403, "forbidden"), 1, 0),
        (WinRMTransportError("http", 502, "bad gateway"), 4, 7),
        (SSLError("self-signed"), 1, 0),
        (AuthenticationException("wrong password"), 1, 0),
    ],
)
@pytest.mark.parametrize("accepted", [set(), {"hv1"}])
def test_only_what_broke_off_is_tried_again_and_no_password_twice(
    failure: Exception, tries: int, waited: float, accepted: set[str]
) -> None:
    link, clock = RefusingLink(failure), FakeClock()
    with pytest.raises(ConnectionLost) as raised:
        PsrpSession("hv1", link, clock=clock, accepted=accepted).invoke(command("Move-VM"))
    assert (link.tries, clock.now, raised.value.changed) == (tries, waited, False)


@pytest.mark.parametrize(("failure", "tries"), [(ReadTimeout("silent"), 1), (ConnectionResetError("reset"), 4)])
def test_what_tells_unreachable_hosts_apart_hides_nothing(failure: Exception, tries: int) -> None:
    first = Ways(failure)
    link = UnreachableLink(EndpointLink("hv1", (first.endpoint("kerberos"),)), "hv1", set())
    with pytest.raises(ConnectionLost):
        PsrpSession("hv1", link, clock=FakeClock()).invoke(command("Get-VM"))
    assert first.tries == ["kerberos"] * tries


def test_a_refused_password_is_not_shown_again_where_the_next_way_breaks() -> None:
    ways = Ways(AuthenticationError("401"), ConnectionResetError("reset"))
    link = EndpointLink("hv1", (ways.endpoint("kerberos"), ways.endpoint("ntlm")))
    with pytest.raises(ConnectionLost):
        PsrpSession("hv1", link, clock=FakeClock()).invoke(command("Get-VM"))
    assert ways.tries == ["kerberos", "ntlm"]
