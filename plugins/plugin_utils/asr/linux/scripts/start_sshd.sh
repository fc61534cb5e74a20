# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# $1 start (now and at every boot) or restart, $2 the note that a restart is due, which is taken away.
manage "$1" && comes_up || fail 'the SSH server did not come up; its service manager knows why'
rm -f "$2"
[ "$1" = restart ] || enable || fail 'the SSH server runs, but could not be enabled for the next boot'
