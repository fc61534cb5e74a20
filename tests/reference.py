# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/reference.md from the modules' own documentation, or checks that it is up to date (``--check``)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "reference.md"
TEMPLATE = """\
# Reference

Made by `make docs` from the modules' documentation; `ansible-doc hyperv.mobility.NAME` shows the same on a terminal.

| task | does |
| --- | --- |
{% for name, m in modules %}| [`{{ name }}`](#{{ name }}) | {{ m.doc.short_description | plain }} |
{% endfor %}
{% for name, m in modules %}
## {{ name }}

{% for text in m.doc.description %}{{ text | plain }}
{% endfor %}
| option | type | default | meaning |
| --- | --- | --- | --- |
{% for row in m.doc.options | rows %}| `{{ row.name }}`{{ " **required**" if row.required }} | {{ row.type }} | {{ row.default }} | {{ row.text }} |
{% endfor %}
{% for note in m.doc.notes or [] %}- {{ note | plain }}
{% endfor %}
```yaml
{{ m.examples | trim }}
```

| returned | type | when | meaning |
| --- | --- | --- | --- |
{% for row in (m.return or {}) | returns %}| `{{ row.name }}` | {{ row.type }} | {{ row.when }} | {{ row.text }} |
{% endfor %}{% endfor %}"""


def plain(text: Any) -> str:
    """Return Ansible's markup as Markdown on one line."""
    joined = " ".join(text) if isinstance(text, list) else str(text or "")
    joined = re.sub(r"[CVOPE]\(([^)]*)\)|RV\(([^)]*)\)", lambda m: f"`{m.group(1) or m.group(2)}`", joined)
    joined = re.sub(r"M\(([^)]*)\)", r"`\1`", joined)
    joined = re.sub(r"L\(([^,]*),\s*([^)]*)\)", r"[\1](\2)", joined)
    joined = re.sub(r"[BI]\(([^)]*)\)", r"*\1*", joined)
    joined = re.sub(r"U\(([^)]*)\)", r"<\1>", joined)
    return re.sub(r"\s+", " ", joined).replace("|", "\\|").strip()


def rows(options: dict[str, Any] | None, prefix: str = "") -> list[dict[str, Any]]:
    """Return the options as table rows, suboptions after their parent."""
    found = []
    for name, option in sorted((options or {}).items()):
        kind = option.get("type", "str") + (f" of {option['elements']}" if option.get("elements") else "")
        choices = option.get("choices")
        text = plain(option.get("description"))
        if choices:
            text += " One of " + ", ".join(f"`{choice}`" for choice in choices) + "."
        default = option.get("default")
        found.append(
            {
                "name": prefix + name,
                "type": kind,
                "required": option.get("required", False),
                "default": "" if default is None else f"`{json.dumps(default)}`",
                "text": text,
            }
        )
        found += rows(option.get("suboptions"), f"{prefix}{name}.")
    return found


def returns(values: dict[str, Any], prefix: str = "") -> list[dict[str, Any]]:
    """Return the return values as table rows, contained ones after their parent."""
    found = []
    for name, value in values.items():
        kind = value.get("type", "") + (f" of {value['elements']}" if value.get("elements") else "")
        row = {
            "name": prefix + name,
            "type": kind,
            "when": plain(value.get("returned")),
            "text": plain(value.get("description")),
        }
        found.append(row)
        found += returns(value.get("contains") or {}, f"{prefix}{name}.")
    return found


def render() -> str:
    """Return the page as it should be."""
    names = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-doc"), "--json", *(f"hyperv.mobility.{name}" for name in names)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = json.loads(done.stdout)
    environment = Environment(autoescape=False, trim_blocks=False, keep_trailing_newline=True)
    environment.filters |= {"plain": plain, "rows": rows, "returns": returns}
    page = environment.from_string(TEMPLATE).render(
        modules=[(name, found[f"hyperv.mobility.{name}"]) for name in names]
    )
    return re.sub(r"\n{3,}", "\n\n", page).rstrip() + "\n"


def main() -> int:
    """Write the page, or compare it."""
    page = render()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(page, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == page:
        return 0
    print("docs/reference.md is out of date: run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
