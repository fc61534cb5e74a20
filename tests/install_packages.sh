#!/usr/bin/env bash
# Install Debian packages that the lab's machines are made of, if they are missing: install_packages.sh PACKAGE...
# Nothing is done, and no right needed, where all of them are there.
set -euo pipefail
missing=()
for package in "$@"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  as_root=(sudo -n)
  if ! sudo -n true 2>/dev/null; then
    echo "Packages are missing and this user may not install them. As root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi
if ! command -v apt-get >/dev/null; then
  echo "Packages are missing and there is no apt-get here. The lab's Linux machines need: ${missing[*]}" >&2
  exit 1
fi
echo "Installing ${missing[*]} (once) …"
export DEBIAN_FRONTEND=noninteractive
# The policy keeps a freshly installed sshd from starting on this machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get install --yes --quiet --no-install-recommends "${missing[@]}" >/dev/null || {
  "${as_root[@]}" apt-get update --quiet >/dev/null
  "${as_root[@]}" apt-get install --yes --quiet --no-install-recommends "${missing[@]}" >/dev/null
}
