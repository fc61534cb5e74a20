# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight of Linux machines: every defect of the lab, healthy machines of every row, by root and by sudo.

One playbook run serves all machines: look, predict, cure, look again, undo. The tests read its results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hyperv_lab.guests.linux.defects import DEFECTS, NEEDS_KEY, NEEDS_SUDO
from hyperv_lab.guests.linux.rows import ROWS
from integration.harness import Lab, Run, serve

pytestmark = pytest.mark.exhaustive

N = "name:ASRMobilityService"
SERVER = {"name": "cs01", "address": "127.65.200.1", "port": 4443, "data_port": 9443, "passphrase": "Lab-Passphrase-1"}
OLD = "9.19.0.0"
EXPECTED: Mapping[str, tuple[str, str | None]] = {
    "sftp_off": ("95108", None),
    "password_login_off": ("95108", None),
    "password_login_off_by_drop_in": ("95108", None),
    "root_login_off": ("95108", None),
    "root_login_by_key_only": ("95108", None),
    "ssh_not_by_its_service": ("95117", None),
    "grub_device_names": ("95320", None),
    "grub_stale_volume": ("151124", None),
    "acpi_off": (N + "AcpiEqualsToZeroSet", None),
    "no_c_locale": (N + "CLocaleNotAvailable", None),
    "no_host_name": (N + "HostNameNotSet", None),
    "secure_boot": (N + "SecureBootEnabled", None),
    "not_in_operation": (N + "RunlevelCommandFailure", None),
    "root_nearly_full": (N + "FreeSpaceOnRootNotSufficient", None),
    "root_full": ("95524", None),
    "no_hyperv_driver": (N + "LisDriversNotAvailable", None),
    "custom_kernel": ("os-unsupported", None),
    "kernel_folder_missing": (N + "KernelDirectoryNotExist", None),
    "root_disk_unknown": (N + "SystemDiskNotFound", None),
    "boot_disk_unknown": ("95310", None),
    "two_boot_disks": ("95311", None),
    "boot_on_another_disk": ("95309", OLD),
    "boot_on_lvm": ("lvm-9.20", OLD),
    "boot_on_two_disks": ("95311", None),
    "root_on_two_disks": ("95313", OLD),
    "no_lvm_tools": (N + "LvmPackageMissing", None),
    "boot_not_mounted": (N + "BootPartitionNotMounted", None),
    "root_file_system": (N + "UnsupportedRootFileSystem", None),
    "root_on_two_btrfs_devices": (N + "UnsupportedRootFileSystem", None),
    "boot_file_system": (N + "UnsupportedBootFileSystem", None),
    "read_only_usr_local": (N + "DirsNotWritable", None),
    "no_dhcp_client": (N + "DhcpClientNotAvailable", None),
    "one_pass_encryption": (N + "InstallerBlockOldOnePassEncryption", None),
    "low_memory": ("95572", None),
    "little_memory_available": ("95572", None),
    "unknown_system": ("95213", None),
    "unsupported_release": ("95213", None),
    "thirty_two_bits": ("95213", None),
    "small_disk": ("150172", None),
    "uninitialised_disk": ("150039", None),
    "encrypted_root": ("151137", "9.35.5662.1"),
    "no_ipv4": ("register:no-valid-ip", None),
    "no_name_resolution": ("ConfiguratorConfigurationFailedWithDNSissue", None),
    "ports_exhausted": ("95117", None),
    "restart_pending": ("95224", None),
    "agent_platform_damaged": ("register:platform-null", None),
}
"""The id of each defect of the lab, and the agent's version with which it is one."""
CURABLE = {"sftp_off", "ssh_not_by_its_service", "grub_device_names"}
UNREACHABLE = {"ssh_stopped"}
"""Ansible doesn't get in either; asr_push_probe looks at these."""
WEAKENING = {"password_login_off", "password_login_off_by_drop_in", "root_login_off", "root_login_by_key_only"}
NEEDS_ROW = {
    "no_hyperv_driver": ("centos-6.10", "rhel-5.11"),
    "custom_kernel": ("rhel-7.9", "oracle-8.4"),
    "root_on_two_disks": ("oracle-7.9", "rhel-5.11"),
    "boot_on_another_disk": ("rhel-6.10", "debian-8"),
    "boot_on_lvm": ("centos-8.3", "ubuntu-16.04"),
}
"""Defects that not every system can have, or that an old agent sees beside another one there (btrfs)."""
ERAS = (
    "rhel-5.11",
    "centos-6.10",
    "centos-7.9",
    "oracle-8.4",
    "sles-11.3",
    "sles-15.2",
    "ubuntu-14.04",
    "ubuntu-20.04",
    "debian-9",
)
AGENT = {"version": "9.55.6765.1", "stack": "classic", "registered_with": "cs01"}


def rows_of(name: str, number: int) -> tuple[str, ...]:
    """Return the rows that a defect is tried on: cures on every kind of GRUB, sshd and service manager."""
    rows = list(ROWS)
    if name in CURABLE:
        return ERAS
    if name in WEAKENING:
        return rows[number % len(rows)], rows[(number + 11) % len(rows)]
    return NEEDS_ROW.get(name) or (rows[number % len(rows)],)


def machines() -> dict[str, dict[str, Any]]:
    """Return machines with each defect, and a healthy one of every row."""
    found: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(sorted(set(DEFECTS) - UNREACHABLE)):
        for place, row in enumerate(rows_of(name, number)):
            sudo = (number + place) % 2 or name in NEEDS_SUDO
            entry: dict[str, Any] = {"os": row, "defects": [name], "become": "sudo" if sudo else "none"}
            entry |= {"sign_in": "key"} if name in NEEDS_KEY else {}
            entry |= {"agent": AGENT} if name == "agent_platform_damaged" else {}
            found[f"{name}-{row}".replace("_", "-")] = entry
    for number, row in enumerate(ROWS):
        found[f"healthy-{row}"] = {"os": row, "become": ("none", "sudo", "sudo_nopasswd")[number % 3]}
    return found


MACHINES = machines()


def fleet() -> dict[str, Any]:
    rows = [{"name": f"l{place:03}", **entry} for place, entry in enumerate(MACHINES.values())]
    return {"asr": {"configuration_servers": [SERVER]}, "linux_machines": rows}


NAMES = {alias: f"l{place:03}" for place, alias in enumerate(MACHINES)}
VERSIONS = {
    NAMES[alias]: version
    for alias, entry in MACHINES.items()
    if entry.get("defects") and (version := EXPECTED[entry["defects"][0]][1])
}


def preflight(name: str, **options: Any) -> dict[str, Any]:
    given = {
        "scopes": ["push", "agent", "register"],
        "push_account": "root",
        "servers": [{"address": SERVER["address"], "port": port} for port in (SERVER["port"], SERVER["data_port"])],
        "server_names": ["cs01"],
        "agent_version": "{{ versions[inventory_hostname] | default(omit) }}",
    }
    return {"name": name, "vars": {"versions": VERSIONS}, "hyperv.mobility.asr_preflight": {**given, **options}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from serve(fleet(), tmp_path_factory.mktemp("preflight"))


@pytest.fixture(scope="module")
def run(lab: Lab) -> Run:
    allowed = ["safe", "95108"]
    tasks = [
        preflight("look"),
        {**preflight("safe in check mode", remediate=["safe"]), "check_mode": True},
        {**preflight("predict", remediate=allowed), "check_mode": True, "diff": True},
        {**preflight("cure", remediate=allowed), "diff": True, "register": "cured"},
        preflight("again", remediate=allowed),
        {
            "name": "undo",
            "hyperv.mobility.asr_preflight": {"undo": "{{ cured.undo }}"},
            "when": "cured.undo | length > 0",
        },
    ]
    done = lab.play([{"hosts": "linux_machines", "gather_facts": False, "tasks": tasks}], timeout=900)
    assert done.code == 0, done.output[-8000:]
    return done


def ids(result: dict[str, Any]) -> list[str]:
    return [item["id"] for item in result["findings"]]


@pytest.mark.parametrize("alias", [alias for alias in MACHINES if MACHINES[alias].get("defects")])
def test_a_defect_is_named_alone_cured_and_gone(run: Run, alias: str) -> None:
    (defect,) = MACHINES[alias]["defects"]
    look, predicted, cured, again = (run.one(task, NAMES[alias]) for task in ("look", "predict", "cure", "again"))
    assert (set(ids(look)), look["changed"]) == ({EXPECTED[defect][0]}, False), look["findings"]
    assert len(ids(look)) == 1, look["findings"]
    for key in ("findings", "cured", "manual", "blocked", "diff", "changed"):
        assert predicted[key] == cured[key], key
    curable = defect in CURABLE | WEAKENING
    assert cured["cured"] == (ids(look) if curable else [])
    assert cured["changed"] is curable
    assert (again["changed"], ids(again)) == (False, [] if curable else ids(look))


@pytest.mark.parametrize("alias", [alias for alias in MACHINES if not MACHINES[alias].get("defects")])
def test_a_healthy_machine_of_every_row_has_no_finding(run: Run, alias: str) -> None:
    look = run.one("look", NAMES[alias])
    assert look["findings"] == []
    assert look["blocked"] is False
    silent = ["Secure Boot", "settings in force of sshd"] if alias.endswith("-5.11") else []
    assert look["facts"]["unread"] == silent


def test_safe_never_lowers_the_guard_and_undo_gives_it_back(run: Run) -> None:
    weakened = [alias for alias in MACHINES if set(MACHINES[alias].get("defects", ())) & WEAKENING]
    assert weakened
    for alias in weakened:
        assert run.one("safe in check mode", NAMES[alias])["cured"] == []
        assert run.one("undo", NAMES[alias])["changed"] is True


def test_what_was_undone_is_found_again_and_a_second_undo_changes_nothing(lab: Lab, run: Run) -> None:
    weakened = [alias for alias in MACHINES if set(MACHINES[alias].get("defects", ())) & WEAKENING]
    steps = {NAMES[alias]: run.one("cure", NAMES[alias])["undo"] for alias in weakened}
    once_more = {
        "name": "undo",
        "vars": {"steps": steps},
        "hyperv.mobility.asr_preflight": {"undo": "{{ steps[inventory_hostname] }}"},
    }
    done = lab.tasks(",".join(steps), once_more, preflight("look"))
    assert done.code == 0, done.output[-4000:]
    for alias in weakened:
        assert done.one("undo", NAMES[alias])["changed"] is False
        assert ids(done.one("look", NAMES[alias])) == ["95108"]


def test_nothing_is_left_broken_or_restarted(lab: Lab, run: Run) -> None:
    assert run.code == 0
    for name, machine in lab.state()["linux_machines"].items():
        left = [path for path in machine["leftovers"] if not path.endswith("/.sudo_as_admin_successful")]  # sudo's own
        assert (left, machine["reboots"], machine["sshd_config_valid"]) == ([], 0, True), name
