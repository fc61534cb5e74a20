# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Replaces sshd_config and restarts the server; sessions that are open go on. A run that is killed between the two leaves
# a file with the ending .asr-due, by which the next one knows that the restart is still due.
# $1 file, $2 its sum, $3 length of the new one (standard input), $4 suffix of the copy that is kept, then lines that
# sshd -T has to print of the new file.
file=$(readlink -f "$1")
sum=$2
length=$3
copy=$file.$4
shift 4
daemon=$(command -v sshd) || fail 'the machine has no sshd'
trap 'rm -f "$file.asr-new"' EXIT
trap 'exit 1' HUP INT TERM

write_beside "$file" "$sum" "$length"
problem=$("$daemon" -t -f "$file.asr-new" 2>&1 </dev/null) || fail "sshd refuses the new file: $problem"
told=$("$daemon" -T -C user=root,host=localhost,addr=192.0.2.1 -f "$file.asr-new" 2>/dev/null </dev/null) || told=
if [ -n "$told" ]; then
  for line in "$@"; do
    printf '%s\n' "$told" | grep -q -i -x -F -e "$line" || fail "the new file does not bring: $line; another setting overrides it"
  done
fi
cp -p "$file" "$copy" || fail "no copy of $file could be made"
: >"$file.asr-due" || fail "$file.asr-due could not be written"
mv -f "$file.asr-new" "$file" || fail "$file could not be replaced"
if manage restart && comes_up; then
  rm -f "$file.asr-due"
  exit 0
fi
put_back "$file" "$copy"
manage restart
rm -f "$file.asr-due"
fail "the SSH server did not come up with the new file; $file is as it was"
