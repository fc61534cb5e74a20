# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Linux machines: Ansible reaches every system, in every way to sign in, and nothing is left of them."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hyperv_lab.guests.linux import packages
from hyperv_lab.guests.linux.rows import ROWS
from integration.harness import base_address, kill, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from integration.harness import Lab

pytestmark = pytest.mark.lab
SECRET = "Lab-Passphrase-1"
WAYS = (
    {"become": "none", "sign_in": "password"},
    {"become": "sudo", "sign_in": "password"},
    {"become": "sudo_nopasswd", "sign_in": "key"},
    {"become": "none", "sign_in": "key"},
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    machines = [{"name": name, "os": name, **WAYS[number % len(WAYS)]} for number, name in enumerate(ROWS)]
    yield from serve({"linux_machines": machines}, tmp_path_factory.mktemp("lab"))


def test_every_system_answers_as_root(lab: Lab) -> None:
    run = lab.tasks("linux_machines", {"name": "who", "raw": "id -u; hostname; test ! -e /usr/bin/python3"})
    assert run.code == 0, run.output
    for name in ROWS:
        assert run.one("who", name)["stdout_lines"][-2:] == ["0", name]
    told = {line["host"] for line in lab.journal() if line["event"] == "command"}
    assert told == set(ROWS)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Serve machines for what goes wrong, and a configuration server for their agents."""
    base = base_address().rpartition(".")[0]
    fleet = {
        "asr": {
            "configuration_servers": [{"name": "cs01", "address": f"{base}.200", "port": 4443, "passphrase": SECRET}]
        },
        "linux_machines": [
            {"name": "nosftp", "os": "rhel-7.9", "defects": ["sftp_off"]},
            {"name": "nopassword", "os": "ubuntu-20.04", "defects": ["password_login_off_by_drop_in"]},
            {"name": "broken", "os": "debian-8"},
            {"name": "sudoer", "os": "sles-12.5", "become": "sudo"},
            {"name": "agent", "os": "ubuntu-18.04"},
            {"name": "faulty", "os": "debian-9", "faults": [{"command": 1}]},
        ],
    }
    yield from serve(fleet, tmp_path_factory.mktemp("odd"))


def _ssh(lab: Lab, name: str, command: str, *, data: bytes = b"", program: str = "ssh") -> tuple[int, str]:
    """Run a command on a machine as root with the lab's key; ``sftp`` takes its orders as data."""
    about = _variables(lab, name)
    options = ["-i", str(lab.workdir / "linux/client_key"), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]
    options += shlex.split(about["ansible_ssh_common_args"])
    where = f"root@{about['ansible_host']}"
    words = ["-p", "2222", *options, where, command] if program == "ssh" else ["-P", "2222", "-b", "-", *options, where]
    done = subprocess.run([program, *words], input=data, capture_output=True, check=False, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode()


def _variables(lab: Lab, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(lab.inventory.read_text(encoding="utf-8"))["all"]["hosts"][name]
    return found


def test_sftp_is_there_unless_it_was_taken_away(odd: Lab) -> None:
    assert _ssh(odd, "broken", "", data=b"ls /etc\n", program="sftp")[0] == 0
    assert _ssh(odd, "nosftp", "", data=b"ls /etc\n", program="sftp")[0] != 0
    assert _ssh(odd, "nosftp", "sshd -T | grep -i subsystem")[0] == 1


def test_a_drop_in_takes_password_logins_away(odd: Lab) -> None:
    assert _ssh(odd, "nopassword", "true")[0] == 0
    by_password: dict[str, Any] = {"ansible_ssh_private_key_file": None, "ansible_password": "Lab-Root-1!"}
    run = odd.tasks("nopassword", {"name": "in", "raw": "true"}, **by_password)
    assert run.one("in")["_status"] == "unreachable", run.output
    assert "passwordauthentication no" in _ssh(odd, "nopassword", "sshd -T")[1]


def test_a_restart_with_a_broken_file_stops_the_service(odd: Lab) -> None:
    about = _variables(odd, "broken")
    where = (about["ansible_host"], about["ansible_port"])
    broken = "cp /etc/ssh/sshd_config ~/kept; echo Nonsense yes >>/etc/ssh/sshd_config; systemctl restart ssh"
    mended = "read go; cp ~/kept /etc/ssh/sshd_config; systemctl start ssh"
    session = subprocess.Popen(
        _words(odd, "broken", f"{broken}; echo $?; {mended}"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert session.stdout is not None
    assert session.stdout.readline().strip() == "1"
    time.sleep(0.5)  # the lab hears of the stop from the machine
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where, timeout=5)
    assert odd.state()["linux_machines"]["broken"]["sshd_config_valid"] is False
    session.communicate("go\n", timeout=30)
    assert session.returncode == 0
    assert _ssh(odd, "broken", "systemctl is-active ssh")[0] == 0


def _words(lab: Lab, name: str, command: str) -> list[str]:
    about = _variables(lab, name)
    key = ["-i", str(lab.workdir / "linux/client_key"), "-o", "BatchMode=yes"]
    return [
        "ssh",
        "-p",
        "2222",
        *key,
        *shlex.split(about["ansible_ssh_common_args"]),
        f"root@{about['ansible_host']}",
        command,
    ]


def test_sudo_asks_for_the_right_password(odd: Lab) -> None:
    assert odd.tasks("sudoer", {"name": "who", "raw": "id -u"}).one("who")["stdout_lines"][-1] == "0"
    wrong = odd.tasks("sudoer", {"name": "who", "raw": "id -u"}, ansible_become_password="Lab-Wrong-1!")
    assert wrong.one("who")["_status"] != "ok"


def test_a_fault_drops_the_connection_once(odd: Lab) -> None:
    assert _ssh(odd, "faulty", "sleep 5; echo through")[0] == 255
    assert _ssh(odd, "faulty", "echo through") == (0, "through\n")


def test_a_killed_setup_leaves_half_an_agent_and_the_next_one_ends_well(odd: Lab) -> None:
    package = packages.content("9.55.6765.1", "UBUNTU-18.04-64")
    assert _ssh(odd, "agent", "mkdir /opt/p && tar -xzf - -C /opt/p", data=package)[0] == 0
    setup = "cd /opt/p && ./install -q -r MS -v VmWare -c CSLegacy"
    _ssh(odd, "agent", f"{setup} >/dev/null 2>&1 & sleep 0.6; kill -9 $!")
    half = odd.state()["linux_machines"]["agent"]["agent"]
    assert (half["installed"], half["unfinished"]) == (False, True)
    at_work = f"{setup} & sleep 0.3; ./install -q -r MS -v VmWare; echo second $?; wait $!; echo first $?"
    said = _ssh(odd, "agent", f"cd /opt/p; {at_work}")[1]
    assert "second 41" in said
    assert "first 0" in said
    server = odd.state()["asr_servers"]["cs01"]
    configure = "/usr/local/ASR/Vx/bin/UnifiedAgentConfigurator.sh -q -c CSLegacy"
    command = f"cat >~/p && {configure} -i {server['address']} -p 4443 -P ~/p; echo $?; rm ~/p"
    assert _ssh(odd, "agent", command, data=b"wrong\n")[1] == "14\n"
    assert _ssh(odd, "agent", command, data=SECRET.encode() + b"\n")[1] == "0\n"
    state = odd.state()
    whole = state["linux_machines"]["agent"]["agent"]
    assert (whole["times_installed"], whole["times_registered"], whole["registered"]) == (1, 1, True)
    assert state["asr_servers"]["cs01"]["registered"]["agent"]["times"] == 1
    assert SECRET not in json.dumps(odd.journal())


def test_nothing_is_left_when_the_lab_ends(tmp_path: Path) -> None:
    for lab in serve({"linux_machines": [{"name": "lin01", "os": "debian-9"}]}, tmp_path):
        lab.tasks("lin01", {"name": "stay", "raw": "nohup sleep 7654 >/dev/null 2>&1 & sleep 1; echo started"})
        assert _with("sleep\x007654")
        kill(lab.process, signal.SIGTERM)
        assert not _with("sleep\x007654")
        assert not _with(str(tmp_path / "linux"))
        assert not (tmp_path / "linux").exists()
        assert str(tmp_path) not in Path("/proc/self/mounts").read_text(encoding="utf-8")


def _with(words: str) -> list[str]:
    """Return the processes of this machine whose command line holds the words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if words in line:
            found.append(line)
    return found
