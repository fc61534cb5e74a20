# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints what a preflight looks at, section by section; changes nothing, leaves nothing.
# $1 marker that starts a section's head, $2 folder of the agent, then any of: tcp HOST PORT, name NAME
# Heads: "text PATH SUM" and "octal PATH SUM" (a file as it is, or by od -b), "huge PATH", "run NAME", "exit NAME CODE",
# "value NAME" (what follows is the value). A program that the machine has not gives no section.
LC_ALL=C LANG=C LANGUAGE=
export LC_ALL LANG LANGUAGE
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
export PATH
marker=$1
folder=$2
shift 2

section() { printf '\n%s %s\n' "$marker" "$*"; }

value() { section "value $1"; printf '%s' "$2"; }

has() { command -v "$1" >/dev/null 2>&1; }

run() {
  name=$1
  shift
  has "$1" || return 0
  section "run $name"
  "$@" 2>/dev/null </dev/null
  section "exit $name $?"
}

file() {
  [ -f "$1" ] && [ -r "$1" ] || return 0
  if [ "$(($(wc -c <"$1")))" -gt 262144 ]; then section "huge $1"; return 0; fi
  sum=$(cksum <"$1")
  if [ "$(($(LC_ALL=C tr -d '\011\012\040-\176' <"$1" | wc -c)))" -eq 0 ]; then
    section "text $1 $sum"
    cat "$1"
  else
    section "octal $1 $sum"
    od -v -b "$1"
  fi
}

kernel=$(uname -r)
value uid "$(id -u)"
value kernel "$kernel"
value machine "$(uname -m)"
value hostname "$(hostname 2>/dev/null || uname -n)"

for each in oracle-release redhat-release SuSE-release os-release lsb-release debian_version hosts; do
  file "/etc/$each"
done
# Of fstab and drscout.conf only what is asked for: the rest may hold passwords.
run fstab sed -n '/^[^#].*[[:space:]]\/boot[[:space:]]/p' /etc/fstab
file /proc/cmdline
run memory sed -n -e '/^MemTotal:/p' -e '/^MemFree:/p' -e '/^MemAvailable:/p' -e '/^Buffers:/p' -e '/^Cached:/p' /proc/meminfo
run modules sed -n '/^involflt /p' /proc/modules
run locale locale -a
run secureboot mokutil --sb-state
run shutdown systemctl is-active shutdown.target
run runlevel runlevel
[ -d "/lib/modules/$kernel/kernel/drivers/char" ] && value kerneldirectory yes
for each in sfdisk dmsetup blkid lvdisplay vgdisplay which locale bash dhclient dhcpcd grubby update-grub grub-mkconfig \
  grub2-mkconfig; do
  has "$each" && value "program $each" yes
done
[ -x /usr/lib/wicked/bin/wickedd-dhcp4 ] && value 'program wickedd-dhcp4' yes

# Hyper-V's disk driver in the initial RAM disk: only the 2.6 kernels of RHEL 5 and 6 may lack it.
initrd() {
  if has lsinitrd && [ "$1" = "/boot/initramfs-$kernel.img" ]; then lsinitrd "$1"; else
    { gzip -dc <"$1" || cat "$1"; } | cpio -it
  fi 2>/dev/null </dev/null | sed -n '/hv_storvsc/p'
}
case $kernel in
2.6.18*|2.6.32*)
  for each in "/boot/initrd-$kernel.img" "/boot/initramfs-$kernel.img"; do
    [ -f "$each" ] && value "storvsc $each" "$(initrd "$each")"
  done
  ;;
esac

# Disks and file systems
for each in /etc/mtab /proc/mounts; do
  [ -f "$each" ] && run "mounts $each" sed -e '/^\/[^/]/b' -e '/ \/ /b' -e d "$each"
done
run partitions cat /proc/partitions
run space df -Pk / /boot /usr /usr/local /var /etc /tmp "$folder"
run tree lsblk -i -n -o NAME,KNAME
run devices lsblk -P -b -o KNAME,NAME,TYPE,SIZE,FSTYPE,MOUNTPOINT,UUID
run blkid blkid
run dm-list dmsetup ls
run dm-deps dmsetup deps
run dm-status dmsetup status
if has sfdisk; then
  for each in $({ lsblk -d -n -o KNAME,TYPE || awk '$4 ~ /^[shv]d[a-z]+$|^xvd[a-z]+$/ { print $4, "disk" }' /proc/partitions; } \
    2>/dev/null </dev/null | awk '$2 == "disk" { print $1 }'); do
    run "table $each" sfdisk -d "/dev/$each"
  done
fi
run btrfs btrfs filesystem show /
for each in /etc /usr/local /var; do
  [ -d "$each" ] && { [ -w "$each" ] || value "readonly $each" yes; }
done
file /var/lib/azure_disk_encryption_config/azure_crypt_mount

# GRUB: kernel lines of what the machine boots by, the whole of what may be edited
for each in /boot/grub/grub.cfg /boot/grub2/grub.cfg; do
  [ -f "$each" ] && run "lines $each" sed -e '/kernel/b' -e '/linux/b' -e d "$each"
done
file /boot/grub/menu.lst
file /etc/default/grub
for each in /boot/loader/entries/*.conf; do
  [ -f "$each" ] && { value bls yes; break; }
done

# SSH
daemon=$(command -v sshd)
seen=
ssh_file() {
  case " $seen " in
  *" $1 "*) return 0 ;;
  esac
  seen="$seen $1"
  file "$1"
  for pattern in $(sed -n 's/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]=][[:space:]=]*//p' "$1" 2>/dev/null); do
    case $pattern in
    /*) ;;
    *) pattern=/etc/ssh/$pattern ;;
    esac
    for included in $pattern; do
      [ -f "$included" ] && ssh_file "$included"
    done
  done
}
ssh_file /etc/ssh/sshd_config
[ -f /etc/ssh/sshd_config.asr-due ] && value sshd-due yes
if [ -n "$daemon" ]; then
  value sshd "$daemon"
  run sshd-global "$daemon" -T
  run sshd-root "$daemon" -T -C user=root,host=localhost,addr=192.0.2.1
fi
value ssh-version "$(ssh -V 2>&1 </dev/null)"
for each in /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server /usr/lib64/ssh/sftp-server \
  /usr/lib/ssh/sftp-server /usr/lib/sftp-server /usr/libexec/sftp-server; do
  [ -x "$each" ] && value "sftp $each" yes
done
for each in sshd ssh; do
  run "systemd $each" systemctl is-active "$each.service"
  run "socket $each" systemctl is-active "$each.socket"
  [ -f "/etc/init/$each.conf" ] && run "upstart $each" initctl status "$each"
  [ -x "/etc/init.d/$each" ] && run "sysv $each" "/etc/init.d/$each" status
done

# Agent
file /usr/local/.vx_version
home=$(sed -n 's/^INSTALLATION_DIR=//p' /usr/local/.vx_version 2>/dev/null)
[ -f "$home/etc/drscout.conf" ] && run agent sed -n -e '/^ *VmPlatform *=/p' -e '/^ *CSType *=/p' "$home/etc/drscout.conf"
proxy=/usr/local/InMage/config/ProxyInfo.conf
[ -f "$proxy" ] && run proxy sed -n -e '/^ *[Aa]ddress *=/p' -e '/^ *[Pp]ort *=/p' "$proxy"

# Network
run addresses ip -4 -o addr show
has ip || run interfaces ifconfig -a
# Ephemeral ports: how many there are, and how many of them are in use.
sockets=/proc/net/tcp
[ -r /proc/net/tcp6 ] && sockets="$sockets /proc/net/tcp6"
run ports awk '
function decimal(text, i, sum) {
  for (i = 1; i <= length(text); i++) sum = sum * 16 + index("0123456789ABCDEF", substr(text, i, 1)) - 1
  return sum
}
NR == 1 { low = $1; high = $2; next }
FNR > 1 && $4 != "0A" { n = split($2, part, ":"); p = decimal(part[n]); if (p >= low && p <= high) used[p] = 1 }
END { n = 0; for (p in used) n++; print high - low + 1, n }' /proc/sys/net/ipv4/ip_local_port_range $sockets

resolve() {
  if has getent; then
    getent ahostsv4 "$1" || getent hosts "$1"
  elif has nslookup; then
    nslookup "$1"
  else
    echo unknown
  fi 2>/dev/null </dev/null
}
dial() {
  if has bash; then
    exec bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2"
  elif has nc; then
    exec nc -w 5 "$1" "$2"
  elif has curl; then
    exec curl -s --connect-timeout 5 "telnet://$1:$2"
  fi
  exit 125
}
# One line of less than a pipe's buffer a connection, so that parallel ones do not mix.
connect() {
  (dial "$1" "$2") >/dev/null 2>&1 </dev/null &
  call=$!
  (sleep 8 && kill "$call") >/dev/null 2>&1 </dev/null &
  guard=$!
  wait "$call" 2>/dev/null
  answer=$?
  kill "$guard" 2>/dev/null
  printf '%s %s %s\n' "$1" "$2" "$answer"
}
value "name $(hostname 2>/dev/null || uname -n)" "$(resolve "$(hostname 2>/dev/null || uname -n)")"
while [ "$#" -ge 2 ]; do
  if [ "$1" = name ]; then
    value "name $2" "$(resolve "$2")"
    shift 2
  else
    calls="$calls $2 $3"
    shift 3
  fi
done
section 'run tcp'
set -- $calls
while [ "$#" -ge 2 ]; do
  connect "$1" "$2" &
  shift 2
done
wait
section 'exit tcp 0'
section 'value end'
