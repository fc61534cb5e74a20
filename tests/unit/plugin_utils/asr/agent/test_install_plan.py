# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether and how the agent is installed: decisions over literals."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import command_lines, versions
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.install_plan import InstallPlan, plan
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.install_request import (
    Wanted,
    parse_request,
    stack_for,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.state import AZURE_ASSET_TAG, AgentState
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotPossible
from hypothesis import given
from hypothesis import strategies as st

WINDOWS_FILE = "C:\\Temp\\Microsoft-ASR_UA_9.55.6765.1_Windows_GA_15Aug2023_release.exe"
LINUX_FILE = "/tmp/Microsoft-ASR_UA_9.66.7567.1_UBUNTU-20.04-64_GA_20Sep2025_release.tar.gz"
DEFAULTS: dict[str, Any] = {"state": "present", "platform": "VmWare", "vss": "warn", "timeout_seconds": 1800}


def wanted(system: str = "windows", **arguments: Any) -> Wanted:
    return parse_request({**DEFAULTS, **arguments}, system)


def windows(**values: Any) -> AgentState:
    return AgentState(system="windows", os_version=(6, 3), **values)


def installed(version: tuple[int, ...] = (9, 55, 6765, 1), **values: Any) -> AgentState:
    given = {"installed": True, "version": version, "stack": "classic", "post_install_finished": True, **values}
    return windows(**given)


def decide(state: AgentState, /, **arguments: Any) -> InstallPlan:
    return plan(state, wanted(state.system, **arguments), "m1")


def refused(state: AgentState, /, **arguments: Any) -> str:
    with pytest.raises(NotPossible) as caught:
        decide(state, **arguments)
    (finding,) = caught.value.findings
    assert finding.evidence in caught.value.msg
    assert finding.remedy in caught.value.msg
    return finding.id


def test_a_machine_without_an_agent_gets_one() -> None:
    decided = decide(windows(), source=WINDOWS_FILE)
    assert (decided.action, decided.version, decided.stack, decided.tells_stack) == (
        "install",
        (9, 55, 6765, 1),
        "modernized",
        True,
    )
    assert decided.diff().after == {"installed": True, "version": "9.55.6765.1", "stack": "modernized"}
    assert decided.diff().before == {"installed": False, "version": None, "stack": None}


def test_without_a_source_only_an_agent_that_is_there_will_do() -> None:
    assert decide(installed()).action == "none"
    assert refused(windows()) == "source_missing"
    assert refused(installed(post_install_finished=False)) == "source_missing"


@pytest.mark.parametrize(
    ("version", "arguments", "action"),
    [
        ((9, 55, 6765, 1), {}, "none"),
        ((9, 55, 6765, 1), {"state": "latest"}, "none"),
        ((9, 52, 1, 1), {}, "none"),
        ((9, 52, 1, 1), {"state": "latest"}, "upgrade"),
        ((9, 52, 1, 1), {"version": "9.55.6765.1"}, "upgrade"),
        ((9, 55, 100, 1), {"state": "latest"}, "upgrade"),
        ((9, 60, 1, 1), {}, "none"),
        ((9, 60, 1, 1), {"version": "9.55.6765.1"}, "none"),
    ],
)
def test_an_agent_that_is_there(version: tuple[int, ...], arguments: dict[str, str], action: str) -> None:
    assert decide(installed(version), source=WINDOWS_FILE, **arguments).action == action


def test_a_newer_agent_is_never_replaced() -> None:
    newer = (9, 60, 6956, 1)
    assert refused(installed(newer), source=WINDOWS_FILE, state="latest") == "agent_downgrade"
    assert refused(installed(newer), source=WINDOWS_FILE, stack="modernized") == "agent_downgrade"
    half_done = installed(newer, post_install_finished=False)
    assert refused(half_done, source=WINDOWS_FILE, version="9.55.6765.1") == "agent_downgrade"


def test_a_long_way_goes_by_hops_of_four() -> None:
    with pytest.raises(NotPossible, match=r"upgrade to 9\.52 or an earlier one first"):
        decide(installed((9, 48, 1, 1)), source=WINDOWS_FILE, state="latest")
    assert decide(installed((9, 51, 1, 1)), source=WINDOWS_FILE, state="latest").action == "upgrade"


def test_a_half_done_installation_is_finished() -> None:
    decided = decide(installed(post_install_finished=False), source=WINDOWS_FILE)
    assert decided.action == "finish"
    assert decided.diff().before != decided.diff().after


def test_stacks_change_one_way_only() -> None:
    assert decide(installed(), source=WINDOWS_FILE, stack="modernized").action == "convert"
    assert refused(installed(stack="modernized"), source=WINDOWS_FILE, stack="classic") == "stack_change"
    old = WINDOWS_FILE.replace("9.55.6765.1", "9.52.1.1")
    assert refused(installed((9, 52, 1, 1)), source=old, stack="modernized") == "stack_change"
    assert decide(installed((9, 53, 1, 1)), source=WINDOWS_FILE, state="latest").stack == "classic"


def test_an_agent_that_does_not_tell_its_stack_is_taken_by_its_version() -> None:
    half_done = installed(stack=None, post_install_finished=False)
    assert decide(half_done, source=WINDOWS_FILE).stack == "modernized"
    assert decide(half_done, source=WINDOWS_FILE, stack="classic").stack == "classic"
    assert decide(installed((9, 53, 1, 1), stack=None), source=WINDOWS_FILE, state="latest").stack == "classic"
    newer = WINDOWS_FILE.replace("9.55.6765.1", "9.57.6911.1")
    assert refused(installed(stack=None), source=newer, state="latest") == "stack_unknown"
    assert decide(installed(stack=None), source=newer, state="latest", stack="classic").stack == "classic"


def test_setup_changes_neither_platform_nor_role() -> None:
    older: dict[str, Any] = {"version": (9, 53, 1, 1), "asset_tag": AZURE_ASSET_TAG}
    options = {"source": WINDOWS_FILE, "state": "latest"}
    assert refused(installed(platform="Azure", **older), **options) == "platform_change"
    assert decide(installed(platform="azure", role="MS", **older), platform="Azure", **options).action == "upgrade"
    assert refused(installed(role="MT", **older), **options) == "role_change"
    assert decide(installed(platform="Azure", role="MT"), source=WINDOWS_FILE).action == "none"


def test_an_agent_does_not_move() -> None:
    there = installed(install_directory="D:\\ASR\\agent")
    assert refused(there, install_directory="E:\\ASR") == "install_directory_change"
    assert decide(there, install_directory="d:\\asr\\").action == "none"


def test_platform_azure_is_held_against_the_asset_tag() -> None:
    assert refused(windows(asset_tag="7"), source=WINDOWS_FILE, platform="Azure") == "platform_mismatch"
    there = windows(asset_tag=AZURE_ASSET_TAG)
    assert decide(there, source=WINDOWS_FILE, platform="Azure").warnings == ()
    (warning,) = decide(there, source=WINDOWS_FILE).warnings
    assert "as a physical one" in warning


def test_an_installer_for_another_system_is_refused_by_its_name() -> None:
    debian = AgentState(system="linux", os_id="DEBIAN9-64")
    assert refused(debian, source=LINUX_FILE) == "installer_for_another_system"
    assert decide(AgentState(system="linux", os_id="UBUNTU-20.04-64"), source=LINUX_FILE).action == "install"
    assert refused(windows(), source=LINUX_FILE.replace("/tmp/", "C:\\")) == "installer_for_another_system"


def test_a_pending_restart_is_said_before() -> None:
    (warning,) = decide(windows(pending_reboot=("servicing",)), source=WINDOWS_FILE).warnings
    assert "servicing" in warning
    assert "62" in warning


def test_removing() -> None:
    assert decide(windows(), state="absent").action == "none"
    decided = decide(installed(), state="absent")
    assert decided.action == "remove"
    assert decided.diff().after["installed"] is False


@pytest.mark.parametrize(
    ("system", "arguments"),
    [
        ("windows", {"source": "relative.exe"}),
        ("windows", {"source": "\\\\server\\share"}),
        ("windows", {"source": 'C:\\a"b.exe', "version": "9.55"}),
        ("windows", {"source": WINDOWS_FILE, "local_path": "x"}),
        ("windows", {"local_path": "x"}),
        ("linux", {"source": "C:\\x.tar.gz"}),
        ("linux", {"source": "https://user:secret@host/x.tar.gz"}),
        ("linux", {"source": "/tmp/some.tar.gz"}),
        ("windows", {"source": WINDOWS_FILE, "version": "9.54.1.1"}),
        ("windows", {"source": WINDOWS_FILE, "version": "newest"}),
        ("windows", {"source": WINDOWS_FILE, "sha256": "abc"}),
        ("windows", {"source": WINDOWS_FILE, "install_directory": "C:\\Données"}),
        ("windows", {"source": WINDOWS_FILE, "install_directory": "ASR"}),
        ("windows", {"source": WINDOWS_FILE, "source_username": "a"}),
        ("windows", {"state": "latest"}),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(system: str, arguments: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        wanted(system, **arguments)
    assert "secret" not in caught.value.msg


def test_every_way_to_an_installer() -> None:
    assert wanted(source=WINDOWS_FILE).os_id == "Windows"
    unc = wanted(source="\\\\f\\s\\x.exe", version="9.55.1.1", source_username="u", source_password="p").source
    assert unc is not None
    assert (unc.unc, unc.credential and unc.credential.username) == ("\\\\f\\s\\x.exe", "u")
    url = wanted("linux", source="https://host/a/" + LINUX_FILE[5:] + "?sig=1").source
    assert url is not None
    assert url.file_name == LINUX_FILE[5:]


def test_the_stack_of_a_version() -> None:
    assert stack_for(None, None, (9, 54, 1, 1)) == "classic"
    assert stack_for(None, None, (9, 55, 6765, 1)) == "modernized"
    assert stack_for(None, "classic", (9, 60)) == "classic"


# --- command lines ---
def words(state: AgentState, /, **arguments: Any) -> str:
    decided = decide(state, **arguments)
    make = command_lines.install_windows if state.system == "windows" else command_lines.install_linux
    return " ".join(make(decided, "errors.json"))


def test_command_lines_by_version() -> None:
    old = WINDOWS_FILE.replace("9.55.6765.1", "9.37.1.1")
    assert words(windows(), source=old) == "/Role MS /Platform VmWare /Silent"
    assert words(windows(), source=old, stack="classic").endswith("/CSType CSLegacy")
    assert words(windows(), source=WINDOWS_FILE, install_directory="D:\\A S R") == (
        "/Role MS /Platform VmWare /Silent /InstallLocation D:\\A S R /CSType CSPrime "
        "/ValidationsOutputJsonFilePath errors.json"
    )
    upgrade = words(installed((9, 54, 1, 1), stack="modernized"), source=WINDOWS_FILE, state="latest")
    assert "/InstallationType Upgrade /CSType CSPrime" in upgrade
    early = words(
        installed((9, 51, 1, 1), stack="modernized"), source=WINDOWS_FILE.replace("9.55", "9.54"), state="latest"
    )
    assert early == "/Role MS /Platform VmWare /Silent /InstallationType Upgrade /CSType CSPrime"
    classic = words(installed((9, 54, 1, 1)), source=WINDOWS_FILE, state="latest")
    assert "/InstallationType" not in classic
    assert "/CSType CSLegacy" in classic
    convert = words(installed(), source=WINDOWS_FILE, stack="modernized")
    assert "/InstallationType Install /CSType CSPrime" in convert


def test_command_lines_of_linux() -> None:
    ubuntu = AgentState(system="linux", os_id="UBUNTU-20.04-64")
    assert words(ubuntu, source=LINUX_FILE) == "-q -r MS -v VmWare -c CSPrime -e errors.json"
    assert words(ubuntu, source=LINUX_FILE.replace("9.66.7567.1", "9.37.0.0")) == "-q -r MS -v VmWare"
    old = AgentState(system="linux", installed=True, version=(9, 63, 1, 1), stack="modernized")
    assert "-a Upgrade -c CSPrime" in words(old, source=LINUX_FILE, state="latest")


# --- versions ---
version_parts = st.tuples(st.integers(1, 20), st.integers(0, 99), st.integers(1, 9999), st.integers(0, 9))


@given(version_parts, version_parts)
def test_versions_compare_both_ways(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    assert versions.compare(left, right) == -versions.compare(right, left)
    assert versions.compare(left, left) == 0
    assert versions.parse(versions.shown(left)) == left


def test_a_build_that_is_not_told_comes_from_the_tag() -> None:
    tag = "RELEASE_9.67.0.0_GA_7789_Apr_30_2026_INMAGE"
    assert versions.with_build((9, 67, 0, 0), tag) == (9, 67, 7789, 0)
    assert versions.with_build((9, 67, 7000, 1), tag) == (9, 67, 7000, 1)
    assert versions.with_build((9, 67, 0, 0), "") == (9, 67, 0, 0)
    assert versions.compare((9, 66, 0, 0), (9, 66, 7567, 1)) == 0
    assert versions.compare((9, 66, 7568), (9, 66, 7567, 1)) == 1
