#!/usr/bin/env bash
# ansible-test's checks of the plugins, and the documentation build, on a copy of the tracked files
# (ansible-test refuses a linked tree): sanity.sh BIN
set -euo pipefail
bin=$(cd "$1" && pwd)
copy=.cache/sanity/ansible_collections/hyperv/mobility
rm -rf .cache/sanity
mkdir -p "$copy"
# Untracked files count too, or a new module would be checked only after its commit.
git ls-files -z --cached --others --exclude-standard | xargs -0 -I{} sh -c 'test ! -e "$1" || cp --parents "$1" "$2"' _ {} "$copy"
rm -rf "${copy:?}/tests" "${copy:?}/.ci"
cd "$copy"
git init -q . && git add -A
export PATH="$bin:$PATH" HOME="${ANSIBLE_TEST_HOME:-$HOME}"
unset ANSIBLE_COLLECTIONS_PATH PYTHONPATH ANSIBLE_HOME
"$bin/ansible-test" sanity --color no --requirements \
  --test validate-modules --test action-plugin-docs --test runtime-metadata --test ansible-doc --test no-illegal-filenames \
  --test empty-init --test line-endings --test symlinks
ANSIBLE_COLLECTIONS_PATH="$(cd ../../.. && pwd)" "$bin/antsibull-docs" lint-collection-docs --plugin-docs --skip-rstcheck .
