# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The SSH server's service, by whichever service manager the machine has.
manage() {
  for unit in sshd ssh; do
    has systemctl && systemctl "$1" "$unit.service" && return 0
  done
  for unit in sshd ssh; do
    has initctl && initctl status "$unit" && { initctl "$1" "$unit" || initctl start "$unit"; } && return 0
  done
  for unit in sshd ssh; do
    [ -x "/etc/init.d/$unit" ] && "/etc/init.d/$unit" "$1" && return 0
  done
  return 1
} >/dev/null 2>&1 </dev/null

enable() {
  for unit in sshd ssh; do
    has systemctl && systemctl enable "$unit.service" && return 0
  done
  for unit in sshd ssh; do
    [ -x "/etc/init.d/$unit" ] || continue
    has chkconfig && chkconfig "$unit" on && return 0
    has update-rc.d && update-rc.d "$unit" defaults && return 0
  done
  [ -f /etc/init/ssh.conf ]
} >/dev/null 2>&1 </dev/null

is_running() {
  for unit in sshd ssh; do
    has systemctl && [ "$(systemctl is-active "$unit.service")" = active ] && return 0
    has initctl && case $(initctl status "$unit") in *start/running*) return 0 ;; esac
    [ -x "/etc/init.d/$unit" ] && "/etc/init.d/$unit" status >/dev/null && return 0
  done
  return 1
} 2>/dev/null </dev/null

comes_up() {
  for _try in 1 2 3 4 5; do
    is_running && return 0
    sleep 1
  done
  return 1
}
