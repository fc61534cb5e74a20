# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints the release files, the architecture and, where $2 is given, the files of that folder; changes nothing.
# $1 marker that starts a section's head: "file PATH", "machine", "folder", "no folder", "end".
LC_ALL=C
export LC_ALL
marker=$1
folder=${2-}

section() { printf '\n%s %s\n' "$marker" "$*"; }

for each in oracle-release redhat-release SuSE-release os-release lsb-release debian_version; do
  if [ -f "/etc/$each" ] && [ -r "/etc/$each" ]; then
    section "file /etc/$each"
    cat "/etc/$each"
  fi
done
section machine
uname -m
if [ -n "$folder" ]; then
  if [ -d "$folder" ] && [ -r "$folder" ]; then
    section folder
    for each in "$folder"/*; do
      if [ -f "$each" ]; then printf '%s\n' "$each"; fi
    done
  else
    section "no folder"
  fi
fi
section end
