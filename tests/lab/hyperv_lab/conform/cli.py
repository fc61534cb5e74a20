# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m hyperv_lab conform FILE…``: replay recordings of real machines, list what differs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .report import Report

ENDPOINTS = ("open", "restricted", "restricted-variables", "restricted-default")


def main(arguments: Sequence[str]) -> int:
    """Replay the files; return 0 if all agree, 1 if any differs, 2 for a file that can't be read."""
    parser = argparse.ArgumentParser(prog="hyperv_lab conform", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--endpoint", choices=ENDPOINTS, help="where pipelines were recorded, if no file name says so")
    parser.add_argument("--quiet", action="store_true", help="print only the last line")
    options = parser.parse_args(arguments)
    whole = Report()
    for path in options.files:
        try:
            report = replay(path, options.endpoint)
        except (OSError, ValueError) as problem:
            print(f"{path}: {problem}", file=sys.stderr)
            return 2
        if not options.quiet:
            for line in report.differ:
                print(line)
        whole.merge(report)
    print(f"{whole.agree} agree, {len(whole.differ)} differ")
    return 1 if whole.differ else 0


def replay(path: Path, endpoint: str | None = None) -> Report:
    """Replay a file of any kind. ValueError for one that is of none; OSError where it can't be read."""
    kind = kind_of(path)
    if kind == "binding":
        from .binding import replay_binding  # noqa: PLC0415 - each kind loads only what it needs

        return replay_binding(path)
    if kind == "pipelines":
        from .pipelines import replay_pipelines  # noqa: PLC0415 - as above

        return replay_pipelines(path, endpoint)
    from .winrm import replay_winrm  # noqa: PLC0415 - as above

    return replay_winrm(path)


def kind_of(path: Path) -> str:
    """Return "binding", "pipelines" or "winrm", by what stands in the file."""
    if path.suffix.lower() in (".yml", ".yaml"):
        return "winrm"
    with path.open(encoding="utf-8") as lines:
        first = next((line for line in lines if line.strip()), "")
    try:
        entry = json.loads(first)
    except ValueError:
        raise ValueError("neither lines of JSON nor YAML") from None
    if isinstance(entry, dict) and "statements" in entry and "stream" in entry:
        return "pipelines"
    if isinstance(entry, dict) and "reply" in entry and "command" in entry:
        return "binding"
    raise ValueError("no recording that conform knows: neither bindings nor pipelines")
