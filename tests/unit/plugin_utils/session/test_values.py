# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values to the wire and texts back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import NULL, ON, Credential, Secret
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.values import (
    holds_secret,
    to_wire,
)
from pypsrp.serializer import Serializer, TaggedValue


class Text(str):
    __slots__ = ()


class Number(int):
    pass


ID = UUID("0D2B8F70-0000-4000-8000-0000000000AB")


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (NULL, None),
        (ON, True),
        (False, False),
        (2**31 - 1, 2**31 - 1),
        (2**31, "2147483648"),
        (-(2**31), -(2**31)),
        (-(2**31) - 1, "-2147483649"),
        (Text("a"), "a"),
        (Number(7), 7),
        (ID, ID),
        ((1, "a"), [1, "a"]),
        ({"b", "a"}, ["a", "b"]),
        ({Text("k"): [ID, 2**40]}, {"k": [ID, str(2**40)]}),
        (timedelta(days=1, hours=2, seconds=3), "1.02:00:03"),
        (timedelta(seconds=-1.5), "-0.00:00:01.500000"),
        (datetime(2026, 11, 20, 10, tzinfo=timezone.utc), "2026-11-20T10:00:00Z"),
    ],
)
def test_sent(value: Any, sent: Any) -> None:
    found = to_wire(value, "Set-VM -X")
    assert found == sent
    assert type(found) is type(sent)


@pytest.mark.parametrize("value", [object(), b"x", Decimal(1), float("nan"), datetime(2026, 1, 1), {1: 2}, [object()]])  # noqa: DTZ001
def test_refused_with_type_and_parameter(value: Any) -> None:
    with pytest.raises(TypeError, match="Set-VM -X"):
        to_wire(value, "Set-VM -X")


def test_a_fraction_keeps_its_digits() -> None:
    sent = to_wire(0.1, "x")
    assert isinstance(sent, TaggedValue)
    assert (sent.tag, sent.value) == ("Db", "0.1")


def test_the_trap_a_whole_number_of_64_bits_would_go_as_an_impossible_32_bit_one() -> None:
    element = Serializer().serialize(2**31)
    assert element is not None
    assert (element.tag, element.text) == ("I32", "2147483648")


def test_secrets_do_not_show() -> None:
    credential = Credential("u", Secret("hidden"))
    assert "hidden" not in repr(credential)
    assert holds_secret([{"a": credential}])
    assert not holds_secret(["hidden"])
    sent = to_wire(credential, "x")
    assert (sent.username, sent.password) == ("u", "hidden")
