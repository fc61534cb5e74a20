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
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from bench import peer  # noqa: E402 - found by the line above
from bench.measure import Cost, run  # noqa: E402
from integration.harness import BIN, Lab, ansible_environment, serve  # noqa: E402

FLEETS = ROOT / "tests" / "lab" / "hyperv_lab" / "fleets"
REPORT = ROOT / "docs" / "performance.md"
TASKS = 4


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One promise: what was measured, the value, the limit, and whether it holds."""

    text: str
    value: str
    limit: str
    holds: bool


def play(lab: Lab, name: str, tasks: list[dict[str, object]], forks: int) -> Cost:
    """Run tasks on every Hyper-V host of the lab and return what that cost."""
    book = lab.workdir / f"{name}.yml"
    book.write_text(
        yaml.safe_dump([{"hosts": "hyperv", "gather_facts": False, "tasks": tasks}], sort_keys=False), encoding="utf-8"
    )
    return playbook(lab, book, forks)


def playbook(lab: Lab, book: Path, forks: int, *arguments: str) -> Cost:
    """Run a playbook and return what it cost; a failed run fails the bench."""
    environment = ansible_environment(lab.workdir) | {"ANSIBLE_FORKS": str(forks)}
    environment["ANSIBLE_COLLECTIONS_PATH"] += f":{peer.PLACE}"
    environment.pop("ANSIBLE_CALLBACKS_ENABLED")
    command = [str(BIN / "ansible-playbook"), "-i", str(lab.inventory), str(book), *arguments]
    cost = run(command, environment, lab.workdir)
    if cost.code:
        raise SystemExit(f"{book.name} failed:\n{cost.output[-4000:]}")
    return cost


def traffic(lab: Lab) -> dict[str, int]:
    """Return what went over the wire so far: requests, bytes both ways, shells opened, of all hosts together."""
    stats: dict[str, int] = json.loads(lab.control("traffic"))
    return stats


def since(lab: Lab, before: dict[str, int]) -> dict[str, int]:
    """Return the traffic since an earlier reading."""
    return {key: value - before[key] for key, value in traffic(lab).items()}


def read_against_peer(lab: Lab, hosts: int, forks: int) -> list[Figure]:
    """Compare the same read by our task and by ansible.windows.win_powershell."""
    noop = play(lab, "noop", [{"ansible.builtin.assert": {"that": [True], "quiet": True}}] * TASKS, forks)
    before = traffic(lab)
    ours = play(lab, "ours", [{"hyperv.mobility.vm_info": {}}] * TASKS, forks)
    ours_traffic = since(lab, before)
    before = traffic(lab)
    theirs = play(lab, "theirs", [{"ansible.windows.win_powershell": {"script": peer.SCRIPT}}] * TASKS, forks)
    theirs_traffic = since(lab, before)
    count = hosts * TASKS
    ours_bytes, theirs_bytes = (t["bytes"] / count for t in (ours_traffic, theirs_traffic))
    ours_cpu, theirs_cpu = ((c.cpu_seconds - noop.cpu_seconds) / count for c in (ours, theirs))
    return [
        Figure(
            text=f"Bytes on the wire per task, `vm_info` against `win_powershell` ({hosts} hosts × {TASKS} tasks)",
            value=f"{ours_bytes / 1000:.1f} kB / {theirs_bytes / 1000:.1f} kB = 1/{theirs_bytes / ours_bytes:.1f}",
            limit="≤ 1/20",
            holds=ours_bytes * 20 <= theirs_bytes,
        ),
        Figure(
            text="Controller CPU per task above a no-op task, the same runs",
            value=f"{ours_cpu * 1000:.0f} ms / {theirs_cpu * 1000:.0f} ms = {ours_cpu / theirs_cpu:.2f}",
            limit="≤ 0.50",
            holds=ours_cpu * 2 <= theirs_cpu,
        ),
    ]


def prepare_prepared(hosts: int, forks: int) -> tuple[float, Cost, dict[str, int]]:
    """Run `prepare` on hosts that are prepared already: CPU per host above a no-op, the run, the traffic."""
    with fleet(f"hosts{hosts}") as lab:
        noop = play(lab, "noop", [{"ansible.builtin.assert": {"that": [True], "quiet": True}}] * TASKS, forks)
        before = traffic(lab)
        cost = playbook(lab, ROOT / "playbooks" / "prepare.yml", forks)
        return (cost.cpu_seconds - noop.cpu_seconds) / hosts, cost, since(lab, before)


@contextmanager
def fleet(name: str):  # type: ignore[no-untyped-def] # a generator of Lab; contextmanager gives it its type
    """Serve a fleet in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="bench") as place:
        yield from serve(FLEETS / f"{name}.yml", Path(place), "--canned-scripts", str(peer.canned(Path(place))))


def scale(small: int, large: int, forks: int) -> list[Figure]:
    """Compare `prepare` on few and on many hosts."""
    few, _, few_traffic = prepare_prepared(small, forks)
    many, cost, many_traffic = prepare_prepared(large, forks)
    growth = many / few - 1
    sessions = max(few_traffic["shells"] / small, many_traffic["shells"] / large)
    tasks = sum(line.startswith("TASK [") for line in cost.output.splitlines())
    return [
        Figure(
            text=f"`prepare` on prepared hosts: tasks ({large} hosts, {forks} forks)",
            value=str(tasks),
            limit="≤ 4",
            holds=tasks <= TASKS,
        ),
        Figure(text="… sessions per host", value=f"{sessions:.1f}", limit="≤ 4", holds=sessions <= TASKS),
        Figure(
            text=f"… CPU per host above {TASKS} no-op tasks, {small} → {large} hosts",
            value=f"{few * 1000:.0f} ms → {many * 1000:.0f} ms ({growth:+.1%})",
            limit="< +10 %",
            holds=growth < 0.10,
        ),
        Figure(
            text="… peak memory of one worker",
            value=f"{cost.worker_mb:.0f} MB",
            limit="≤ 110 MB",
            holds=cost.worker_mb <= 110,
        ),
    ]


def report(figures: list[Figure]) -> str:
    """Return the page."""
    rows = "\n".join(f"| {f.text} | {f.value} | {f.limit} | {'yes' if f.holds else '**no**'} |" for f in figures)
    return f"""\
# Performance

Written by `make bench` (Python {platform.python_version()}, two cores, the lab on the same machine). Ratios come from
one run; `win_powershell` is that of the `ansible` package {peer.VERSION}, doing the same read through the same server,
whose script gets a canned answer.

| what | measured | promised | holds |
| --- | --- | --- | --- |
{rows}
"""


def main() -> int:
    """Measure, print and write the page; exit 1 when a promise does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forks", type=int, default=50)
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    peer.install()
    with fleet("hosts50") as lab:
        figures = read_against_peer(lab, 50, options.forks)
    figures += scale(50, 500, options.forks)
    page = report(figures)
    print(page)
    if not options.no_write:
        REPORT.write_text(page, encoding="utf-8")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
