# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints the size of the file $1 and, where $2 is "hashed", its SHA-256. Ends with 3 where there is no such file,
# with 4 where nothing on the machine can make the sum.
LC_ALL=C
export LC_ALL
[ -f "$1" ] && [ -r "$1" ] || exit 3
wc -c <"$1"
[ "$2" = hashed ] || exit 0
if command -v sha256sum >/dev/null 2>&1; then
  sha256sum <"$1"
elif command -v openssl >/dev/null 2>&1; then
  openssl dgst -sha256 "$1"
else
  exit 4
fi
