# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asr_push_probe of Linux machines from the controller: one password, a known host key first, SFTP, root."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hyperv_lab.guests.ssh_responder import SshResponder, responding
from integration.harness import Lab
from integration.scenario import task
from integration.test_asr_push_probe import PASSWORDS, WRONG, Controller, ids, probe

pytestmark = pytest.mark.exhaustive

ADDRESS, PORT = "127.68.2.1", 4022


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    """A controller without a lab."""
    return Controller(tmp_path)


def known(folder: Path, server: SshResponder) -> str:
    """Write the server's host key down, as ssh-keyscan would."""
    path = folder / "known_hosts"
    key = server.key
    path.write_text(f"[{ADDRESS}]:{PORT} {key.get_name()} {key.get_base64()}\n", encoding="utf-8")
    return str(path)


def look(controller: Controller, server: SshResponder, **arguments: Any) -> dict[str, Any]:
    """Probe the server once with root's password."""
    given: dict[str, Any] = {"username": "root", "password": "{{ passwords.asrpush }}", "address": ADDRESS}
    given |= {"ports": {"ssh": PORT, "smb": 4446, "rpc": 4136, "netbios": 4139}}
    if "host_key" not in arguments and "known_hosts" not in arguments:
        given["known_hosts"] = known(controller.workdir, server)
    with responding(server, ADDRESS, PORT):
        return probe(controller, "lin01", **given, **arguments)


def root(**more: Any) -> SshResponder:
    """A server with the right password of root."""
    return SshResponder(password=PASSWORDS["asrpush"], **more)


def test_a_fine_machine(controller: Controller) -> None:
    server = root()
    result = look(controller, server)
    assert (result["_status"], result["findings"], result["undetermined"]) == ("ok", [], []), result
    assert (result["os"], result["uid"], result["login_attempts"]) == ("linux", 0, 1)
    assert result["sftp"]["done"] is True
    assert server.passwords == ["root"]


def test_a_wrong_password_goes_once(controller: Controller) -> None:
    server = SshResponder(password=WRONG)
    result = look(controller, server)
    assert (ids(result), result["login"]["problem"], result["login_attempts"]) == (["95108"], "refused", 1)
    assert server.passwords == ["root"]


def test_no_password_login(controller: Controller) -> None:
    for methods in ("publickey", "publickey,keyboard-interactive"):
        server = root(methods=methods)
        result = look(controller, server)
        assert (ids(result), result["login"]["problem"]) == (["95108"], "method_not_offered"), methods
        assert "publickey" in result["findings"][0]["evidence"]
        assert len(server.passwords) <= 1


def test_no_sftp(controller: Controller) -> None:
    result = look(controller, root(sftp=False))
    assert ids(result) == ["95108"]
    assert result["findings"][0]["subject"] == "SFTP"


def test_not_root(controller: Controller) -> None:
    server = SshResponder(username="deploy", password=PASSWORDS["asrpush"], uid=1000)
    with responding(server, ADDRESS, PORT):
        result = probe(
            controller,
            "lin01",
            address=ADDRESS,
            ports={"ssh": PORT},
            os="linux",
            username="deploy",
            password="{{ passwords.asrpush }}",
            host_key="any",
        )
    assert (ids(result), result["uid"]) == (["95525"], 1000)


def test_an_account_without_a_shell_goes_by_its_name(controller: Controller) -> None:
    result = look(controller, root(shell=False))
    assert (ids(result), result["uid"]) == ([], None)


def test_the_password_stays_here_without_a_known_host_key(controller: Controller, tmp_path: Path) -> None:
    server = root()
    nothing = tmp_path / "nothing"
    result = look(controller, server, known_hosts=str(nothing))
    assert (result["_status"], result["error"]["kind"]) == ("ignored", "authentication_failed"), result
    assert result["login"]["problem"] == "host_key_unknown"
    assert "SHA256:" in result["msg"]
    assert (server.passwords, result["login_attempts"]) == ([], 0)
    other = known(tmp_path, root())
    result = look(controller, server, known_hosts=other)
    assert result["login"]["problem"] == "host_key_changed"
    assert server.passwords == []
    assert ids(look(controller, server, host_key="any")) == []


def test_a_server_that_says_nothing(controller: Controller) -> None:
    result = look(controller, root(speaks=False), timeout_seconds=2)
    assert (ids(result), result["login"]["problem"]) == (["97118"], "timed_out")


def test_damaged_known_hosts_are_named(controller: Controller, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_text(f"[{ADDRESS}]:{PORT} ssh-rsa AAAA=broken\n", encoding="utf-8")
    server = root()
    result = look(controller, server, known_hosts=str(damaged))
    assert result["error"]["kind"] == "invalid_request", result
    assert str(damaged) in result["msg"]
    assert server.passwords == []


FLEET: dict[str, Any] = {
    "linux_machines": [
        {"name": "healthy", "os": "ubuntu-18.04"},
        {"name": "nosftp", "os": "rhel-7.9", "defects": ["sftp_off"]},
        {"name": "nopassword", "os": "debian-9", "defects": ["password_login_off"]},
        {"name": "noroot", "os": "sles-12.5", "defects": ["root_login_off"]},
    ]
}


def test_real_servers_of_the_lab(module_lab: Lab) -> None:
    variables = {"passwords": {"root": "Lab-Root-1!"}}
    (module_lab.workdir / "group_vars").mkdir()
    (module_lab.workdir / "group_vars" / "all.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    given = {
        "os": "linux",
        "ports": {"ssh": 2222},
        "username": "root",
        "password": "{{ passwords.root }}",
        "known_hosts": str(module_lab.workdir / "linux" / "known_hosts"),
    }
    run = module_lab.tasks("linux_machines", task("probe", "asr_push_probe", **given), arguments=("-vvv",))
    found = {name: run.one("probe", name) for name in ("healthy", "nosftp", "nopassword", "noroot")}
    assert {name: ids(result) for name, result in found.items()} == {
        "healthy": [],
        "nosftp": ["95108"],
        "nopassword": ["95108"],
        "noroot": ["95108"],
    }, run.output
    assert found["nosftp"]["sftp"]["problem"] == "refused"
    assert found["nopassword"]["login"]["problem"] == "method_not_offered"
    assert found["noroot"]["login"]["problem"] == "refused"
    assert "Lab-Root-1!" not in run.output
