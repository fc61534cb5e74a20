#!/bin/sh
# Stand-in of the lab: removes the agent. 0 done; 1 not installed, usage, declined or another setup at work.
log=/var/log/ua_uninstall.log yes= quiet=1
while [ $# -gt 0 ]; do
  case $1 in
  -Y) yes=1 ;;
  -L) case ${2:-} in /*) log=$2; shift ;; *) echo 'Usage: uninstall.sh [-Y] [-L <absolute path>]' >&2; exit 1 ;; esac ;;
  *) echo 'Usage: uninstall.sh [-Y] [-L <absolute path>]' >&2; exit 1 ;;
  esac
  shift
done
folder=$(cd "$(dirname "$0")" && pwd)
[ -f "$folder/Vx/bin/common.sh" ] && [ -f /usr/local/.vx_version ] || { echo 'The agent is not installed.' >&2; exit 1; }
. "$folder/Vx/bin/common.sh"
[ -n "$yes" ] || { read -r answer; [ "$answer" = Y ] || exit 1; }
take_lock || exit 1
say 'removal begins'
"$folder/Vx/bin/stop"
server=$(setting "$folder/Vx/etc/drscout.conf" Hostname)
[ -z "$(setting $VX AGENT_CONFIGURATION_STATUS)" ] || printf '@\tunregister\t%s\t\n' "${server:-all}" >/.lab/journal
sleep 1
grep -v '^involflt ' /proc/modules >/.lab/modules.new
cat /.lab/modules.new >/proc/modules
rm -f /.lab/modules.new "/lib/modules/$(uname -r)/kernel/drivers/char/involflt.ko"
for each in vxagent uarespawnd; do rm -f "/.lab/services/$each" "/.lab/enabled/$each" "/etc/systemd/system/$each.service" "/etc/init.d/$each"; done
rm -rf /usr/local/InMage /usr/local/drscout.conf /usr/local/.vx_version "$folder/Vx" "$folder/uninstall.sh"
rmdir "$folder" 2>/dev/null
echo removed >>/.lab/removals
say 'the agent is removed'
exit 0
