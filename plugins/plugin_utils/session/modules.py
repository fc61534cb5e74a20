# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which module each cmdlet stands in, so that commands go out module-qualified.

A qualified name is the only one that is safe where another module defines the same cmdlet (VMware's Get-VM), and the
only one that reaches the real Select-Object in a restricted endpoint, where a plain name finds a proxy function.
The names are those of the published references of Windows PowerShell 5.1 and of Windows Server's modules.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .module_names import CMDLETS

_NATIVE = re.compile(r"[\w.+-]+\.(exe|com|cmd|bat)|([A-Za-z]:)?[\\/].*", re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    return {name.lower(): f"{module}\\{name}" for module, names in CMDLETS.items() for name in names.split()}


def is_native(name: str) -> bool:
    """Whether the name is a program or a path of one, not a cmdlet."""
    return _NATIVE.fullmatch(name) is not None


def qualified(name: str) -> str:
    """Return the name to send, with its module, or a native program's own name or path.

    Raises ValueError for a name that is neither, so that a misspelt cmdlet never reaches a machine.
    """
    known = _table().get(name.lower())
    if known is not None:
        return known
    if is_native(name):
        return name
    raise ValueError(f"{name!r} is neither a known cmdlet nor the path of a program")
