# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invoke-WebRequest, on hosts and on Windows machines: fetches for real, and only from loopback addresses.

Bytes of a file of the lab that a web server hands out make the same file again (storage.File.of_bytes).
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..powershell.commands import ErrorRecord
from ..powershell.values import OBJECT, Credential, PropertyBag
from . import copying, failures, messages
from .base import POWERSHELL_CLASS
from .cmdlets_contents import FileCmdlet
from .cmdlets_system import only
from .migration_rates import MB, TCP_SHARE
from .paths import plain_path
from .storage import DiskFull, File

if TYPE_CHECKING:
    from .reach import Place

WEB = ("System.Net.WebException", "System.InvalidOperationException", *failures.EXCEPTION)
ERROR_ID = "WebCmdletWebResponseException"
LONGEST_WAIT = 60.0
_LOOPBACK = re.compile(r"127(\.\d+){3}|localhost", re.IGNORECASE)
messages.add(
    {
        "web_failed": (
            "Unable to connect to the remote server, or it refused: {path}",
            "Impossible de se connecter au serveur distant, ou refus : {path}",
        ),
        "web_status": (
            "The remote server returned an error: ({code}) {reason}.",
            "Le serveur distant a retourné une erreur : ({code}) {reason}.",
        ),
    }
)
_TEXTS = re.compile(r"text/|[\w/.+-]*(json|xml)\b", re.IGNORECASE)
"""Types of contents that Windows PowerShell takes for text; of any other it shows the bytes."""


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows redirections to loopback addresses only."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not _LOOPBACK.fullmatch(urlsplit(newurl).hostname or ""):
            raise urllib.error.URLError("leads out of the lab")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class InvokeWebRequest(FileCmdlet):
    """Invoke-WebRequest, with -OutFile or the answer as an object. Assumed: one that breaks off leaves what came."""

    NAME = "Invoke-WebRequest"
    CLASS = POWERSHELL_CLASS + "InvokeWebRequestCommand"

    def process(self) -> None:
        """Bring the file."""
        only(self, "Uri", "OutFile", "UseBasicParsing", "TimeoutSec", "Method", "PassThru", "Headers", "Credential")
        uri = str(self.given("Uri"))
        where = urlsplit(uri)
        port = where.port or (443 if where.scheme == "https" else 80)
        if not _LOOPBACK.fullmatch(where.hostname or "") or not self.host.may_connect(port):
            self._failed(uri)
            return
        try:
            data, whole, kind = self._fetched(uri)
        except urllib.error.HTTPError as refused:
            text = messages.text(self.host.language, "web_status", code=refused.code, reason=refused.reason)
            self.fail(
                ErrorRecord(error_id=ERROR_ID, category="InvalidOperation", message=text, exception=WEB, target=uri)
            )
            return
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
            self._failed(uri)
            return
        if self.bound_to("OutFile"):
            path = plain_path(str(self.given("OutFile")))
            if self.may_change(path):
                place = self.reach.place(path)
                if place is not None and self._written(path, place, File.of_bytes(place.path, data)) and whole:
                    return
        elif whole:
            content = data.decode("utf-8", "replace") if _TEXTS.match(kind) else data
            name = "Microsoft.PowerShell.Commands.WebResponseObject"
            self.call.write(
                PropertyBag({"StatusCode": 200, "Content": content, "RawContentLength": len(data)}, (name, OBJECT))
            )
        if not whole:
            self._failed(uri)

    def _fetched(self, uri: str) -> tuple[bytes, bool, str]:
        """Return what came, whether it is all, and of which type it is."""
        handlers: list[Any] = [urllib.request.ProxyHandler({}), _StayHere()]
        credential = self.given("Credential")
        if isinstance(credential, Credential):
            known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            known.add_password(None, uri, credential.username, credential.password.text)
            handlers.append(urllib.request.HTTPBasicAuthHandler(known))
        seconds = float(self.given("TimeoutSec", 0)) or 30.0
        request = urllib.request.Request(
            uri,
            headers={str(k): str(v) for k, v in (self.given("Headers") or {}).items()},
            method=str(self.given("Method", "Get")).upper(),
        )
        opener = urllib.request.build_opener(*handlers)
        with opener.open(request, timeout=min(seconds, LONGEST_WAIT)) as answer:
            try:
                return answer.read(), True, answer.headers.get_content_type()
            except http.client.IncompleteRead as cut:
                return cut.partial, False, ""

    def _written(self, path: str, place: Place, file: File) -> bool:
        line = (f"in:{self.host.name}", self.host.network.rate * MB * TCP_SHARE)
        try:
            copying.write(self.host, file, place, (line, *copying.way(self.host, None, place)), self.call.stopping)
        except DiskFull:
            self.disk_full(path)
        except copying.CopyFailed:
            self._failed(str(self.given("Uri")))
        except copying.Stopped:
            pass
        else:
            return True
        return False

    def _failed(self, uri: str) -> None:
        self.wrong(ERROR_ID, "InvalidOperation", "web_failed", uri, WEB)


COMMANDS = (InvokeWebRequest,)
