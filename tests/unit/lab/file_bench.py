# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts with a share between them, for the tests of files and shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hyperv_lab.hyperv.fleet import parse
from hyperv_lab.hyperv.storage import GB, File, VirtualDisk

if TYPE_CHECKING:
    from hyperv_lab.hyperv.fleet import Fleet

ADMIN = {"name": "admin", "password": "Dom-1", "groups": ["Domain Admins"]}
LOCAL = [
    {"name": "Administrator", "password": "Loc-1"},
    {"name": "operator", "password": "Ope-1", "groups": ["Administrators"]},
    {"name": "reader", "password": "Rea-1"},
    {"name": "gone", "password": "Gon-1", "enabled": False},
]
SHARE = {
    "name": "Exports",
    "path": "D:\\Exports",
    "access": ["LAB\\admin", "LAB\\HV2$", {"account": "reader", "right": "read"}],
}
BIG = "D:\\Exports\\big.vhdx"


def fleet(**more: Any) -> Fleet:
    content: dict[str, Any] = {
        "directory": {"accounts": [ADMIN, {"name": "other", "password": "Oth-1"}]},
        "hosts": [
            {"name": "HV1", "accounts": LOCAL, "shares": [SHARE]},
            {"name": "HV2", "volumes": {"C": {"size_gb": 100}, "D": {"size_gb": 100}}},
        ],
        "vms": [{"name": "web", "host": "HV1", "state": "Running"}],
    }
    lab = parse({**content, **more}, speed=0)
    file = File(BIG, 4 * GB, VirtualDisk(size=40 * GB))
    lab.hosts["HV1"].storage.volume(BIG).put(file)
    return lab
