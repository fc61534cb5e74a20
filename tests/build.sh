#!/usr/bin/env bash
# Build the artifact, install it away from the checkout, and run a part of the integration suite on the installed copy:
# build.sh BIN
set -euo pipefail
bin=$(cd "$1" && pwd)
rm -rf build
"$bin/ansible-galaxy" collection build --force --output-path build
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$bin/ansible-galaxy" collection install build/hyperv-mobility-*.tar.gz --collections-path "$place" --offline
test ! -e "$place/ansible_collections/hyperv/mobility/tests"
HYPERV_MOBILITY_COLLECTIONS="$place" "$bin/pytest" tests/integration/test_installed.py -p no:cacheprovider
