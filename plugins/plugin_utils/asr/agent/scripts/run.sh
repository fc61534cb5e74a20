# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a program of the agent with a file of its own, which comes by standard input and is removed in every outcome.
# $1 marker of sections, $2 folder, $3 file: standard input becomes the file "secret" in the folder; none: there is no
# such file, $4 seconds to wait for another run to end, $5 the vendor's log, $6 program, then its words
marker=$1
folder=$2
kind=$3
patience=$4
log=$5
program=$6
shift 6

refuse() {
  section "refused $1"
  section end
  exit 0
}

mkdir "$folder" || refuse no_folder
own
if [ "$kind" = file ]; then
  cat >"$folder/secret" || refuse not_written
  if [ ! -s "$folder/secret" ]; then refuse not_written; fi
fi
if [ ! -x "$program" ]; then refuse no_program; fi
before=0
if [ -f "$log" ]; then before=$(($(wc -l <"$log"))); fi
waited=0
while :; do
  "$program" "$@" >"$folder/output" 2>&1 </dev/null
  code=$?
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
