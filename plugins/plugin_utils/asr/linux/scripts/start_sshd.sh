# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Starts the SSH server now and at every boot.
manage start && comes_up || fail 'the SSH server did not come up; its service manager knows why'
enable || fail 'the SSH server runs, but could not be enabled for the next boot'
