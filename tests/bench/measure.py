# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of ansible-playbook costs: processor time, peak memory of a worker, time on the wall."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One run: processor seconds of the whole process tree, megabytes of the biggest worker, seconds on the wall."""

    cpu_seconds: float
    worker_mb: float
    wall_seconds: float
    code: int
    output: str


class WorkerMemory(threading.Thread):
    """Samples the peak resident memory of a process's children (Ansible's workers) until it is stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.peak_bytes = 0

    def run(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            try:
                children = psutil.Process(self._pid).children()
            except psutil.NoSuchProcess:
                return
            for child in children:
                self.peak_bytes = max(self.peak_bytes, _peak(child.pid))

    def stop(self) -> float:
        """Stop and return the peak in megabytes."""
        self._done.set()
        self.join(timeout=5)
        return self.peak_bytes / 1e6


def _peak(pid: int) -> int:
    """Return the peak resident size the kernel has seen for a process (VmHWM), in bytes; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def run(command: list[str], environment: Mapping[str, str], directory: Path, timeout: float = 1800) -> Cost:
    """Run a command to its end and return what it cost, its children included."""
    output = directory / "output.txt"
    began = time.monotonic()
    with output.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command, env=dict(environment), cwd=directory, stdout=file, stderr=subprocess.STDOUT)
        memory = WorkerMemory(process.pid)
        memory.start()
        # wait4 gives the usage of this child and of the workers it has waited for, and of nothing else.
        deadline = threading.Timer(timeout, process.kill)
        deadline.start()
        _, status, usage = os.wait4(process.pid, 0)
        deadline.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        worker_mb=memory.stop(),
        wall_seconds=time.monotonic() - began,
        code=process.returncode,
        output=output.read_text(encoding="utf-8"),
    )
