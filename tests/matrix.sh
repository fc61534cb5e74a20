#!/usr/bin/env bash
# The integration suite on the oldest ansible-core and on the newest of all: matrix.sh VENV
# The newest one for Python 3.11 is what `make integration` runs on. A Python that isn't there is skipped, loudly.
set -euo pipefail
venv=$(cd "$1" && pwd)

run() {  # run NAME ANSIBLE_CORE PYTHON_VERSION...
  local name=$1 core=$2 python=
  shift 2
  for version in "$@"; do
    for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/"python$version"; do
      if "$candidate" -c 'import venv' 2>/dev/null; then python=$candidate; break 2; fi
    done
  done
  if [ -z "$python" ]; then
    echo "SKIPPED: ansible-core $name: no Python of these versions is here: $*" >&2
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

run 2.16 '~=2.16.0' 3.10 3.11
run newest '>=2.20' 3.14 3.13 3.12
