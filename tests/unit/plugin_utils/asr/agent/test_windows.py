# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on Windows, over a machine of dictionaries: cmdlets and programs see the same files and registry."""

from __future__ import annotations

import hashlib
import ntpath
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import folders, install, registration
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import read_windows as reading
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.machine import VendorFailed
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
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import ProgramResult
from unit.fake_programs import FakePrograms, Handler, MachineSessions, Run, machine_request
from unit.fake_session import FakeClock, FakeSession, Refused

NAME = "Microsoft-ASR_UA_9.55.6765.1_Windows_GA_15Aug2023_release.exe"
SOURCE = f"C:\\Packages\\{NAME}"
CONTENT = b"installer"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SECRET = "Very-Secret-42"
MISSING = "PathNotFound,Microsoft.PowerShell.Commands.GetItemPropertyCommand"
AGENT = "C:\\Program Files (x86)\\Microsoft Azure Site Recovery\\agent"
CONF = f"{AGENT}\\Application Data\\etc\\drscout.conf"
SETUP_LOG = "C:\\ProgramData\\ASRSetupLogs\\ASRUnifiedAgentInstaller.log"


class Windows:
    """Files and registry by lower-case path; vendor programs that do what their tests need."""

    def __init__(self, *, old: bool = False) -> None:
        self.registry: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.folders: set[str] = set()
        self.locked: list[str] = []
        self.setup_codes: list[int] = []
        self.errors = ""
        self.signature: tuple[str, str] = ("Valid", "CN=Microsoft Corporation, O=Microsoft Corporation, C=US")
        self.broken = False
        self.free = 10 * 1024**3
        self.seen_secret = ""
        self.boom = False
        version = {"CurrentVersion": "6.1"} if old else {
            "CurrentVersion": "6.3", "CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0,
        }  # fmt: skip
        self.registry[reading.WINDOWS_KEY.lower()] = version
        self.write(SOURCE, CONTENT)
        self.clock = FakeClock(on_sleep=self._time)
        self.pending: list[str] = []
        self.running: list[str] = []
        self.session = FakeSession(
            {
                "Get-ItemProperty": self._properties,
                "Get-Service": lambda parameters, piped: [{"Name": "svagents", "Status": "Running"}],
                "Test-Path": self._test,
                "Get-ChildItem": self._children,
                "Get-Content": self._content,
                "Get-Item": self._item,
                "New-Item": self._new,
                "Remove-Item": self._remove,
                "Get-Process": self._processes,
                "Get-Date": lambda parameters, piped: ["2026-11-21T15:00:00.0000000Z"],
                "Get-AuthenticodeSignature": self._signature,
                "Copy-Item": self._copy,
                "Invoke-WebRequest": self._download,
                "New-PSDrive": lambda parameters, piped: [{}],
                "Remove-PSDrive": lambda parameters, piped: [],
                "Get-PSDrive": lambda parameters, piped: [{"Free": str(self.free)}],
                "Get-CimInstance": self._enclosure(old),
            },
            host="win01",
        )
        self.programs = FakePrograms()
        answers: dict[str, Handler] = {
            "icacls": self._icacls,
            "sort": self._sort,
            "certutil": self._certutil,
            "wmic": lambda run: "\r\n\r\nSMBIOSAssetTag=7\r\n",
            NAME: self._extract,
            "unifiedagent": self._setup,
            "msiexec": self._msiexec,
            "unifiedagentconfigurator": self._configure,
        }
        for name, handler in answers.items():
            self.programs.on(name, handler)

    # --- what tests ask ---
    def agent(self, *, check_mode: bool = False, **arguments: Any) -> Outcome:
        given = {"state": "present", "platform": "VmWare", "vss": "warn", "timeout_seconds": 600, **arguments}
        return self._task(install.operate, given, check_mode)

    def register(self, *, check_mode: bool = False, **arguments: Any) -> Outcome:
        return self._task(registration.operate, {"state": "present", "timeout_seconds": 600, **arguments}, check_mode)

    def _task(self, operate: Callable[..., Outcome], given: dict[str, Any], check_mode: bool) -> Outcome:
        sessions = MachineSessions(windows=self.programs, session=self.session)
        return operate(machine_request(sessions, check_mode=check_mode, **given), clock=self.clock)

    def ours(self) -> list[str]:
        return [path for path in (*self.files, *self.folders) if folders.PREFIX in path]

    def commands(self) -> str:
        """Everything a log of the machine could show: parameters of cmdlets, command lines."""
        return repr(self.session.invocations) + "".join(run.line for run in self.programs.runs)

    def write(self, path: str, content: bytes) -> None:
        self.files[path.lower()] = content

    # --- cmdlets ---
    def _properties(self, parameters: Any, piped: Any) -> list[Any]:
        paths = parameters["LiteralPath"]
        found = [self.registry[path.lower()] for path in ([paths] if isinstance(paths, str) else paths)
                 if path.lower() in self.registry]  # fmt: skip
        if not found:
            raise Refused(MISSING)
        return found

    def _test(self, parameters: Any, piped: Any) -> list[Any]:
        paths = parameters["LiteralPath"]
        return [path.lower() in (self.files | self.registry | dict.fromkeys(self.folders))
                for path in ([paths] if isinstance(paths, str) else paths)]  # fmt: skip

    def _children(self, parameters: Any, piped: Any) -> list[Any]:
        if "Path" in parameters:
            return [{"Name": ntpath.basename(path), "LastWriteTimeUtc": "2026-11-21T14:00:00Z"}
                    for path in self.folders if folders.PREFIX in ntpath.basename(path)]  # fmt: skip
        base = parameters["LiteralPath"].lower() + "\\"
        return [{"Name": path[len(base) :], "Length": len(data)} for path, data in self.files.items()
                if path.startswith(base)]  # fmt: skip

    def _content(self, parameters: Any, piped: Any) -> list[Any]:
        path = parameters["LiteralPath"].lower()
        if path not in self.files:
            raise Refused("PathNotFound,Microsoft.PowerShell.Commands.GetContentCommand", "introuvable")
        return self.files[path].decode().splitlines()

    def _item(self, parameters: Any, piped: Any) -> list[Any]:
        path = parameters["LiteralPath"].lower()
        return [{"Length": len(self.files[path])}] if path in self.files else []

    def _new(self, parameters: Any, piped: Any) -> list[Any]:
        if parameters["ItemType"] == "Directory":
            self.folders.add(parameters["Path"].lower())
        else:
            self.write(parameters["Path"], b"")
        return [{}]

    def _remove(self, parameters: Any, piped: Any) -> list[Any]:
        gone = parameters["LiteralPath"].lower()
        self.folders.discard(gone)
        for path in [path for path in self.files if path == gone or path.startswith(gone + "\\")]:
            del self.files[path]
        return []

    def _processes(self, parameters: Any, piped: Any) -> list[Any]:
        return [{"Name": self.running.pop(0)}] if self.running else []

    def _signature(self, parameters: Any, piped: Any) -> list[Any]:
        return [{"Status": self.signature[0], "SignerCertificate": {"Subject": self.signature[1]}}]

    def _copy(self, parameters: Any, piped: Any) -> list[Any]:
        if self.broken:
            raise Refused("CopyFileInfoItemIOError,Microsoft.PowerShell.Commands.CopyItemCommand", "Pas de place")
        self.write(parameters["Destination"], CONTENT)
        return []

    def _download(self, parameters: Any, piped: Any) -> list[Any]:
        self.write(parameters["OutFile"], CONTENT)
        return []

    def _enclosure(self, old: bool) -> Callable[[Any, Any], list[Any]]:
        def read(parameters: Any, piped: Any) -> list[Any]:
            if old:
                raise Refused("CommandNotFoundException", terminating=True)
            return [{"SMBIOSAssetTag": "7"}]

        return read

    # --- programs ---
    def _icacls(self, run: Run) -> int:
        assert run.arguments[1] == "/inheritance:r"
        self.locked.append(run.arguments[0].lower())
        return 0

    def _sort(self, run: Run) -> int:
        path = run.arguments[-1].lower()
        assert path in self.locked
        assert run.secret
        self.files[path] = run.stdin
        return 0

    def _certutil(self, run: Run) -> str:
        data = hashlib.sha256(self.files[run.arguments[1].lower()]).hexdigest()
        return "Hachage SHA256 :\r\n" + " ".join(data[i : i + 2] for i in range(0, 64, 2)) + "\r\nCertUtil: fait\r\n"

    def _extract(self, run: Run) -> int:
        assert run.arguments[0] == "/q"
        self.pending = (
            [] if self.broken else [f"{run.arguments[1][3:]}\\{name}" for name in ("a.msi", "UnifiedAgent.exe")]
        )
        return 0

    def _time(self, _now: float) -> None:
        if self.pending:
            self.write(self.pending.pop(0), b"x" * 10)

    def _setup(self, run: Run) -> int | ProgramResult:
        if self.boom:
            raise ConnectionLost("the link to win01 failed")
        log = self.files.get(SETUP_LOG.lower(), b"")
        self.write(SETUP_LOG, log + b"a line of this run\r\n")
        if "/ValidationsOutputJsonFilePath" in run.arguments and self.errors:
            self.write(run.arguments[run.arguments.index("/ValidationsOutputJsonFilePath") + 1], self.errors.encode())
        code = self.setup_codes.pop(0) if self.setup_codes else 0
        if code in (0, 98, 3010):
            values = {"DisplayVersion": "9.55.6765.1", "InstallLocation": ntpath.dirname(AGENT)}
            self.registry[reading.UNINSTALL_KEYS[0].lower()] = values
            self.registry[reading.INMAGE_KEY.lower()] = {"InstallDirectory": AGENT, "PostInstallActions": "Succeeded"}
            self.write(CONF, b"[vxagent]\r\nCSType = CSLegacy\r\nVmPlatform = VmWare\r\nRole = MS\r\n")
        return code

    def _msiexec(self, run: Run) -> int:
        code = self.setup_codes.pop(0) if self.setup_codes else 0
        if code == 0:
            for key in (reading.UNINSTALL_KEYS[0], reading.INMAGE_KEY):
                self.registry.pop(key.lower(), None)
        return code

    def _configure(self, run: Run) -> int:
        options = dict(zip(run.arguments[::2], run.arguments[1::2], strict=True))
        path = options["/PassphraseFilePath"].lower()
        self.seen_secret = self.files[path].decode().strip()
        if self.boom:
            raise TimedOut("UnifiedAgentConfigurator.exe did not end")
        inmage = self.registry[reading.INMAGE_KEY.lower()]
        if self.seen_secret != SECRET:
            inmage["AgentConfigurationStatus"] = "Failed"
            return 14
        inmage["AgentConfigurationStatus"] = "Succeeded"
        self.write(CONF, self.files[CONF.lower()] + f"Hostname={options['/CSEndPoint']}\r\nPort=443\r\n".encode())
        return 0


@pytest.mark.parametrize("old", [False, True])
def test_a_life(old: bool) -> None:
    windows = Windows(old=old)
    options: dict[str, Any] = {"source": SOURCE, "stack": "classic", "sha256": SHA256}
    predicted = windows.agent(check_mode=True, **options)
    assert (predicted.changed, windows.programs.runs) == (True, [])
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
    assert windows.programs.runs == []


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
