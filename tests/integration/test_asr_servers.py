# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asr_push_repository on servers that push, asr_vss_provider on machines with the agent: real playbooks, the lab."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from integration import packages
from integration.harness import Lab, serve
from integration.scenario import assert_cycle, cycle, sent, task

AGENT = {"version": "9.55.6765.1", "stack": "classic"}
HINDERED = {
    "cscript_off": "vss:exit-806",
    "event_system_disabled": "vss:0x8004E00F",
    "cluster_leftover": "vss:0x8004E00F-cluster",
    "service_start_pending": "vss:0x8007041F",
    "antivirus_not_excluded": "vss:0x800706BE",
}
"""What hinders the provider's script, and the id its end is recognised by."""
FLEET = {
    "windows_machines": [
        {"name": "CS01", "os": "2016", "role": "configuration_server", "language": "fr"},
        {"name": "PS01", "os": "2016", "role": "process_server", "winrm": {"connection": "winrm", "auth": "ntlm"}},
        {"name": "PLAIN", "os": "2019", "language": "fr"},
        {"name": "V2008", "os": "2008R2SP1", "language": "fr", "agent": AGENT, "defects": ["vss_provider_missing"]},
        {"name": "V2016", "os": "2016", "agent": AGENT, "defects": ["vss_provider_missing"]},
        {"name": "VLOG", "os": "2019", "language": "fr", "agent": AGENT, "defects": ["vacp_provider_unknown"]},
        {"name": "VMARKED", "os": "2019", "agent": AGENT, "defects": ["provider_delete_flag"]},
        *(
            {"name": f"VH{number}", "os": "2019", "agent": AGENT, "defects": ["vss_provider_missing", defect],
             "language": "fr" if number % 2 else "en"}
            for number, defect in enumerate(HINDERED)
        ),
    ]
}  # fmt: skip
REPOSITORY = "C:\\ProgramData\\ASR\\home\\svsystems\\pushinstallsvc\\repository"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from serve(FLEET, tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, bytes], dict[str, str]]]:
    """A web server with installer files; the function adds one and returns it as the task wants it."""
    folder = tmp_path_factory.mktemp("web")

    with packages.served(folder, "127.67.9.200") as web:

        def add(name: str, content: bytes) -> dict[str, str]:
            (folder / name).write_bytes(content)
            return {
                "source": f"{web}/{name}",
                "sha256": hashlib.sha256(content).hexdigest(),
            }

        yield add


def name(os_id: str, version: str = "9.55.6765.1") -> str:
    return f"Microsoft-ASR_UA_{version}_{os_id}_GA_15Aug2023_release.tar.gz"


def machine(lab: Lab, host: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.state()["windows_machines"][host]
    return found


def restarts(lab: Lab) -> int:
    return sent(lab)["Restart-Service"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("server", ["CS01", "PS01"])
def test_special_installers_get_into_the_repository(
    lab: Lab, web: Callable[[str, bytes], dict[str, str]], server: str
) -> None:
    files = [web(name(each), each.encode() * 100) for each in ("RHEL5-64", "SLES11-SP3-64", "DEBIAN7-64", "RHEL7-64")]
    before = restarts(lab)
    run = lab.tasks(server.lower(), *cycle("place", "asr_push_repository", files=files))
    done = assert_cycle(run, "place", server.lower())
    assert done["placed"] == [name("RHEL5-64"), name("SLES11-SP3-64"), name("DEBIAN7-64")]
    assert done["left_out"] == [name("RHEL7-64")]
    assert restarts(lab) == before + 1
    found = machine(lab, server)
    assert {path.rpartition("\\")[2] for path in found["files"] if path.startswith(REPOSITORY)} == set(done["placed"])
    assert found["services"]["InMage PushInstall"]["status"] == "Running"
    assert not [path for path in found["files"] if "hyperv-mobility" in path]


@pytest.mark.exhaustive
def test_a_damaged_file_leaves_the_server_as_it_was(lab: Lab, web: Callable[[str, bytes], dict[str, str]]) -> None:
    file = web(name("DEBIAN7-64", "9.60.6956.1"), b"x" * 50) | {"sha256": "0" * 64}
    before = machine(lab, "CS01")
    run = lab.tasks("cs01", task("place", "asr_push_repository", files=[file]))
    result = run.one("place", "cs01")
    assert result["_status"] in ("failed", "ignored")
    assert [each["id"] for each in result["findings"]] == ["installer_checksum"]
    assert result["changed"] is False
    after = machine(lab, "CS01")
    assert after["files"] == before["files"]


@pytest.mark.exhaustive
def test_a_machine_that_pushes_nothing_is_told(lab: Lab, web: Callable[[str, bytes], dict[str, str]]) -> None:
    run = lab.tasks("plain", task("place", "asr_push_repository", files=[web(name("RHEL5-64"), b"y")]))
    assert [each["id"] for each in run.one("place", "plain")["findings"]] == ["no_push_server"]


@pytest.mark.parametrize("host", ["V2008", "V2016"])
def test_a_missing_provider_is_installed(lab: Lab, host: str) -> None:
    found = lab.tasks(host.lower(), *cycle("vss", "asr_vss_provider"))
    done = assert_cycle(found, "vss", host.lower(), but=("provider", "attempts"))
    assert done["provider"]["listed"] is True
    assert [each["script"] for each in done["attempts"]] == ["InMageVSSProvider_Install.cmd"]
    assert "Azure Site Recovery VSS Provider" in machine(lab, host)["services"]


@pytest.mark.exhaustive
def test_a_provider_is_repaired_and_removed(lab: Lab) -> None:
    run = lab.tasks(
        "vlog",
        task("repair", "asr_vss_provider", state="repaired"),
        *cycle("remove", "asr_vss_provider", state="absent"),
        task("back", "asr_vss_provider"),
    )
    repaired = run.one("repair", "vlog")
    assert [each["id"] for each in repaired["findings"]] == ["78144", "vss:0x80042304"]
    names = [each["script"].partition("_")[2] for each in repaired["attempts"]]
    assert names == ["Install.cmd", "Uninstall.cmd", "Install.cmd"]  # the service exists: 516
    assert_cycle(run, "remove", "vlog", but=("provider", "attempts"))
    assert run.one("back", "vlog")["changed"] is True


@pytest.mark.exhaustive
@pytest.mark.parametrize(("number", "error_id"), list(enumerate(HINDERED.values())))
def test_a_script_that_fails_is_named_by_its_error(lab: Lab, number: int, error_id: str) -> None:
    host = f"vh{number}"
    result = lab.tasks(host, task("vss", "asr_vss_provider")).one("vss", host)
    assert result["_status"] in ("failed", "ignored"), result
    assert [each["id"] for each in result["findings"]] == [error_id]
    assert result["error"]["kind"] == "vendor_failed"
    assert result["error"]["exit_code"] in (511, 512, 514, 515, 516, 517, 802, 806)
    assert result["error"]["log_path"].endswith("ASRUnifiedAgentInstaller.log")
    assert result["error"]["log_tail"]


@pytest.mark.exhaustive
def test_a_service_marked_for_deletion_asks_for_a_restart(lab: Lab) -> None:
    result = lab.tasks("vmarked", task("vss", "asr_vss_provider", state="repaired")).one("vss", "vmarked")
    assert [each["id"] for each in result["findings"]] == ["vss:0x80070430"]
    assert "restart" in result["msg"]


@pytest.mark.exhaustive
def test_without_an_agent_there_is_nothing_to_install(lab: Lab) -> None:
    result = lab.tasks("plain", task("vss", "asr_vss_provider")).one("vss", "plain")
    assert [each["id"] for each in result["findings"]] == ["agent_missing"]
