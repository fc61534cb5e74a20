# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in installers of the Mobility service, and a web server on loopback that machines fetch them from."""

from __future__ import annotations

import functools
import hashlib
import http.server
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from integration.harness import LAB, lab_environment

VERSION = "9.55.6765.1"


def write(folder: Path, version: str = VERSION, systems: Sequence[str] = ()) -> dict[str, str]:
    """Write packages of a version (all systems unless told); return the SHA-256 of each by its file name."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [word for system in systems for word in ("--os", system)]
    subprocess.run(
        [*LAB, "packages", str(folder), "--version", version, *chosen],
        env=lab_environment(),
        check=True,
        capture_output=True,
        timeout=120,
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@contextmanager
def served(folder: Path, address: str) -> Iterator[str]:
    """Serve a folder over HTTP from a loopback address; yield its address on the web."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer((address, 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base names it so
        """Say nothing on the terminal."""
