#!/bin/sh
# Stand-in of the lab: which services start at boot.
[ -e "/.lab/services/${1:-}" ] || exit 1
case ${2:-} in
defaults|enable) : >"/.lab/enabled/$1" ;;
disable|remove) rm -f "/.lab/enabled/$1" ;;
*) exit 1 ;;
esac
