# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders docs/asr-errors.md from the catalogue; tests/reference.py writes and checks it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "plugins/plugin_utils/asr/catalogue.json"
TARGET = ROOT / "docs/asr-errors.md"
PHASES = {
    "connectivity": "The way to the machine and to the servers",
    "credentials": "The push account",
    "login": "Logging in",
    "wmi": "WMI",
    "file-sharing": "File sharing",
    "space": "Space",
    "memory": "Memory",
    "os-support": "Supported systems",
    "boot-disk": "Disks",
    "grub": "GRUB",
    "drivers": "Drivers",
    "install": "Installation",
    "reboot": "Restarts",
    "vss": "The VSS provider",
    "register": "Registration",
}
TEMPLATE = Path(__file__).with_name("asr_errors_page.md.j2")


def cell(value: Any) -> str:
    """Return a text, or several, for a cell of a table."""
    joined = "; ".join(dict.fromkeys(value)) if isinstance(value, list) else str(value)
    return (
        re.sub(r"\s+", " ", joined).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
    )


def ids(entry: dict[str, Any]) -> str:
    """Return the id with those that share its evidence."""
    pair = ", ".join(f"`{each}`" for each in entry.get("pair", ()))
    return f"`{entry['id']}`" + (f" *with* {pair}" if pair else "")


def marks(entry: dict[str, Any]) -> str:
    """Return what is special about an entry: its system, and that it only warns."""
    found = [] if entry["os"] == "any" else [entry["os"].capitalize()]
    found += ["warning"] if entry["severity"] == "warning" else []
    return f" ({', '.join(found)})" if found else ""


def render() -> str:
    """Return the page as it should be. A phase without a heading is a KeyError."""
    entries = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    unknown = {entry["phase"] for entry in entries} - set(PHASES)
    if unknown:
        raise KeyError(f"phases without a heading: {sorted(unknown)}")
    phases = [(title, [e for e in entries if e["phase"] == phase]) for phase, title in PHASES.items()]
    words = ("checked", "recognised", "explained")
    counts = [(word, sum(entry["treatment"] == word for entry in entries)) for word in words]
    environment = Environment(autoescape=False, trim_blocks=False, keep_trailing_newline=True)
    environment.filters |= {"cell": cell, "ids": ids, "marks": marks}
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        phases=phases, counts=counts, total=len(entries)
    )
    return re.sub(r"\n{3,}", "\n\n", page).rstrip() + "\n"
