#!/usr/bin/env bash
# The integration suite on the oldest ansible-core and on the newest of all: matrix.sh VENV MARKERS [PYTEST ARGUMENT...]
# The newest one for Python 3.11 is what `make integration` runs on. A Python that isn't there is skipped, loudly.
set -euo pipefail
venv=$(cd "$1" && pwd)
markers=$2
shift 2
arguments=("$@")
[ ${#arguments[@]} -gt 0 ] || arguments=(tests/integration)
skipped=()
failed=0

python_of() {  # python_of VERSION...: the first of these that is here, on the path or built by pyenv
  local version candidate
  for version in "$@"; do
    for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/"python$version"; do
      if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then echo "$candidate"; return; fi
    done
  done
}

run() {  # run NAME ANSIBLE_CORE PYTHON_VERSION...
  local name=$1 core=$2 place=.venv-$1 python
  shift 2
  python=$(python_of "$@")
  if [ -z "$python" ]; then
    skipped+=("ansible-core $core: none of these Python versions is here: $*")
    return 0
  fi
  if [ ! -e "$place/.ready" ] || [ requirements.txt -nt "$place/.ready" ]; then
    "$python" -m venv --clear "$place"
    "$place/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt "ansible-core$core"
    mkdir -p "$place/collections/ansible_collections/hyperv"
    ln -sfn "$(pwd)" "$place/collections/ansible_collections/hyperv/mobility"
    touch "$place/.ready"
  fi
  bash tests/step.sh "$("$place/bin/ansible" --version | sed -n 1p), $("$place/bin/python" --version)" \
    env HYPERV_MOBILITY_BIN="$(pwd)/$place/bin" "$venv/bin/pytest" -n 4 --dist loadfile --no-loadscope-reorder -m "$markers" "${arguments[@]}" || failed=1
}

run 2.16 '~=2.16.0' 3.10 3.11 3.12
run newest '>=2.20' 3.14 3.13 3.12
for line in "${skipped[@]+"${skipped[@]}"}"; do
  printf '\n!!! SKIPPED, NOT TESTED: %s\n\n' "$line" >&2
done
exit "$failed"
