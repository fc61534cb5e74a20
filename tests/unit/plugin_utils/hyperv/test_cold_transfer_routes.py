# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    InvalidRequest,
    NotPossible,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.route import route_of
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.cold.transferring import (
    check_route,
)
from unit.fake_session import Refused
from unit.plugin_utils.hyperv.fake_host import WEB
from unit.plugin_utils.hyperv.fake_transfers import (
    DISK,
    HOME,
    SECRET,
    SIGNED,
    SOURCE,
    destination,
    exported,
    lab,
    run,
)

CODES = [
    (1326, "route_credentials_refused"),
    (86, "route_credentials_refused"),
    (1909, "route_credentials_refused"),
    (5, "route_access_denied"),
    (53, "route_unreachable"),
    (64, "route_unreachable"),
    (67, "route_share_missing"),
    (1219, "route_session_conflict"),
    (1312, "route_refused"),
    (None, "route_refused"),
]


@pytest.mark.parametrize(("code", "finding"), CODES)
def test_a_share_that_refuses_is_a_finding_by_the_systems_code(code: int | None, finding: str) -> None:
    here = lab()
    here.refuse_drive = Refused(
        "CouldNotMapNetworkDrive,Microsoft.PowerShell.Commands.NewPSDriveCommand", "refusé", native_code=code
    )
    with pytest.raises(NotPossible) as caught:
        run(here)
    assert [one.id for one in caught.value.findings] == [finding]
    assert SECRET not in caught.value.msg
    assert len(here.session.sent("New-PSDrive")) == 1, "a refused password is never tried again"


@pytest.mark.parametrize("delegates", [True, False])
def test_without_a_password_the_second_hop_is_told_apart_from_a_missing_folder(delegates: bool) -> None:
    here = lab()
    here.session.delegates_credentials = delegates
    route = route_of("smb", SOURCE, None, None)
    assert check_route(here.session, route) == ()
    assert here.session.sent("New-PSDrive") == []
    here.disk.shares.clear()
    found = check_route(here.session, route, f"{WEB}\\manifest.json")
    assert [one.id for one in found] == ["route_path_missing" if delegates else "second_hop_impossible"]


def test_a_share_that_opens_and_lacks_the_folder() -> None:
    here = lab()
    found = check_route(here.session, route_of("smb", f"{SOURCE}\\other", *SIGNED.values()))
    assert [one.id for one in found] == ["route_path_missing"]
    denied = Refused("ItemExistsUnauthorizedAccessError,Microsoft.PowerShell.Commands.GetItemCommand", category=18)

    def refuse(parameters: Any, piped: Any) -> Any:
        raise denied

    here.session.machine.on("Get-Item", refuse)
    found = check_route(here.session, route_of("smb", SOURCE, *SIGNED.values()))
    assert [one.id for one in found] == ["route_access_denied"]


class TestWeb:
    def test_files_come_from_a_web_server_by_escaped_addresses(self) -> None:
        here = lab()
        outcome = run(here, method="http", source="http://web/e/")
        (one,) = outcome.values["vms"]
        assert (one["outcome"], one["files_fetched"]) == ("transferred", 2)
        assert here.disk.read(f"{HOME}\\{DISK}") == b"web" * 1000
        assert "http" in outcome.warnings[0]
        assert run(here, method="http", source="http://web/e").changed is False

    def test_an_export_that_is_not_there(self) -> None:
        here = lab()
        here.web.clear()
        outcome = run(here, method="http", source="https://web/e")
        assert [one["id"] for one in outcome.values["vms"][0]["findings"]] == ["export_missing"]

    @pytest.mark.parametrize(
        ("status", "probe", "finding"),
        [
            (401, WEB, "route_credentials_refused"),
            (407, WEB, "route_credentials_refused"),
            (403, WEB, "route_access_denied"),
            (404, WEB, "route_path_missing"),
            (500, WEB, "route_refused"),
            (None, WEB, "route_unreachable"),
            (403, "", "route_not_proven"),
            (405, "", "route_not_proven"),
            (401, "", "route_credentials_refused"),
        ],
    )
    def test_a_refusal_is_a_finding_by_its_status(self, status: int | None, probe: str, finding: str) -> None:
        here = lab()
        here.refuse_web = Refused("WebCmdletWebResponseException,x", "refusé", http_status=status)
        found = check_route(here.session, route_of("http", "https://web/e", None, None), probe)
        assert [one.id for one in found] == [finding]

    def test_a_name_with_brackets_does_not_come_this_way(self) -> None:
        here = destination(exported("[x]"))
        here.web = {key.replace("[x]", "%5Bx%5D"): value for key, value in here.web.items()}
        outcome = run(here, method="http", source="http://web/e")
        assert [one["id"] for one in outcome.values["vms"][0]["findings"]] == ["web_name_has_brackets"]


@pytest.mark.parametrize(
    "given",
    [
        {"source": None},
        {"source": "D:\\Exports"},
        {"source": "http://web/e"},
        {"source": SOURCE, "method": "http"},
        {"source": "https://web/e?x=1", "method": "http"},
        {"source": f"https://u:{SECRET}@web/e", "method": "http"},
        {"source": "https://web/e", "method": "http", "ids": None, "names": ["web01"]},
        {"source": "https://web/e", "method": "http", "ids": None},
        {"source": "https://web:x/e", "method": "http"},
        {"method": "external"},
        {"password": None},
        {"path": "VMs"},
        {"path": "D:\\a[b]"},
        {"ids": ["web01"]},
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_sent(given: dict[str, Any]) -> None:
    here = lab()
    here.session.invocations.clear()
    with pytest.raises(InvalidRequest) as caught:
        run(here, **given)
    assert here.session.invocations == []
    assert SECRET not in caught.value.msg
