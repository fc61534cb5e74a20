# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# What the curing scripts share; it is put before each of them.
LC_ALL=C LANG=C LANGUAGE=
export LC_ALL LANG LANGUAGE
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
export PATH

has() { command -v "$1" >/dev/null 2>&1; }

fail() {
  echo "$*" >&2
  exit 1
}

# $1 file, $2 what cksum said when it was read, $3 length of the new one, which comes by standard input. Writes it beside the
# old one, with its mode, owner and context: a rename then puts it in place at once, or not at all.
write_beside() {
  [ -f "$1" ] || fail "$1 is not there"
  [ "$(cksum <"$1")" = "$2" ] || fail "$1 has changed since it was read"
  cp -p "$1" "$1.asr-new" || fail "no copy of $1 could be made"
  has chcon && chcon --reference="$1" "$1.asr-new" 2>/dev/null
  cat >"$1.asr-new" || fail "$1.asr-new could not be written"
  [ "$(($(wc -c <"$1.asr-new")))" -eq "$3" ] || fail "only a part of the new $1 arrived"
}

# $1 file, $2 its copy: puts the copy in the place of the file at once.
put_back() {
  cp -p "$2" "$1.asr-new" && mv -f "$1.asr-new" "$1"
}
