# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asr_push_probe: a real Samba and a scripted SMB2 server from the controller, the lab's machines from a server."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hyperv_lab.guests import smb2_responder, smb_server
from integration.harness import Lab, Run
from integration.scenario import changes, sent, task

HERE = "127.68.1.1"
PASSWORDS = {"asrpush": "Lab-Push-1!", "plain": "Lab-Plain-1!", "off": "Lab-Off-1!", "shut": "Lab-Shut-1!"}
ACCOUNTS = (
    smb_server.Account(name="asrpush", password=PASSWORDS["asrpush"]),
    smb_server.Account(name="plain", password=PASSWORDS["plain"], shares=()),
    smb_server.Account(name="off", password=PASSWORDS["off"], enabled=False),
    smb_server.Account(name="shut", password=PASSWORDS["shut"], locked=True),
)
SMB, RPC, CLOSED = 4445, 4135, 4139
WRONG = "Lab-Wrong-1!"


class Controller(Lab):
    """ansible-playbook with an inventory of its own: WinRM and SSH of these machines are nobody's."""

    def __init__(self, workdir: Path) -> None:
        machine = {"ansible_connection": "psrp", "ansible_host": HERE, "ansible_user": "x", "ansible_password": "y"}
        linux = {"ansible_connection": "ssh", "ansible_host": HERE}
        inventory = {"all": {"hosts": {"win01": machine, "lin01": linux}}}
        (workdir / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        (workdir / "group_vars").mkdir()
        variables = {"passwords": {**PASSWORDS, "wrong": WRONG}}
        (workdir / "group_vars" / "all.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
        super().__init__(workdir, subprocess.Popen(["true"], text=True))


@pytest.fixture(scope="module")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[smb_server.SambaServer]:
    """A file server, and something that listens where RPC would."""
    reason = smb_server.why_not()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("samba")
    for place in (folder, *folder.parents[:2]):
        place.chmod(0o755)  # the accounts have to reach their share
    with socket.create_server((HERE, RPC)), smb_server.serving(folder, HERE, SMB, ACCOUNTS) as server:
        yield server


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    """A controller without a lab."""
    return Controller(tmp_path)


def probe(lab: Lab, host: str, *, keywords: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    """Run the task with -vvv and return its result; no password is in the output."""
    run = lab.tasks(host, task("probe", "asr_push_probe", keywords=keywords, **arguments), arguments=("-vvv",))
    for password in (*PASSWORDS.values(), WRONG):
        assert password not in run.output
    return run.one("probe", host)


def ids(result: dict[str, Any]) -> list[str]:
    """Return the ids of the findings."""
    return [found["id"] for found in result["findings"]]


def ports(**more: int) -> dict[str, int]:
    """Return the ports of the test's machine."""
    return {"smb": SMB, "rpc": RPC, "netbios": CLOSED, **more}


@pytest.mark.parametrize("user", ["asrpush", "LAB\\asrpush", "asrpush@lab.test"])
def test_a_fine_account(controller: Controller, samba: smb_server.SambaServer, user: str) -> None:
    result = probe(controller, "win01", ports=ports(), username=user, password="{{ passwords.asrpush }}")
    assert result["_status"] == "ok", result
    assert (result["findings"], result["blocked"], result["undetermined"]) == ([], False, [])
    assert (result["changed"], result["login_attempts"], result["os"]) == (False, 1, "windows")
    assert result["share"]["done"] is True
    assert result["share"]["free_bytes"] > 0


@pytest.mark.parametrize(
    ("user", "share", "expected", "code"),
    [
        ("plain", "C$", "95517", "0xC0000022"),
        ("off", "C$", "95519", "0xC0000072"),
        ("shut", "C$", "95520", "0xC0000234"),
        ("asrpush", "D$", "95105", "0xC00000CC"),
    ],
)
def test_refusals_of_a_real_server(
    controller: Controller, samba: smb_server.SambaServer, user: str, share: str, expected: str, code: str
) -> None:
    password = f"{{{{ passwords.{user} }}}}"
    result = probe(controller, "win01", ports=ports(), username=user, password=password, share=share)
    assert ids(result) == [expected]
    assert code in result["findings"][0]["evidence"]
    assert (result["blocked"], result["login_attempts"]) == (True, 1)


@pytest.mark.exhaustive
def test_a_wrong_password_counts_once(controller: Controller, samba: smb_server.SambaServer) -> None:
    fine: dict[str, Any] = {"ports": ports(), "username": "asrpush", "password": "{{ passwords.asrpush }}"}
    assert ids(probe(controller, "win01", **fine)) == []
    assert samba.wrong_passwords("asrpush") == 0
    wrong = fine | {"password": "{{ passwords.wrong }}"}
    result = probe(controller, "win01", **wrong)
    assert (ids(result), result["login_attempts"]) == (["95107"], 1)
    assert samba.wrong_passwords("asrpush") == 1
    checked = probe(controller, "win01", keywords={"check_mode": True}, **wrong)
    assert (ids(checked), checked["changed"]) == (["95107"], False)
    assert samba.wrong_passwords("asrpush") == 2
    assert ids(probe(controller, "win01", **fine)) == []  # and takes the count back
    assert samba.wrong_passwords("asrpush") == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0xC000018D, "95518"),
        (0xC000018C, "95518"),
        (0xC000005E, "95521"),
        (0xC0000192, "95522"),
        (0xC00000BE, "95523"),
        (0xC00000CC, "95105"),
        (0xC000A199, "95107"),
    ],
)
def test_what_no_samba_answers(controller: Controller, status: int, expected: str) -> None:
    address = "127.68.1.2"
    with smb2_responder.responding(status, address, SMB) as server:
        result = probe(
            controller,
            "win01",
            os="windows",
            address=address,
            ports=ports(rpc=SMB),
            username="LAB\\asrpush",
            password="{{ passwords.asrpush }}",
        )
    assert (ids(result), server.sign_ins) == ([expected], 1)
    assert f"0x{status:08X}" in result["login"]["code"]


@pytest.mark.exhaustive
def test_ports_alone(controller: Controller) -> None:
    closed = ports(smb=4446, rpc=4136)
    result = probe(controller, "win01", ports=closed, os="windows", timeout_seconds=2)
    assert ids(result) == ["95117"]
    assert result["login_attempts"] == 0
    with socket.create_server((HERE, 4446)):
        assert ids(probe(controller, "win01", ports=closed, os="windows")) == ["95103"]
    with socket.create_server((HERE, 4447)):
        assert ids(probe(controller, "win01", ports=ports(smb=4446, rpc=4447))) == ["95105"]
    assert ids(probe(controller, "lin01", ports={"ssh": 4022, **closed})) == ["97118"]
    nowhere = probe(controller, "win01", address="no-such-name.invalid", os="windows")
    assert (ids(nowhere), nowhere["ports"][0]["state"]) == (["95117"], "no_name")


@pytest.mark.exhaustive
def test_a_server_that_never_answers(controller: Controller) -> None:
    with socket.create_server((HERE, 4448)), socket.create_server((HERE, 4449)):
        result = probe(
            controller,
            "win01",
            ports=ports(smb=4448, rpc=4449),
            username="asrpush",
            password="{{ passwords.asrpush }}",
            timeout_seconds=1,
        )
    assert (ids(result), result["login"]["problem"], result["login_attempts"]) == (["95105"], "timed_out", 0)


@pytest.mark.exhaustive
def test_bad_input(controller: Controller) -> None:
    for arguments in ({"username": "x"}, {"share": "C$\\x"}, {"timeout_seconds": 0}, {"ports": {"smb": 0}}):
        result = probe(controller, "win01", **arguments)
        assert (result["_status"], result["error"]["kind"]) == ("ignored", "invalid_request"), arguments


SERVERS = [
    {"name": "CS01", "os": "2016", "role": "configuration_server"},
    {"name": "PS01", "os": "2012R2", "language": "fr", "role": "process_server"},
]
DEFECTS = {
    "FINE": (None, []),
    "WMI": ("wmi_firewall_closed", ["95103"]),
    "SHARING": ("sharing_firewall_closed", ["95105"]),
    "STOPPED": ("server_service_stopped", ["95105"]),
    "NOSHARES": ("admin_shares_off", ["95105"]),
    "TOKEN": ("token_filter_absent", ["95517"]),
    "NOADMIN": ("push_account_no_admin", ["95517"]),
    "OFF": ("push_account_disabled", ["95519"]),
    "LOCKED": ("push_account_locked", ["95520"]),
}
FLEET: dict[str, Any] = {
    "windows_machines": [
        *SERVERS,
        *(
            {"name": name, "os": "2016", **({"defects": [defect]} if defect else {})}
            for name, (defect, _) in DEFECTS.items()
        ),
    ]
}
OF_SERVER: dict[str, Any] = {"from": "{{ server }}", "username": "asrpush", "password": "{{ passwords.asrpush }}"}


@pytest.fixture(scope="module")
def fleet_lab(module_lab: Lab) -> Lab:
    """The lab's machines, with the passwords in a file of variables."""
    (module_lab.workdir / "group_vars").mkdir(exist_ok=True)
    variables = {"passwords": {**PASSWORDS, "wrong": WRONG}}
    (module_lab.workdir / "group_vars" / "all.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    return module_lab


def all_of(lab: Lab, server: str, **arguments: Any) -> Run:
    """Probe every machine from a server."""
    given = {**OF_SERVER, "os": "windows", **arguments}
    return lab.tasks("all", task("probe", "asr_push_probe", **given), arguments=("-vvv",), server=server)


@pytest.mark.exhaustive
@pytest.mark.parametrize("server", ["cs01", "ps01"])
def test_each_defect_seen_from_a_server(fleet_lab: Lab, server: str) -> None:
    mark = len(fleet_lab.journal())
    run = all_of(fleet_lab, server)
    assert {name: ids(run.one("probe", name.lower())) for name in DEFECTS} == {
        name: expected for name, (_, expected) in DEFECTS.items()
    }
    new = fleet_lab.journal()[mark:]
    assert {line["host"] for line in new} == {server.upper()}, "a machine's own connection was opened"
    counts = sent(fleet_lab, mark)
    assert counts["New-PSDrive"] == sum(run.one("probe", name.lower())["login_attempts"] for name in DEFECTS) + 2
    assert counts["Remove-PSDrive"] == sum(
        run.one("probe", name.lower())["share"]["done"] for name in (*DEFECTS, "CS01", "PS01")
    )
    changed = {each["command"].rpartition("\\")[2] for each in changes(fleet_lab, mark)}
    assert changed == {"New-PSDrive", "Remove-PSDrive"}
    journal = (fleet_lab.workdir / "journal.jsonl").read_text(encoding="utf-8")
    assert PASSWORDS["asrpush"] not in run.output + journal


@pytest.mark.exhaustive
def test_a_wrong_password_from_a_server_counts_once(fleet_lab: Lab) -> None:
    mark = len(fleet_lab.journal())
    result = probe(fleet_lab, "fine", **{**OF_SERVER, "from": "cs01", "password": "{{ passwords.wrong }}"})
    assert (ids(result), result["login_attempts"]) == (["95107"], 1)
    assert "1326" in result["login"]["code"]
    assert sent(fleet_lab, mark)["New-PSDrive"] == 1
