# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Brings an installer into a folder of its own, verifies it, unpacks it, runs it, prints how it ended, removes the folder.
# $1 marker of sections, $2 folder, $3 where the installer is: path, url or drop, $4 that path, address or name,
# $5 SHA-256 or nothing, $6 seconds to wait for another run to end, $7 the vendor's log, then the installer's words
marker=$1
folder=$2
kind=$3
source=$4
sum=$5
patience=$6
log=$7
shift 7

refuse() {
  section "refused $1"
  if [ -f "$folder/said" ]; then tail -n 5 "$folder/said"; fi
  section free
  df -Pk "$folder" 2>/dev/null | tail -n 1 | awk '{ print $4 }'
  section end
  exit 0
}

fetch() {
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --connect-timeout 30 -o "$file" "$source" 2>"$folder/said" </dev/null
  elif command -v wget >/dev/null 2>&1; then
    wget -q -T 60 -O "$file" "$source" 2>"$folder/said" </dev/null
  else
    refuse no_downloader
  fi
}

digest() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$file" | sed 's/^\\*\([0-9a-f]*\).*/\1/'
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 "$file" | sed 's/.*= *//'
  fi
}

if [ "$kind" != drop ]; then mkdir "$folder" || refuse no_folder; fi
own
file=$folder/package.tar.gz
case $kind in
  path)
    if [ ! -f "$source" ]; then refuse no_source; fi
    file=$source
    ;;
  drop)
    # A copy of our own: whoever wrote the other may still have it open.
    cat "$folder/drop/$source" >"$file" 2>"$folder/said" || refuse not_written
    rm -rf "$folder/drop"
    ;;
  url) fetch || refuse no_download ;;
esac
if [ ! -f "$file" ]; then refuse no_source; fi
if [ -n "$sum" ]; then
  found=$(digest)
  if [ -z "$found" ]; then refuse no_digest; fi
  if [ "$found" != "$sum" ]; then
    printf '%s\n' "$found" >"$folder/said"
    refuse other_digest
  fi
fi
mkdir "$folder/package" && cd "$folder/package" || refuse no_folder
tar -xzf "$file" >/dev/null 2>"$folder/said" </dev/null || refuse not_unpacked
if [ ! -f install ]; then refuse not_an_installer; fi
printf '#!/bin/sh\nexit 0\n' >"$folder/probe"
chmod 700 "$folder/probe" install
"$folder/probe" 2>/dev/null || refuse no_execution
if [ "$kind" != path ]; then rm -f "$file"; fi

before=0
if [ -f "$log" ]; then before=$(($(wc -l <"$log"))); fi
waited=0
while :; do
  ./install "$@" >"$folder/output" 2>&1 </dev/null
  code=$?
  # 41: another run of setup is at work
  if [ "$code" -ne 41 ] || [ "$waited" -ge "$patience" ]; then break; fi
  sleep 5
  waited=$((waited + 5))
done
section exit
echo "$code"
if [ -f "$folder/errors.json" ]; then
  section errors
  cat "$folder/errors.json"
fi
section log
if [ -f "$log" ]; then tail -n "+$((before + 1))" "$log" | tail -n 30; fi
section output
tail -n 30 "$folder/output"
section end
