# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies point one way: action, ansible base, operations, gateway, session."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
UTILS = PLUGINS / "plugin_utils"
COLLECTION = "ansible_collections.hyperv.mobility."
FORBIDDEN = {
    "session": ("ansible", "hyperv", "campaign", "asr"),
    "hyperv": ("ansible", "campaign", "asr"),
    "campaign": ("ansible", "asr"),
    "asr": ("ansible", "campaign"),
    "": ("ansible", "hyperv", "campaign", "asr"),
}


def imported(path: Path) -> set[str]:
    """Absolute names of what a file imports; rooms of plugin_utils as ``plugin_utils.<room>``."""
    found: set[str] = set()
    package = list(path.relative_to(PLUGINS).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            found.add(".".join(base))
            found |= {".".join([*base, alias.name]) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return {name.removeprefix(COLLECTION + "plugins.") for name in found}


def trespasses(path: Path, room: str) -> list[str]:
    names = imported(path)
    foreign = [name for name in names if name == "ansible" or name.startswith(("ansible.", "hyperv_lab"))]
    if room == "ansible":
        return [name for name in foreign if name.startswith("hyperv_lab")]
    for other in FORBIDDEN[room]:
        foreign += [name for name in names if (name + ".").startswith(f"plugin_utils.{other}.")]
    return foreign


FILES = sorted(UTILS.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(UTILS)))
def test_a_file_imports_only_what_stands_below_it(path: Path) -> None:
    room = path.relative_to(UTILS).parts[0] if path.parent != UTILS else ""
    assert trespasses(path, room) == []


def test_the_walk_sees_a_trespass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.PLUGINS", tmp_path)
    room = tmp_path / "plugin_utils" / "session"
    room.mkdir(parents=True)
    (room / "bad.py").write_text("from ..hyperv.model import Vm\nfrom ansible.utils import x\n")
    assert sorted(trespasses(room / "bad.py", "session")) == [
        "ansible.utils",
        "plugin_utils.hyperv.model",
        "plugin_utils.hyperv.model.Vm",
    ]


def test_there_are_files() -> None:
    assert any(path.name == "psrp.py" for path in FILES)
