# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/images/run.svg: the demo run on a terminal of its own, its output shortened and drawn."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "images" / "run.svg"
COLUMNS = 104
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
CUT = re.compile(
    r"^(ok: \[|skipping: \[|PLAY|Origin: |\[WARNING\]|\[ERROR\]|\d{1,2} (-|  |$)|\s*\^ column|hv\d+ +: )|Validating"
)
"""Lines left out of the picture: tasks that changed nothing, headings, the recap, quotations of the role's code."""


def terminal_output() -> str:
    """Return what the demo shows on a terminal."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "demo" / "run.py")],
        stdout=follower,
        stderr=follower,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS)},
    )
    os.close(follower)
    chunks = []
    try:
        while chunk := os.read(leader, 65536):
            chunks.append(chunk)
    except OSError:  # Linux says so when the last writer has closed the terminal
        pass
    os.close(leader)
    if process.wait(timeout=60):
        raise SystemExit("the demo failed; no picture was made")
    return b"".join(chunks).decode("utf-8").replace("\r", "")


def shortened(output: str) -> list[str]:
    """Return the lines worth a picture; an ellipsis stands where progress lines were left out."""
    lines: list[str] = []
    progress: list[str] = []
    summary = False
    for line in output.splitlines():
        bare = ESCAPE.sub("", line)
        if re.match(r"\[hv\d+\]", bare):
            progress.append(line)
            continue
        lines += some_of(progress)
        progress = []
        summary = "Where each" in bare or (summary and not bare.startswith("PLAY"))
        if not CUT.search(bare) or (summary and bare.startswith("ok:")):
            lines.append(line)
    return tidy(lines)


def some_of(progress: list[str]) -> list[str]:
    """Return the first and the last of a row of progress lines."""
    return progress if len(progress) < 10 else [*progress[:3], "…", *progress[-5:]]


def tidy(lines: list[str]) -> list[str]:
    """Return the lines without headings of tasks below which nothing is left, and without doubled blanks."""
    kept: list[str] = []
    for line in reversed(lines):
        bare = ESCAPE.sub("", line)
        following = next((text for text in (ESCAPE.sub("", one) for one in reversed(kept)) if text.strip()), "")
        blank = bool(kept) and not ESCAPE.sub("", kept[-1]).strip()
        if (bare.startswith("TASK") and following.startswith(("TASK", "━━"))) or (not bare.strip() and blank):
            continue
        kept.append(line)
    return kept[::-1]


def main() -> int:
    """Draw the picture."""
    console = Console(record=True, width=COLUMNS + 8, file=Path(os.devnull).open("w"), force_terminal=True)  # noqa: SIM115
    for line in shortened(terminal_output()):
        console.print(Text.from_ansi(line), soft_wrap=False, overflow="fold")
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    picture = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="make demo (shortened)"), flags=re.DOTALL)
    TARGET.write_text(picture.replace("Fira Code, monospace", "monospace"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
