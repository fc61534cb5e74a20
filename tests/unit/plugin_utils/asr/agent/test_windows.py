# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on Windows, over a machine of dictionaries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import folders, install
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import read_windows as reading
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.machine import VendorFailed
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.state import AZURE_ASSET_TAG
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.windows_machine import new_lines
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
    InvalidRequest,
    MobilityError,
    NotFound,
    NotPossible,
    RemoteError,
    TimedOut,
)
from unit.fake_programs import MachineSessions, Run, machine_request
from unit.plugin_utils.asr.agent.fake_windows import CONF, NAME, SECRET, SETUP_LOG, SHA256, SOURCE, Windows


@pytest.mark.parametrize("old", [False, True])
def test_a_life(old: bool) -> None:
    windows = Windows(old=old)
    options: dict[str, Any] = {"source": SOURCE, "stack": "classic", "sha256": SHA256}
    predicted = windows.agent(check_mode=True, **options)
    assert (predicted.changed, windows.programs.runs) == (True, windows.programs.ran("wmic"))
    first = windows.agent(**options)
    assert first.diff == predicted.diff
    assert first.values["agent"]["version"] == "9.55.6765.1"
    assert not windows.agent(**options).changed
    server: dict[str, Any] = {"configuration_server": "10.0.0.5", "passphrase": SECRET}
    assert windows.register(check_mode=True, **server).changed
    assert windows.register(**server).values["agent"]["server"] == {"address": "10.0.0.5", "port": 443}
    assert not windows.register(**server).changed
    with pytest.raises(NotPossible, match=r"10\.0\.0\.5:443"):
        windows.register(**{**server, "configuration_server": "10.0.0.6"})
    assert windows.agent(state="absent").changed
    assert not windows.agent(state="absent").changed
    assert windows.ours() == []
    assert len(windows.programs.ran("unifiedagent")) == 1
    assert bool(windows.session.sent("Get-AuthenticodeSignature")) is not old


def test_the_secret_is_locked_first_and_stays_nowhere() -> None:
    windows = Windows()
    windows.agent(source=SOURCE, stack="classic")
    for secret in ("Wrong-Secret-1", SECRET):
        problem: VendorFailed | None = None
        try:
            windows.register(configuration_server="10.0.0.5", passphrase=secret)
        except VendorFailed as failed:
            problem = failed
        assert windows.seen_secret == secret
        assert secret not in windows.commands()
        assert windows.ours() == []
        assert not [path for path, data in windows.files.items() if secret.encode() in data]
        if problem is not None:
            assert (problem.details["exit_code"], problem.changed) == (14, True)
            assert "not registered" in problem.msg
            assert secret not in repr((problem.msg, problem.details))


def test_a_link_that_breaks_leaves_no_secret() -> None:
    windows = Windows()
    windows.agent(source=SOURCE, stack="classic")
    windows.boom = True
    with pytest.raises(TimedOut):
        windows.register(configuration_server="10.0.0.5", passphrase=SECRET)
    assert windows.ours() == []


def test_old_windows_needs_a_hash_before_anything_runs() -> None:
    windows = Windows(old=True)
    with pytest.raises(InvalidRequest, match="sha256"):
        windows.agent(source=SOURCE)
    assert windows.programs.runs == windows.programs.ran("wmic")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sha256": "1" * 64}, "other_digest"),
        ({"signature": ("HashMismatch", "")}, "signature"),
        ({"signature": ("NotSigned", "")}, "signature"),
        ({"signature": ("Valid", "CN=Microsoft Corporation Fan, O=Somebody Else")}, "signer"),
    ],
)
def test_what_is_not_the_vendors_is_not_run(change: dict[str, Any], reason: str) -> None:
    windows = Windows()
    windows.signature = change.get("signature", windows.signature)
    with pytest.raises(RemoteError) as caught:
        windows.agent(source=SOURCE, sha256=change.get("sha256"))
    assert caught.value.details["reason"] == reason
    assert windows.programs.ran(NAME) == []
    assert windows.ours() == []


def test_an_installer_that_is_not_there() -> None:
    windows = Windows()
    with pytest.raises(NotFound):
        windows.agent(source=SOURCE.replace("15Aug", "16Aug"))


@pytest.mark.parametrize("free", [10 * 1024**3, 1000])
def test_files_that_never_come(free: int) -> None:
    windows = Windows()
    windows.broken, windows.free = True, free
    with pytest.raises(MobilityError) as caught:
        windows.agent(source=SOURCE)
    assert caught.value.details["reason"] == ("not_unpacked" if free > 1000 else "disk_full")
    assert windows.clock.now <= 600
    assert windows.ours() == []


def test_shares_and_downloads() -> None:
    windows = Windows()
    unc = f"\\\\files\\asr\\{NAME}"
    windows.agent(source=unc, source_username="u", source_password="Pw-Secret", stack="classic", check_mode=False)
    assert windows.session.sent("New-PSDrive")[0]["Root"] == "\\\\files\\asr"
    assert len(windows.session.sent("Remove-PSDrive")) == 1
    assert "Pw-Secret" not in windows.commands()
    other = Windows()
    other.agent(source=f"https://host/{NAME}", stack="classic")
    assert other.session.sent("Invoke-WebRequest")[0]["Uri"] == f"https://host/{NAME}"
    named = Windows()
    named.programs.on("package", named._extract)
    named.agent(source="https://host/latest?sig=a", version="9.55.6765.1", stack="classic")
    assert str(named.session.sent("Invoke-WebRequest")[0]["OutFile"]).endswith("\\package.exe")
    full = Windows()
    full.broken, full.free = True, 0
    with pytest.raises(RemoteError) as caught:
        full.agent(source=unc)
    assert caught.value.details["reason"] == "disk_full"
    old = Windows(old=True)
    with pytest.raises(InvalidRequest, match="percent"):
        old.agent(source=f"https://host/a%20b%20/{NAME}", sha256=SHA256)
    with pytest.raises(InvalidRequest, match="sign in to no share"):
        old.agent(source=unc, source_username="u", source_password="p", sha256=SHA256)


def test_another_run_of_setup_is_waited_for_until_the_deadline() -> None:
    windows = Windows()
    windows.setup_codes = [41, 41, 0]
    assert windows.agent(source=SOURCE, stack="classic").changed
    assert len(windows.programs.ran("unifiedagent")) == 3
    late = Windows()
    late.setup_codes = [41] * 1000
    with pytest.raises(VendorFailed) as caught:
        late.agent(source=SOURCE, stack="classic")
    assert caught.value.details["exit_code"] == 41
    assert 600 <= late.clock.now < 700
    assert late.ours() == []


def test_an_unknown_code_carries_its_log() -> None:
    windows = Windows()
    windows.write(SETUP_LOG, b"".join(b"old line %d\r\n" % number for number in range(100)))
    windows.setup_codes = [4711]
    with pytest.raises(VendorFailed) as caught:
        windows.agent(source=SOURCE)
    error = caught.value
    assert (error.details["exit_code"], error.details["log_path"], error.details["log_tail"]) == (
        4711,
        SETUP_LOG,
        ["a line of this run"],
    )
    assert "the machine is as it was" in error.msg
    assert error.changed is False


def test_warnings_and_restarts_are_told() -> None:
    windows = Windows()
    windows.setup_codes = [3010]
    outcome = windows.agent(source=SOURCE, stack="classic")
    assert (outcome.values["reboot_advised"], outcome.values["reboot_required"]) == (True, False)
    pending = Windows()
    pending.setup_codes = [62]
    with pytest.raises(VendorFailed) as caught:
        pending.agent(source=SOURCE)
    assert [item.id for item in caught.value.findings] == ["95224"]
    assert caught.value.details["reboot_required"] is True
    half_done = Windows()
    half_done.setup_codes = [97]
    half_done.errors = json.dumps({"Errors": [{"error_name": "ASRMobilityServiceInstallerSuccessfulMandatoryReboot"}]})
    with pytest.raises(VendorFailed) as caught:
        half_done.agent(source=SOURCE)
    assert (caught.value.details["exit_code"], caught.value.details["reboot_required"]) == (97, True)


def test_what_fails_after_the_program_ran_does_not_hide_its_change() -> None:
    windows = Windows()

    def lost(parameters: Any, piped: Any) -> Any:
        if str(parameters["LiteralPath"]).endswith("errors.json"):
            raise ConnectionLost("the link to win01 failed")
        return windows._content(parameters, piped)

    windows.session.machine.on("Get-Content", lost)
    assert windows.agent(source=SOURCE, stack="classic").changed

    def kept(parameters: Any, piped: Any) -> Any:
        if str(parameters["LiteralPath"]).endswith("secret") and windows.seen_secret:
            raise ConnectionLost("the link to win01 failed")
        return windows._remove(parameters, piped)

    windows.session.machine.on("Remove-Item", kept)
    with pytest.raises(ConnectionLost) as caught:
        windows.register(configuration_server="10.0.0.5", passphrase=SECRET)
    assert caught.value.changed is True


def test_the_stack_is_read_and_never_guessed() -> None:
    windows = Windows()
    windows.agent(source=SOURCE, stack="classic")
    windows.registry[reading.INMAGE_KEY.lower()]["PostInstallActions"] = "Failed"
    for key in (reading.INMAGE_KEY, reading.UNINSTALL_KEYS[0]):
        for name in ("InstallDirectory", "InstallLocation"):
            windows.registry[key.lower()].pop(name, None)
    assert windows.agent(check_mode=True, source=SOURCE).values["agent"]["stack"] == "classic"
    windows.files[CONF.lower()] = b"[vxagent]\r\n"
    predicted = windows.agent(check_mode=True, source=SOURCE)
    assert (predicted.values["action"], predicted.values["agent"]["stack"]) == ("finish", None)
    assert predicted.diff is not None
    assert predicted.diff.after["stack"] == "modernized"


def test_an_old_machine_of_azure_is_known_by_wmic() -> None:
    windows = Windows(old=True)
    windows.programs.on("wmic", lambda run: f"\r\n\r\nSMBIOSAssetTag={AZURE_ASSET_TAG}\r\n")
    assert windows.agent(check_mode=True, source=SOURCE, sha256=SHA256, platform="Azure").changed


def test_a_provider_that_is_required() -> None:
    windows = Windows()
    with pytest.raises(VendorFailed, match="its VSS provider is not"):
        windows.agent(source=SOURCE, stack="classic", vss="require")
    with pytest.raises(NotPossible, match="asr_vss_provider"):
        windows.agent(vss="require")
    assert not windows.agent().changed


def test_success_without_an_agent_is_a_failure() -> None:
    windows = Windows()
    windows.programs.on("unifiedagent", lambda run: 0)
    with pytest.raises(VendorFailed, match="but no agent is installed"):
        windows.agent(source=SOURCE)


def test_another_uninstallation_is_waited_for() -> None:
    windows = Windows()
    windows.agent(source=SOURCE, stack="classic")
    windows.setup_codes = [1618, 0]
    assert windows.agent(state="absent").changed


def test_folders_of_killed_runs_are_removed() -> None:
    windows = Windows()
    left = f"c:\\windows\\temp\\{folders.PREFIX}{'0' * 8}-77-{'a' * 16}"
    other = f"c:\\windows\\temp\\{folders.PREFIX}mine"
    windows.folders |= {left, other}
    windows.write(f"{left}\\secret", SECRET.encode())
    windows.agent(state="absent", check_mode=True)
    assert left in windows.folders
    windows.agent(state="absent")
    assert windows.folders == {other}
    assert windows.ours() == [other]


def test_setup_of_a_killed_run_is_waited_for() -> None:
    windows = Windows()
    windows.folders.add(f"c:\\windows\\temp\\{folders.PREFIX}{folders.controller()}-1-{'a' * 16}")
    windows.running = ["UnifiedAgent", "UnifiedAgent"]
    windows.agent(state="absent")
    assert windows.clock.now == 10
    windows.running = ["UnifiedAgent"] * 100
    with pytest.raises(TimedOut, match="another run"):
        windows.agent(state="absent")


def test_a_lost_link_cleans_up_as_far_as_it_goes() -> None:
    windows = Windows()
    windows.boom = True
    with pytest.raises(ConnectionLost) as caught:
        windows.agent(source=SOURCE)
    assert caught.value.changed is True
    assert windows.ours() == []


def test_the_package_of_a_setup_that_goes_on_stays_for_it() -> None:
    windows = Windows()

    def late(run: Run) -> int:
        raise TimedOut("UnifiedAgent.exe goes on", goes_on=True)

    windows.programs.on("unifiedagent", late)
    with pytest.raises(TimedOut) as caught:
        windows.agent(source=SOURCE, timeout_seconds=60)
    assert caught.value.changed is True
    assert [path for path in windows.ours() if path.endswith("unifiedagent.exe")]
    assert windows.programs.ran("unifiedagent")[0].timeout_seconds == 600


def test_a_passphrase_file_of_the_machine_stays() -> None:
    windows = Windows()
    windows.agent(source=SOURCE, stack="classic")
    with pytest.raises(NotFound):
        windows.register(configuration_server="10.0.0.5", passphrase_path="C:\\p.txt")
    windows.write("C:\\p.txt", SECRET.encode())
    assert windows.register(configuration_server="10.0.0.5", passphrase_path="C:\\p.txt").changed
    assert windows.files["c:\\p.txt"] == SECRET.encode()
    assert SECRET not in repr(windows.session.invocations)


def test_the_info() -> None:
    windows = Windows()
    sessions = MachineSessions(session=windows.session)
    assert install.show(machine_request(sessions)).values["agent"]["installed"] is False
    windows.agent(source=SOURCE, stack="classic")
    windows.registry[next(iter(reading.PENDING)).lower()] = {}
    agent = install.show(machine_request(sessions)).values["agent"]
    assert (agent["installed"], agent["pending_reboot_reasons"], agent["stack"]) == (True, ["servicing"], "classic")
    assert agent["services"] == [{"name": "svagents", "state": "running", "start": None}]


def test_lines_of_this_attempt() -> None:
    assert new_lines(["a", "b"], ["a", "b", "c"]) == ("c",)
    assert new_lines(["a", "b", "c"], ["b", "c", "d"]) == ("d",)
    assert new_lines([], ["a"]) == ("a",)
    assert new_lines(["a"], ["a"]) == ()
    assert new_lines(["a"], ["x", "y"]) == ("x", "y")
