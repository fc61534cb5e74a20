#!/usr/bin/env bash
# Build the artifact, install it away from the checkout, and run a part of the integration suite on the installed copy:
# build.sh BIN
set -euo pipefail
bin=$(cd "$1" && pwd)
rm -rf build
"$bin/ansible-galaxy" collection build --force --output-path build
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
# The checkout's own link must be out of sight, or there is nothing to install.
export ANSIBLE_COLLECTIONS_PATH=$place
"$bin/ansible-galaxy" collection install build/hyperv-mobility-*.tar.gz --collections-path "$place" --offline
installed=$place/ansible_collections/hyperv/mobility
for wanted in README.md LICENSE requirements.txt requirements-kerberos.txt bindep.txt meta/runtime.yml meta/execution-environment.yml playbooks/migrate.yml \
  roles/prepare/meta/argument_specs.yml docs/user-guide.md; do
  test -f "$installed/$wanted" || { echo "the artifact lacks $wanted" >&2; exit 1; }
done
unwanted=$(cd "$installed" && find . -path './tests*' -o -name '.venv*' -o -name '.cache' -o -name '__pycache__' -o -name '*.pyc' \
  -o -name 'Makefile' -o -name 'requirements-dev.txt' -o -name '.ci')
test -z "$unwanted" || { printf 'the artifact has what belongs to the checkout only:\n%s\n' "$unwanted" >&2; exit 1; }
"$bin/ansible-doc" --list hyperv.mobility
HYPERV_MOBILITY_COLLECTIONS="$place" "$bin/pytest" tests/integration/test_installed.py -p no:cacheprovider
