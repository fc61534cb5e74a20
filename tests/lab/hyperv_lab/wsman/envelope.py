# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WSMan envelopes: requests read into plain data, responses written as text in the form of real hosts."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from . import names
from .faults import WSManFault, invalid_timeout, schema_violation

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_ENVELOPE = 153_600
DEFAULT_TIMEOUT_SECONDS = 60.0
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_OPEN = (
    f'<s:Envelope xml:lang="en-US" xmlns:s="{names.SOAP}" xmlns:a="{names.ADDRESSING}" xmlns:x="{names.TRANSFER}" '
    f'xmlns:e="{names.EVENTING}" xmlns:n="{names.ENUMERATION}" xmlns:w="{names.WSMAN}" xmlns:rsp="{names.SHELL}" '
    f'xmlns:p="{names.MICROSOFT}"><s:Header>'
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as far as the service needs it."""

    action: str
    message_id: str = ""
    to: str = ""
    resource: str = ""
    selectors: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    timeout: float = DEFAULT_TIMEOUT_SECONDS
    """OperationTimeout in seconds."""
    max_envelope: int = DEFAULT_ENVELOPE
    """MaxEnvelopeSize in bytes."""
    locale: str = "en-US"
    data_locale: str = "en-US"
    body: ET.Element | None = None

    @property
    def operation(self) -> str:
        """The last word of the action: Create, Receive …"""
        return self.action.rsplit("/", 1)[-1]

    @property
    def shell_id(self) -> str | None:
        """The ShellId selector, upper case, or None."""
        found = self.selectors.get("ShellId")
        return found.upper() if found is not None else None


def parse(text: bytes) -> Request:
    """Return the request in an envelope; raise WSManFault where it is no valid one."""
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise schema_violation() from error
    header, body = root.find(f"{{{names.SOAP}}}Header"), root.find(f"{{{names.SOAP}}}Body")
    if root.tag != f"{{{names.SOAP}}}Envelope" or header is None or body is None:
        raise schema_violation()
    message_id = _text(header, names.ADDRESSING, "MessageID")
    try:
        return _read(header, body, message_id)
    except WSManFault as fault:
        fault.relates_to = message_id
        raise


def _read(header: ET.Element, body: ET.Element, message_id: str) -> Request:
    action = _text(header, names.ADDRESSING, "Action")
    if not action:
        raise schema_violation()
    size = _text(header, names.WSMAN, "MaxEnvelopeSize")
    return Request(
        action=action,
        message_id=message_id,
        to=_text(header, names.ADDRESSING, "To"),
        resource=_text(header, names.WSMAN, "ResourceURI"),
        selectors=dict(_pairs(header, "SelectorSet", "Selector")),
        options=dict(_pairs(header, "OptionSet", "Option")),
        timeout=_timeout(_text(header, names.WSMAN, "OperationTimeout")),
        max_envelope=int(size) if size.isdigit() else DEFAULT_ENVELOPE,
        locale=_language(header, names.WSMAN, "Locale"),
        data_locale=_language(header, names.MICROSOFT, "DataLocale"),
        body=body[0] if len(body) else None,
    )


def _text(parent: ET.Element, space: str, name: str) -> str:
    return (parent.findtext(f"{{{space}}}{name}") or "").strip()


def _language(parent: ET.Element, space: str, name: str) -> str:
    found = parent.find(f"{{{space}}}{name}")
    return "en-US" if found is None else found.get(f"{{{names.XML}}}lang", "en-US")


def _pairs(header: ET.Element, container: str, item: str) -> Iterator[tuple[str, str]]:
    for element in header.iterfind(f"{{{names.WSMAN}}}{container}/{{{names.WSMAN}}}{item}"):
        yield element.get("Name", ""), element.text or ""


def _timeout(text: str) -> float:
    if not text:
        return DEFAULT_TIMEOUT_SECONDS
    seconds = seconds_of(text)
    if seconds is None:
        raise invalid_timeout(text)
    return seconds


def seconds_of(duration: str) -> float | None:
    """Return the seconds of an xs:duration without years and months (``PT20.000S``), or None for another text."""
    match = _DURATION.match(duration.strip())
    if match is None or duration.strip() in {"P", "PT"}:
        return None
    days, hours, minutes, seconds = match.groups()
    return int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)


def respond(request: Request, body: str, *, action: str | None = None) -> str:
    """Return a response envelope around a body's inner XML; the action defaults to the request's own + Response."""
    return envelope(action or f"{request.action}Response", request.message_id, body)


def envelope(action: str, relates_to: str, body: str) -> str:
    """Return an envelope with the headers that real hosts send."""
    return (
        f"{_OPEN}<a:Action>{escape(action)}</a:Action><a:MessageID>uuid:{new_id()}</a:MessageID>"
        f"<p:ActivityId>{new_id()}</p:ActivityId><a:To>{names.ANONYMOUS}</a:To>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


def fault_envelope(fault: WSManFault, machine: str, relates_to: str = "") -> str:
    """Return the envelope of a fault."""
    related = relates_to or fault.relates_to
    return envelope(fault.action, related, fault.body(machine))


def new_id() -> str:
    """Return a new GUID in the upper-case spelling of WSMan."""
    return str(uuid.uuid4()).upper()


def attribute(value: str) -> str:
    """Return a quoted attribute value."""
    return quoteattr(value)
