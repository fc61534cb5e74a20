#!/usr/bin/env bash
# Run one step of a check under a heading, and say how long it took: step.sh NAME COMMAND [ARGUMENT...]
set -euo pipefail
name=$1
shift
printf '\n== %s\n' "$name"
began=$SECONDS
status=0
"$@" || status=$?
if [ "$status" -eq 0 ]; then verdict=ok; else verdict="FAILED ($status)"; fi
printf '== %s: %s, %d s\n' "$name" "$verdict" "$((SECONDS - began))"
exit "$status"
