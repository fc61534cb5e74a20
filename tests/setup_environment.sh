#!/usr/bin/env bash
# Build the virtual environment of the checkout: setup_environment.sh PYTHON VENV [REQUIREMENTS]
# The checkout is linked into the environment as the collection hyperv.mobility, so that edits are live.
set -euo pipefail
python=$1
venv=$2
requirements=${3:-requirements-dev.txt}

"$python" - <<'PY' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
PY
echo "Building $venv (once; a minute or two) …"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
mkdir -p "$venv/collections/ansible_collections/hyperv"
ln -sfn "$(pwd)" "$venv/collections/ansible_collections/hyperv/mobility"
touch "$venv/.ready"
