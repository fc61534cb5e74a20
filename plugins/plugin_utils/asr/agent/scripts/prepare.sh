# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the run's folder with a place where the connection's user can put one file, and nobody can look.
# $1 folder
umask 077
mkdir "$1" && chmod 711 "$1" && mkdir "$1/drop" && chmod 1733 "$1/drop"
