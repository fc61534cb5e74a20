# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installers on a share: machines and servers fetch them with credentials of their own, and nothing of it stays."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hyperv_lab.guests.windows.package import Package
from integration.harness import Lab

pytestmark = pytest.mark.exhaustive

READER, WRONG = "Lab-Reader-1!", "Not-The-Reader-2!"
MADE = Package(version="9.55.6765.1")
LINUX = "Microsoft-ASR_UA_9.55.6765.1_RHEL5-64_GA_15Aug2023_release.tar.gz"
SHARE = "\\\\fs01\\asr"
FLEET: dict[str, Any] = {
    "directory": {"domain": "lab.test", "netbios": "LAB", "accounts": [{"name": "reader", "password": READER}]},
    "shares": [{"path": SHARE, "size_gb": 100, "files": {MADE.file_name: MADE.content().decode(), LINUX: "a package"}}],
    "windows_machines": [
        {"name": "W16", "os": "2016"},
        {"name": "W12", "os": "2012R2", "language": "fr", "winrm": {"connection": "winrm"}},
        {"name": "ROLE", "os": "2019"},
        {"name": "ROLE12", "os": "2012R2", "language": "fr", "winrm": {"connection": "winrm"}},
        {"name": "OLD", "os": "2008R2SP1"},
        {"name": "CS", "os": "2019", "role": "configuration_server"},
    ],
}
BY_READER = {"source_username": "LAB\\reader", "source_password": READER}


def agent(name: str, **options: Any) -> dict[str, Any]:
    given = {"source": f"{SHARE}\\{MADE.file_name}", "stack": "classic", **options}
    return {"name": name, "hyperv.mobility.asr_agent": given, "ignore_errors": True}


def test_an_installer_comes_from_a_share_with_the_account_that_is_named(module_lab: Lab) -> None:
    wrong = {**BY_READER, "source_password": WRONG}
    run = module_lab.tasks(
        "w16:w12", agent("no account"), agent("wrong password", **wrong), agent("right", **BY_READER)
    )
    for host in ("w16", "w12"):
        assert "source_username" in run.one("no account", host)["msg"], run.output
        assert run.one("wrong password", host)["changed"] is False, run.output
        assert "error" in run.one("wrong password", host), run.output
        assert run.one("right", host)["agent"]["version"] == MADE.version, run.output
    assert WRONG not in run.output
    assert READER not in run.output
    state = module_lab.state()["windows_machines"]
    for name in ("W16", "W12"):
        assert state[name]["agent"]["times_installed"] == 1
        assert not [path for path in state[name]["files"] if "hyperv-mobility" in path]


def test_the_role_takes_the_share_with_the_account_that_is_named(module_lab: Lab) -> None:
    """The guide's first example: the installer is picked, verified and fetched with it; the sum is proven at last."""
    sums = {MADE.file_name: hashlib.sha256(MADE.content()).hexdigest()}
    asked = {
        "push_install_repository": [SHARE],
        "push_install_repository_username": "LAB\\reader",
        "push_install_checksums": sums,
        "push_install_register": False,
        "push_install_hosts": "role:role12",
    }
    wrong = module_lab.play("push_install.yml", extra={**asked, "push_install_repository_password": WRONG}, timeout=120)
    assert {each["changed"] for each in wrong.of("Pick the installer")} == {False}, wrong.output
    run = module_lab.play("push_install.yml", extra={**asked, "push_install_repository_password": READER}, timeout=120)
    assert run.code == 0, run.output
    for host in ("role", "role12"):
        picked = run.one("Pick the installer", host)
        assert (picked["installer"]["path"], picked["verified"]) == (f"{SHARE}\\{MADE.file_name}", ["signature"])
        assert module_lab.state()["windows_machines"][host.upper()]["agent"]["times_installed"] == 1
    assert READER not in run.output + wrong.output


def test_a_share_that_wants_an_account_says_so(module_lab: Lab) -> None:
    pick = {"name": "pick", "hyperv.mobility.asr_installer": {"repository": [SHARE]}, "ignore_errors": True}
    alone = {"name": "half", "hyperv.mobility.asr_installer": {"repository": [SHARE], "source_username": "LAB\\reader"}}
    old = {"name": "old", "hyperv.mobility.asr_installer": {"repository": [SHARE], **BY_READER}, "ignore_errors": True}
    found = module_lab.tasks("old", pick, old, {**alone, "ignore_errors": True})
    assert "source_username" in found.one("pick")["msg"], found.output
    assert "put the installer on the machine, or on a web server" in found.one("old")["msg"]
    assert "belong together" in found.one("half")["msg"]


def test_old_windows_says_that_it_signs_in_to_no_share(module_lab: Lab) -> None:
    sums = {"sha256": hashlib.sha256(MADE.content()).hexdigest()}
    found = module_lab.tasks("old", agent("old", **BY_READER, **sums)).one("old")
    assert "put the installer on the machine, or on a web server" in found["msg"]
    assert module_lab.state()["windows_machines"]["OLD"]["agent"]["installed"] is False


def test_a_server_gets_its_special_installers_from_a_share(module_lab: Lab) -> None:
    files = [{"source": f"{SHARE}\\{LINUX}", "sha256": hashlib.sha256(b"a package").hexdigest()}]
    place = {"name": "place", "hyperv.mobility.asr_push_repository": {"files": files, **BY_READER}}
    first, second = (module_lab.tasks("cs", place) for _run in range(2))
    assert first.one("place")["changed"] is True, first.output
    assert second.one("place")["changed"] is False, second.output
    placed = [path for path in module_lab.state()["windows_machines"]["CS"]["files"] if path.endswith(LINUX)]
    assert len(placed) == 1
    assert placed[0].lower().rpartition("\\")[0].endswith("\\pushinstallsvc\\repository")
    journal = (module_lab.workdir / "journal.jsonl").read_text(encoding="utf-8")
    assert READER not in journal
    assert WRONG not in journal
