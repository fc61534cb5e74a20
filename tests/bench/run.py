# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: bytes, processor time and memory, in ratios from one run; writes docs/performance.md.

Each figure compares runs that follow each other on the same machine against the same lab. Absolute seconds depend on
the machine; the ratios and limits are what the project promises.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "lab"), str(ROOT / ".venv" / "collections")]

from bench import mobility, peer  # noqa: E402 - found by the line above
from bench.figures import (  # noqa: E402
    Figure,
    Preparation,
    Read,
    compared,
    growth,
    per_task,
    table,
    tasks_run,
    unexpected,
)
from bench.measure import Cost, run  # noqa: E402
from integration.harness import BIN, Lab, ansible_environment, serve  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

FLEETS = ROOT / "tests" / "lab" / "hyperv_lab" / "fleets"
REPORT = ROOT / "docs" / "performance.md"
NOOP: dict[str, Any] = {"ansible.builtin.assert": {"that": [True], "quiet": True}}
READS: dict[str, dict[str, Any]] = {
    "noop": NOOP,
    "vm_info, no parts": {"hyperv.mobility.vm_info": {"parts": []}},
    "vm_info, everything": {"hyperv.mobility.vm_info": {}},
    "win_powershell": {"ansible.windows.win_powershell": {"script": peer.SCRIPT}},
}
TRANSPORTS: dict[str, dict[str, Any]] = {
    "NTLM over HTTP": {},
    "Basic over HTTPS": {"connection": "psrp", "scheme": "https", "auth": "basic"},
}
"""How the hosts are reached: as the fleet file says, or in place of it."""
READ_TASKS, READ_RUNS = 2, 3
PREPARE_TASKS = 4
PREPARED = {"prepare_authentication_type": "CredSSP", "prepare_networks": [{"subnet": "10.0.0.0/8"}]}
"""What the fleets of the bench are prepared for."""


def play(lab: Lab, task: dict[str, Any], times: int, hosts: int, forks: int) -> Cost:
    """Run a task so many times on every Hyper-V host of the lab and return what that cost."""
    book = lab.workdir / "play.yml"
    plays = [{"hosts": "hyperv", "gather_facts": False, "tasks": [task] * times}]
    book.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    return playbook(lab, book, hosts, forks)


def playbook(lab: Lab, book: Path, hosts: int, forks: int, *arguments: str) -> Cost:
    """Run a playbook and return what it cost; one that fails or changes something fails the bench."""
    environment = ansible_environment(lab.workdir) | {"ANSIBLE_FORKS": str(forks)}
    environment["ANSIBLE_COLLECTIONS_PATH"] += f":{peer.PLACE}"
    environment.pop("ANSIBLE_CALLBACKS_ENABLED")
    command = [str(BIN / "ansible-playbook"), "-i", str(lab.inventory), str(book), *arguments]
    cost = run(command, environment, lab.workdir)
    problem = f"exit code {cost.code}" if cost.code else unexpected(cost.output, hosts)
    if problem:
        raise SystemExit(f"{book.name}: {problem}\n{cost.output[-4000:]}")
    return cost


def traffic(lab: Lab) -> dict[str, int]:
    """Return what went over the wire so far: requests, bytes both ways, shells opened, of all hosts together."""
    stats: dict[str, int] = lab.control("traffic")
    return stats


def since(lab: Lab, before: dict[str, int]) -> dict[str, int]:
    """Return the traffic since an earlier reading."""
    return {key: value - before[key] for key, value in traffic(lab).items()}


def reads(lab: Lab, name: str, hosts: int, forks: int) -> list[Figure]:
    """Compare reads by our task and by ansible.windows.win_powershell, in turns; the median run counts."""
    cpu: dict[str, list[float]] = {name: [] for name in READS}
    wire: dict[str, dict[str, int]] = {}
    for _turn in range(READ_RUNS):
        for kind, task in READS.items():
            before = traffic(lab)
            cpu[kind].append(play(lab, task, READ_TASKS, hosts, forks).cpu_seconds)
            wire[kind] = since(lab, before)
    count = hosts * READ_TASKS
    found = {
        kind: Read(
            bytes_sent=wire[kind]["bytes_in"] / count,
            bytes_both=wire[kind]["bytes"] / count,
            requests=wire[kind]["requests"] / count,
            cpu_seconds=per_task(cpu[kind], cpu["noop"], count),
        )
        for kind in READS
    }
    theirs = found["win_powershell"]
    return [
        *compared(f"The same read, {name}", found["vm_info, no parts"], theirs, promised=True),
        *compared(f"VMs with all parts, {name}", found["vm_info, everything"], theirs, promised=False),
    ]


def prepare(hosts: int, forks: int, turns: int) -> Preparation:
    """Run ``prepare`` on hosts that are prepared already, and as many no-op tasks, in turns."""
    book = ROOT / "playbooks" / "prepare.yml"
    with fleet(f"hosts{hosts}") as lab:
        idle, busy = [], []
        for _turn in range(turns):
            idle.append(play(lab, NOOP, PREPARE_TASKS, hosts, forks).cpu_seconds)
            before = traffic(lab)
            cost = playbook(lab, book, hosts, forks, "-e", json.dumps(PREPARED))
            busy.append(cost.cpu_seconds)
            shells = since(lab, before)["shells"]
    return Preparation(
        hosts=hosts,
        cpu_seconds=per_task(busy, idle, hosts),
        sessions=shells / hosts,
        tasks=tasks_run(cost.output),
        worker_mb=cost.worker_mb,
    )


def machines() -> list[Figure]:
    """Preflight machines of both kinds by our one task, and a few of them by single tasks; then all by the playbook."""
    ours, found = {}, []
    with described(mobility.fleet(mobility.EACH)) as lab:
        for kind in ("windows", "linux"):
            task = {"hyperv.mobility.asr_preflight": {"scopes": ["push", "agent", "register"]}}
            ours[kind] = asked(lab, kind, [task], mobility.EACH)
        book = ROOT / "playbooks" / "push_preflight.yml"
        whole = playbook(lab, book, 2 * mobility.EACH, mobility.FORKS)
    with described(mobility.fleet(mobility.FEW)) as lab:
        for kind, tasks in (("windows", mobility.windows_questions()), ("linux", mobility.linux_questions())):
            found += mobility.figures(kind, ours[kind], asked(lab, kind, tasks, mobility.FEW))
    text = f"ASR preflight, {2 * mobility.EACH} machines in one run of push_preflight.yml, {mobility.FORKS} forks"
    value = f"{whole.wall_seconds:.0f} s, {whole.cpu_seconds / mobility.EACH / 2 * 1000:.0f} ms of CPU per machine"
    return [*found, Figure(text=text, value=value)]


def asked(lab: Lab, kind: str, tasks: list[dict[str, Any]], count: int) -> mobility.Survey:
    """Run tasks on the lab's machines of a kind and return what they cost per machine, Ansible's own part included."""
    book = lab.workdir / "play.yml"
    play_ = {"hosts": f"{kind}_machines", "gather_facts": False, "tasks": tasks}
    book.write_text(yaml.safe_dump([play_], sort_keys=False), encoding="utf-8")
    before = traffic(lab)
    cost = playbook(lab, book, count, mobility.FORKS)
    return mobility.survey(tasks_run(cost.output), count, cost.cpu_seconds, since(lab, before), kind)


@contextmanager
def fleet(name: str, winrm: dict[str, Any] | None = None) -> Iterator[Lab]:
    """Serve a fleet in a temporary directory, its hosts reached another way where one is given."""
    fleet_file = yaml.safe_load((FLEETS / f"{name}.yml").read_text(encoding="utf-8"))
    if winrm:
        fleet_file["defaults"]["winrm"] = winrm
    with described(fleet_file) as lab:
        yield lab


@contextmanager
def described(fleet_file: dict[str, Any]) -> Iterator[Lab]:
    """Serve a fleet given as data in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="bench") as place:
        yield from serve(fleet_file, Path(place), "--canned-scripts", str(peer.canned(Path(place))))


def shortfall(figures: list[Figure]) -> str:
    """Return the section on promises that don't hold; nothing when all do."""
    missed = [
        f"- {figure.text}: {figure.value}, promised {figure.limit}" for figure in figures if figure.holds is False
    ]
    if not missed:
        return ""
    return "\n".join(
        [
            "\n## What does not hold\n",
            *missed,
            "\nBoth kinds of task open a session of their own, and that fixed part costs more than a limit on a single",
            "read leaves: most of our bytes and processor time are the opening of the session by the connection plugin",
            "and the same in either task.\n",
        ]
    )


def report(tables: dict[str, str], missed: str) -> str:
    """Return the page out of the tables of its parts and the section on what does not hold."""
    return f"""\
# Performance

Written by `make bench` (Python {platform.python_version()}; the lab runs on the same machine). Every comparison is made
of runs that follow each other in turns; of processor times the median run counts. Absolute figures depend on the
machine, ratios hardly.

## Hosts

{tables["hosts"]}

## Machines

{tables["machines"]}
{missed}
## What is compared

- **The same read**: `hyperv.mobility.vm_info` with `parts: []` against `ansible.windows.win_powershell` of the package
  `ansible` {peer.VERSION}, which runs `Get-VM | Select-Object … | ConvertTo-Json` with the same {len(peer.PROPERTIES)}
  properties. Both go through the psrp connection to the same server, to 50 hosts of {peer.VMS} VMs, {READ_TASKS} tasks
  each, {READ_RUNS} times in turns. The server has no script engine: the script gets a canned answer of the same
  properties of as many VMs, while ours is really read.
- **VMs with all parts** is `vm_info` without options: processors, disks and their files, adapters, checkpoints,
  integration services, security and replication as well. It reads much more than the script does, so nothing is
  promised for it.
- **CPU** is what `ansible-playbook` and its workers used, less what as many tasks that do nothing used
  (`ansible.builtin.assert`), per task or per host.
- **Bytes** are HTTP headers and bodies as the server sees them. Every task opens a session and closes it: the steps of
  signing in, the creation of the shell, the host's description of itself, envelopes. This part, more than 20 kB both
  ways, is the same for either task and is sent by the connection plugin and by the host; it alone is more than a
  twentieth of what the script costs. What the controller sends is shown apart for that reason.
- **`prepare`** is run on hosts that are prepared already, with {PREPARE_TASKS} no-op tasks to compare with.
- **ASR preflight** is `asr_preflight` with every scope on {mobility.EACH} Windows and {mobility.EACH} Linux machines of
  the lab, beside the same questions as single tasks of `ansible.windows` and `ansible.builtin.raw` on {mobility.FEW} of
  each. The server has no script engine: those of Windows get a canned answer. CPU is that of the controller, Ansible's
  own part included.

## What keeps it cheap

- An invocation is written by `session/clixml_writer.py` in place of the library's writer, and an ended one is closed
  only when another follows in the same session: most sessions end there.
- Objects come as one JSON text per question, and error records without invocation info.
- Everything heavy is imported by the parent process, once; its workers' garbage collector leaves alone what they share.
"""


def kept(part: str) -> str:
    """Return the table of a part as it stands on the page, measured by an earlier run."""
    text = REPORT.read_text(encoding="utf-8")
    _before, _heading, rest = text.partition(f"## {part.capitalize()}\n\n")
    return rest.partition("\n\n")[0]


def hosts(forks: int) -> list[Figure]:
    """Measure reads of hosts and ``prepare``."""
    found: list[Figure] = []
    for name, winrm in TRANSPORTS.items():
        with fleet("hosts50", winrm) as lab:
            found += reads(lab, name, 50, forks)
        print(table(found), flush=True)
    return found + growth(prepare(50, forks, 3), prepare(500, forks, 3))


def main() -> int:
    """Measure, print and write the page; exit 1 when a promise does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forks", type=int, default=50)
    parser.add_argument("--part", choices=("hosts", "machines"), help="measure this part, keep the other as it stands")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    peer.install()
    figures: dict[str, list[Figure]] = {}
    if options.part != "machines":
        figures["hosts"] = hosts(options.forks)
    if options.part != "hosts":
        figures["machines"] = machines()
    tables = {part: table(figures[part]) if part in figures else kept(part) for part in ("hosts", "machines")}
    missed = "" if "hosts" in figures else standing()
    measured = [figure for part in figures.values() for figure in part]
    page = report(tables, missed or shortfall(measured))
    print(page)
    if not options.no_write:
        REPORT.write_text(page, encoding="utf-8")
    return 1 if any(figure.holds is False for figure in measured) else 0


def standing() -> str:
    """Return the section on what does not hold as it stands on the page."""
    text = REPORT.read_text(encoding="utf-8")
    found = re.search(r"\n## What does not hold\n.*?(?=\n## )", text, re.DOTALL)
    return found.group(0) if found else ""


if __name__ == "__main__":
    sys.exit(main())
