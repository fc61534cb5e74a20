# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way by which files of an export come to a host: a share, a web server, or people."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote, urlsplit

from ...errors import InvalidRequest
from ...session.command import Credential, Secret
from ..migration.placement import check_path
from .export_findings import SHARE


class Method(str, Enum):
    """How files come to the destination."""

    SMB = "smb"
    HTTP = "http"
    EXTERNAL = "external"
    """People bring them."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Where a host fetches from. ``source`` holds a folder per VM: a UNC path, a URL, or "" for external."""

    method: Method
    source: str = ""
    credential: Credential | None = None

    def of(self, vm_id: str, relative: str = "") -> str:
        """Return where a file of a VM's export lies: below the source, in the folder named by the Id."""
        parts = [vm_id, *(part for part in relative.split("\\") if part)]
        if self.method is Method.HTTP:
            return "/".join([self.source.rstrip("/"), *(quote(part, safe="") for part in parts)])
        return ntpath.join(self.source, *parts)


def route_of(method: str, source: str | None, username: str | None, password: str | None) -> Route:
    """Return the route that a task asks for; InvalidRequest for one that can't be."""
    kind = Method(method)
    if (username is None) != (password is None):
        raise InvalidRequest("username and password belong together: give both, or neither")
    credential = Credential(username, Secret(password)) if username is not None and password is not None else None
    if kind is Method.EXTERNAL:
        if source is not None or credential is not None:
            raise InvalidRequest("method: external fetches nothing: leave out source, username and password")
        return Route(method=kind)
    if not source:
        raise InvalidRequest(f"method: {kind.value} needs source: where the exports are")
    checked = _url(source) if kind is Method.HTTP else _unc(source)
    return Route(method=kind, source=checked, credential=credential)


def _unc(source: str) -> str:
    if not source.startswith(SHARE):
        raise InvalidRequest(
            f"source: {source!r} is no share; give \\\\host\\share\\folder, or method: http for a web address"
        )
    return check_path("source", source)


def _url(source: str) -> str:
    try:
        parts = urlsplit(source)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidRequest(
            f"source: {source!r} is no web address; give http(s)://host/folder, or method: smb for a share"
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest("source: leave the account out of the address; give username and password")
    if parts.query or parts.fragment:
        raise InvalidRequest(f"source: {source!r} has a query or a fragment; give the address of a folder")
    return source.rstrip("/")


def sends_password_in_clear(route: Route) -> bool:
    """Whether a web server may ask for the password over a line that anybody reads."""
    return route.credential is not None and route.source.lower().startswith("http://")
