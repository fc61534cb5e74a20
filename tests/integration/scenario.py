# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of tasks on hosts share: a fleet around them, the cycle of a desired state, proofs from the journal."""

from __future__ import annotations

from collections import Counter
from typing import Any

import yaml
from integration.harness import Lab, Run

PASSWORDS = {
    "admin": "Lab-Admin-1!",
    "hvadmin": "Lab-Hyperv-1!",
    "operator": "Lab-Operator-1!",
    "reader": "Lab-Reader-1!",
    "leaver": "Lab-Leaver-1!",
    "Administrator": "Lab-Local-1!",
}
"""Every password of the fleets below; none of them may be seen anywhere."""
WRONG = "Lab-Wrong-1!"


def fleet(hosts: list[dict[str, Any]], vms: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """Return a fleet of these hosts; ``directory`` and ``defaults`` in ``more`` are laid over the usual ones."""
    directory = {
        "domain": "lab.test",
        "netbios": "LAB",
        "accounts": [
            {"name": "admin", "password": PASSWORDS["admin"], "groups": ["Domain Admins"]},
            {"name": "hvadmin", "password": PASSWORDS["hvadmin"]},
            {"name": "operator", "password": PASSWORDS["operator"], "groups": ["Account Operators"]},
            {"name": "reader", "password": PASSWORDS["reader"]},
            {"name": "leaver", "password": PASSWORDS["leaver"], "enabled": False},
        ],
    }
    defaults = {
        "edition": "2022",
        "winrm": {"connection": "psrp", "scheme": "http", "auth": "ntlm", "user": "LAB\\admin", "https": False},
        "accounts": [{"name": "Administrator", "password": PASSWORDS["Administrator"]}],
        "groups": {
            "Hyper-V Administrators": ["LAB\\hvadmin"],
            "Remote Management Users": ["LAB\\hvadmin", "LAB\\reader", "LAB\\operator"],
        },
    }
    return {
        "clock": {"speed": more.pop("speed", 600)},
        "directory": directory | more.pop("directory", {}),
        "defaults": defaults | more.pop("defaults", {}),
        "hosts": hosts,
        "vms": vms or [],
        **more,
    }


def task(name: str, module: str, /, *, check: Any = False, keywords: Any = None, **args: Any) -> Any:
    """Return a task that lets the play go on when it fails."""
    found = {"name": name, f"hyperv.mobility.{module}": args, "ignore_errors": True, **(keywords or {})}
    return found | {"check_mode": True, "diff": True} if check else found


def cycle(prefix: str, module: str, /, *, keywords: Any = None, **args: Any) -> list[dict[str, Any]]:
    """Return the tasks of a desired state: check, apply, apply again, check again."""
    more = {"diff": True, **(keywords or {})}
    return [
        task(f"{prefix}: check", module, check=True, keywords=keywords, **args),
        task(f"{prefix}: apply", module, keywords=more, **args),
        task(f"{prefix}: again", module, keywords=more, **args),
    ]


def assert_cycle(run: Run, prefix: str, host: str, *, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """Assert that check mode foretold what was done and that a second time nothing was; return what was done.

    ``but`` are return values that only doing can know.
    """
    check, apply, again = (run.one(f"{prefix}: {step}", host) for step in ("check", "apply", "again"))
    for result in (check, apply, again):
        assert result["_status"] == "ok", result
    assert check["changed"] is True, "check mode foretold no change"
    assert apply["changed"] is True
    assert again["changed"] is False, again
    left_out = {"_status", "_host", "warnings", "invocation", *but}
    assert {k: v for k, v in check.items() if k not in left_out} == {
        k: v for k, v in apply.items() if k not in left_out
    }, "check mode's answer differs from the real one"
    assert again.get("diff", {}).get("before") == again.get("diff", {}).get("after")
    return apply


def sent(lab: Lab, since: int = 0) -> Counter[str]:
    """Return how often each command was sent, by its name without the module."""
    names = (
        command["command"].rpartition("\\")[2]
        for line in lab.journal()[since:]
        for statement in line.get("statements", [])
        for command in statement
    )
    return Counter(names)


CHANGING = (
    "Set-",
    "Add-",
    "Remove-",
    "Enable-",
    "Disable-",
    "Install-",
    "Restart-",
    "Start-",
    "Stop-",
    "Move-",
    "New-",
)


def changes(lab: Lab, since: int = 0, host: str | None = None) -> list[dict[str, Any]]:
    """Return the commands sent that change something (a variable of the session is nobody's machine)."""
    return [
        command
        for line in lab.journal()[since:]
        if host in (None, line["host"])
        for statement in line.get("statements", [])
        for command in statement
        if command["command"].rpartition("\\")[2].startswith(CHANGING)
        and command["command"].rpartition("\\")[2] != "Set-Variable"
    ]


def shells(lab: Lab, since: int = 0) -> Counter[str]:
    """Return how many shells were opened on each host."""
    return Counter(line["host"] for line in lab.journal()[since:] if line["event"] == "shell_opened")


def keep_passwords(lab: Lab) -> None:
    """Put the passwords into a file of variables beside the inventory, as people do.

    What stands in a playbook or on the command line, ansible-core itself shows when it talks much.
    """
    folder = lab.workdir / "group_vars"
    folder.mkdir(exist_ok=True)
    (folder / "all.yml").write_text(yaml.safe_dump({"passwords": {**PASSWORDS, "wrong": WRONG}}), encoding="utf-8")


def assert_no_secret(lab: Lab, *texts: str) -> None:
    """Assert that no password of the fleet is in the texts, the journal or the lab's log."""
    places = {
        "the output": "\n".join(texts),
        "the journal": (lab.workdir / "journal.jsonl").read_text(encoding="utf-8"),
        "the lab's log": (lab.workdir / "lab.log").read_text(encoding="utf-8"),
    }
    for place, text in places.items():
        for user, password in (*PASSWORDS.items(), ("nobody", WRONG)):
            found = text.find(password)
            assert found < 0, f"the password of {user} is in {place}: {text[max(0, found - 200) : found]!r} …"
