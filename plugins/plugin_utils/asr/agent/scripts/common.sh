# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What the scripts share that work in a folder of ours; it is put before each of them, which sets marker and folder.
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
export PATH
umask 077

section() { printf '\n%s %s\n' "$marker" "$1"; }

# The link may be gone: the folder goes whatever happens, once it is this run's own. A connection that was lost and made
# again may have started the same run twice; only the one that has the folder may work in it, and remove it.
clean() {
  cd /
  rm -rf -- "$folder"
}
own() {
  cd "$folder" && (set -C && echo $$ >pid) 2>/dev/null || refuse no_folder
  trap clean EXIT
}
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

