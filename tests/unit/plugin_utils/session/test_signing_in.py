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
from requests_credssp.exceptions import AuthenticationException


class RefusingLink:
    """A link whose host answers the last step of a CredSSP handshake with nothing."""

    delegates_credentials = True

    def open(self) -> Any:
        raise AuthenticationException("Server did not response with a CredSSP token after step Credential exchange")

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
