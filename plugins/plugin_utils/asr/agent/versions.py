# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of the agent: read, compared, and how far one upgrade may go."""

from __future__ import annotations

import re
from typing import Final

from ...errors import InvalidRequest

TELLS_STACK: Final = (9, 55)
"""From here on setup is told its stack; the published commands before it have no such option (facts, section 9)."""
TELLS_ERRORS: Final = (9, 55)
"""From here on setup is asked for its errors as JSON; which version knew it first is unverified."""
HOP: Final = 4
"""One upgrade goes over at most four versions (published: N-4)."""

_VERSION = re.compile(r"\d{1,3}(\.\d{1,6}){1,3}")
_BUILD_TAG = re.compile(r"RELEASE_[\d.]+_GA_(\d+)_", re.IGNORECASE)


def parse(text: str) -> tuple[int, ...]:
    """Return a version's numbers; InvalidRequest for what is none."""
    if not _VERSION.fullmatch(text.strip()):
        raise InvalidRequest(f"{text!r} is no version of the agent; give it like 9.55.6765.1")
    return tuple(int(part) for part in text.strip().split("."))


def parsed(text: str | None) -> tuple[int, ...] | None:
    """Return a version's numbers, or None for a text that is none."""
    return parse(text) if text and _VERSION.fullmatch(text.strip()) else None


def with_build(version: tuple[int, ...] | None, build_tag: str) -> tuple[int, ...] | None:
    """Return the version with the build of a tag in place of a build of 0.

    Linux writes ``VERSION=9.67.0.0`` beside ``BUILD_TAG=RELEASE_9.67.0.0_GA_7789_…``; files are named with the build.
    """
    found = _BUILD_TAG.match(build_tag)
    if version is None or found is None or _build(version):
        return version
    return (*version[:2], int(found[1]), *(version[3:] or (0,)))


def shown(version: tuple[int, ...]) -> str:
    """Return the version as text."""
    return ".".join(str(part) for part in version)


def compare(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Return -1, 0 or 1. A build of 0 is "not told" and equals every one: some places give ``9.66.0.0`` only."""
    if left[:2] != right[:2]:
        return -1 if left[:2] < right[:2] else 1
    mine, other = _build(left), _build(right)
    if 0 in (mine, other) or mine == other:
        return 0
    return -1 if mine < other else 1


def too_far(installed: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the version to go to first, where the target is more than one hop away; else None."""
    if installed[0] == target[0] and target[1] - installed[1] > HOP:
        return installed[0], installed[1] + HOP
    return None


def _build(version: tuple[int, ...]) -> int:
    return version[2] if len(version) > 2 else 0
