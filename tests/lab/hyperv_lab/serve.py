# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of ``serve``, ``state`` and ``control``; only the first loads the lab."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import control

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run one of the commands; return the exit status."""
    parser = argparse.ArgumentParser(prog="hyperv_lab")
    commands = parser.add_subparsers(dest="command", required=True)
    serve_ = commands.add_parser("serve", help="serve a fleet until stopped")
    serve_.add_argument("fleet", type=Path)
    serve_.add_argument("--workdir", type=Path, required=True)
    serve_.add_argument("--speed", type=float, help="simulated seconds per second, in place of the fleet file's")
    serve_.add_argument("--base", help="first loopback address, in place of the fleet file's")
    serve_.add_argument("--canned-scripts", type=Path, help="JSON list of {contains, output}: answers to script texts")
    serve_.add_argument("--with-parent", type=int, metavar="PID", help="stop when this process, its parent, has ended")
    state = commands.add_parser("state", help="print the fleet's state as JSON")
    state.add_argument("--workdir", type=Path, required=True)
    order = commands.add_parser("control", help="send an order to a running lab")
    order.add_argument("--workdir", type=Path, required=True)
    order.add_argument("order", nargs="+", help="; ".join(control.ORDERS))
    arguments = parser.parse_args(argv)
    if arguments.command == "serve":
        from .running import serve  # noqa: PLC0415  # big, and the others are asked often

        return serve(arguments)
    words = ["state"] if arguments.command == "state" else arguments.order
    return _ask(arguments.workdir, words)


def _ask(workdir: Path, words: Sequence[str]) -> int:
    try:
        answer = control.ask(workdir, words)
    except (OSError, ValueError, KeyError) as problem:
        print(f"no lab runs in {workdir}: {problem}", file=sys.stderr)
        return 2
    if "error" in answer:
        print(answer["error"], file=sys.stderr)
        return 1
    print(json.dumps(answer["result"], ensure_ascii=False, indent=2))
    return 0
