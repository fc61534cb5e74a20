# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Replaces device names in GRUB's files by UUIDs; nothing is restarted.
# $1 file that is edited (/etc/default/grub or menu.lst), $2 its sum, $3 length of the new one (standard input), $4 suffix
# of the copies that are kept, $5 grub.cfg to be generated anew or nothing, $6 /dev/disk/by-uuid, then any of:
# device KEY PATH UUID.
file=$(readlink -f "$1")
sum=$2
length=$3
suffix=$4
config=
[ -n "$5" ] && config=$(readlink -f "$5")
links=$6
shift 6
entries=/boot/loader/entries
environment=/boot/grub2/grubenv
placed=
trap 'rm -f "$file.asr-new"; [ -z "$config" ] || rm -f "$config.asr-new" "$config.asr-new.new"' EXIT
trap 'exit 1' HUP INT TERM

restore() {
  [ "$placed" = yes ] || return 0
  put_back "$file" "$file.$suffix"
  [ -n "$config" ] && put_back "$config" "$config.$suffix"
  [ -f "$environment.$suffix" ] && put_back "$environment" "$environment.$suffix"
  for entry in "$entries"/*.conf; do
    [ -f "$entry.$suffix" ] && put_back "$entry" "$entry.$suffix"
  done
}
undo() {
  restore
  fail "$*; the files are as they were"
}
keep() {
  cp -p "$1" "$1.$suffix" || undo "no copy of $1 could be made"
}

# What is still named on kernel lines of a file.
remaining() {
  sed -e '/^[[:space:]]*#/d' -e '/kernel/b' -e '/linux/b' -e d "$1" | tr '\t "' '\n\n\n' | grep -F -x -e "$2"
}
check() {
  [ -s "$1" ] || undo "$1 came out empty"
  for tool in grub2-script-check grub-script-check; do
    [ -z "$config" ] || ! has "$tool" || "$tool" "$1" >/dev/null 2>&1 || undo "$tool refuses $1"
  done
  for token in $gone; do
    [ -z "$(remaining "$1" "$token")" ] || undo "$1 still names $token"
  done
  for token in $needed; do
    [ -n "$(remaining "$1" "$token")" ] || undo "$1 does not name $token"
  done
}

gone= needed= added=
while [ "$#" -gt 0 ]; do
  [ "$(blkid -s UUID -o value "$3")" = "$4" ] || fail "blkid does not say $4 of $3"
  [ -e "$links/$4" ] || fail "$links/$4 is not there"
  if [ "$2" = root ]; then
    mounted=$(findmnt -n -o UUID / 2>/dev/null)
    [ -z "$mounted" ] || [ "$mounted" = "$4" ] || fail "what is mounted on / has the UUID $mounted, not $4"
    needed="root=UUID=$4"
  fi
  gone="$gone $2=$3" added="$added $2=UUID=$4"
  shift 4
done

write_beside "$file" "$sum" "$length"
if [ -n "$config" ]; then
  sh -n "$file.asr-new" 2>/dev/null || fail "the new $file is no shell text"
else
  check "$file.asr-new"
fi
keep "$file"
if [ -n "$config" ]; then
  keep "$config"
  [ -f "$environment" ] && keep "$environment"
  for entry in "$entries"/*.conf; do
    [ -f "$entry" ] && keep "$entry"
  done
fi
placed=yes
mv -f "$file.asr-new" "$file" || undo "$file could not be replaced"
[ -n "$config" ] || exit 0

generator=
for tool in grub2-mkconfig grub-mkconfig; do
  [ -z "$generator" ] && has "$tool" && generator=$tool
done
if [ -n "$generator" ]; then
  "$generator" -o "$config.asr-new" >/dev/null 2>&1 </dev/null || undo "$generator failed"
  check "$config.asr-new"
  has chcon && chcon --reference="$config" "$config.asr-new" 2>/dev/null
  mv -f "$config.asr-new" "$config" || undo "$config could not be replaced"
else
  update-grub >/dev/null 2>&1 </dev/null || undo 'update-grub failed'
  check "$config"
fi
for entry in "$entries"/*.conf; do
  if [ -f "$entry" ] && has grubby; then
    grubby --update-kernel=ALL "--args=${added# }" >/dev/null 2>&1 </dev/null || undo 'grubby failed'
    break
  fi
done
exit 0
