# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine sends during a recorded invocation, in the form of the recordings, for comparison."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from ..powershell.clixml import serialize, serialize_error
from ..powershell.commands import ErrorRecord

_TYPES = frozenset({"TN", "TNRef"})


class RecordingSink:
    """Keeps what an invocation sends (powershell.streams.Sink), read back from the CLIXML that would be sent."""

    def __init__(self) -> None:
        self.stream: list[dict[str, Any]] = []
        self.ended_by: dict[str, Any] | None = None

    def output(self, value: Any) -> None:
        """Keep an object as CLIXML."""
        self.stream.append({"output": serialize(value)})

    def error(self, record: ErrorRecord, activity: str) -> None:
        """Keep an error record."""
        self.stream.append({"error": read_error(serialize_error(record, activity))})

    def ended(self, record: ErrorRecord, activity: str) -> None:
        """Keep the error that ended the invocation."""
        self.ended_by = read_error(serialize_error(record, activity))

    def warning(self, text: str) -> None:
        """Keep a warning."""
        self.stream.append({"warning": text})

    def verbose(self, text: str) -> None:
        """Keep a verbose text."""
        self.stream.append({"verbose": text})

    def debug(self, text: str) -> None:
        """Keep a debug text."""
        self.stream.append({"debug": text})

    def information(self, value: Any, tags: tuple[str, ...], source: str) -> None:
        """Keep an information record's value."""
        del tags, source
        self.stream.append({"information": value})

    def progress(self, record: dict[str, Any]) -> None:
        """Keep a progress record, numbers as texts as in the recordings."""
        self.stream.append(
            {
                "progress": {
                    "Activity": record["activity"],
                    "ActivityId": str(record["id"]),
                    "StatusDescription": record["status"],
                    "CurrentOperation": record["operation"],
                    "ParentActivityId": str(record["parent"]),
                    "PercentComplete": str(record["percent"]),
                    "Type": "",
                    "SecondsRemaining": str(record["seconds"]),
                }
            }
        )


def read_error(text: str) -> dict[str, Any]:
    """Return the fields of an error record's element that the recordings keep."""
    members = {each.get("N"): each for each in ET.fromstring(text).findall("./MS/*")}
    exception = members["Exception"]
    hresult = next(each for each in exception.findall("./Props/*") if each.get("N") == "HResult")

    def held(name: str) -> str:
        return members[name].text or ""

    return {
        "id": held("FullyQualifiedErrorId"),
        "category": int(held("ErrorCategory_Category")),
        "activity": held("ErrorCategory_Activity"),
        "reason": held("ErrorCategory_Reason"),
        "target": held("ErrorCategory_TargetName"),
        "target_type": held("ErrorCategory_TargetType"),
        "exception": [each.text for each in exception.findall("./TN/T")],
        "hresult": f"0x{int(hresult.text or 0) & 0xFFFFFFFF:08X}",
    }


def canonical(text: str) -> Any:
    """Return an element as nested lists, RefIds numbered by first appearance and HistoryId without its number."""
    if not text:
        text = "<Nil />"
    return _canonical(ET.fromstring(text), {}, {})


def _canonical(element: ET.Element, objects: dict[str, int], types: dict[str, int]) -> list[Any]:
    numbers = types if element.tag in _TYPES else objects
    reference = element.get("RefId")
    number = None if reference is None else numbers.setdefault(reference, len(numbers))
    name = element.get("N")
    text = "" if name == "HistoryId" else element.text or ""
    return [element.tag, name, number, text, *(_canonical(each, objects, types) for each in element)]


def difference(wanted: Any, got: Any, path: str = "") -> str | None:
    """Return where two canonical elements differ first, or None."""
    here = f"{path}/{wanted[1] or wanted[0]}"
    if wanted[:4] != got[:4]:
        return f"{here}: recorded {_shown(wanted)}, lab {_shown(got)}"
    for one, two in zip(wanted[4:], got[4:], strict=False):
        found = difference(one, two, here)
        if found is not None:
            return found
    if len(wanted) != len(got):
        longer, who = (wanted, "only recorded") if len(wanted) > len(got) else (got, "only in the lab")
        return f"{here}: {who}: {_shown(longer[min(len(wanted), len(got))])}"
    return None


def _shown(element: list[Any]) -> str:
    tag, name, number, text = element[:4]
    return f"<{tag}{f' N={name}' if name else ''}{f' #{number}' if number is not None else ''}>{text}"
