# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task we compare with: ansible.windows.win_powershell, from the published ansible package."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

VERSION = "12.3.0"
ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "bench"
PLACE = CACHE / "collections"
PARTS = ("ansible_collections/ansible/windows/",)

SCRIPT = (
    "Hyper-V\\Get-VM | Select-Object -Property Id, Name, State, Status, Version, Generation, ProcessorCount, "
    "MemoryAssigned, MemoryStartup, DynamicMemoryEnabled, Path, Uptime | ConvertTo-Json -Compress"
)


def install() -> None:
    """Fetch the package once and unpack the collection that is measured."""
    if (PLACE / PARTS[0] / "plugins").is_dir():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(CACHE),
        f"ansible=={VERSION}",
    ]
    subprocess.run(command, check=True, timeout=600)
    with zipfile.ZipFile(next(CACHE.glob(f"ansible-{VERSION}-*.whl"))) as wheel:
        wheel.extractall(PLACE, [name for name in wheel.namelist() if name.startswith(PARTS)])


def canned(place: Path) -> Path:
    """Write what the server answers to the module's script: the module's own form of a result, for ten VMs."""
    machines = [
        {
            "Id": f"6f1c8b1e-5d0a-4f57-9d35-{number:012d}",
            "Name": f"vm{number:02d}",
            "State": 2,
            "Status": "Operating normally",
            "Version": "9.0",
            "Generation": 2,
            "ProcessorCount": 2,
            "MemoryAssigned": 4294967296,
            "MemoryStartup": 4294967296,
            "DynamicMemoryEnabled": False,
            "Path": f"D:\\VMs\\vm{number:02d}",
            "Uptime": {"Ticks": 864000000000, "Days": 1, "TotalSeconds": 86400},
        }
        for number in range(10)
    ]
    result = {
        "changed": False,
        "result": {},
        "host_out": "",
        "host_err": "",
        "output": [json.dumps(machines, separators=(",", ":"))],
        "error": [],
        "warning": [],
        "verbose": [],
        "debug": [],
        "information": [],
    }
    path = place / "canned.json"
    path.write_text(json.dumps([{"contains": "", "output": [json.dumps(result)]}]), encoding="utf-8")
    return path
