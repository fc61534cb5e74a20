#!/usr/bin/env bash
# The integration suite on the oldest ansible-core and on the newest of all: matrix.sh VENV
# The newest one for Python 3.11 is what `make integration` runs on. A Python that isn't there is skipped, loudly.
set -euo pipefail
venv=$(cd "$1" && pwd)

run() {  # run NAME ANSIBLE_CORE PYTHON...
  local name=$1 core=$2 python=
  shift 2
  for candidate in "$@"; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import venv' 2>/dev/null; then python=$candidate; break; fi
  done
  if [ -z "$python" ]; then
    echo "SKIPPED: ansible-core $name: none of these Pythons is here: $*" >&2
    return 0
  fi
  local place=.venv-$name
  if [ ! -e "$place/.ready" ]; then
    "$python" -m venv "$place"
    "$place/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt "ansible-core$core"
    mkdir -p "$place/collections/ansible_collections/hyperv"
    ln -sfn "$(pwd)" "$place/collections/ansible_collections/hyperv/mobility"
    touch "$place/.ready"
  fi
  echo "== integration suite: $("$place/bin/ansible" --version | head -n 1), $("$python" --version)"
  HYPERV_MOBILITY_BIN="$(pwd)/$place/bin" "$venv/bin/pytest" tests/integration -n 2 --dist loadfile -m "not soak and not lab"
}

run 2.16 '~=2.16.0' python3.10 python3.11
run newest '>=2.20' python3.14 python3.13 python3.12
