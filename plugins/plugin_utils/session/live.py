# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live objects that stay in a runspace between invocations, under one fixed prefix.

``Set-Variable -Scope Global`` is the only form that works everywhere: ``-OutVariable`` keeps a list even of one object
and is refused in a NoLanguage endpoint, and a restricted Set-Variable without the scope sets a variable that is lost at
once. An endpoint that grants these commands can name the variables, since they have one prefix.
"""

from __future__ import annotations

import re

from .command import NULL, ON, Pipeline, command

PREFIX = "hm_"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


def _variable(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a kept object: lower-case letters, digits and underlines only")
    return PREFIX + name


def keep(name: str) -> Pipeline:
    """Return the end of a pipeline that keeps its output (one object as itself, several as one array) as ``name``."""
    return command("Set-Variable", Name=_variable(name), Scope="Global")


def kept(name: str) -> Pipeline:
    """Return the start of a pipeline that passes on, live, what was kept as ``name`` in the same session."""
    return command("Get-Variable", Name=_variable(name), ValueOnly=ON)


def forget(name: str) -> Pipeline:
    """Return the statement after which nothing is kept as ``name`` any more."""
    return command("Set-Variable", Name=_variable(name), Value=NULL, Scope="Global")
