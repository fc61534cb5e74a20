# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_host_delegation writes exactly its own entries, checks the right to do so first, and gives no secret away."""

from __future__ import annotations

from typing import Any

import pytest
from integration.harness import Lab, Run
from integration.scenario import assert_cycle, assert_no_secret, changes, cycle, fleet, keep_passwords, shells, task

pytestmark = pytest.mark.exhaustive

USUAL = {"connection": "psrp", "scheme": "http", "auth": "ntlm", "https": False}
FOREIGN = ["HTTP/intranet", "cifs/files01.lab.test"]
FLEET = fleet(
    [
        {"name": "DC01"},
        {"name": "ADMIN01", "language": "fr"},
        {"name": "ADMIN02", "winrm": {**USUAL, "auth": "credssp", "user": "LAB\\admin"}},
        {"name": "ADMIN03", "winrm": {**USUAL, "user": "LAB\\reader"}},
        {"name": "NOMODULE"},
        *({"name": f"HV{number:02}"} for number in range(1, 9)),
    ],
    directory={
        "ad_hosts": ["ADMIN01", "ADMIN02", "ADMIN03"],
        "domain_controllers": ["DC01"],
        "delegations": [
            {"hosts": ["HV01"], "entries": FOREIGN, "protocol_transition": False},
            {"hosts": ["HV07"], "entries": FOREIGN, "protocol_transition": True},
        ],
    },
)
SERVICE = "Microsoft Virtual System Migration Service"


def entries(*peers: str, smb: bool = True) -> list[str]:
    """Return our entries for peers."""
    services = (SERVICE, "cifs") if smb else (SERVICE,)
    return sorted(f"{s}/{form}" for s in services for peer in peers for form in (peer, f"{peer.lower()}.lab.test"))


def as_user(user: str = "admin") -> dict[str, str]:
    """Return the options of an account; the password stands in no playbook, since ansible-core quotes playbooks."""
    return {"domain_username": f"LAB\\{user}", "domain_password": f"{{{{ passwords['{user}'] }}}}"}


@pytest.fixture(scope="module")
def done(module_lab: Lab) -> dict[str, Any]:
    """Each step's run and what the directory says after it; all steps with the most talkative output."""
    keep_passwords(module_lab)
    three = ["HV01", "hv02", "HV03.lab.test"]
    steps = {
        "present": ("dc01", cycle("present", "vm_host_delegation", hosts=three)),
        "absent": ("dc01", cycle("absent", "vm_host_delegation", hosts=three, state="absent")),
        "pair": (
            "admin01",
            cycle(
                "pair",
                "vm_host_delegation",
                pairs=[{"source": "HV04", "destination": "HV05"}],
                include_smb=False,
                domain_server="dc01.lab.test",
                **as_user(),
            ),
        ),
        "credssp": ("admin02", cycle("credssp", "vm_host_delegation", hosts=["HV04", "HV05"])),
        "kept": ("dc01", cycle("kept", "vm_host_delegation", hosts=["HV07", "HV08"])),
        "kept absent": ("dc01", cycle("kept absent", "vm_host_delegation", hosts=["HV07", "HV08"], state="absent")),
    }
    found: dict[str, Any] = {}
    for name, (host, tasks) in steps.items():
        start = len(module_lab.journal())
        run = module_lab.tasks(host, *tasks, arguments=("-vvvv",))
        found[name] = {"run": run, "state": module_lab.state()["delegation"], "shells": shells(module_lab, start)}
    return found


def test_three_hosts_both_ways(done: dict[str, Any]) -> None:
    apply = assert_cycle(done["present"]["run"], "present", "dc01")
    state = done["present"]["state"]
    assert state["HV01"]["delegates_to"] == sorted([*entries("HV02", "HV03"), *FOREIGN])
    assert state["HV02"]["delegates_to"] == entries("HV01", "HV03")
    assert state["HV03"]["delegates_to"] == entries("HV01", "HV02")
    for name in ("HV01", "HV02", "HV03"):
        assert state[name]["protocol_transition"] is True
    assert state["HV04"]["delegates_to"] == []
    computers = {item["name"]: item for item in apply["computers"]}
    assert set(computers) == {"HV01", "HV02", "HV03"}
    assert sorted(computers["HV02"]["added"]) == entries("HV01", "HV03")
    assert apply["effective_after_seconds"] == 900
    assert done["present"]["run"].one("present: again")["effective_after_seconds"] == 0
    assert "15 minutes" in " ".join(apply["warnings"]) if "warnings" in apply else True
    assert "15 minutes" in done["present"]["run"].output
    assert set(apply["diff"]["before"]) == {"HV01", "HV02", "HV03"}


def test_taking_away_leaves_what_is_not_ours(done: dict[str, Any]) -> None:
    apply = assert_cycle(done["absent"]["run"], "absent", "dc01")
    state = done["absent"]["state"]
    assert state["HV01"] == {"delegates_to": FOREIGN, "protocol_transition": True}
    assert state["HV02"] == {"delegates_to": [], "protocol_transition": False}
    assert state["HV03"] == {"delegates_to": [], "protocol_transition": False}
    assert {item["name"]: sorted(item["removed"]) for item in apply["computers"]}["HV01"] == entries("HV02", "HV03")


def test_one_direction_without_file_sharing_from_a_member_server(done: dict[str, Any]) -> None:
    apply = assert_cycle(done["pair"]["run"], "pair", "admin01")
    state = done["pair"]["state"]
    assert state["HV04"] == {"delegates_to": entries("HV05", smb=False), "protocol_transition": True}
    assert state["HV05"] == {"delegates_to": [], "protocol_transition": False}
    assert [item["name"] for item in apply["computers"]] == ["HV04"]


def test_a_session_that_holds_credentials_needs_no_others(done: dict[str, Any]) -> None:
    assert_cycle(done["credssp"]["run"], "credssp", "admin02")
    state = done["credssp"]["state"]
    assert state["HV04"]["delegates_to"] == entries("HV05")
    assert state["HV05"]["delegates_to"] == entries("HV04")


def test_what_was_there_before_is_there_afterwards(done: dict[str, Any]) -> None:
    assert_cycle(done["kept"]["run"], "kept", "dc01")
    assert_cycle(done["kept absent"]["run"], "kept absent", "dc01")
    assert done["kept"]["state"]["HV07"]["delegates_to"] == sorted([*entries("HV08"), *FOREIGN])
    assert done["kept absent"]["state"]["HV07"] == {"delegates_to": FOREIGN, "protocol_transition": True}
    assert done["kept absent"]["state"]["HV08"] == {"delegates_to": [], "protocol_transition": False}


def test_one_session_for_each_task(done: dict[str, Any]) -> None:
    for step in done.values():
        assert list(step["shells"].values()) == [3]


def test_no_secret_is_seen(module_lab: Lab, done: dict[str, Any]) -> None:
    texts = [step["run"].output for step in done.values()]
    texts += [repr(step["run"].results) for step in done.values()]
    assert_no_secret(module_lab, *texts)


@pytest.fixture(scope="module")
def refused(module_lab: Lab, done: dict[str, Any]) -> dict[str, Any]:
    """What is refused, in one run; the directory before and after."""
    before = module_lab.state()["delegation"]
    start = len(module_lab.journal())
    pair = {"hosts": ["HV05", "HV06"]}
    secret = as_user() | {"domain_password": "{{ passwords.wrong }}"}
    plays = [
        (
            "admin01",
            [
                task("second hop", "vm_host_delegation", **pair),
                task("wrong password", "vm_host_delegation", **pair, **secret),
                task("no right", "vm_host_delegation", **pair, **as_user("reader")),
                task("no right, check", "vm_host_delegation", check=True, **pair, **as_user("reader")),
                task("no privilege", "vm_host_delegation", **pair, **as_user("operator")),
                task("no controller", "vm_host_delegation", **pair, **as_user(), domain_server="dc09.lab.test"),
                task("unknown computer", "vm_host_delegation", hosts=["HV05", "HV99"], **as_user()),
            ],
        ),
        ("nomodule", [task("no module", "vm_host_delegation", **pair, **as_user())]),
        ("admin03", [task("reader's session", "vm_host_delegation", **pair)]),
        (
            "dc01",
            [
                task("single", "vm_host_delegation", hosts=["HV05"]),
                task("doubled", "vm_host_delegation", hosts=["HV05", "hv05"]),
                task("own destination", "vm_host_delegation", pairs=[{"source": "HV05", "destination": "hv05"}]),
                task("both", "vm_host_delegation", **pair, pairs=[{"source": "HV05", "destination": "HV06"}]),
                task("neither", "vm_host_delegation"),
                task("half a credential", "vm_host_delegation", **pair, domain_username="LAB\\admin"),
                task("other half", "vm_host_delegation", **pair, domain_password="{{ passwords.admin }}"),
                task("empty name", "vm_host_delegation", hosts=["HV05", " "]),
                task("hostile name", "vm_host_delegation", hosts=["HV05", "*)(cn=*"]),
            ],
        ),
    ]
    run = module_lab.play([{"hosts": hosts, "gather_facts": False, "tasks": tasks} for hosts, tasks in plays], "-vvvv")
    return {
        "run": run,
        "before": before,
        "after": module_lab.state()["delegation"],
        "changes": changes(module_lab, start),
    }


@pytest.mark.parametrize(
    ("name", "kinds", "words"),
    [
        ("second hop", ("not_possible", "remote_error"), ["domain_username"]),
        ("reader's session", ("not_possible", "remote_error"), ["domain_username"]),
        ("wrong password", ("not_possible", "remote_error"), ["domain_username"]),
        ("no right", ("not_possible",), ["HV05", "HV06"]),
        ("no right, check", ("not_possible",), ["HV05", "HV06"]),
        ("no privilege", ("not_possible", "remote_error"), []),
        ("no controller", ("not_possible", "remote_error"), ["dc09"]),
        ("unknown computer", ("not_found",), ["HV99"]),
        ("no module", ("not_possible", "remote_error"), ["active_directory_tools"]),
        ("single", ("invalid_request",), ["hosts"]),
        ("doubled", ("invalid_request",), ["hv05"]),
        ("own destination", ("invalid_request",), ["HV05"]),
        ("both", ("invalid_request",), ["hosts", "pairs"]),
        ("neither", ("invalid_request",), ["hosts"]),
        ("half a credential", ("invalid_request",), ["domain_password"]),
        ("other half", ("invalid_request",), ["domain_username"]),
        ("empty name", ("invalid_request",), ["hosts"]),
        ("hostile name", ("not_found", "invalid_request"), ["*)(cn=*"]),
    ],
)
def test_refused_in_one_line(refused: dict[str, Any], name: str, kinds: tuple[str, ...], words: list[str]) -> None:
    result = refused["run"].one(name)
    assert result["_status"] == "ignored"
    assert result["changed"] is False
    assert result["error"]["kind"] in kinds, result
    assert "\n" not in result["msg"]
    told = result["msg"] + repr(result.get("findings")) + str(result["error"].get("remedy"))
    assert not [word for word in words if word not in told], told


def test_the_right_is_checked_before_anything_is_written(refused: dict[str, Any]) -> None:
    assert refused["after"] == refused["before"]
    run: Run = refused["run"]
    findings = run.one("no right")["findings"]
    assert {(item["id"], item["subject"]) for item in findings} == {
        ("delegation_right_missing", "HV05"),
        ("delegation_right_missing", "HV06"),
    }
    assert all("msDS-AllowedToDelegateTo" in item["evidence"] for item in findings)
    writers = {item["parameters"]["Credential"]["username"] for item in refused["changes"]}
    assert writers == {"LAB\\operator"}, "only the account whose missing privilege nothing shows comes so far"
    assert "SeEnableDelegationPrivilege" in repr(run.one("no privilege"))


def test_no_secret_is_seen_in_refusals(module_lab: Lab, refused: dict[str, Any]) -> None:
    run: Run = refused["run"]
    assert_no_secret(module_lab, run.output, repr(run.results))
