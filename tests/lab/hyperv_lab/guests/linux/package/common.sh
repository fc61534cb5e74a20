# Stand-in of the lab: what the scripts of the agent's package share. No line of it is the vendor's.
# Whoever includes it has set: log.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
umask 022
VX=/usr/local/.vx_version
LOCK=/usr/local/.asr-lock
errors=/var/log/InstallerErrors.json
found_errors=
say() { printf '%s %s\n' "$(date '+%Y-%m-%d %H:%M:%S')" "$*" >>"$log"; [ -n "${quiet:-}" ] || printf '%s\n' "$*"; }
setting() { sed -n "s/^$2=//p" "$1" 2>/dev/null | tail -n 1; }

# $1 name, $2 message: adds an error to those that write_errors writes
add_error() {
  found_errors="$found_errors${found_errors:+,}{\"error_name\":\"$1\",\"error_params\":{},\"default_message\":\"$2\"}"
  say "$1: $2"
}
write_errors() {
  [ -z "$found_errors" ] || printf '{"Errors":[%s]}\n' "$found_errors" >"$errors"
}

# Only one of install, the configurator and uninstall.sh runs at a time.
take_lock() {
  if ! mkdir "$LOCK" 2>/dev/null; then
    owner=$(cat "$LOCK/pid" 2>/dev/null)
    if [ -z "$owner" ]; then sleep 1; owner=$(cat "$LOCK/pid" 2>/dev/null); fi
    if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then return 1; fi
    rm -rf "$LOCK"
    mkdir "$LOCK" || return 1
  fi
  echo $$ >"$LOCK/pid"
  trap 'rm -rf "$LOCK"' EXIT
  trap 'exit 1' HUP INT TERM
}

# Whether version $1 (of the package or agent) has reached $2, by the first two numbers.
since() {
  [ "${1%%.*}" -gt "${2%%.*}" ] && return 0
  mine=${1#*.} theirs=${2#*.}
  [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${mine%%.*}" -ge "${theirs%%.*}" ]
}

# The id of the system, in the order in which the vendor's own detection looks.
os_id() {
  [ "$(uname -m)" = x86_64 ] || return 0
  for file in /etc/oracle-release:OL /etc/redhat-release:RHEL; do
    if [ -f "${file%:*}" ]; then
      sed -n "s/.*release \([0-9]*\).*/${file#*:}\1-64/p" "${file%:*}" | head -n 1
      return 0
    fi
  done
  if [ -f /etc/SuSE-release ]; then
    major=$(sed -n 's/^VERSION = //p' /etc/SuSE-release) patch=$(sed -n 's/^PATCHLEVEL = //p' /etc/SuSE-release)
    case $major in 11) echo "SLES11-SP$patch-64" ;; 12) echo SLES12-64 ;; esac
  elif grep -q -E '^NAME="?(SLES|openSUSE Leap)' /etc/os-release 2>/dev/null && grep -q '^VERSION_ID="15' /etc/os-release; then
    echo SLES15-64
  elif [ -f /etc/lsb-release ]; then
    echo "UBUNTU-$(sed -n 's/^DISTRIB_RELEASE=//p' /etc/lsb-release)-64"
  elif [ -f /etc/debian_version ]; then
    sed 's/^\([0-9]*\).*/DEBIAN\1-64/' /etc/debian_version
  fi
}

service_state() {
  for each in vxagent uarespawnd; do echo "$1" >"/.lab/services/$each"; done
}
