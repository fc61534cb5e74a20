# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files out of a host and in again, as people carry them: by a disk, a redirected drive, FTP, or another lab."""

from __future__ import annotations

import ntpath
from typing import TYPE_CHECKING

from . import contents
from .storage import File

if TYPE_CHECKING:
    from pathlib import Path

    from .host import Host


def save(host: Host, folder: str, directory: Path) -> list[str]:
    """Write the files below a folder into a directory; return their paths relative to it, with slashes."""
    root = folder.rstrip("\\")
    volume = host.storage.volume(root)
    below = root.lower() + "\\"
    names: list[str] = []
    for file in [each for key, each in sorted(volume.files.items()) if key.startswith(below)]:
        name = file.path[len(root) + 1 :].replace("\\", "/")
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents.read(host, file.path))
        names.append(name)
    return names


def bring(host: Host, directory: Path, folder: str) -> list[str]:
    """Put the files of a directory below a folder, over what is there; return their paths. DiskFull, NoSuchPath."""
    paths: list[str] = []
    for source in sorted(each for each in directory.rglob("*") if each.is_file()):
        path = ntpath.join(folder, *source.relative_to(directory).parts)
        volume = host.storage.volume(path)
        with host.fleet.lock:
            volume.take(path)
            volume.put(File.of_bytes(path, source.read_bytes()))
            host.stamp(path)
        paths.append(path)
    host.fleet.clock.notify()
    return paths
