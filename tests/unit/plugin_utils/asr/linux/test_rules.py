# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each defect gives exactly its id (or documented pair); a healthy machine of each row gives none."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import Cure, Scope
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux import rules
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.patient import Wanted
from ansible_collections.hyperv.mobility.plugins.plugin_utils.findings import Severity
from unit.plugin_utils.asr.linux import machines
from unit.plugin_utils.asr.linux.defects import DEFECTS, GRUB_LINES, N, on_lvm, second_disk, sshd
from unit.plugin_utils.asr.linux.machines import OS_IDS, RELEASES, healthy

EVERYTHING = frozenset({Scope.PUSH, Scope.AGENT, Scope.REGISTER})


def wanted(**more: object) -> Wanted:
    return Wanted(**{"scopes": EVERYTHING, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("row", RELEASES)
def test_a_healthy_machine_of_each_row_has_no_finding(row: str) -> None:
    evidence = healthy(row).evidence()
    assert evidence.system is not None
    assert evidence.system.os_id == OS_IDS[row]
    listed = frozenset({evidence.kernel})
    assert rules.judge(evidence, wanted()) == ()
    assert rules.judge(evidence, wanted(agent_version=(9, 19), supported_kernels=listed)) == ()


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_gives_its_id_alone(name: str) -> None:
    error_id, defect, more = DEFECTS[name]
    found = rules.judge(defect(healthy()).evidence(), wanted(**more))
    assert {item.id for item in found} == {error_id}
    assert len({(item.id, item.subject) for item in found}) == len(found) == 1
    assert found[0].as_plain()["id"] == error_id


def test_a_defect_of_a_scope_that_is_not_asked_for_is_not_named() -> None:
    broken = sshd(healthy(), "passwordauthentication yes", "passwordauthentication no").evidence()
    assert rules.judge(broken, wanted(scopes={Scope.AGENT, Scope.REGISTER})) == ()


def test_a_port_that_does_not_open_is_named_and_one_that_nobody_could_try_is_not() -> None:
    told = healthy().answer("tcp", "10.9.9.9 443 1\n10.9.9.9 9443 0\n10.9.9.8 443 125\n10.9.9.7 9443 143\n")
    servers = (("10.9.9.9", 443), ("10.9.9.9", 9443), ("10.9.9.8", 443), ("10.9.9.7", 9443))
    found = rules.judge(told.evidence(*servers), wanted(servers=servers))
    assert [(item.id, item.subject) for item in found] == [
        ("register:curl-7", "10.9.9.9:443"),
        ("78169", "10.9.9.7:9443"),
    ]


@pytest.mark.parametrize("row", ["rhel-5.11", "centos-6.10"])
def test_old_red_hats_need_the_hyper_v_driver_except_in_azure(row: str) -> None:
    told = healthy(row)
    path = next(name for name in told.values if name.startswith("storvsc "))
    told = told.value(path, "")
    assert [item.id for item in rules.judge(told.evidence(), wanted())] == [N + "LisDriversNotAvailable"]
    assert rules.judge(told.evidence(), wanted(platform="Azure")) == ()


@pytest.mark.parametrize(
    ("row", "kernel"),
    [
        ("rhel-8.4", "4.18.0-305.el8.x86_64"),
        ("rhel-8.4", "4.18.0-348.2.1.el8_5.x86_64"),
        ("rhel-6.10", "2.6.32-70.el6.x86_64"),
        ("rhel-7.9", "5.4.17-2011.el7uek.x86_64.debug"),
        ("oracle-6.10", "2.6.32-300.el6.x86_64"),
        ("oracle-8.4", "4.18.0-372.el8.x86_64"),
        ("sles-11.3", "3.0.101-0.47-pae"),
    ],
)
def test_kernels_outside_the_rule_of_their_system_are_refused(row: str, kernel: str) -> None:
    found = rules.judge(healthy(row).value("kernel", kernel).evidence(), wanted())
    assert [item.id for item in found] == ["os-unsupported"]
    assert (
        rules.judge(healthy(row).value("kernel", kernel).evidence(), wanted(supported_kernels=frozenset({kernel})))
        == ()
    )


def test_ubuntus_kernel_is_only_judged_by_a_list() -> None:
    evidence = healthy("ubuntu-18.04").evidence()
    assert rules.judge(evidence, wanted()) == ()
    assert [item.id for item in rules.judge(evidence, wanted(supported_kernels=frozenset({"4.15.0-20-generic"})))] == [
        "os-unsupported"
    ]


def test_sles_kernels_of_other_flavours_are_listed_with_their_service_pack() -> None:
    evidence = healthy("sles-15.2").value("kernel", "5.3.18-18.5-azure").evidence()
    assert rules.judge(evidence, wanted(supported_kernels=frozenset({"5.3.18-18.5-azure:2"}))) == ()
    assert [
        item.id for item in rules.judge(evidence, wanted(supported_kernels=frozenset({"5.3.18-18.5-azure:3"})))
    ] == ["os-unsupported"]


def test_a_release_that_is_too_new_for_the_agent_or_the_table() -> None:
    newer = healthy().file("/etc/redhat-release", "Red Hat Enterprise Linux release 8.9 (Ootpa)\n")
    newer = newer.value("kernel", "4.18.0-513.5.1.el8_9.x86_64")
    assert [item.id for item in rules.judge(newer.evidence(), wanted(agent_version=(9, 56)))] == ["95213"]
    assert rules.judge(newer.evidence(), wanted(agent_version=(9, 57))) == ()
    newest = newer.file("/etc/redhat-release", "Red Hat Enterprise Linux release 8.10 (Ootpa)\n")
    (found,) = rules.judge(newest.evidence(), wanted())
    assert (found.id, found.severity) == ("95213", Severity.WARNING)


def test_dhcp_clients_by_distribution() -> None:
    for row, program in (("sles-11.4", "dhcpcd"), ("sles-15.2", "wickedd-dhcp4"), ("sles-12.5", "dhclient")):
        (found,) = rules.judge(healthy(row).without(program).evidence(), wanted())
        assert (found.id, found.subject) == (N + "DhcpClientNotAvailable", program)


def test_layouts_that_newer_agents_take_are_no_finding() -> None:
    for told in (on_lvm(healthy()), on_lvm(healthy(), boot=True), on_lvm(healthy(), disks=2)):
        assert rules.judge(told.evidence(), wanted(agent_version=(9, 20))) == ()
        assert rules.judge(told.evidence(), wanted()) == ()


def test_paths_of_one_disk_are_one_disk() -> None:
    tree = "".join(f"{disk} {disk}\n`-mpatha dm-0\n  |-mpatha1 dm-1\n  `-mpatha2 dm-2\n" for disk in ("sda", "sdb"))
    names = [("sda", "sda", "disk"), ("sdb", "sdb", "disk"), ("dm-0", "mpatha", "mpath")]
    names += [("dm-1", "mpatha1", "part"), ("dm-2", "mpatha2", "part")]
    pairs = "".join(f'KNAME="{k}" NAME="{n}" TYPE="{t}" SIZE="42949672960"\n' for k, n, t in names)
    told = healthy().answer("tree", tree).answer("devices", pairs)
    told = told.answer("mounts /etc/mtab", "/dev/mapper/mpatha2 / ext4 rw 0 0\n/dev/mapper/mpatha1 /boot ext4 rw 0 0\n")
    told = told.answer("table sdb", machines.TABLE.replace("sda", "sdb"))
    assert rules.judge(told.evidence(), wanted(agent_version=(9, 19))) == ()


def test_a_machine_without_lsblk_is_read_from_proc_and_the_device_mapper() -> None:
    told = healthy("rhel-5.11").answer("tree", None).answer("devices", None)
    told = told.answer(
        "partitions",
        "major minor  #blocks  name\n\n   8 0 41943040 sda\n   8 1 104391 sda1\n   8 2 41833942 sda2\n"
        "   8 16 41943040 sdb\n   8 17 41943040 sdb1\n 253 0 39780352 dm-0\n",
    )
    told = told.answer("dm-list", "VolGroup00-LogVol00\t(253, 0)\n")
    told = told.answer("dm-deps", "VolGroup00-LogVol00: 2 dependencies\t: (8, 17) (8, 2)\n")
    told = told.answer("dm-status", "VolGroup00-LogVol00: 0 79560704 linear \n")
    told = told.answer(
        "mounts /etc/mtab", "/dev/mapper/VolGroup00-LogVol00 / ext3 rw 0 0\n/dev/sda1 /boot ext3 rw 0 0\n"
    )
    told = told.answer(GRUB_LINES, None).file(
        "/boot/grub/menu.lst", "title x\n  kernel /vmlinuz ro root=/dev/VolGroup00/LogVol00 rhgb\n"
    )
    assert rules.judge(told.evidence(), wanted()) == ()
    assert [item.id for item in rules.judge(told.evidence(), wanted(agent_version=(9, 19)))] == ["95313"]


def test_what_a_match_block_says_is_left_to_people() -> None:
    told = sshd(healthy(), "passwordauthentication yes", "passwordauthentication no", files=False)
    told = told.file(
        "/etc/ssh/sshd_config",
        "PasswordAuthentication yes\nPermitRootLogin yes\nMatch User root\n PasswordAuthentication no\n",
    )
    (found,) = rules.judge(told.evidence(), wanted())
    assert (found.id, found.cure) == ("95108", Cure.MANUAL)


def test_kinds_of_cures() -> None:
    def cure(name: str) -> Cure:
        _id, defect, more = DEFECTS[name]
        return rules.judge(defect(healthy()).evidence(), wanted(**more))[0].cure

    assert {cure(name) for name in ("no SFTP", "sshd stopped", "grub.cfg by name", "menu.lst by name")} == {Cure.SAFE}
    assert {cure(name) for name in ("no password", "no root")} == {Cure.WEAKENING}
    assert {cure(name) for name in ("by id", "missing volume", "other port", "root full")} == {Cure.MANUAL}


def test_another_systems_root_is_not_rewritten() -> None:
    told = second_disk(healthy()).answer(GRUB_LINES, "linux /v root=/dev/sda2\nlinux /v2 root=/dev/sdb1\n")
    (found,) = rules.judge(told.evidence(), wanted())
    assert (found.id, found.cure) == ("95320", Cure.MANUAL)
    assert "/dev/sdb1 is not what is mounted on /" in found.evidence


def test_sftp_is_reported_with_its_unverified_twin() -> None:
    (found,) = rules.judge(DEFECTS["no SFTP"][1](healthy()).evidence(), wanted())
    assert found.ids == ("95108", "95106")
