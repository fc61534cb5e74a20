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

MACHINE: dict[str, object] = {
    "Id": "6f1c8b1e-5d0a-4f57-9d35-000000000000",
    "Name": "hv001-vm1",
    "State": 2,
    "PrimaryOperationalStatus": 2,
    "SecondaryOperationalStatus": None,
    "OperationalStatus": [2],
    "Heartbeat": 2,
    "Generation": 2,
    "Version": "10.0",
    "Uptime": {"Ticks": 864000000000, "Days": 1, "Hours": 0, "Milliseconds": 0, "Minutes": 0, "Seconds": 0},
    "CreationTime": "/Date(1790000000000)/",
    "IsClustered": False,
    "Path": "D:\\Hyper-V\\hv001-vm1",
    "ConfigurationLocation": "D:\\Hyper-V\\hv001-vm1",
    "SnapshotFileLocation": "D:\\Hyper-V\\hv001-vm1",
    "SmartPagingFilePath": "D:\\Hyper-V\\hv001-vm1",
    "SizeOfSystemFiles": 32768,
    "ProcessorCount": 2,
    "MemoryAssigned": 4294967296,
    "MemoryStartup": 4294967296,
    "MemoryMinimum": 536870912,
    "MemoryMaximum": 1099511627776,
    "DynamicMemoryEnabled": False,
    "AutomaticStartAction": 3,
    "AutomaticStopAction": 3,
    "CheckpointType": 2,
    "ParentSnapshotId": None,
    "Notes": "",
}
"""One VM as ConvertTo-Json of Windows PowerShell 5.1 writes it: the properties that vm_info asks for."""
PROPERTIES = tuple(MACHINE)
SCRIPT = f"Hyper-V\\Get-VM | Select-Object -Property {', '.join(PROPERTIES)} | ConvertTo-Json -Compress"
VMS = 4
"""As many as each host of the fleets has."""


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
    """Write what the server answers to the module's script: the module's own form of a result."""
    machines = [{**MACHINE, "Name": f"hv001-vm{number}"} for number in range(1, VMS + 1)]
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
