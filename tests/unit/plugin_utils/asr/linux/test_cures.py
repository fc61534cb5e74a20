# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps cure what, what each sends to the machine, and what taking them back accepts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import preflight
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux.patient import LinuxPatient
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux.read import script
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux.sections import cksum
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.patient import Wanted
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, RemoteError
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import ProgramResult
from unit.fake_programs import FakeShell, MachineSessions, Run, machine_request
from unit.plugin_utils.asr.linux import machines
from unit.plugin_utils.asr.linux.machines import Told, healthy

CONFIG = "/etc/ssh/sshd_config"
START = "".join(script(name) for name in ("common", "service", "start_sshd"))
SSHD = "".join(script(name) for name in ("common", "service", "edit_sshd"))
GRUB = "".join(script(name) for name in ("common", "edit_grub"))
LINES = "lines /boot/grub2/grub.cfg"


def printed(told: Told, marker: str) -> str:
    """What the reading script prints of such a machine."""
    parts = [f"text {path} {cksum(text.encode())}\n{text}" for path, text in told.files.items()]
    for name, answer in told.answers.items():
        parts += [f"run {name}\n{answer.text}", f"exit {name} {answer.exit_code}\n"]
    parts += [f"value {name}\n{text}" for name, text in told.values.items()]
    return "a banner\n" + "".join(f"\n{marker} {part}" for part in [*parts, "value end\n"])


class Machine:
    """A machine whose files and answers the scripts change as the real ones would."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.shell = FakeShell()
        self.shell.on(script("read"), lambda run: printed(self.told, run.arguments[0]))
        self.shell.on(START, self._start).on(SSHD, self._sshd).on(GRUB, self._grub)
        self.refusal: str | None = None

    def _start(self, run: Run) -> int:
        assert run.arguments[1] == f"{CONFIG}.asr-due"
        self.told = self.told.answer("systemd sshd", "active\n").value("sshd-due", None)
        return 0

    def _sshd(self, run: Run) -> ProgramResult | int:
        if self.refusal:
            return ProgramResult(exit_code=1, stderr=self.refusal + "\n")
        path, old, length, suffix = run.arguments[:4]
        assert (path, old) == (CONFIG, cksum(self.told.files[CONFIG].encode()))
        assert (int(length), suffix) == (len(run.stdin), "asr-20300102T030405Z")
        text = run.stdin.decode()
        self.told = self.told.file(CONFIG, text).answer("sshd-root", None).answer("sshd-global", None)
        return 0

    def _grub(self, run: Run) -> int:
        path, old, _length, _suffix, config, links = run.arguments[:6]
        assert links == "/dev/disk/by-uuid"
        assert old == cksum(self.told.files[path].encode())
        self.told = self.told.file(path, run.stdin.decode())
        if config:
            self.told = self.told.answer(LINES, f"linux /v root=UUID={machines.ROOT}\n")
        return 0

    def preflight(self, *, check: bool = False, **arguments: Any) -> Outcome:
        given = {"scopes": ["push", "agent", "register"], **arguments}
        request = machine_request(MachineSessions(shell=self.shell), check_mode=check, **given)
        clock = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
        wanted = Wanted(scopes=frozenset())
        return preflight.operate(request, patient=LinuxPatient(request.sessions, wanted, clock=lambda: clock))


def without_passwords() -> Told:
    text = machines.SSHD_CONFIG.replace("#PasswordAuthentication yes", "PasswordAuthentication no").replace(
        "Subsystem", "#Subsystem"
    )
    told = "port 22\npermitrootlogin yes\npasswordauthentication no\n"
    return healthy().file(CONFIG, text).answer("sshd-root", told).answer("sshd-global", told)


def ids(values: Mapping[str, Any]) -> list[str]:
    return [item["id"] for item in values["findings"]]


def test_safe_brings_sftp_and_leaves_the_password_alone() -> None:
    machine = Machine(without_passwords())
    predicted = machine.preflight(check=True, remediate=["safe"])
    assert not machine.shell.ran(SSHD)
    done = machine.preflight(remediate=["safe"])
    assert done.changed
    assert [item["cured"] for item in done.values["findings"]] == [True, False]
    assert [item["cured"] for item in predicted.values["findings"]] == [True, False]
    assert machine.told.files[CONFIG] == without_passwords().files[CONFIG].replace(
        "#Subsystem\tsftp\t", "Subsystem sftp "
    )
    assert machine.shell.ran(SSHD)[0].arguments[4:] == (f"subsystem sftp {machines.SFTP}",)


def test_naming_the_id_lets_root_in_and_undo_takes_it_back() -> None:
    before = without_passwords()
    machine = Machine(before)
    done = machine.preflight(remediate=["safe", "95108"])
    assert done.values["cured"] == ["95108"]
    assert done.diff is not None
    assert done.diff.after == {CONFIG: {"Subsystem sftp": machines.SFTP, "PasswordAuthentication": "yes"}}
    assert not machine.preflight(remediate=["safe", "95108"]).changed
    back = machine.preflight(undo=done.values["undo"])
    assert back.changed
    assert machine.told.files[CONFIG] == before.files[CONFIG].replace("#Subsystem\tsftp\t", "Subsystem sftp ")
    assert not machine.preflight(undo=done.values["undo"]).changed


def test_the_server_is_started_before_its_file_is_edited() -> None:
    machine = Machine(without_passwords().answer("systemd sshd", "inactive\n", 3))
    done = machine.preflight(remediate=["safe"])
    assert done.values["cured"] == ["95117"]
    assert [run.program for run in machine.shell.runs if run.program in (START, SSHD)] == [START, SSHD]


def test_a_restart_that_a_killed_run_left_due_is_made_up_for() -> None:
    machine = Machine(healthy().value("sshd-due", "yes"))
    done = machine.preflight(remediate=["safe"])
    assert (done.changed, done.values["cured"]) == (True, ["95108"])
    assert [run.arguments[0] for run in machine.shell.ran(START)] == ["restart"]
    assert not machine.preflight(remediate=["safe"]).changed
    assert not machine.preflight(undo=[{"id": "95108", "subject": "sshd", "details": {"does": "restart_sshd"}}]).changed


def test_grub_of_both_kinds_gets_uuids() -> None:
    machine = Machine(healthy().answer(LINES, "linux /v root=/dev/sda2 resume=/dev/sda3\n"))
    done = machine.preflight(remediate=["safe"])
    assert done.values["cured"] == ["95320"]
    (run,) = machine.shell.ran(GRUB)
    assert run.arguments[4] == "/boot/grub2/grub.cfg"
    assert run.arguments[6:] == (
        *("device", "root", "/dev/sda2", machines.ROOT),
        *("device", "resume", "/dev/sda3", machines.SWAP),
    )
    old = healthy("rhel-6.10").answer(LINES, None).file("/boot/grub/menu.lst", "kernel /v root=/dev/sda2\n")
    machine = Machine(old)
    assert machine.preflight(remediate=["95320"]).values["cured"] == ["95320"]
    assert machine.shell.ran(GRUB)[0].arguments[4] == ""
    assert machine.told.files["/boot/grub/menu.lst"] == f"kernel /v root=UUID={machines.ROOT}\n"


@pytest.mark.parametrize("key", ["root", "resume"])
def test_grub_without_a_file_that_could_be_generated_is_left_to_people(key: str) -> None:
    """On EFI machines of RHEL 7 the only grub.cfg is on the EFI partition."""
    device = "/dev/sda2" if key == "root" else "/dev/sda3"
    efi = healthy("rhel-7.9").answer(LINES, None).file("/etc/default/grub", f'GRUB_CMDLINE_LINUX="{key}={device}"\n')
    machine = Machine(efi)
    done = machine.preflight(remediate=["safe", "95320"])
    (found,) = [each for each in done.values["findings"] if each["id"] == "95320"]
    assert (found["cure"], found["cured"]) == ("manual", False)
    assert "no grub.cfg" in found["evidence"]
    assert (done.changed, machine.shell.ran(GRUB)) == (False, [])


def test_a_cure_that_the_machine_refuses_is_told_and_nothing_is_called_changed() -> None:
    machine = Machine(without_passwords())
    machine.refusal = "sshd refuses the new file: line 3"
    done = machine.preflight(remediate=["safe"])
    assert not done.changed
    assert any("line 3" in text for text in done.warnings)
    assert ids(done.values) == ["95108", "95108"]
    assert done.values["blocked"]


@pytest.mark.parametrize(
    "step",
    [
        {"id": "95117", "subject": "sshd", "details": {"does": "start_sshd"}},
        {"id": "95108", "subject": CONFIG, "details": {"does": "edit_sshd", "was": {"permitrootlogin": "Port 1\n"}}},
        {"id": "95108", "subject": CONFIG, "details": {"does": "edit_sshd", "was": {"port": "Port 1\n"}}},
        {
            "id": "95108",
            "subject": CONFIG,
            "details": {"does": "edit_sshd", "was": {"permitrootlogin": "PermitRootLogin no\nPort 1\n"}},
        },
        {"id": "95108", "subject": CONFIG, "details": {"does": "edit_sshd", "was": "no"}},
        {"id": "95108", "subject": CONFIG, "details": {}},
    ],
)
def test_undo_takes_nothing_that_is_not_its_own(step: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        Machine(healthy()).preflight(undo=[step])


def test_playbooks_see_what_the_machine_is_and_what_it_could_not_tell() -> None:
    facts = Machine(healthy()).preflight().values["facts"]
    expected = {"system": "redhat", "version": "7.9", "os_id": "RHEL7-64", "kernel": "3.10.0-1160.el7.x86_64"}
    assert {key: facts[key] for key in expected} == expected
    assert (facts["architecture"], facts["memory_mb"], facts["unread"]) == ("x86_64", 3950, ["Secure Boot"])
    told = healthy().answer("table sda", None).answer("ports", None).answer("systemd sshd", None)
    told = told.answer("systemd ssh", None).value("name lin01", "unknown")
    assert Machine(told).preflight().values["facts"]["unread"] == [
        "Secure Boot",
        "partition tables",
        "state of sshd",
        "ephemeral ports",
        "names",
    ]


def test_a_machine_that_is_not_read_as_root_is_named() -> None:
    with pytest.raises(InvalidRequest, match="user 1000; the preflight needs root"):
        Machine(healthy().value("uid", "1000")).preflight()


def test_a_shell_that_says_something_else_is_told() -> None:
    machine = Machine(healthy())
    machine.shell.on(script("read"), lambda run: ProgramResult(exit_code=127, stderr="sh: not found\n"))
    with pytest.raises(RemoteError, match="ended with 127 and said: sh: not found"):
        machine.preflight()


def test_a_server_that_is_no_host_is_refused_before_anything_is_sent() -> None:
    machine = Machine(healthy())
    request = machine_request(MachineSessions(shell=machine.shell))
    patient = LinuxPatient(request.sessions, Wanted(scopes=frozenset(), servers=(("*; reboot", 443),)))
    with pytest.raises(InvalidRequest):
        patient.read()
    assert machine.shell.runs == []
