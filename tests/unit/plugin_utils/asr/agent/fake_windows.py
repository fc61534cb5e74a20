# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows machine of dictionaries for tests of the agent: cmdlets and programs see the same files and registry."""

from __future__ import annotations

import hashlib
import ntpath
from collections.abc import Callable
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import folders, install, registration
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import read_windows as reading
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    ConnectionLost,
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
