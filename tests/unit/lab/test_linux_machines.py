# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux machines of a fleet without running them: the file, shapes, defects, their table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import catalogue
from hyperv_lab.guests import servers
from hyperv_lab.guests.linux import agent, boot_files, machine, system_files, tree
from hyperv_lab.guests.linux.defects import DEFECTS
from hyperv_lab.guests.linux.rows import ROWS
from hyperv_lab.guests.linux.shape import healthy
from hyperv_lab.hyperv.schema import FleetError, Section

README = Path(__file__).parents[2] / "lab" / "README.md"
SERVERS = servers.parse(
    Section(
        {
            "configuration_servers": [{"name": "cs01", "address": "127.63.9.1", "passphrase": "Lab-Passphrase-1"}],
            "appliances": [{"name": "app01", "address": "127.63.9.2"}],
        },
        "asr",
    )
)


def _parse(*entries: dict[str, Any]) -> list[machine.LinuxMachine]:
    return machine.parse(Section({"linux_machines": list(entries)}, ""), "127.63.1.1", 3, SERVERS)


def test_machines_listen_after_the_hosts() -> None:
    found = _parse({"count": 2, "name": "L{n:02}", "os": "debian-9"}, {"name": "x", "os": "rhel-5.11"})
    assert [each.address for each in found] == ["127.63.1.4", "127.63.1.5", "127.63.1.6"]
    assert [each.name for each in found] == ["L01", "L02", "x"]


def test_defects_choose_a_way_to_sign_in_that_is_left() -> None:
    by_key, by_sudo = _parse(
        {"name": "a", "os": "debian-9", "defects": ["password_login_off"]},
        {"name": "b", "os": "debian-9", "defects": ["root_login_off"]},
    )
    assert (by_key.sign_in, by_key.user) == ("key", "root")
    assert (by_sudo.become, by_sudo.user) == ("sudo", "admin")


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"name": "a", "os": "debian-99"}, "debian-99"),
        ({"name": "a", "os": "debian-9", "defects": ["tired"]}, "tired"),
        ({"name": "a b", "os": "debian-9"}, "a b"),
        ({"name": "a", "os": "debian-9", "agent": {"version": "9.55.1.1", "registered_with": "app01"}}, "app01"),
        ({"name": "a", "os": "debian-9", "colour": "red"}, "colour"),
    ],
)
def test_a_mistake_is_named(entry: dict[str, Any], named: str) -> None:
    with pytest.raises(FleetError, match=named):
        _parse(entry)


def test_two_machines_of_a_name_are_refused() -> None:
    with pytest.raises(FleetError, match="twice"):
        _parse({"name": "a", "os": "debian-9"}, {"name": "a", "os": "debian-8"})


def test_there_is_a_row_for_each_of_the_published_table() -> None:
    assert len(ROWS) == 22
    assert {row.osid for row in ROWS.values()} >= {"SLES11-SP3-64", "OL8-64", "RHEL5-64", "DEBIAN7-64"}


def test_old_systems_have_old_release_files_and_programs() -> None:
    assert "/etc/os-release" not in ROWS["rhel-6.10"].releases
    assert "/etc/os-release" not in ROWS["sles-11.3"].releases
    assert {"/etc/oracle-release", "/etc/redhat-release"} <= ROWS["oracle-8.4"].releases.keys()
    assert {"lsblk", "findmnt", "timeout", "systemctl"} <= ROWS["rhel-5.11"].absent
    assert "systemctl" in ROWS["ubuntu-14.04"].absent
    assert "systemctl" not in ROWS["ubuntu-16.04"].absent


@pytest.mark.parametrize("name", DEFECTS)
@pytest.mark.parametrize("row", ["rhel-7.9", "ubuntu-18.04", "sles-11.4"])
def test_a_defect_changes_what_is_written(name: str, row: str) -> None:
    one = machine.LinuxMachine(name="m", row=ROWS[row], address="127.0.0.2")
    before = tree.bent(one, 0, {"cs01": "127.63.9.1"})
    one.defects = (name,)
    after = tree.bent(one, 0, {"cs01": "127.63.9.1"})
    assert after != before
    assert system_files.files(after)
    assert boot_files.files(after)


def test_the_readme_lists_every_defect_with_an_id_of_the_catalogue() -> None:
    text = README.read_text(encoding="utf-8").split("## Linux machines", 1)[1].split("\n## ", 1)[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (\S+) \|$", text, re.MULTILINE))
    rows = {name: rows[name] for name in rows if name in DEFECTS or rows[name] != "(default)"}
    assert rows.keys() == DEFECTS.keys()
    for error_id in rows.values():
        assert catalogue.entry(error_id).os in {"linux", "any"}


def test_kernel_lines_name_uuids_unless_told_otherwise() -> None:
    one = machine.LinuxMachine(name="m", row=ROWS["debian-8"], address="127.0.0.2")
    assert "root=UUID=" in boot_files.config(healthy(one, 0))
    one.defects = ("grub_device_names",)
    bent = tree.bent(one, 0, {})
    assert "root=/dev/sda1" in boot_files.config(bent)
    assert "GRUB_DISABLE_LINUX_UUID=true" in boot_files.defaults(bent)


def test_machines_hold_no_passphrase() -> None:
    table = agent.server_table(SERVERS)
    assert "Lab-Passphrase-1" not in table
    assert table.count("\n") == 2
