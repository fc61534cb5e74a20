# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Removes folders of ours. $1 and so on: their full paths
PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin
rm -rf -- "$@"
