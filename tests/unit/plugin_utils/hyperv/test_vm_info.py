# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which machines a task means."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import Ambiguous, InvalidRequest, NotFound
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import vm_info
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway import PARTS
from unit.fake_session import request
from unit.plugin_utils.hyperv.fake_host import DB, HOSTILE, WEB, FakeHost, vm


def names(host: FakeHost, **arguments: Any) -> list[str]:
    found = vm_info.operate(request(host.session, **arguments)).values["vms"]
    return [machine["name"] for machine in found]


def test_all_or_some_in_the_order_asked() -> None:
    host = FakeHost(vm(WEB, "web"), vm(DB, "db", "Running"))
    assert names(host) == ["web", "db"]
    assert names(host, names=["DB", "web"]) == ["db", "web"]
    assert names(host, ids=["{" + DB.upper() + "}"], names=["db"]) == ["db"], "one machine, asked twice"
    assert names(host, select="[?state=='Running']") == ["db"]
    assert names(host, select="[?state=='Running'].id") == ["db"]
    assert names(host, select="[?name=='nothing']") == []
    assert names(host, names=["web"], select="[?state=='Running']") == []


@pytest.mark.parametrize("name", [HOSTILE, "[a-z]", "*", WEB, "a' || 'b", "x" * 100])
def test_hostile_names_mean_themselves(name: str) -> None:
    host = FakeHost(vm(WEB, name), vm(DB, "other"))
    assert names(host, names=[name]) == [name]


def test_unknown_and_ambiguous_names() -> None:
    host = FakeHost(vm(WEB, "twin"), vm(DB, "Twin"))
    with pytest.raises(NotFound, match="'gone'"):
        names(host, names=["gone"])
    with pytest.raises(Ambiguous, match=WEB) as caught:
        names(host, names=["twin"])
    assert [item["id"] for item in caught.value.details["candidates"]] == [WEB, DB]
    with pytest.raises(NotFound, match="33333333"):
        names(host, ids=["33333333-3333-3333-3333-333333333333"])


@pytest.mark.parametrize("arguments", [{"select": "[?state='"}, {"select": "foo("}, {"ids": ["web"]}, {"names": [" "]}])
def test_wrong_requests_are_one_line_and_send_nothing(arguments: dict[str, object]) -> None:
    host = FakeHost(vm(WEB, "web"))
    with pytest.raises(InvalidRequest) as caught:
        names(host, **arguments)
    assert "\n" not in caught.value.msg
    assert not host.session.invocations


@pytest.mark.parametrize("expression", ["length(@)", "[].name", "[?starts_with(memory_startup, 'a')]"])
def test_an_expression_that_gives_no_machines_is_an_error(expression: str) -> None:
    with pytest.raises(InvalidRequest, match="select"):
        names(FakeHost(vm(WEB, "web")), select=expression)


def test_only_the_parts_asked_for_are_read_and_returned() -> None:
    host = FakeHost(vm(WEB, "web"), vm(DB, "db", "Running"))
    (whole, _db) = vm_info.operate(request(host.session)).values["vms"]
    (found, _db) = vm_info.operate(request(host.session, parts=["dvd_drives"])).values["vms"]
    assert found == {key: value for key, value in whole.items() if key not in PARTS or key == "dvd_drives"}
    host.session.invocations.clear()
    (bare,) = vm_info.operate(request(host.session, parts=[], names=["db"])).values["vms"]
    assert (bare["state"], set(bare)) == ("Running", set(whole) - set(PARTS))
    assert len(host.session.invocations) == 1
