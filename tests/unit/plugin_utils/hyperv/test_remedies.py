# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies follow the HRESULT and what is known of both ends."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.remedies import Surroundings, remedy


def around(source: str, destination: str, *, delegates: bool = False) -> Surroundings:
    return Surroundings(
        source="hv01",
        destination="hv02",
        source_authentication=source,
        destination_authentication=destination,
        delegates_credentials=delegates,
    )


@pytest.mark.parametrize("code", ["0x8009030E", "0x8009030D"])
@pytest.mark.parametrize(
    ("surroundings", "missing"),
    [
        (around("CredSSP", "Kerberos"), "same authentication_type"),
        (around("CredSSP", "CredSSP"), "ansible_psrp_auth: credssp"),
        (around("CredSSP", "CredSSP", delegates=True), "Credential Guard"),
        (around("Kerberos", "Kerberos"), "msDS-AllowedToDelegateTo"),
        (around("Kerberos", "Kerberos"), "15 minutes"),
    ],
)
def test_missing_credentials_say_which_set_up_is_missing(code: str, surroundings: Surroundings, missing: str) -> None:
    assert missing in (remedy(code, surroundings) or "")


@pytest.mark.parametrize("code", [None, "0x80041024", "0x12345678"])
def test_what_is_not_known_has_no_remedy(code: str | None) -> None:
    assert remedy(code, around("CredSSP", "CredSSP")) is None


@pytest.mark.parametrize("code", ["0x80070005", "0x8007274D", "0x80070070", "0xC03A0014", "0x80090322"])
def test_each_is_one_sentence_or_more_on_one_line(code: str) -> None:
    said = remedy(code, around("Kerberos", "Kerberos"))
    assert said
    assert "\n" not in said
