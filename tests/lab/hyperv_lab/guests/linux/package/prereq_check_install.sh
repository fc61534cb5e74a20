#!/bin/sh
# Stand-in of the lab: what the agent's setup asks of the machine. Sourced by install; alone: 0 fine, 1 not, 2 usage.
N=ASRMobilityService

free_kb() { df -Pk "$1" | awk 'NR == 2 { print $4 }'; }
source_of() { awk -v point="$1" '$2 == point { found = $1 } END { print found }' /etc/mtab; }
type_of() { awk -v point="$1" '$2 == point { found = $3 } END { print found }' /etc/mtab; }

# Disks under a device, by the kernel's and the device mapper's own tables.
disks_of() {
  name=${1#/dev/mapper/}
  case $1 in
  /dev/mapper/*|/dev/dm-*)
    for pair in $(dmsetup deps "$name" 2>/dev/null | sed 's/.*: *//; s/ *(/ /g; s/, /:/g; s/)//g'); do
      kname=$(awk -v major="${pair%:*}" -v minor="${pair#*:}" '$1 == major && $2 == minor { print $4 }' /proc/partitions)
      [ -z "$kname" ] || disks_of "/dev/$kname"
    done ;;
  /dev/[shv]d*|/dev/xvd*)
    kname=${1#/dev/}
    awk -v name="$kname" '$4 == name { found = 1 } END { exit !found }' /proc/partitions && echo "$kname" | sed 's/[0-9]*$//' ;;
  esac
}
count_of() { disks_of "$1" | sort -u | wc -l; }

grub_file() {
  for each in /boot/grub/grub.cfg /boot/grub2/grub.cfg /boot/grub/menu.lst; do
    [ -f "$each" ] && { echo "$each"; return; }
  done
}
is_mapped() {
  device=$1
  case $device in
  /dev/mapper/*) ;;
  /dev/*/*) device=/dev/mapper/$(echo "${device#/dev/}" | sed 's/-/--/g; s#/#-#') ;;
  *) return 1 ;;
  esac
  dmsetup status "${device#/dev/mapper/}" 2>/dev/null | grep -q -E 'linear|crypt'
}

check_grub() {
  file=$(grub_file)
  [ -n "$file" ] || return 0
  for token in $(grep -v '^[[:space:]]*#' "$file" | grep -E 'kernel|linux' | tr ' "\t' '\n\n\n' | sed -n 's/^\(root\|resume\)=\(\/dev\/.*\)/\2/p' | sort -u); do
    case $token in /dev/disk/by-uuid/*|/dev/disk/by-label/*) continue ;; esac
    is_mapped "$token" || add_error ${N}GrubDeviceNameChange "$file names $token"
  done
  for volume in $(cat "$file" /etc/default/grub 2>/dev/null | grep -v '^[[:space:]]*#' | tr ' "\t' '\n\n\n' | sed -n 's/^rd[._]\(lvm\.lv\|LVM_LV\)=//p' | sort -u); do
    [ -e "/dev/$volume" ] || add_error ${N}DeviceNotExist "$file asks for $volume"
  done
}

check_storage() {
  root=$(source_of /) boot=$(source_of /boot)
  [ "$(count_of "$root")" -gt 0 ] || add_error ${N}SystemDiskNotFound "no disk under $root"
  case $root in
  /dev/mapper/*) if dmsetup status "${root#/dev/mapper/}" | grep -q linear && ! command -v vgdisplay >/dev/null; then add_error ${N}LvmPackageMissing "$root is a logical volume"; fi ;;
  esac
  if grep -q '^[^#]*[[:space:]]/boot[[:space:]]' /etc/fstab && [ -z "$boot" ]; then
    add_error ${N}BootPartitionNotMounted '/boot is in /etc/fstab and is not mounted'
  elif [ -n "$boot" ]; then
    case $(count_of "$boot") in
    0) add_error ${N}BootDiskNotFound "no disk under $boot" ;;
    1) case $(type_of /boot) in ext3|ext4|xfs|btrfs) ;; *) add_error ${N}UnsupportedBootFileSystem "$(type_of /boot)" ;; esac ;;
    *) add_error ${N}BootOnLVMFromMultipleDisks "$boot lies on several disks" ;;
    esac
    if ! since "$VERSION" 9.20; then
      case $boot in /dev/mapper/*) add_error ${N}BootOnLVMFromMultipleDisks "$boot is no plain partition" ;; esac
      [ "$(disks_of "$boot")" = "$(disks_of "$root" | sort -u | head -n 1)" ] || add_error ${N}BootAndSystemDiskOnSeparateDisks "$boot"
    fi
  fi
  if ! since "$VERSION" 9.20 && [ "$(count_of "$root")" -gt 1 ]; then add_error ${N}SystemDiskNotFound "$root lies on several disks"; fi
  case $(type_of /) in ext3|ext4|xfs|btrfs) ;; *) add_error ${N}UnsupportedRootFileSystem "$(type_of /)" ;; esac
  [ "$(free_kb /)" -ge 1048576 ] || add_error ${N}FreeSpaceOnRootNotSufficient "$(free_kb /) KB free"
}

check_kernel() {
  kernel=$(uname -r)
  listed=
  while read -r pattern; do
    case $pattern in ''|'#'*) continue ;; esac
    # shellcheck disable=SC2254
    case $kernel in $pattern) listed=yes ;; esac
  done <"$PACKAGE/supported_kernels"
  [ -n "$listed" ] || add_error ${N}KernelNotSupported "$kernel"
  [ -d "/lib/modules/$kernel/kernel/drivers/char" ] || add_error ${N}KernelDirectoryNotExist "$kernel"
  case $OSID in
  RHEL5-64|RHEL6-64)
    for image in "/boot/initrd-$kernel.img" "/boot/initramfs-$kernel.img"; do
      [ ! -f "$image" ] || gzip -dc <"$image" | cpio -it 2>/dev/null | grep -q hv_storvsc || add_error ${N}LisDriversNotAvailable "$image"
    done ;;
  esac
}

check_system() {
  locale -a | grep -q -x -E 'C|POSIX' || add_error ${N}CLocaleNotAvailable 'locale -a lists no C'
  [ -n "$(hostname)" ] || add_error ${N}HostNameNotSet 'the host name is empty'
  if command -v mokutil >/dev/null && mokutil --sb-state | grep -q enabled; then add_error ${N}SecureBootEnabled 'Secure Boot is on'; fi
  if command -v systemctl >/dev/null; then
    if systemctl -q is-active shutdown.target; then add_error ${N}RunlevelCommandFailure 'the machine is shutting down'; fi
  else
    case $(runlevel) in *' 2'|*' 3'|*' 5') ;; *) add_error ${N}RunlevelCommandFailure "$(runlevel)" ;; esac
  fi
  if tr ' ' '\n' </proc/cmdline | grep -q -x acpi=0; then add_error ${N}AcpiEqualsToZeroSet 'acpi=0'; fi
  for each in /etc /usr/local /var; do [ -w "$each" ] || add_error ${N}DirsNotWritable "$each"; done
  case $OSID in
  SLES11*) client=dhcpcd ;; SLES15*) client=/usr/lib/wicked/bin/wickedd-dhcp4 ;; *) client=dhclient ;;
  esac
  command -v "$client" >/dev/null || add_error ${N}DhcpClientNotAvailable "$client"
  if grep -q -v '^#' /var/lib/azure_disk_encryption_config/azure_crypt_mount 2>/dev/null; then
    add_error ${N}InstallerBlockOldOnePassEncryption 'old disk encryption'
  fi
}

check_prerequisites() {
  check_system
  check_kernel
  check_storage
  check_grub
}

if [ "${0##*/}" = prereq_check_install.sh ]; then
  PACKAGE=$(cd "$(dirname "$0")" && pwd)
  . "$PACKAGE/package.conf"
  log=/dev/null
  . "$PACKAGE/common.sh"
  check_prerequisites
  [ -z "$found_errors" ] || exit 1
fi
