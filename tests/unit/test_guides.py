# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages for people agree with the code: links lead somewhere, and every id, code and command is explained."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.hyperv.mobility.plugins.plugin_utils import errors
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import catalogue
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import compatibility, gateway, remedies
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session import live

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/lab/*.md")))
GUIDE = ROOT / "docs/user-guide.md"
FINDINGS = ROOT / "docs/findings.md"
ASR_ERRORS = ROOT / "docs/asr-errors.md"
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SOURCES = sorted((ROOT / "plugins").rglob("*.py"))


def anchors(page: Path) -> set[str]:
    """The anchors that a renderer makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{page.name} links to {target}, which is not there"
        assert there == ROOT or ROOT in there.parents
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{page.name} links to {target}#{anchor}, and there is no such heading"


def texts(value: ast.expr) -> Iterator[str]:
    """The texts an expression can be: constants, either side of a choice; the open part of a text is a star."""
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.IfExp):
        yield from texts(value.body)
        yield from texts(value.orelse)
    elif isinstance(value, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in value.values)
    else:
        pytest.fail(f"line {value.lineno}: the id of a finding is not written where it is made")


def makers(tree: ast.Module) -> dict[str, int]:
    """Functions of a file that make a finding of an id they are given: name -> position of that parameter."""
    found = {}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        names = [argument.arg for argument in function.args.args]
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            for keyword in call.keywords:
                is_id = keyword.arg == "id" and getattr(call.func, "id", "") == "Finding"
                if is_id and isinstance(keyword.value, ast.Name) and keyword.value.id in names:
                    found[function.name] = names.index(keyword.value.id)
    return found


def finding_ids() -> set[str]:
    """Every id that some file of the collection can put into a finding."""
    found: set[str] = set()
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        given = makers(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", "")
            if name in given:
                found.update(texts(call.args[given[name]]))
            elif name == "Finding":
                (value,) = [keyword.value for keyword in call.keywords if keyword.arg == "id"]
                if not (isinstance(value, ast.Name) and given):
                    found.update(texts(value))
    return found


def test_every_finding_is_explained_and_none_is_made_up() -> None:
    explained = re.findall(r"^\| `([a-z_0-9*]+)` \|", FINDINGS.read_text(encoding="utf-8"), re.MULTILINE)
    severities = {"blocking", "warning", "info"}
    assert len(finding_ids()) > 40
    assert sorted(set(explained) - severities) == sorted(finding_ids())
    assert len(explained) == len(set(explained))


def said(node: ast.AST) -> set[str]:
    """The severities that are named somewhere in a piece of code."""
    named = (part for part in ast.walk(node) if isinstance(part, ast.Attribute))
    return {part.attr.lower() for part in named if getattr(part.value, "id", "") == "Severity"}


def usual(tree: ast.Module, given: dict[str, int]) -> dict[str, tuple[set[str], int]]:
    """What findings of a maker are where its caller says nothing, and from how many arguments on the caller does."""
    found = {}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in given):
        names = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
        found[function.name] = (said(function), names.index("severity") if "severity" in names else 99)
    return found


def paired(call: ast.Call, value: ast.expr) -> Iterator[tuple[str, set[str]]]:
    """Each id of a call with its severities; where both are chosen by one condition, each id has its own."""
    severity = next((keyword.value for keyword in call.keywords if keyword.arg == "severity"), None)
    if (
        isinstance(value, ast.IfExp)
        and isinstance(severity, ast.IfExp)
        and ast.dump(value.test) == ast.dump(severity.test)
    ):
        for identifier, part in ((value.body, severity.body), (value.orelse, severity.orelse)):
            yield from ((text, said(part)) for text in texts(identifier))
    else:
        yield from ((text, said(call)) for text in texts(value))


def finding_severities() -> dict[str, set[str]]:
    """The severities that files of the collection give findings, by id, as far as they stand where one is made."""
    found: dict[str, set[str]] = {}
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        given = makers(tree)
        default = usual(tree, given)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = getattr(call.func, "id", "")
            if name not in given and name != "Finding":
                continue
            told = any(keyword.arg == "severity" for keyword in call.keywords)
            if name in given:
                value = call.args[given[name]]
                told = told or len(call.args) > default[name][1]
            else:
                (value,) = [keyword.value for keyword in call.keywords if keyword.arg == "id"]
            if not (name == "Finding" and isinstance(value, ast.Name)):
                for identifier, severities in paired(call, value):
                    found.setdefault(identifier, set()).update(severities if told else default[name][0])
    return found


def test_severities_are_those_of_the_code() -> None:
    explained = re.findall(r"^\| `([a-z_0-9*]+)` \| ([^|]+) \|", FINDINGS.read_text(encoding="utf-8"), re.MULTILINE)
    words = {identifier: set(re.findall(r"blocking|warning|info", cell)) for identifier, cell in explained}
    made = finding_severities()  # the last table of the page has tasks in place of severities
    assert sum(bool(severities) for severities in made.values()) > 100
    assert {name: sorted(has) for name, has in made.items() if words[name] and not has <= words[name]} == {}


def asr_finding_ids() -> set[str]:
    """Ids written in calls of the catalogue's ``finding``, which have no line in findings.md."""
    found = set()
    for path in sorted((ROOT / "plugins/plugin_utils/asr").rglob("*.py")):
        for call in (
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        ):
            if getattr(call.func, "id", "") == "finding" and call.args and isinstance(call.args[0], ast.Constant):
                found.add(str(call.args[0].value))
    return found


def test_every_error_of_site_recovery_is_explained_by_the_page_of_the_catalogue() -> None:
    explained = re.findall(r"^\| `([^`]+)`", ASR_ERRORS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(explained) == sorted(catalogue.entries())
    assert sorted(asr_finding_ids() - set(explained)) == []


def test_every_kind_of_failure_is_explained() -> None:
    kinds = {value.kind for value in vars(errors).values() if isinstance(value, type) and hasattr(value, "kind")}
    text = GUIDE.read_text(encoding="utf-8")
    missing = [kind for kind in kinds - {"error"} if f"| `{kind}` |" not in text]
    assert missing == []


def test_every_code_with_a_remedy_is_explained() -> None:
    tree = ast.parse(Path(remedies.__file__).read_text(encoding="utf-8"))
    constants = [str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    codes = {text for text in constants if re.fullmatch(r"0x[0-9A-F]{8}", text)}
    assert len(codes) > 15
    text = GUIDE.read_text(encoding="utf-8")
    assert [code for code in sorted(codes) if code not in text] == []


def test_every_command_that_is_sent_is_named_for_restricted_endpoints() -> None:
    name = re.compile(r"(Get|Set|Add|Remove|Enable|Disable|Start|Stop|Restart|Install|Invoke|Compare|Move|Connect|"
                      r"Test|Select|Where|Write|Measure|ConvertTo|Wait|New|Out)-[A-Z]\w+")  # fmt: skip
    sent = set()
    for path in (ROOT / "plugins/plugin_utils").rglob("*.py"):
        constants = [node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                     if isinstance(node, ast.Constant)]  # fmt: skip
        sent |= {text for text in constants if isinstance(text, str) and name.fullmatch(text)}
    text = (ROOT / "docs/restricted-endpoints.md").read_text(encoding="utf-8")
    assert len(sent) > 40
    assert [command for command in sorted(sent) if f"`{command}`" not in text] == []
    kept = {f"{live.PREFIX}{name}" for name in (compatibility.REPORT, gateway._KEPT)}
    assert [variable for variable in sorted(kept) if f"'{variable}'" not in text] == []


def test_the_guides_name_every_variable_of_the_roles() -> None:
    written = [page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "reference.md"]
    text = "".join(page.read_text(encoding="utf-8") for page in written)
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        options = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
        assert [option for option in options if f"`{option}`" not in text] == []
