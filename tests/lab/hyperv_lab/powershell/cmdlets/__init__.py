# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own cmdlets, by lower-case name."""

from __future__ import annotations

from ..commands import Cmdlet
from . import around, counting, filtering, jsontext, measuring, selecting, variables, writing

BUILT_IN: dict[str, type[Cmdlet]] = {
    cmdlet.NAME.lower(): cmdlet
    for file in (variables, writing, filtering, counting, measuring, jsontext, around)
    for cmdlet in file.COMMANDS
} | {"select-object": selecting.SelectObject}
