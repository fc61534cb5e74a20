# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with a machine: each defect bends the shape its files are made from; README names its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...hyperv.schema import FleetError
from .disks import GB, MB, Device, Mount, fresh_uuid, logical, on_lvm, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from .shape import Shape


def _sshd(shape: Shape, keyword: str, line: str) -> None:
    """Replace the lines of a keyword by one."""
    kept = [each for each in shape.sshd if not each.lower().startswith(keyword.lower() + " ")]
    shape.sshd = [*kept, line]


def sftp_off(shape: Shape) -> None:
    shape.sshd = [f"#{each}" if each.startswith("Subsystem") else each for each in shape.sshd]


def password_login_off(shape: Shape) -> None:
    _sshd(shape, "PasswordAuthentication", "PasswordAuthentication no")


def password_login_off_by_drop_in(shape: Shape) -> None:
    include = "Include /etc/ssh/sshd_config.d/*.conf"
    shape.sshd = [include, *(each for each in shape.sshd if each != include)]
    shape.sshd_drop_ins["50-cloud-init.conf"] = "PasswordAuthentication no\n"


def root_login_off(shape: Shape) -> None:
    _sshd(shape, "PermitRootLogin", "PermitRootLogin no")


def root_login_by_key_only(shape: Shape) -> None:
    _sshd(shape, "PermitRootLogin", "PermitRootLogin without-password")


def ssh_stopped(shape: Shape) -> None:
    shape.ssh_stopped, shape.ssh_service_state = True, "inactive"


def ssh_not_by_its_service(shape: Shape) -> None:
    shape.ssh_service_state = "inactive"


def grub_device_names(shape: Shape) -> None:
    if shape.lvm:
        shape.layout = plain(shape.row, shape.name)
    shape.grub_by_name = True


def grub_stale_volume(shape: Shape) -> None:
    shape.stale_volume = "vg_gone/lv_gone"


def acpi_off(shape: Shape) -> None:
    shape.boot_options = "acpi=0"


def no_c_locale(shape: Shape) -> None:
    shape.locales = ["en_US.utf8"]


def no_host_name(shape: Shape) -> None:
    shape.hostname = ""


def secure_boot(shape: Shape) -> None:
    shape.secure_boot = True
    shape.absent.discard("mokutil")


def not_in_operation(shape: Shape) -> None:
    shape.runlevel, shape.shutting_down = "1", True


def root_nearly_full(shape: Shape) -> None:
    shape.layout.mount("/").free = 700 * MB


def root_full(shape: Shape) -> None:
    shape.layout.mount("/").free = 60 * MB


def no_hyperv_driver(shape: Shape) -> None:
    shape.storvsc = False


def custom_kernel(shape: Shape) -> None:
    shape.kernel = "6.1.0-custom"


def kernel_folder_missing(shape: Shape) -> None:
    shape.kernel_folder = False


def root_disk_unknown(shape: Shape) -> None:
    root = shape.layout.root
    shape.layout.mount("/").source = "/dev/ram0"
    shape.layout.devices.append(Device(kname="ram0", size=root.size, fstype=root.fstype, uuid=root.uuid, type="ram"))


def boot_disk_unknown(shape: Shape) -> None:
    _own_boot(shape).source = "/dev/ram1"
    shape.layout.devices.append(
        Device(kname="ram1", size=GB, fstype="ext4", uuid=fresh_uuid(shape.name, "ram1"), type="ram")
    )


def _second_disk(shape: Shape, size: int = 40 * GB) -> None:
    shape.layout.devices.append(Device(kname="sdb", size=size, type="disk"))
    shape.layout.tables.add("sdb")


def _partition(shape: Shape, kname: str, fstype: str, *, group: str = "", boot: str = "") -> Device:
    device = Device(kname=kname, size=10 * GB, fstype=fstype, uuid=fresh_uuid(shape.name, kname), parents=(kname[:3],))
    device.group, device.boot = group, boot
    shape.layout.devices.append(device)
    return device


def _own_boot(shape: Shape) -> Mount:
    """Return the mount of /boot, which is made where / held it."""
    for each in shape.layout.mounts:
        if each.point == "/boot":
            return each
    _partition(shape, "sda4", "ext4")
    shape.layout.mounts.append(Mount(source="/dev/sda4", point="/boot", fstype="ext4", size=GB, free=800 * MB))
    return shape.layout.mounts[-1]


def two_boot_disks(shape: Shape) -> None:
    _second_disk(shape)
    _partition(shape, "sdb1", "ext4", boot="bootable")


def boot_on_another_disk(shape: Shape) -> None:
    _second_disk(shape)
    for each in shape.layout.devices:
        each.boot = ""
    boot = _own_boot(shape)
    _partition(shape, "sdb1", boot.fstype, boot="bootable")
    boot.source = "/dev/sdb1"


def _boot_volume(shape: Shape, parents: tuple[str, ...]) -> None:
    boot = _own_boot(shape)
    volume = logical(shape.name, "dm-8", "boots-boot", "boots", GB, "ext4", parents)
    shape.layout.devices.append(volume)
    boot.source, boot.fstype = volume.path, "ext4"


def boot_on_lvm(shape: Shape) -> None:
    _partition(shape, "sda5", "LVM2_member", group="boots")
    _boot_volume(shape, ("sda5",))


def boot_on_two_disks(shape: Shape) -> None:
    _second_disk(shape)
    _partition(shape, "sda5", "LVM2_member", group="boots")
    _partition(shape, "sdb1", "LVM2_member", group="boots")
    _boot_volume(shape, ("sda5", "sdb1"))


def root_on_two_disks(shape: Shape) -> None:
    if not shape.lvm:
        shape.layout = on_lvm(shape.row, shape.name)
    _second_disk(shape)
    root = shape.layout.root
    _partition(shape, "sdb1", "LVM2_member", group=root.group)
    root.parents = (*root.parents, "sdb1")


def no_lvm_tools(shape: Shape) -> None:
    if not shape.lvm:
        shape.layout = on_lvm(shape.row, shape.name)
    shape.absent |= {"lvs", "vgs", "pvs", "lvdisplay", "vgdisplay", "pvdisplay", "lvm", "vgscan", "lvscan", "pvscan"}


def boot_not_mounted(shape: Shape) -> None:
    _own_boot(shape).mounted = False


def root_file_system(shape: Shape) -> None:
    shape.layout.root.fstype = "reiserfs"
    shape.layout.mount("/").fstype = "reiserfs"


def root_on_two_btrfs_devices(shape: Shape) -> None:
    shape.absent.discard("btrfs")
    _second_disk(shape)
    root = shape.layout.root
    root.fstype = shape.layout.mount("/").fstype = "btrfs"
    _partition(shape, "sdb1", "btrfs").uuid = root.uuid


def boot_file_system(shape: Shape) -> None:
    boot = _own_boot(shape)
    boot.fstype = "reiserfs"
    next(each for each in shape.layout.devices if each.path == boot.source).fstype = "reiserfs"


def read_only_usr_local(shape: Shape) -> None:
    shape.read_only = ["/usr/local"]


def no_dhcp_client(shape: Shape) -> None:
    shape.absent |= {"dhclient", "dhcpcd", "wickedd-dhcp4"}


def one_pass_encryption(shape: Shape) -> None:
    path = "/var/lib/azure_disk_encryption_config/azure_crypt_mount"
    shape.extra_files[path] = "osencrypt /dev/sda2 None / ext4 False 0\n"


def low_memory(shape: Shape) -> None:
    shape.memory_kb, shape.available_kb = 768 << 10, 400 << 10


def little_memory_available(shape: Shape) -> None:
    shape.available_kb = 90 << 10


def unknown_system(shape: Shape) -> None:
    shape.releases = {"/etc/os-release": 'NAME="Slackware"\nVERSION="14.2"\nID=slackware\nVERSION_ID=14.2\n'}


def unsupported_release(shape: Shape) -> None:
    shape.releases = {"/etc/redhat-release": "Red Hat Enterprise Linux Server release 4.8 (Nahant)\n"}


def thirty_two_bits(shape: Shape) -> None:
    shape.machine = "i686"


def small_disk(shape: Shape) -> None:
    _second_disk(shape, 512 * MB)
    _partition(shape, "sdb1", "ext4").size = 500 * MB


def uninitialised_disk(shape: Shape) -> None:
    _second_disk(shape)
    shape.layout.tables.discard("sdb")


def encrypted_root(shape: Shape) -> None:
    if shape.lvm:
        shape.layout = plain(shape.row, shape.name)
    root, mount = shape.layout.root, shape.layout.mount("/")
    crypt = Device(kname="dm-0", name="cryptroot", size=root.size, type="crypt", target="crypt", parents=(root.kname,))
    crypt.fstype, crypt.uuid = root.fstype, fresh_uuid(shape.name, "cryptroot")
    root.fstype = "crypto_LUKS"
    shape.layout.devices.append(crypt)
    mount.source = crypt.path
    if all(each.point != "/boot" for each in shape.layout.mounts):
        _own_boot(shape)


def no_ipv4(shape: Shape) -> None:
    shape.addresses = []


def no_name_resolution(shape: Shape) -> None:
    shape.names = {}


def ports_exhausted(shape: Shape) -> None:
    shape.ports_in_use = 28232


def restart_pending(shape: Shape) -> None:
    shape.extra_files["/var/run/reboot-required"] = "*** System restart required ***\n"
    shape.extra_files["/proc/modules"] = "involflt 700416 0 - Live 0x0000000000000000\n"


def agent_platform_damaged(shape: Shape) -> None:
    shape.damaged_platform = True


DEFECTS: dict[str, Callable[[Shape], None]] = {
    each.__name__: each
    for each in (
        sftp_off,
        password_login_off,
        password_login_off_by_drop_in,
        root_login_off,
        root_login_by_key_only,
        ssh_stopped,
        ssh_not_by_its_service,
        grub_device_names,
        grub_stale_volume,
        acpi_off,
        no_c_locale,
        no_host_name,
        secure_boot,
        not_in_operation,
        root_nearly_full,
        root_full,
        no_hyperv_driver,
        custom_kernel,
        kernel_folder_missing,
        root_disk_unknown,
        boot_disk_unknown,
        two_boot_disks,
        boot_on_another_disk,
        boot_on_lvm,
        boot_on_two_disks,
        root_on_two_disks,
        no_lvm_tools,
        boot_not_mounted,
        root_file_system,
        root_on_two_btrfs_devices,
        boot_file_system,
        read_only_usr_local,
        no_dhcp_client,
        one_pass_encryption,
        low_memory,
        little_memory_available,
        unknown_system,
        unsupported_release,
        thirty_two_bits,
        small_disk,
        uninitialised_disk,
        encrypted_root,
        no_ipv4,
        no_name_resolution,
        ports_exhausted,
        restart_pending,
        agent_platform_damaged,
    )
}
NEEDS_KEY = frozenset({"password_login_off", "password_login_off_by_drop_in", "root_login_by_key_only"})
"""Defects with which nobody (or not root) signs in by password: Ansible uses the key."""
NEEDS_SUDO = frozenset({"root_login_off"})
"""Defects with which root doesn't sign in at all."""


def known(names: list[str], where: str) -> tuple[str, ...]:
    """Return the names of defects; FleetError for an unknown one."""
    for name in names:
        if name not in DEFECTS:
            raise FleetError(f"{where}.defects: {name!r} is none of {', '.join(DEFECTS)}")
    return tuple(names)
