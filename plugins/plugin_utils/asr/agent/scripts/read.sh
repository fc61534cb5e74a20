# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints what the machine says about its agent, section by section; changes nothing, leaves nothing.
# $1 marker that starts a section's head, $2 what to put before every path (empty, save in tests), $3 the parent of
# folders of ours, $4 the beginning of their names
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
marker=$1
root=$2
parent=$root$3
prefix=$4

section() { printf '\n%s %s\n' "$marker" "$1"; }

file() {
  if [ -f "$root$1" ] && [ -r "$root$1" ]; then
    section "$2"
    cat "$root$1"
  fi
}

present() {
  for place in etc/init.d etc/systemd/system usr/lib/systemd/system lib/systemd/system; do
    if [ -e "$root/$place/$1" ] || [ -e "$root/$place/$1.service" ]; then return 0; fi
  done
  return 1
}

running() {
  if [ -d "$root/run/systemd/system" ] && command -v systemctl >/dev/null 2>&1; then
    systemctl is-active "$1" >/dev/null 2>&1 </dev/null
  else
    "$root/etc/init.d/$1" status >/dev/null 2>&1 </dev/null
  fi
}

# Whether a process that is there is the one that was: numbers are used again.
works_in() {
  where=$(readlink "/proc/$1/cwd" 2>/dev/null) || return 0
  case $where in
    "$2" | "$2"/*) return 0 ;;
    *) return 1 ;;
  esac
}

section uid
id -u
for each in oracle-release redhat-release SuSE-release os-release lsb-release debian_version; do
  file "/etc/$each" "/etc/$each"
done
file /usr/local/.vx_version version
file /sys/class/dmi/id/chassis_asset_tag asset

# Only what is asked for: the rest of drscout.conf may hold secrets.
folder=$(sed -n 's/^INSTALLATION_DIR=//p' "$root/usr/local/.vx_version" 2>/dev/null | tail -n 1)
if [ -n "$folder" ] && [ -r "$root$folder/etc/drscout.conf" ]; then
  section settings
  grep -iE '^[[:space:]]*(hostname|port|cstype|role|vmplatform)[[:space:]]*=' "$root$folder/etc/drscout.conf"
fi
if [ -n "$folder" ]; then file "$folder/etc/SourceConfig.json" config; fi

for each in vxagent uarespawnd; do
  if present "$each"; then
    section "service $each"
    if running "$each"; then echo running; else echo stopped; fi
  fi
done
if grep -q '^involflt ' "$root/proc/modules" 2>/dev/null; then
  section "service involflt"
  echo running
fi
if [ -e "$root/var/run/reboot-required" ]; then
  section reboot
  echo reboot-required
fi

for each in "$parent/$prefix"*; do
  # Others may put folders of such a name there; only those of this user count.
  if [ ! -d "$each" ] || [ -z "$(find "$each" -prune -user "$(id -u)" 2>/dev/null)" ]; then continue; fi
  section "folder ${each##*/}"
  pid=$(cat "$each/pid" 2>/dev/null)
  if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && works_in "$pid" "$each"; then
    echo busy
  elif [ -n "$(find "$each" -mmin -10 2>/dev/null | head -n 1)" ]; then
    echo recent
  else
    echo quiet
  fi
done
section end
