# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab at work: a fleet, its wire and its machines, from start to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from . import canned, control
from .certificates import Authority
from .guests.linux.house import House
from .hyperv import fleet as fleets
from .hyperv.schema import FleetError
from .inventory_file import write_inventory
from .journal import Journal
from .wire import Wire

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from .world import World

_FILES = 65_536
_PARENT_SECONDS = 2.0


def serve(arguments: argparse.Namespace) -> int:
    """Serve what the command line names until stopped; return the exit status."""
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
        asyncio.run(run(fleet, arguments.workdir, parent=arguments.with_parent))
    except OSError as problem:
        print(f"can't serve: {problem}", file=sys.stderr)
        return 1
    return 0


def _allow_many_files() -> None:
    """Raise the limit of open files: a thousand hosts are two thousand listeners."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def run(world: World, workdir: Path, *, parent: int | None = None) -> None:
    """Serve a world from a directory until SIGTERM or SIGINT; OSError where an address is taken.

    With ``parent`` it ends with that process too: whoever started it may have been killed.
    """
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
        await (stop.wait() if parent is None else _until(stop, parent))
    finally:
        desk.close()
        await linux.stop()
        if asr is not None:
            await asr.stop()
        await wire.stop()
        journal.close()


async def _until(stop: asyncio.Event, parent: int) -> None:
    while not stop.is_set() and os.getppid() == parent:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), _PARENT_SECONDS)
