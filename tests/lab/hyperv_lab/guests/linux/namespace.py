# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespaces of one machine: users, mounts, processes, name. Made at its first connection, gone with the lab.

As root the user namespace maps every id to itself: files keep their owners, yet nobody inside has rights outside. As
anybody else ``newuidmap`` maps root to the lab's user and the rest to its subordinate ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
from pathlib import Path

_IDS = 65_536
_SECONDS = 30.0
_WAIT = 'read go && exec busybox sh "$@"'
"""The ids are mapped only when the namespace is there: a program started before that has lost root's rights."""
_SHARED_FOLDERS = ("/home", "/root", "/tmp", "/var", "/etc", "/run", "/opt", "/srv", "/usr/local", "/dev/shm")
_DEVICES = "null zero full random urandom tty"
_SETUP = f"""
set -e
tree=$1
mount -o bind "$tree" "$tree"
for device in {_DEVICES}; do mount -o bind "/dev/$device" "$tree/dev/$device"; done
mount -o bind "$3" "$tree/.lab/base"
mount -o remount,bind,ro none "$tree/.lab/base"
mount -t proc proc "$tree/.lab/proc" 2>/dev/null || :
while read -r folder; do
  mount -o bind "$tree$folder" "$tree$folder"
  mount -o remount,bind,ro none "$tree$folder"
done <"$tree/.lab/read-only"
chown -R 1000:1000 "$tree/home/admin"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$tree/dev/pts"
[ -z "$2" ] || hostname "$2"
cd "$tree"
pivot_root . .
busybox umount -l .
echo ready
exec >/dev/null 2>&1 3<&0 </dev/null
cat <&3 &
wait $!
"""
"""Process 1: it waits for the lab's pipe to close, and collects whatever ends meanwhile.

Busybox's sh has mount and the others within itself, which takes half the time.
"""


class Namespace:
    """A running set of namespaces; ``enter`` gives the words that start a program in them."""

    def __init__(self, process: asyncio.subprocess.Process, init: int) -> None:
        self._process, self._init = process, init

    @classmethod
    async def start(cls, tree: Path, base: Path, hostname: str) -> Namespace:
        """Make namespaces around a tree with the shared files in it; OSError where the system doesn't allow them."""
        words = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--propagation", "private"]
        process = await asyncio.create_subprocess_exec(
            *("unshare", "--user", "--keep-caps", *words, "sh", "-c", _WAIT, "sh", "-c", _SETUP, "sh"),
            *(str(tree), hostname, str(base)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            init = await asyncio.wait_for(_map_and_go(process), _SECONDS)
        except (OSError, asyncio.TimeoutError) as problem:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            _, said = await process.communicate()
            raise OSError(f"no namespaces for {tree.name}: {problem} {said.decode(errors='replace').strip()}") from None
        return cls(process, init)

    def enter(self, *command: str) -> tuple[str, ...]:
        """Return the command line that runs a command inside as root."""
        kinds = ("--user", "--mount", "--pid", "--uts", "--ipc", "--root", "--wd")
        return ("nsenter", "--target", str(self._init), *kinds, "--", *command)

    def alive(self) -> bool:
        """Return whether process 1 still runs."""
        return self._process.returncode is None

    async def stop(self) -> None:
        """End everything inside; a lab that isn't root gets back the files of others, so that it can remove them."""
        if os.geteuid() != 0 and self.alive():
            process = await asyncio.create_subprocess_exec(
                *self.enter("busybox", "chown", "-R", "0:0", *_SHARED_FOLDERS),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), _SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._init, signal.SIGKILL)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._process.wait(), _SECONDS)
        if self._process.stdin is not None:
            self._process.stdin.close()


async def _map_and_go(process: asyncio.subprocess.Process) -> int:
    """Map the ids, let the set-up run, return the process id of process 1."""
    outside = Path("/proc/self/ns/user").readlink()
    while Path(f"/proc/{process.pid}/ns/user").readlink() == outside:
        await asyncio.sleep(0.002)
    if os.geteuid() == 0:
        for kind in ("uid_map", "gid_map"):
            Path(f"/proc/{process.pid}/{kind}").write_text(f"0 0 {_IDS}\n", encoding="ascii")
    else:
        await _map_by_helpers(process.pid)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"go\n")
    await process.stdin.drain()
    if await process.stdout.readline() != b"ready\n":
        raise OSError("the set-up failed:")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    return int(children[0])


async def _map_by_helpers(pid: int) -> None:
    name = pwd.getpwuid(os.geteuid()).pw_name
    for helper, file, own in (("newuidmap", "/etc/subuid", os.geteuid()), ("newgidmap", "/etc/subgid", os.getegid())):
        first, count = _subordinate(file, name)
        run = await asyncio.create_subprocess_exec(
            helper, str(pid), *map(str, (0, own, 1, 1, first, min(count, _IDS - 1)))
        )
        if await run.wait():
            raise OSError(f"{helper} refused the range of {name} in {file}")


def _subordinate(file: str, name: str) -> tuple[int, int]:
    with contextlib.suppress(FileNotFoundError):
        for line in Path(file).read_text(encoding="utf-8").splitlines():
            owner, _, rest = line.partition(":")
            if owner in (name, str(os.geteuid())):
                first, _, count = rest.partition(":")
                return int(first), int(count)
    raise OSError(f"{file} gives {name} no subordinate ids (as root: usermod --add-subuids 100000-165535 {name})")
