# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on Linux: the scripts run for real, by this machine's ``sh``, in a tree of the test."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent import (
    folders,
    install,
    linux_machine,
    registration,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.linux_machine import LinuxMachine
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.machine import VendorFailed
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    InvalidRequest,
    MobilityError,
    NotFound,
    NotPossible,
    RemoteError,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_programs import LocalShell, MachineSessions, machine_request
from unit.fake_session import FakeClock

NAME = "Microsoft-ASR_UA_9.55.6765.1_UBUNTU-18.04-64_GA_15Aug2023_release.tar.gz"
SECRET = "Very-Secret-42"
INSTALL = r"""#!/bin/sh
echo "install $*" >>"$ROOT/calls"
echo "line of this run" >>"$ROOT/var/log/ua_install.log"
while [ $# -gt 0 ]; do if [ "$1" = -e ]; then errors=$2; fi; shift; done
if [ -f "$ROOT/json" ]; then cp "$ROOT/json" "$errors"; fi
if [ -f "$ROOT/busy" ]; then rm "$ROOT/busy"; exit 41; fi
if [ -f "$ROOT/fails" ]; then exit "$(cat "$ROOT/fails")"; fi
mkdir -p "$ROOT/usr/local/ASR/Vx/bin" "$ROOT/usr/local/ASR/Vx/etc"
cp configurator "$ROOT/usr/local/ASR/Vx/bin/UnifiedAgentConfigurator.sh"
cp uninstall "$ROOT/usr/local/ASR/uninstall.sh"
printf 'VERSION=9.55.0.0\nBUILD_TAG=RELEASE_9.55.0.0_GA_6765_Aug_15_2023_INMAGE\nINSTALLATION_DIR=/usr/local/ASR/Vx\n' \
  >"$ROOT/usr/local/.vx_version"
printf '[vxagent]\nHostId=1\nCSType=CSLegacy\nVmPlatform=VmWare\nRole=MS\nPass=hidden\n' \
  >"$ROOT/usr/local/ASR/Vx/etc/drscout.conf"
echo installed
exit "$(cat "$ROOT/code" 2>/dev/null || echo 0)"
"""
CONFIGURATOR = r"""#!/bin/sh
echo "configurator $*" >>"$ROOT/calls"
while [ $# -gt 0 ]; do
  case $1 in
    -i) server=$2; shift ;;
    -P) file=$2; shift ;;
  esac
  shift
done
ls -l "$file" | cut -c1-10 >"$ROOT/mode"
if [ -f "$ROOT/silent" ]; then exit 0; fi
if [ "$(cat "$file")" != Very-Secret-42 ]; then echo "wrong: $(cat "$file")"; exit 14; fi
echo "AGENT_CONFIGURATION_STATUS=Succeeded" >>"$ROOT/usr/local/.vx_version"
printf 'Hostname=%s\nPort=443\n' "$server" >>"$ROOT/usr/local/ASR/Vx/etc/drscout.conf"
"""
UNINSTALL = r"""#!/bin/sh
echo "uninstall $*" >>"$ROOT/calls"
if [ -f "$ROOT/locked" ]; then exit 1; fi
rm -rf "$ROOT/usr/local/.vx_version" "$ROOT/usr/local/ASR"
"""


def package(path: Path, **files: str) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            data = text.encode()
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    return path


class Linux:
    """A machine that is a folder."""

    def __init__(self, folder: Path, shell: tuple[str, ...] = ("sh",)) -> None:
        self.root = folder
        for name in ("var/tmp", "var/log", "etc", "usr/local", "proc", "sys/class/dmi/id"):
            (folder / name).mkdir(parents=True)
        (folder / "etc/lsb-release").write_text("DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=18.04\n")
        (folder / "var/log/ua_install.log").write_text("a line of an earlier run\n")
        self.shell = LocalShell(folder, shell=shell, environment={"ROOT": str(folder)})
        self.source = package(folder / NAME, install=INSTALL, configurator=CONFIGURATOR, uninstall=UNINSTALL)

    def agent(self, check_mode: bool = False, **arguments: Any) -> Outcome:
        given = {"state": "present", "platform": "VmWare", "vss": "warn", "timeout_seconds": 60, **arguments}
        return self._task(install.operate, given, check_mode)

    def registration(self, check_mode: bool = False, **arguments: Any) -> Outcome:
        given = {"state": "present", "timeout_seconds": 60, **arguments}
        return self._task(registration.operate, given, check_mode)

    def _task(self, operate: Callable[..., Outcome], given: dict[str, Any], check_mode: bool) -> Outcome:
        request = machine_request(MachineSessions(shell=self.shell), check_mode=check_mode, **given)
        try:
            return operate(request, clock=FakeClock())
        finally:
            assert self.left() == []

    def left(self) -> list[str]:
        return [path.name for path in (self.root / "var/tmp").iterdir()]

    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def set(self, name: str, text: str = "") -> None:
        (self.root / name).write_text(text)


SHELLS = [("sh",), ("bash", "--posix"), ("busybox", "sh")]


@pytest.fixture(params=[shell for shell in SHELLS if shutil.which(shell[0])], ids=lambda shell: str(shell[0]))
def linux(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Linux:
    machine = Linux(tmp_path, request.param)

    def machine_of(request: Any, **_options: Any) -> LinuxMachine:
        return LinuxMachine(request.sessions.posix(), root=str(tmp_path))

    monkeypatch.setattr(install, "machine_of", machine_of)
    monkeypatch.setattr(registration, "machine_of", machine_of)
    return machine


def test_a_life(linux: Linux) -> None:
    predicted = linux.agent(check_mode=True, source=str(linux.source), stack="classic")
    assert (predicted.changed, linux.calls()) == (True, [])
    first = linux.agent(source=str(linux.source), stack="classic")
    assert first.diff == predicted.diff
    agent = first.values["agent"]
    assert (first.changed, first.values["action"], agent["version"], agent["stack"]) == (
        True,
        "install",
        "9.55.6765.0",
        "classic",
    )
    assert not linux.agent(source=str(linux.source)).changed
    assert not linux.agent(source=str(linux.source), state="latest").changed
    assert linux.calls() == [f"install -q -r MS -v VmWare -c CSLegacy -e {linux.calls()[0].rpartition(' ')[2]}"]

    server: dict[str, Any] = {"configuration_server": "10.0.0.5", "passphrase": SECRET}
    assert linux.registration(check_mode=True, **server).changed
    done = linux.registration(**server)
    assert done.values["agent"]["server"] == {"address": "10.0.0.5", "port": 443}
    assert (linux.root / "mode").read_text().strip() == "-rw-------"
    assert not linux.registration(**server).changed
    with pytest.raises(NotPossible, match=r"registered with 10\.0\.0\.5:443"):
        linux.registration(configuration_server="10.0.0.6", passphrase=SECRET, replace=False)

    gone = linux.agent(state="absent")
    assert (gone.changed, gone.values["agent"]["installed"]) == (True, False)
    assert not linux.agent(state="absent").changed
    assert [call.split()[0] for call in linux.calls()] == ["install", "configurator", "uninstall"]


def test_the_secret_is_in_no_argument_and_in_no_file_that_stays(linux: Linux) -> None:
    linux.agent(source=str(linux.source), stack="classic")
    with pytest.raises(VendorFailed) as caught:
        linux.registration(configuration_server="10.0.0.5", passphrase="Not-The-One-77")
    assert caught.value.details["exit_code"] == 14
    assert "the machine is as it was" in caught.value.msg
    linux.registration(configuration_server="10.0.0.5", passphrase=SECRET)
    secrets = (SECRET, "Not-The-One-77")
    assert not [run for run in linux.shell.runs if any(secret in run.line for secret in secrets)]
    assert sum(run.secret for run in linux.shell.runs) == 2
    texts = [path.read_bytes() for path in linux.root.rglob("*") if path.is_file() and path.name != NAME]
    scripts = [text for text in texts if b"Very-Secret-42 ]" not in text]  # the stand-in knows it by itself
    assert not [text for text in scripts if any(secret.encode() in text for secret in secrets)]


def test_success_without_a_registration_is_a_failure(linux: Linux) -> None:
    linux.agent(source=str(linux.source), stack="classic")
    linux.set("silent")
    with pytest.raises(VendorFailed, match="but the agent is not registered"):
        linux.registration(configuration_server="10.0.0.5", passphrase=SECRET)


def test_an_unknown_code_carries_its_log(linux: Linux) -> None:
    linux.set("fails", "77")
    with pytest.raises(VendorFailed) as caught:
        linux.agent(source=str(linux.source))
    error = caught.value
    assert (error.details["exit_code"], error.details["log_path"]) == (77, "/var/log/ua_install.log")
    assert error.details["log_tail"] == ["line of this run"]
    assert error.changed is False


def test_the_errors_json_is_read(linux: Linux) -> None:
    linux.set("fails", "97")
    linux.set("json", '{"Errors":[{"error_name":"ASRMobilityServiceGrubDeviceNameChange","error_params":{},'
                      '"default_message":"x"}]}')  # fmt: skip
    with pytest.raises(VendorFailed) as caught:
        linux.agent(source=str(linux.source))
    assert [item.id for item in caught.value.findings] == ["95320"]


def test_a_warning_is_told(linux: Linux) -> None:
    linux.set("code", "98")
    linux.set("json", '{"Errors":[{"error_name":"ASRMobilityServiceInstallerSuccessfulRecommendedReboot",'
                      '"error_params":{},"default_message":"x"}]}')  # fmt: skip
    outcome = linux.agent(source=str(linux.source), stack="classic")
    assert outcome.values["reboot_advised"] is True
    assert [item["id"] for item in outcome.values["findings"]] == ["95265"]
    assert outcome.warnings


def test_another_run_of_setup_is_waited_for(linux: Linux, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_machine, "INSTALL", linux_machine.INSTALL.replace("sleep 5", "sleep 0"))
    linux.set("busy")
    assert linux.agent(source=str(linux.source), stack="classic").changed
    assert len(linux.calls()) == 2


def test_a_locked_uninstallation_is_a_failure(linux: Linux) -> None:
    linux.agent(source=str(linux.source), stack="classic")
    linux.set("locked")
    with pytest.raises(VendorFailed) as caught:
        linux.agent(state="absent")
    assert caught.value.details["exit_code"] == 1


def test_a_file_of_the_controller_is_brought_and_verified(linux: Linux, tmp_path: Path) -> None:
    assert linux.agent(local_path=str(linux.source), stack="classic").changed
    with pytest.raises(InvalidRequest, match="SHA-256"):
        linux.agent(local_path=str(linux.source), sha256="0" * 64)
    with pytest.raises(InvalidRequest, match="no file"):
        linux.agent(local_path=str(tmp_path / NAME.replace("15Aug", "16Aug")))


def test_a_file_that_changed_on_the_way_is_refused(linux: Linux, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(local_path: str, remote_path: str) -> None:
        Path(remote_path).write_bytes(Path(local_path).read_bytes()[:-10])

    monkeypatch.setattr(linux.shell, "put", put)
    with pytest.raises(RemoteError, match="damaged") as caught:
        linux.agent(local_path=str(linux.source))
    assert caught.value.details["reason"] == "other_digest"


def test_a_copy_that_breaks_leaves_no_folder(linux: Linux, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(local_path: str, remote_path: str) -> None:
        Path(remote_path).write_bytes(b"half")
        raise RemoteError("SFTP ended")

    monkeypatch.setattr(linux.shell, "put", put)
    with pytest.raises(RemoteError, match="SFTP"):
        linux.agent(local_path=str(linux.source))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"no archive", "not_unpacked"), ("other", "not_an_installer"), (None, "no_source")],
)
def test_what_is_no_installer(linux: Linux, tmp_path: Path, content: bytes | str | None, reason: str) -> None:
    path = tmp_path / f"a/{NAME}"
    path.parent.mkdir()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        package(path, readme=content)
    with pytest.raises(MobilityError) as caught:
        linux.agent(source=str(path))
    assert caught.value.details["reason"] == reason
    assert isinstance(caught.value, NotFound) is (reason == "no_source")
    assert linux.calls() == []


@pytest.mark.parametrize("kind", ["path", "drop", "program"])
def test_a_second_start_of_a_run_leaves_the_first_one_s_folder_alone(linux: Linux, kind: str) -> None:
    """A connection that was lost and made again may start the same script twice."""
    folder = linux.root / "var/tmp/first"
    (folder / "drop").mkdir(parents=True)
    (folder / "pid").write_text("1\n")
    shutil.copy(linux.source, folder / "drop" / NAME)
    if kind == "program":
        done = linux.shell.run(linux_machine.RUN, "m", str(folder), "none", "0", "log", "/bin/true")
    else:
        source = NAME if kind == "drop" else str(linux.source)
        done = linux.shell.run(linux_machine.INSTALL, "m", str(folder), kind, source, "", "0", "log")
    assert "m refused no_folder" in done.stdout
    assert (folder / "drop" / NAME).exists()
    assert linux.calls() == []


def test_a_wrong_hash_stops_before_setup(linux: Linux) -> None:
    with pytest.raises(RemoteError, match="damaged"):
        linux.agent(source=str(linux.source), sha256="1" * 64)
    assert linux.calls() == []
    digest = hashlib.sha256(linux.source.read_bytes()).hexdigest()
    assert linux.agent(source=str(linux.source), sha256=digest.upper(), stack="classic").changed


def test_folders_that_killed_runs_left_are_removed_and_others_stay(linux: Linux) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = f"{folders.PREFIX}{folders.controller()}-{gone.pid}-{'a' * 16}"
    foreign = f"{folders.PREFIX}{'0' * 8}-1-{'b' * 16}"
    other = f"{folders.PREFIX}something-else"
    for name in (left, foreign, other):
        (linux.root / "var/tmp" / name).mkdir()
    (linux.root / "var/tmp" / left / "secret").write_text(SECRET)
    with pytest.raises(AssertionError):  # the fixture's own look: two are left on purpose
        linux.agent(state="absent")
    assert sorted(linux.left()) == sorted([foreign, other])
    old = 1_000_000_000
    os.utime(linux.root / "var/tmp" / foreign, (old, old))
    with pytest.raises(AssertionError):
        linux.agent(state="absent")
    assert linux.left() == [other]


def test_a_folder_whose_program_runs_is_busy(linux: Linux) -> None:
    name = folders.new_name()
    folder = linux.root / "var/tmp" / name
    folder.mkdir()
    process = subprocess.Popen(["sleep", "60"], cwd=folder)
    elsewhere = subprocess.Popen(["sleep", "60"], cwd="/")
    try:
        seen = {}
        for number in (process.pid, elsewhere.pid, 2**22 + 1):
            (folder / "pid").write_text(f"{number}\n")
            seen[number] = LinuxMachine(linux.shell, root=str(linux.root)).read().busy
        assert list(seen.values()) == [(name,), (), ()]
    finally:
        for started in (process, elsewhere):
            started.kill()
            started.wait()


def test_services_of_the_agent(linux: Linux) -> None:
    (linux.root / "etc/init.d").mkdir()
    for name, code in (("vxagent", 0), ("uarespawnd", 3)):
        script = linux.root / "etc/init.d" / name
        script.write_text(f"#!/bin/sh\nexit {code}\n")
        script.chmod(0o755)
    (linux.root / "proc/modules").write_text("ext4 1 0\ninvolflt 700416 0 - Live 0x0\n")
    state = LinuxMachine(linux.shell, root=str(linux.root)).read().state
    assert {service.name: service.state for service in state.services} == {
        "vxagent": "running",
        "uarespawnd": "stopped",
        "involflt": "running",
    }
