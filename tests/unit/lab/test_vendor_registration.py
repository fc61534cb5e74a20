# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of the configurator: registering with servers of the fleet that listen for real."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.guests.windows import agent_state, vendor
from hyperv_lab.hyperv.storage import Volume
from unit.lab.windows_machine import machine, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hyperv_lab.guests.windows.state import WindowsMachine

CONFIGURATOR = f'"{vendor.DEFAULT_DIRECTORY}\\agent\\UnifiedAgentConfigurator.exe"'
CLASSIC = f"{CONFIGURATOR} /CSEndPoint 127.62.20.1 /CSPort 4443 /PassphraseFilePath C:\\T\\p.txt"
MODERN = f"{CONFIGURATOR} /SourceConfigFilePath C:\\T\\config.json /CSType CSPrime"


@contextmanager
def listening(target: WindowsMachine) -> Iterator[None]:
    """Open the servers' ports in a loop of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(target.fleet.asr.start(), loop).result(5)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(target.fleet.asr.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def with_agent(stack: str = "classic", **agent: Any) -> WindowsMachine:
    """Return a machine with an agent, a passphrase and the appliance's config file."""
    target = machine(agent={"version": "9.55.6765.1", "stack": stack, **agent})
    target.files.write("C:\\T\\p.txt", "Lab-Passphrase-1\r\n")
    app01 = target.fleet.asr.find("app01")
    assert app01 is not None
    target.files.write("C:\\T\\config.json", json.dumps(app01.source_config()))
    return target


def test_classic_registration_is_seen_on_both_sides() -> None:
    target = with_agent()
    with listening(target):
        assert run(target, CLASSIC)[0] == 0
        assert run(target, CLASSIC)[0] == 0
    state = agent_state.describe(target)
    assert (state["registered"], state["registered_with"], state["known_to"]) == (True, "cs01", ["cs01"])
    assert vendor.settings(target)["CSType"] == "CSLegacy"
    assert state["passphrase_files"] == ["C:\\T\\p.txt"]


def test_modernized_registration_and_its_end() -> None:
    target = with_agent("modernized")
    with listening(target):
        assert run(target, f"{MODERN} /CredentialLessDiscovery true")[0] == 0
    state = agent_state.describe(target)
    assert (state["registered"], state["registered_with"], state["known_to"]) == (True, "app01", ["app01"])
    assert target.files.is_file(vendor.settings_path(target, "SourceConfig.json"))
    assert vendor.settings(target)["IsCredentialLessDiscovery"] == "true"
    assert run(target, f"{CONFIGURATOR} /Unconfigure true")[0] == 0
    state = agent_state.describe(target)
    assert (state["registered"], state["registered_with"], state["known_to"]) == (False, None, [])
    assert not target.files.is_file(vendor.settings_path(target, "SourceConfig.json"))


@pytest.mark.parametrize(
    ("line", "code", "logged"),
    [
        (CLASSIC.replace("127.62.20.1", "127.62.20.9"), 14, "(7)"),
        (CLASSIC.replace("127.62.20.1", "127.62.20.3"), 14, "is no configuration server"),
        (CLASSIC.replace("127.62.20.1", "127.62.20.2"), 14, "doesn't know this passphrase"),
        (CLASSIC.replace(" /CSPort 4443", ""), 14, "(7)"),
        (CLASSIC.replace("p.txt", "q.txt"), 3, "no file"),
        (CLASSIC.replace("/CSPort 4443", "/CSPort x"), 3, "no port"),
        (f"{CONFIGURATOR} /CSEndPoint 127.62.20.1", 2, "needed"),
        (MODERN, 97, "CSLegacy"),
        (f"{CONFIGURATOR} /Unconfigure true", 131, "appliance"),
    ],
)
def test_what_classic_agents_are_refused(line: str, code: int, logged: str) -> None:
    target = with_agent()
    with listening(target):
        assert run(target, line)[0] == code
    assert logged in target.files.text(vendor.CONFIGURATOR_LOG)
    assert not agent_state.describe(target)["registered"]
    assert agent_state.describe(target)["known_to"] == []


@pytest.mark.parametrize(
    ("change", "line", "code"),
    [
        ("", MODERN.replace(" /CSType CSPrime", ""), 2),
        ("}", MODERN, 19),
        ("gone", MODERN, 19),
        ("port", MODERN, 19),
        ("expired", MODERN, 129),
    ],
)
def test_what_modernized_agents_are_refused(change: str, line: str, code: int) -> None:
    target = with_agent("modernized")
    app01 = target.fleet.asr.find("app01")
    assert app01 is not None
    if change == "}":
        target.files.append("C:\\T\\config.json", change)
    elif change == "gone":
        target.files.delete("C:\\T\\config.json")
    elif change == "port":
        target.windows.blocked_ports.add(app01.data_port)
    elif change == "expired":
        app01.certificate = "expired"
    with listening(target):
        assert run(target, line)[0] == code
    assert not agent_state.describe(target)["registered"]


def test_an_expired_certificate_is_curls_60_in_the_log() -> None:
    target = with_agent()
    cs01 = target.fleet.asr.find("cs01")
    assert cs01 is not None
    cs01.certificate = "expired"
    with listening(target):
        assert run(target, CLASSIC)[0] == 17
    assert "(60)" in target.files.text(f"{vendor.LOGS}\\UploadedLogs\\ASRUnifiedAgentInstaller.log")
    assert agent_state.describe(target)["configuration_status"] == "Failed"


def test_an_agent_of_another_server_stays_there() -> None:
    target = with_agent(registered_with="cs02")
    with listening(target):
        assert run(target, CLASSIC)[0] == 13
    state = agent_state.describe(target)
    assert (state["registered"], state["registered_with"], state["known_to"]) == (True, "cs02", ["cs02"])


def test_an_appliance_makes_the_config_file_of_a_machines_string() -> None:
    target = with_agent("modernized")
    target.files.write("C:\\T\\RcmProxyAgent.exe", b"hyperv-lab stand-in: rcmproxyagent\n")
    cli = f'"{vendor.DEFAULT_DIRECTORY}\\agent\\AzureRcmCli.exe" --getagentconfiginput'
    text = run(target, cli)[1].strip().partition(":")[2]
    line = (
        f"C:\\T\\RcmProxyAgent.exe -createmobilityagentconfigfile -encodedinput {text} -outputfilepath C:\\T\\made.json"
    )
    assert run(target, line)[0] == 0
    assert target.files.text("C:\\T\\made.json") == target.files.text("C:\\T\\config.json")
    assert run(target, line.replace("lab-", "x"))[0] == 1


def test_a_failed_over_machine_does_nothing_and_says_success() -> None:
    target = with_agent("modernized")
    target.windows.asset_tag = vendor.AZURE_ASSET_TAG
    assert run(target, MODERN)[0] == 0
    assert not agent_state.describe(target)["registered"]


def test_a_passphrase_on_a_share_needs_credentials_that_can_be_passed_on() -> None:
    target = with_agent()
    target.storage.shares["\\\\fs01\\secrets"] = Volume(name="\\\\fs01\\secrets", size=1 << 20)
    target.files.write("\\\\fs01\\secrets\\p.txt", "Lab-Passphrase-1")
    line = CLASSIC.replace("C:\\T\\p.txt", "\\\\fs01\\secrets\\p.txt")
    with listening(target):
        assert run(target, line)[0] == 3
        assert run(target, line, delegable=True)[0] == 0


def test_a_cloned_machine_is_refused() -> None:
    target = with_agent()
    vendor.save_settings(target, vendor.settings(target) | {"BiosId": "another"})
    assert run(target, CLASSIC)[0] == 118


def test_the_proxy_is_written_or_refused() -> None:
    target = with_agent()
    assert run(target, f"{CONFIGURATOR} /ConfigureProxy /ProxyAddress http://10.0.0.9 /ProxyPort 567")[0] == 0
    assert target.files.text(vendor.PROXY_FILE).splitlines() == ["[proxy]", "Address=http://10.0.0.9", "Port=567"]
    assert run(target, f"{CONFIGURATOR} /ConfigureProxy /ProxyAddress 10.0.0.9 /ProxyPort 567")[0] == 78


@pytest.mark.parametrize("after", [0.02, 0.06, 0.1, 0.14])
def test_an_ended_registration_is_finished_by_the_next_one(after: float) -> None:
    target = with_agent()
    target.fleet.clock.speed = 60.0
    stopping = threading.Event()
    timer = threading.Timer(after, stopping.set)
    with listening(target):
        timer.start()
        run(target, CLASSIC, stopping=stopping)
        timer.cancel()
        assert run(target, CLASSIC)[0] == 0
    state = agent_state.describe(target)
    assert (state["registered"], state["known_to"]) == (True, ["cs01"])
