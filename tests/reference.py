# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/reference.md and docs/asr-errors.md from documentation and catalogue, or checks them (``--check``)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import asr_errors_page
import yaml
from jinja2 import Environment

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
TARGET = ROOT / "docs" / "reference.md"
TEMPLATE = """\
# Reference

Made by `make docs` from the documentation in the code; `ansible-doc hyperv.mobility.NAME` shows the same on a terminal.

| task | does |
| --- | --- |
{% for name, m in modules %}| [`{{ name }}`](#{{ name }}) | {{ m.doc.short_description | plain }} |
{% endfor %}
| role | does |
| --- | --- |
{% for name, role in roles %}| [`{{ name }}`](#role-{{ name }}) | {{ role.main.short_description | plain }} |
{% endfor %}
| filter | does |
| --- | --- |
{% for name, f in filters %}| [`{{ name }}`](#filter-{{ name }}) | {{ f.doc.short_description | plain }} |
{% endfor %}
| lookup | does |
| --- | --- |
{% for name, f in lookups %}| [`{{ name }}`](#lookup-{{ name }}) | {{ f.doc.short_description | plain }} |
{% endfor %}
{% for name, m in modules %}
## {{ name }}

{% for text in m.doc.description | lines %}{{ text | plain }}

{% endfor %}
| option | type | default | meaning |
| --- | --- | --- | --- |
{% for cells in m.doc.options | rows %}| {{ cells | join(" | ") }} |
{% endfor %}
{% for note in m.doc.notes or [] %}- {{ note | plain }}
{% endfor %}
```yaml
{{ m.examples | trim }}
```

| returned | type | when | meaning |
| --- | --- | --- | --- |
{% for cells in (m.return or {}) | returns %}| {{ cells | join(" | ") }} |
{% endfor %}
{% endfor %}
{% for name, role in roles %}
## Role {{ name }}

{% for text in role.main.description | lines %}{{ text | plain }}

{% endfor %}
| variable | type | default | meaning |
| --- | --- | --- | --- |
{% for cells in role.main.options | rows %}| {{ cells | join(" | ") }} |
{% endfor %}
{% endfor %}
{% for name, f in filters %}
## Filter {{ name }}

{% for text in f.doc.description | lines %}{{ text | plain }}

{% endfor %}
```yaml
{{ f.examples | trim }}
```
{% endfor %}
{% for name, f in lookups %}
## Lookup {{ name }}

{% for text in f.doc.description | lines %}{{ text | plain }}

{% endfor %}
{% for option, o in f.doc.options.items() %}{{ o.description | plain }}

{% endfor %}
```yaml
{{ f.examples | trim }}
```

{% for value in f["return"].values() %}Returns: {{ value.description | plain }}

{% endfor %}
{% endfor %}"""


def lines(text: Any) -> list[str]:
    """Return a description as the list that it may be."""
    return text if isinstance(text, list) else [text]


def plain(text: Any) -> str:
    """Return Ansible's markup as Markdown on one line."""
    joined = " ".join(text) if isinstance(text, list) else str(text or "")
    joined = re.sub(r"[CVOPE]\(([^)]*)\)|RV\(([^)]*)\)", lambda m: f"`{m.group(1) or m.group(2)}`", joined)
    joined = re.sub(r"M\(([^)]*)\)", r"`\1`", joined)
    joined = re.sub(r"L\(([^,]*),\s*([^)]*)\)", r"[\1](\2)", joined)
    joined = re.sub(r"[BI]\(([^)]*)\)", r"*\1*", joined)
    joined = re.sub(r"U\(([^)]*)\)", r"<\1>", joined)
    return re.sub(r"\s+", " ", joined).replace("|", "\\|").strip()


def kind(thing: dict[str, Any]) -> str:
    """Return the type of an option or a value, with that of its elements."""
    return str(thing.get("type", "str")) + (f" of {thing['elements']}" if thing.get("elements") else "")


def rows(options: dict[str, Any] | None, prefix: str = "") -> list[list[str]]:
    """Return the options as cells of table rows, suboptions after their parent."""
    found = []
    for name, option in sorted((options or {}).items()):
        text = plain(option.get("description"))
        if option.get("choices"):
            text += " One of " + ", ".join(f"`{choice}`" for choice in option["choices"]) + "."
        default = option.get("default")
        shown = "" if default is None else f"`{json.dumps(default)}`"
        required = " **required**" if option.get("required") else ""
        found.append([f"`{prefix}{name}`{required}", kind(option), shown, text])
        found += rows(option.get("suboptions") or option.get("options"), f"{prefix}{name}.")
    return found


def returns(values: dict[str, Any], prefix: str = "") -> list[list[str]]:
    """Return the return values as cells of table rows, contained ones after their parent."""
    found = []
    for name, value in values.items():
        found.append([f"`{prefix}{name}`", kind(value), plain(value.get("returned")), plain(value.get("description"))])
        found += returns(value.get("contains") or {}, f"{prefix}{name}.")
    return found


def documented(kind_of_plugin: str, names: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return what ansible-doc says about each plugin of the collection."""
    done = subprocess.run(
        [str(BIN / "ansible-doc"), "--json", "-t", kind_of_plugin, *(f"hyperv.mobility.{name}" for name in names)],
        env={"ANSIBLE_COLLECTIONS_PATH": str(BIN.parent / "collections"), "ANSIBLE_DEVEL_WARNING": "0", **os.environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = json.loads(done.stdout)
    return [(name, found[f"hyperv.mobility.{name}"]) for name in names]


def roles() -> list[tuple[str, dict[str, Any]]]:
    """Return the argument specifications of the roles."""
    paths = sorted((ROOT / "roles").glob("*/meta/argument_specs.yml"))
    return [(path.parts[-3], yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]) for path in paths]


def render() -> str:
    """Return the page as it should be."""
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
    filters = sorted(path.stem for path in (ROOT / "plugins" / "filter").glob("*.yml"))
    lookups = sorted(path.stem for path in (ROOT / "plugins" / "lookup").glob("*.py"))
    environment = Environment(autoescape=False, trim_blocks=False, keep_trailing_newline=True)
    environment.filters |= {"plain": plain, "rows": rows, "returns": returns, "lines": lines}
    page = environment.from_string(TEMPLATE).render(
        modules=documented("module", modules),
        filters=documented("filter", filters),
        lookups=documented("lookup", lookups),
        roles=roles(),
    )
    return re.sub(r"\n{3,}", "\n\n", page).rstrip() + "\n"


def main() -> int:
    """Write the pages, or compare them."""
    pages = {TARGET: render(), asr_errors_page.TARGET: asr_errors_page.render()}
    if "--check" not in sys.argv[1:]:
        for target, page in pages.items():
            target.write_text(page, encoding="utf-8")
        return 0
    stale = [t for t, page in pages.items() if not t.exists() or t.read_text(encoding="utf-8") != page]
    for target in stale:
        print(f"{target.relative_to(ROOT)} is out of date: run make docs", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
