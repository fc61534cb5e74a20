# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight of Windows machines: every defect of the lab's table, each on a machine of its own, old ones and new ones.

One playbook run serves all machines: predict, cure, again; old ones, whose reading takes many programs, are spared the
prediction, which is made by the same code. The tests read its results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hyperv_lab.guests.windows.defects import DEFECTS
from hyperv_lab.guests.windows.systems import SYSTEMS
from integration.harness import Lab, Run, serve

pytestmark = pytest.mark.exhaustive

OLD, NEW = "2008R2SP1", tuple(name for name in SYSTEMS if name != "2008R2SP1")
LANGUAGES = ("en", "fr")
AGENT = {"version": "9.55.6765.1", "stack": "classic", "registered_with": "cs01"}
NEED_AGENT = ("agent_", "vss_provider_missing", "vacp_")
SERVER = {"name": "cs01", "address": "127.64.200.1", "port": 4443, "data_port": 9443, "passphrase": "Lab-Passphrase-1"}
WEAKENING = {"95107", "95519", "95520"}
UNSEEN_BY_OLD = ("port_443_closed", "port_9443_closed")
"""What no program of an old system can try."""
ATTEMPT = "defects_setup"
"""Defects of this file of the lab only an attempt meets."""
OPTIONS = {
    "scopes": ["push", "agent", "register"],
    "push_account": "asrpush",
    "servers": [{"address": SERVER["address"], "port": port} for port in (SERVER["port"], SERVER["data_port"])],
    "server_names": ["cs01"],
}


def machines() -> dict[str, dict[str, Any]]:
    """Return a machine per defect and generation of Windows, and healthy ones of every system in both languages."""
    found: dict[str, dict[str, Any]] = {}
    looked_for = {name: defect for name, defect in DEFECTS.items() if not defect.cause.__module__.endswith(ATTEMPT)}
    for number, (name, defect) in enumerate(looked_for.items()):
        allowed = defect.os or tuple(SYSTEMS)
        newer = [system for system in NEW if system in allowed]
        chosen = [*([OLD] if OLD in allowed else []), *([newer[number % len(newer)]] if newer else [])]
        for place, system in enumerate(chosen):
            entry: dict[str, Any] = {"os": system, "defects": [name], "language": LANGUAGES[(number + place) % 2]}
            if name.startswith(NEED_AGENT):
                entry["agent"] = AGENT
            found[f"{name}-{system}".replace("_", "-").lower()] = entry
    for system in SYSTEMS:
        for language in LANGUAGES:
            found[f"healthy-{system}-{language}".lower()] = {"os": system, "language": language}
    for system in (OLD, "2022"):
        winrm = {"connection": "winrm", "auth": "ntlm"}
        found[f"healthy-{system}-winrm".lower()] = {"os": system, "language": "fr", "winrm": winrm}
    found["healthy-2019-uefi"] = {"os": "2019", "firmware": "uefi"}
    found["healthy-2012r2-member"] = {"os": "2012R2", "domain_joined": True, "agent": AGENT}
    found["push-account-no-admin-2012r2"] = {"os": "2012R2", "language": "fr", "defects": ["push_account_no_admin"]}
    return found


MACHINES = machines()
NAMES = {alias: f"W{number:03}" for number, alias in enumerate(MACHINES)}


def fleet() -> dict[str, Any]:
    rows = [{"name": NAMES[alias], "alias": alias, **entry} for alias, entry in MACHINES.items()]
    return {"asr": {"configuration_servers": [SERVER]}, "windows_machines": rows}


def preflight(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "hyperv.mobility.asr_preflight": {**OPTIONS, **options}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from serve(fleet(), tmp_path_factory.mktemp("preflight"))


@pytest.fixture(scope="module")
def run(lab: Lab) -> Run:
    allowed, newer = ["safe", *sorted(WEAKENING)], f"'{OLD.lower()}' not in inventory_hostname"
    tasks = [
        {**preflight("predict", remediate=allowed), "check_mode": True, "diff": True, "when": newer},
        {**preflight("cure", remediate=allowed), "diff": True},
        preflight("again", remediate=allowed),
    ]
    done = lab.play([{"hosts": "windows_machines", "gather_facts": False, "tasks": tasks}], timeout=900)
    assert done.code == 0, done.output
    return done


def expected(alias: str) -> set[str]:
    (name,) = MACHINES[alias].get("defects", [None])
    if name is None or (name in UNSEEN_BY_OLD and MACHINES[alias]["os"] in (OLD, "2012")):
        return set()
    return set(DEFECTS[name].ids)


def ids(result: dict[str, Any]) -> list[str]:
    return [item["id"] for item in result["findings"]]


@pytest.mark.parametrize("alias", [alias for alias in MACHINES if MACHINES[alias].get("defects")])
def test_a_defect_is_named_cured_and_gone(run: Run, alias: str) -> None:
    predicted, cured, again = (run.one(task, alias) for task in ("predict", "cure", "again"))
    wanted = expected(alias)
    assert set(ids(cured)) <= wanted, cured["findings"]
    assert bool(ids(cured)) is bool(wanted)
    assert len(ids(cured)) <= (2 if alias.startswith("vacp") else 1), cured["findings"]
    curable = [item["id"] for item in cured["findings"] if item["cure"] != "manual"]
    assert (cured["cured"], cured["changed"]) == (sorted(curable), bool(curable))
    assert cured["manual"] == sorted(set(ids(cured)) - set(curable))
    assert (again["changed"], ids(again)) == (False, cured["manual"])
    if MACHINES[alias]["os"] != OLD:
        for key in ("findings", "cured", "manual", "blocked", "undo", "diff", "changed"):
            assert predicted[key] == cured[key], key


@pytest.mark.parametrize("alias", [alias for alias in MACHINES if not MACHINES[alias].get("defects")])
def test_a_healthy_machine_of_every_system_has_no_finding(run: Run, alias: str) -> None:
    found = run.one("cure", alias)
    assert (found["findings"], found["blocked"], found["changed"]) == ([], False, False)
    old, tries_ports = MACHINES[alias]["os"] == OLD, MACHINES[alias]["os"] not in (OLD, "2012")
    assert found["facts"]["read_by"] == ("programs" if old else "cmdlets")
    assert [line for line in found["facts"]["unread"] if tries_ports or "ports of servers" not in line] == []


def test_sessions_are_one_on_new_systems_and_two_on_old_ones(lab: Lab, run: Run) -> None:
    assert run.of("again")
    opened = Counter(line["host"] for line in lab.journal() if line["event"] == "shell_opened")
    assert opened
    for alias, entry in MACHINES.items():
        tasks, sessions = (2, 2) if entry["os"] == OLD else (3, 1)
        assert opened[NAMES[alias]] + opened[alias] == tasks * sessions, alias


def test_what_was_weakened_is_put_back_once(lab: Lab, run: Run) -> None:
    hosts = [alias for alias in MACHINES if alias.startswith(("token-filter-absent", "push-account-disabled"))]
    for alias in hosts:
        undo = run.one("cure", alias)["undo"]
        assert len(undo) == 1
        task = {"name": "back", "hyperv.mobility.asr_preflight": {"undo": undo}}
        done = lab.tasks(alias, {**task, "name": "check", "check_mode": True}, task, {**task, "name": "twice"})
        assert [done.one(name)["changed"] for name in ("check", "back", "twice")] == [True, True, False]
        look = lab.tasks(alias, preflight("look")).one("look")
        assert ids(look) == [undo[0]["id"]]
