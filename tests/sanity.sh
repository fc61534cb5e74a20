#!/usr/bin/env bash
# ansible-test's checks of the plugins, and the documentation's lint, on a copy of the files
# (ansible-test refuses a linked tree): sanity.sh BIN
set -euo pipefail
bin=$(cd "$1" && pwd)
home=$(pwd)/.cache/ansible-test
copy=.cache/sanity/ansible_collections/hyperv/mobility
rm -rf .cache/sanity
mkdir -p "$copy" "$home/.ansible/test/cache" "$home/.config"

# ansible-test keeps its environments in a home of its own, which has the user's settings of pip, and pip itself.
if [ -e "$HOME/.config/pip" ]; then ln -sfn "$HOME/.config/pip" "$home/.config/pip"; fi
if [ -e "$HOME/.pip" ]; then ln -sfn "$HOME/.pip" "$home/.pip"; fi
pip_version=$("$bin/python" - <<'PY'
import sys
from ansible_test._internal.python_requirements import get_venv_packages
from types import SimpleNamespace
print(get_venv_packages(SimpleNamespace(version="%d.%d" % sys.version_info[:2]))["pip"].replace(".", "_"))
PY
)
cp tests/bootstrap_pip.py "$home/.ansible/test/cache/get_pip_$pip_version.py"

# Untracked files count too, or a new module would be checked only after its commit.
git ls-files -z --cached --others --exclude-standard | xargs -0 -I{} sh -c 'test ! -e "$1" || cp --parents "$1" "$2"' _ {} "$copy"
rm -rf "${copy:?}/tests" "${copy:?}/.ci"
cd "$copy"
git init -q . && git add -A
export PATH="$bin:$PATH"
unset ANSIBLE_COLLECTIONS_PATH PYTHONPATH ANSIBLE_HOME
HOME=$home "$bin/ansible-test" sanity --color no --requirements \
  --test validate-modules --test action-plugin-docs --test runtime-metadata --test ansible-doc --test no-illegal-filenames \
  --test empty-init --test line-endings --test symlinks
ANSIBLE_COLLECTIONS_PATH="$(cd ../../.. && pwd)" "$bin/antsibull-docs" lint-collection-docs --plugin-docs --skip-rstcheck .
