# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands ``serve``, ``state`` and ``control``."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import canned, control
from .certificates import Authority
from .guests.linux.house import House
from .inventory_file import write_inventory
from .journal import Journal
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .world import World

_FILES = 65_536


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
    state = commands.add_parser("state", help="print the fleet's state as JSON")
    state.add_argument("--workdir", type=Path, required=True)
    order = commands.add_parser("control", help="send an order to a running lab")
    order.add_argument("--workdir", type=Path, required=True)
    order.add_argument("order", nargs="+", help="; ".join(control.ORDERS))
    arguments = parser.parse_args(argv)
    if arguments.command == "serve":
        return _serve(arguments)
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


def _serve(arguments: argparse.Namespace) -> int:
    from .hyperv import fleet as fleets  # noqa: PLC0415  # the model is big, and only this command needs it
    from .hyperv.schema import FleetError  # noqa: PLC0415

    try:
        addresses = fleets.Addresses(base=arguments.base) if arguments.base else None
        fleet = fleets.load(arguments.fleet, speed=arguments.speed, addresses=addresses)
    except FleetError as problem:
        print(problem, file=sys.stderr)
        return 2
    if arguments.canned_scripts:
        try:
            scripts = canned.load(arguments.canned_scripts)
        except (OSError, ValueError) as problem:
            print(problem, file=sys.stderr)
            return 2
        for host in fleet.machines():
            host.scripts = scripts
    _allow_many_files()
    try:
        asyncio.run(run(fleet, arguments.workdir))
    except OSError as problem:
        print(f"can't serve: {problem}", file=sys.stderr)
        return 1
    return 0


def _allow_many_files() -> None:
    """Raise the limit of open files: a thousand hosts are two thousand listeners."""
    import resource  # noqa: PLC0415  # not on every system

    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def run(world: World, workdir: Path) -> None:
    """Serve a world from a directory until SIGTERM or SIGINT; OSError where an address is taken."""
    began = time.monotonic()
    workdir.mkdir(parents=True, exist_ok=True)
    authority = Authority(workdir)
    journal = Journal(workdir / "journal.jsonl")
    wire = Wire(world, journal, contexts=authority.contexts(world.machines()))
    await wire.start()
    guests: Any = getattr(world, "guests", None)
    asr: Any = getattr(world, "asr", None)
    if asr is not None:
        await asr.start()
    linux = House(getattr(world, "linux_machines", []), workdir, journal, asr)
    await linux.start()
    desk = await control.Desk(world, wire).open(workdir)
    write_inventory(world, workdir / "inventory.yml", authority.path, linux.inventory())
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    count = len(world.machines()) + len(linux.machines) + (len(guests) if guests is not None else 0)
    print(f"ready: {count} hosts in {time.monotonic() - began:.1f} s, files in {workdir}", flush=True)
    try:
        await stop.wait()
    finally:
        desk.close()
        await linux.stop()
        if asr is not None:
            await asr.stop()
        await wire.stop()
        journal.close()
