# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRUB's files as text: device names that the vendor's scan refuses, and their replacement by UUIDs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"(?<![\w.=/-])(?P<key>root|resume)=(?P<device>/dev/[^\s\"']+)")
_LVM = re.compile(r"(?<![\w.=/-])(?:rd\.lvm\.lv|rd_LVM_LV)=(?P<volume>[A-Za-z0-9+_.-]+/[A-Za-z0-9+_.-]+)")
_KERNEL = re.compile(r"kernel|linux")
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?(?P<name>GRUB_CMDLINE_LINUX\w*|GRUB_CMDLINE_XEN\w*)=")
_UUID_OFF = re.compile(r"\s*(?:export\s+)?GRUB_DISABLE(?:_LINUX)?_UUID=[\"']?true[\"']?\s*(?:#.*)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A device named on a kernel line: ``root=/dev/sda2``."""

    key: str
    device: str

    @property
    def token(self) -> str:
        """The token as it stands in the file."""
        return f"{self.key}={self.device}"


def is_stable(device: str) -> bool:
    """Whether a path names a device by UUID or label."""
    return device.startswith(("/dev/disk/by-uuid/", "/dev/disk/by-label/"))


def _is_kernel_line(line: str) -> bool:
    return not line.lstrip().startswith("#") and _KERNEL.search(line) is not None


def scan(lines: Sequence[str], is_mapped: Callable[[str], bool]) -> tuple[Named, ...]:
    """Return the device names that may change, once each, in their order (facts, 6.6).

    ``is_mapped`` tells whether a path is a linear or encrypted device of the device mapper, whose name is its own.
    """
    found = (match for line in lines if _is_kernel_line(line) for match in _TOKEN.finditer(line))
    named = (Named(key=match["key"], device=match["device"]) for match in found)
    return tuple(dict.fromkeys(each for each in named if not is_stable(each.device) and not is_mapped(each.device)))


def scan_defaults(text: str, is_mapped: Callable[[str], bool]) -> tuple[Named, ...]:
    """Return the same of /etc/default/grub, from which kernel lines are made."""
    matches = (match for line in _settings(text) for match in _TOKEN.finditer(_opened(line)))
    named = (Named(key=match["key"], device=match["device"]) for match in matches)
    return tuple(dict.fromkeys(each for each in named if not is_stable(each.device) and not is_mapped(each.device)))


def _settings(text: str) -> Iterator[str]:
    return (line for line in text.split("\n") if _ASSIGNMENT.match(line))


def _opened(line: str) -> str:
    """Return the line with blanks for quotes, so that a token at the head of a value is seen as one."""
    found = _ASSIGNMENT.match(line)
    start = found.end() if found else 0
    return line[:start].replace("=", " ") + " " + line[start:].replace('"', " ").replace("'", " ")


def volumes(lines: Sequence[str], defaults: str | None = None) -> tuple[str, ...]:
    """Return the logical volumes (``vg/lv``) that kernel lines and /etc/default/grub ask for."""
    texts = [line for line in lines if not line.lstrip().startswith("#")]
    texts += [_opened(line) for line in _settings(defaults or "")]
    return tuple(dict.fromkeys(match["volume"] for text in texts for match in _LVM.finditer(text)))


def rewrite_menu(text: str, uuids: Mapping[str, str]) -> str:
    """Return menu.lst with UUIDs for the named devices, on kernel lines alone."""
    return "".join(
        _rewritten(line, uuids) if re.match(r"\s*(kernel|linux)\b", line) else line
        for line in re.findall(r"[^\n]*\n|[^\n]+\Z", text)
    )


def rewrite_defaults(text: str, uuids: Mapping[str, str]) -> str:
    """Return /etc/default/grub with UUIDs for the named devices, and without what tells GRUB to write names."""
    kept = []
    for line in re.findall(r"[^\n]*\n|[^\n]+\Z", text):
        if _UUID_OFF.match(line.rstrip("\n")):
            continue
        found = _ASSIGNMENT.match(line)
        kept.append(line[: found.end()] + _rewritten(line[found.end() :], uuids) if found else line)
    return "".join(kept)


def _rewritten(text: str, uuids: Mapping[str, str]) -> str:
    def replaced(match: re.Match[str]) -> str:
        uuid = uuids.get(match["device"])
        return f"{match['key']}=UUID={uuid}" if uuid else match[0]

    return _TOKEN.sub(replaced, text)
