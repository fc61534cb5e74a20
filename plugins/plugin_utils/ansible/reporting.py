# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that long work shows while a task runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ansible.utils.display import Display

if TYPE_CHECKING:
    from .masking import Masker

_INTERACTIVE = sys.stdout.isatty()
"""Asked once, when the action is first loaded: workers of ansible-core 2.19 and newer have no standard output."""


class DisplayReporter:
    """Implements ``Reporter`` over Ansible's display, so that lines reach the console and the log as others do."""

    def __init__(self, host: str, masker: Masker) -> None:
        self._host = host
        self._masker = masker
        self._display = Display()

    @property
    def interactive(self) -> bool:
        """Whether standard output is a terminal."""
        return _INTERACTIVE

    def say(self, line: str) -> None:
        """Show one line now, with the host's name before it."""
        self._display.display(f"[{self._host}] {self._masker.text(line)}")
        sys.stdout.flush()
