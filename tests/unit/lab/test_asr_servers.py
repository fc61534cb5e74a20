# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Site Recovery servers of a fleet: reading them, their registry, their listeners."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hyperv_lab.guests import servers
from hyperv_lab.hyperv.schema import FleetError, Section

CS: dict[str, Any] = {"name": "cs01", "address": "127.62.9.1", "port": 4443, "passphrase": "Lab-Passphrase-1"}
APP: dict[str, Any] = {"name": "app01", "address": "127.62.9.2", "port": 4443, "data_port": 9444}


def _parse(*servers_: dict[str, Any], appliances: tuple[dict[str, Any], ...] = ()) -> servers.AsrServers:
    content = {"configuration_servers": list(servers_), "appliances": list(appliances)}
    return servers.parse(Section(content, "asr"))


def test_servers_are_found_by_name_and_address_and_kind() -> None:
    found = _parse(CS, appliances=(APP,))
    assert found.find("CS01") is found.find("127.62.9.1")
    assert found.find("app01", servers.CONFIGURATION_SERVER) is None
    assert [each.stack for each in found] == ["CSLegacy", "CSPrime"]
    assert [each.data_port for each in found] == [9443, 9444]


def test_only_its_own_passphrase_is_known() -> None:
    found = _parse(CS, appliances=(APP,))
    cs, app = found
    assert cs.knows("Lab-Passphrase-1")
    assert not cs.knows("Lab-Passphrase-1\n")
    assert not app.knows("")


def test_registering_again_is_counted_and_a_new_id_is_a_new_machine() -> None:
    (cs,) = _parse(CS)
    cs.register("WIN01", "one")
    assert cs.register("win01", "one").times == 2
    assert cs.register("WIN01", "two").times == 1
    assert cs.as_plain()["registered"] == {"WIN01": {"host_id": "two", "times": 1}}
    assert cs.unregister("win01")
    assert not cs.unregister("win01")


def test_a_config_file_names_its_appliance_and_a_changed_one_none() -> None:
    found = _parse(CS, appliances=(APP, APP | {"name": "app02", "address": "127.62.9.3"}))
    app02 = found.find("app02")
    assert app02 is not None
    text = json.dumps(app02.source_config())
    assert found.of_source_config(text) is app02
    assert found.of_source_config(text.replace("127.62.9.3", "127.62.9.2")) is None
    assert found.of_source_config(text[:-1]) is None


def test_plain_form_has_no_passphrase() -> None:
    assert "Lab-Passphrase-1" not in json.dumps(_parse(CS, appliances=(APP,)).as_plain())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"address": "10.0.0.1"}, "no loopback"),
        ({"address": "nowhere"}, "no loopback"),
        ({"certificate": "old"}, "none of valid, expired"),
        ({"passphrase": None}, "passphrase is missing"),
        ({"data_port": 4443}, "is the port already"),
        ({"colour": "red"}, "unknown key 'colour'"),
    ],
)
def test_mistakes_are_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(FleetError, match=said):
        _parse(CS | change)


def test_two_servers_need_two_names_and_two_places() -> None:
    with pytest.raises(FleetError, match="twice"):
        _parse(CS, CS)
    with pytest.raises(FleetError, match="belongs to 'cs01' and 'cs02'"):
        _parse(CS, CS | {"name": "cs02"})


def test_they_listen_unless_told_and_close_what_they_accept() -> None:
    deaf = CS | {"name": "cs02", "address": "127.62.9.4", "listening": False}
    found = _parse(CS, deaf)

    async def visit() -> None:
        await found.start()
        try:
            reader, writer = await asyncio.open_connection("127.62.9.1", 9443)
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.62.9.4", 4443)
        finally:
            await found.stop()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.62.9.1", 4443)

    asyncio.run(visit())
