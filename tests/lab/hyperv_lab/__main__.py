# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m hyperv_lab``: serve a fleet, ask a running one, replay recordings, write packages."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command named first; each loads only what it needs."""
    if sys.argv[1:2] == ["conform"]:
        from .conform.cli import main as conform  # noqa: PLC0415

        return conform(sys.argv[2:])
    if sys.argv[1:2] == ["packages"]:
        from .guests.linux.packages import main as packages  # noqa: PLC0415

        return packages(sys.argv[2:])
    from .serve import main as serve  # noqa: PLC0415

    return serve(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
