# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, masking and plain values of the action base."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible import options
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.base import failure_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.masking import MASK, Masker
from ansible_collections.hyperv.mobility.plugins.plugin_utils.ansible.plain import arguments_in, result_out
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost, InvalidRequest, RemoteError


class Colour(Enum):
    RED = "red"


class Vaulted:
    """As ansible-core before 2.19 hands a value of !vault on: no str, and decrypted when it is read as one."""

    __ENCRYPTED__ = True

    def __str__(self) -> str:
        return "decrypted"


@dataclass(frozen=True)
class Thing:
    id: UUID
    colour: Colour


def test_results_are_json() -> None:
    result = {
        Colour.RED: (Thing(UUID(int=1), Colour.RED), {2, 1}),
        "when": datetime(2026, 1, 2, tzinfo=timezone.utc),
        "span": timedelta(seconds=2),
        "path": PurePosixPath("/a"),
    }
    assert json.loads(json.dumps(result_out(result))) == {
        "red": [{"id": str(UUID(int=1)), "colour": "red"}, [1, 2]],
        "when": "2026-01-02T00:00:00+00:00",
        "span": 2.0,
        "path": "/a",
    }
    with pytest.raises(TypeError, match="object"):
        result_out(object())


def test_vaulted_arguments_are_read() -> None:
    assert arguments_in({"key": Vaulted(), "more": {"keys": [Vaulted()]}}) == {
        "key": "decrypted",
        "more": {"keys": ["decrypted"]},
    }


def test_an_argument_that_has_no_plain_form_is_named() -> None:
    with pytest.raises(InvalidRequest, match=r"key: .* object"):
        arguments_in({"key": object()})


def test_tagged_arguments_become_plain() -> None:
    class Tagged(str):
        __slots__ = ()

    plain = arguments_in({Tagged("a"): [Tagged("b"), {Tagged("c"): True}]})
    assert plain == {"a": ["b", {"c": True}]}
    assert type(plain["a"][0]) is str


def test_masking_reaches_keys_and_prefers_longer_secrets() -> None:
    masker = Masker(["abc", "abcdef", "", "42"])
    assert masker.value({"xabcdefx": ["abc", 42, 43, True, None]}) == {f"x{MASK}x": [MASK, MASK, 43, True, None]}


SPEC: options.Spec = {
    "n": options.integer(minimum=1),
    "disks": options.listing(options.mapping({"size": options.integer(minimum=2), "key": options.secret()})),
}


def test_minimums_and_secrets_are_found_within_lists() -> None:
    values: dict[str, Any] = {"n": 0, "disks": [{"size": 1, "key": "s3"}]}
    assert len(options.too_small(SPEC, values)) == 2
    assert options.secrets_of(SPEC, values) == {"s3"}
    cleaned = options.for_validator(SPEC)
    assert "minimum" not in json.dumps(cleaned)


def test_a_secret_of_json_is_one_in_both_of_its_forms() -> None:
    """ansible-core before 2.19 templates a text that is JSON into a dictionary."""
    spec: options.Spec = {"config": options.secret_json()}
    assert options.secrets_of(spec, {"config": {"key": "s3"}}) == {"{'key': 's3'}", '{"key": "s3"}'}
    validated = ArgumentSpecValidator(options.for_validator(spec)).validate({"config": {"key": "s3"}})
    assert validated.validated_parameters["config"] == '{"key": "s3"}'


@pytest.mark.parametrize(
    "build",
    [
        lambda: options.choice("a", default="b"),
        lambda: options.text(required=True, default="x"),
        lambda: options.listing("strings"),
        lambda: options.text(nolog=True),  # type: ignore[call-arg]
    ],
)
def test_a_wrong_specification_is_refused(build: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        build()


@pytest.mark.parametrize(("changed", "unreachable"), [(False, True), (True, False)])
def test_only_a_link_lost_before_any_change_is_unreachable(changed: bool, unreachable: bool) -> None:
    found = failure_of(ConnectionLost("gone", changed=changed, unreachable=True), changed=False)
    assert found.get("unreachable", False) is unreachable
    assert found["changed"] is changed
    assert found.get("failed", False) is not unreachable, "ansible-core counts a failed host as failed in any case"


def test_a_remote_error_keeps_its_identifiers() -> None:
    found = failure_of(RemoteError("no", error_id="A,B", hresult="0x8009030E"), changed=True)
    assert found["error"] == {"kind": "remote_error", "error_id": "A,B", "hresult": "0x8009030E"}
    assert found["changed"] is True
