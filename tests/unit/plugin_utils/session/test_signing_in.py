# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A refused sign-in is told apart from one that was interrupted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import AuthenticationFailed, ConnectionLost
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import command
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.psrp import PsrpSession
from requests.exceptions import ConnectTimeout, ReadTimeout, SSLError
from requests_credssp.exceptions import AuthenticationException


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


class Waiting:
    """A clock on which waiting takes no time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("failure", "tries", "waited"),
    [
        (ConnectionResetError("reset"), 4, 7),
        (ReadTimeout("silent"), 1, 0),
        (ConnectTimeout("nobody"), 1, 0),
        (ConnectionRefusedError("refused"), 1, 0),
        (SSLError("self-signed"), 1, 0),
        (AuthenticationException("wrong password"), 1, 0),
    ],
)
@pytest.mark.parametrize("accepted", [set(), {"hv1"}])
def test_only_what_broke_off_is_tried_again_and_no_password_twice(
    failure: Exception, tries: int, waited: float, accepted: set[str]
) -> None:
    link, clock = RefusingLink(failure), Waiting()
    with pytest.raises(ConnectionLost) as raised:
        PsrpSession("hv1", link, clock=clock, accepted=accepted).invoke(command("Move-VM"))
    assert (link.tries, clock.now, raised.value.changed) == (tries, waited, False)
