# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the lab and runs the real ansible-playbook against it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from hyperv_lab.control import ask

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("HYPERV_MOBILITY_BIN") or Path(sys.executable).parent)
READY_SECONDS = 60


@dataclass(frozen=True)
class Run:
    """A finished ansible-playbook."""

    code: int
    output: str
    results: list[dict[str, Any]]

    def of(self, task: str, host: str | None = None) -> list[dict[str, Any]]:
        """Return the results of a task (by the end of its name), in order, of one host or of all."""
        return [
            line["result"] | {"_status": line["status"], "_host": line["host"]}
            for line in self.results
            if line["task"].endswith(task) and host in (None, line["host"])
        ]

    def one(self, task: str, host: str | None = None) -> dict[str, Any]:
        """Return the only result of a task."""
        found = self.of(task, host)
        assert len(found) == 1, f"{len(found)} results of {task!r}:\n{self.output}"
        return found[0]


@dataclass
class Lab:
    """A running lab; ``state`` and ``journal`` are what tests assert on."""

    workdir: Path
    process: subprocess.Popen[str]
    environment: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    @property
    def inventory(self) -> Path:
        return self.workdir / "inventory.yml"

    def state(self) -> dict[str, Any]:
        """Return the whole fleet."""
        state: dict[str, Any] = self.control("state")
        return state

    def control(self, *words: str) -> Any:
        """Send an order to the running lab (inject a fault, move the clock); return what it says to it."""
        answer = ask(self.workdir, words)
        assert "error" not in answer, f"{' '.join(words)}: {answer['error']}"
        return answer["result"]

    def journal(self) -> list[dict[str, Any]]:
        """Return every command received so far."""
        path = self.workdir / "journal.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def commands(self, name: str) -> list[dict[str, Any]]:
        """Return the journal's commands of a name, each with its host, user and parameters."""
        return [
            {"host": line["host"], "user": line.get("user"), **command}
            for line in self.journal()
            for statement in line.get("statements", [])
            for command in statement
            if command["command"].rpartition("\\")[2].lower() == name.lower()
        ]

    def start(self, playbook: Path, *arguments: str) -> subprocess.Popen[str]:
        """Start ansible-playbook and return at once."""
        self.runs += 1
        record = self.workdir / f"run-{self.runs}.jsonl"
        environment = ansible_environment(self.workdir) | self.environment | {"HYPERV_MOBILITY_RECORD": str(record)}
        return subprocess.Popen(
            [str(BIN / "ansible-playbook"), "-i", str(self.inventory), str(playbook), *arguments],
            env=environment,
            cwd=self.workdir,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(
        self,
        play: str | Path | list[dict[str, Any]],
        *arguments: str,
        extra: Mapping[str, Any] | None = None,
        timeout: float = 180,
    ) -> Run:
        """Run a playbook (a path, or plays as data) to its end."""
        path = self.playbook(play)
        more = ["-e", json.dumps(dict(extra))] if extra else []
        process = self.start(path, *arguments, *more)
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            kill(process)
            raise
        record = self.workdir / f"run-{self.runs}.jsonl"
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return Run(process.returncode, output, [json.loads(line) for line in lines])

    def playbook(self, play: str | Path | list[dict[str, Any]]) -> Path:
        """Return the path of a playbook; plays given as data are written down first."""
        if isinstance(play, Path):
            return play
        if isinstance(play, str):
            return ROOT / "playbooks" / play
        path = self.workdir / f"play-{self.runs + 1}.yml"
        path.write_text(yaml.safe_dump(play, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path

    def tasks(self, hosts: str, *tasks: dict[str, Any], arguments: tuple[str, ...] = (), **extra: Any) -> Run:
        """Run tasks on hosts."""
        return self.play([{"hosts": hosts, "gather_facts": False, "tasks": list(tasks)}], *arguments, extra=extra)


LAB = [sys.executable, "-m", "hyperv_lab"]


def lab_environment() -> dict[str, str]:
    """Return the environment the lab runs in."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "lab")}


def ansible_environment(workdir: Path) -> dict[str, str]:
    """Return the environment ansible-playbook runs in: nothing of the user's settings gets in."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    collections = os.environ.get("HYPERV_MOBILITY_COLLECTIONS") or str(BIN.parent / "collections")
    return kept | {
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_HOME": str(workdir / "ansible"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "integration" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORKS": "10",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_DEVEL_WARNING": "0",
    }


def kill(process: subprocess.Popen[str], sign: int = signal.SIGKILL) -> None:
    """End a process this harness started, with its workers: those of ansible-core 2.19 and newer lead sessions."""
    workers = _children(process.pid)
    try:
        os.killpg(process.pid, sign)
    except ProcessLookupError:
        return
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, sign)
    process.wait(timeout=30)


def _children(process: int) -> list[int]:
    """Return the processes that a process has started, and theirs, at any depth."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int(
                    (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[1]
                )
                parents.setdefault(parent, []).append(int(entry.name))
    found = list(parents.get(process, ()))
    for child in found:
        found += parents.get(child, ())
    return found


def serve(fleet: Path | Mapping[str, Any], workdir: Path, *options: str) -> Iterator[Lab]:
    """Yield a lab that serves the fleet; it is stopped afterwards."""
    workdir.mkdir(parents=True, exist_ok=True)
    if isinstance(fleet, Mapping):
        path = workdir / "fleet.yml"
        path.write_text(yaml.safe_dump(dict(fleet), sort_keys=False, allow_unicode=True), encoding="utf-8")
    else:
        path = fleet
    log = (workdir / "lab.log").open("w", encoding="utf-8")
    process = subprocess.Popen(
        [
            *LAB,
            "serve",
            str(path),
            "--workdir",
            str(workdir),
            "--base",
            base_address(),
            "--with-parent",
            str(os.getpid()),
            *options,
        ],
        env=lab_environment(),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )
    try:
        await_ready(process, workdir)
        yield Lab(workdir, process)
    finally:
        kill(process, signal.SIGTERM)
        log.close()


_LABS = itertools.count()


def base_address() -> str:
    """Return the first loopback address of a lab: each process has a range of its own, or nearly, each lab a part."""
    part = os.getpid() // 200 % 15 * 16 + next(_LABS) % 8 * 2
    return f"127.{16 + os.getpid() % 200}.{part}.1"


def await_ready(process: subprocess.Popen[str], workdir: Path) -> None:
    """Return when the lab has said that it is ready; fail with its log when it ends or takes too long."""
    assert process.stdout is not None
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if line.startswith("ready"):
            return
        if not line and process.poll() is not None:
            break
    raise RuntimeError(f"the lab did not get ready:\n{(workdir / 'lab.log').read_text(encoding='utf-8')}")
