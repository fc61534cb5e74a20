# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all trees share: programs of the machine that the lab runs on, with their libraries, and stand-ins.

They are copied once into the work directory, which each machine sees read-only: no write inside one can reach a file of
the machine itself.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = {
    "busybox": "/usr/bin/busybox",
    "dash": "/usr/bin/dash",
    "bash": "/usr/bin/bash",
    "cksum": "/usr/bin/cksum",
    "comm": "/usr/bin/comm",
    "env": "/usr/bin/env",
    "find": "/usr/bin/find",
    "install": "/usr/bin/install",
    "nice": "/usr/bin/nice",
    "nohup": "/usr/bin/nohup",
    "split": "/usr/bin/split",
    "timeout": "/usr/bin/timeout",
    "xargs": "/usr/bin/xargs",
    "sshd": "/usr/sbin/sshd",
    "sftp-server": "/usr/lib/openssh/sftp-server",
    "sudo": "/usr/bin/sudo",
}
"""Real programs by their name in ``base/bin``; busybox has none that call others: it would take its own applets."""
LAB_PROGRAMS = ("unshare", "nsenter", "ssh", "sshpass")
"""What the lab and its clients call besides."""
_SUDO_PARTS = Path("/usr/libexec/sudo")
_PAM_MODULES = ("pam_unix.so", "pam_permit.so", "pam_deny.so")
PACKAGES = "openssh-server busybox-static sshpass sudo uidmap"


class Missing(OSError):
    """Something that Linux machines need isn't installed here."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """The shared files: where they are, and which folders and files programs look for at their own places."""

    root: Path
    libraries: tuple[str, ...]
    """Folders of libraries and the loader, as paths below ``root`` and of a tree alike."""
    applets: tuple[str, ...]


STANDINS = Path(__file__).with_name("standins")


def check() -> None:
    """Raise Missing when a program isn't here, with the packages that bring all of them."""
    absent = [name for name, path in PROGRAMS.items() if not Path(path).exists()]
    absent += [name for name in LAB_PROGRAMS if shutil.which(name) is None]
    if absent:
        raise Missing(f"Linux machines need {', '.join(absent)}; run: bash tests/install_packages.sh {PACKAGES}")


def build(root: Path) -> Base:
    """Copy everything shared into an empty directory; raise Missing where the machine lacks a program."""
    check()
    bin_ = root / "bin"
    bin_.mkdir(parents=True)
    for name, path in PROGRAMS.items():
        shutil.copyfile(path, bin_ / name)
        (bin_ / name).chmod(0o755)
    (bin_ / "sudo").chmod(0o4755)
    libraries = {_copy(root, each) for each in _libraries()}
    standins = root / "standins"
    standins.mkdir()
    for each in sorted(STANDINS.iterdir()):
        shutil.copyfile(each, standins / each.name)
        (standins / each.name).chmod(0o755)
    return Base(root=root, libraries=tuple(sorted(libraries)), applets=_applets())


def _copy(root: Path, path: Path) -> str:
    """Copy a library; return what a tree has to link: its folder, or the loader itself (others are in its folder)."""
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    target.chmod(0o755)
    place = path.relative_to("/")
    if place.parts[:2] == ("usr", "lib64"):
        return place.as_posix()
    return "/".join(place.parts[:3])


@functools.cache
def _libraries() -> tuple[Path, ...]:
    """Return the loader, the libraries and the modules that the programs load, by the paths they are loaded from."""
    modules = [each for each in _SUDO_PARTS.iterdir() if each.is_file()]
    modules += [found for name in _PAM_MODULES if (found := _pam_module(name)) is not None]
    wanted = [*PROGRAMS.values(), *map(str, modules)]
    said = subprocess.run(["ldd", *wanted], capture_output=True, text=True, check=False, timeout=60).stdout
    loaded = {_merged(Path(word)) for word in said.split() if word.startswith("/") and not word.endswith(":")}
    return tuple(sorted(loaded | {_merged(each) for each in modules}))


def _pam_module(name: str) -> Path | None:
    return next(iter(sorted(Path("/usr/lib").glob(f"*/security/{name}"))), None)


def _merged(path: Path) -> Path:
    """Return a path below /usr: trees have /lib and /lib64 as links to there."""
    return path if path.parts[1] == "usr" else Path("/usr", *path.parts[1:])


@functools.cache
def _applets() -> tuple[str, ...]:
    listed = subprocess.run(
        [PROGRAMS["busybox"], "--list"], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    return tuple(name for name in listed if name not in PROGRAMS)
