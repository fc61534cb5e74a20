# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of files."""

from __future__ import annotations

import hashlib
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ...hyperv.base import POWERSHELL_CLASS, as_list
from ...hyperv.cmdlets_system import only
from ...powershell.values import OBJECT, EnumValue, PropertyBag
from .items import ItemCmdlet

_STATUS = ("Valid", "UnknownError", "NotSigned", "HashMismatch", "NotTrusted", "NotSupportedFileFormat")
_SIGNATURE = "System.Management.Automation.Signature"


class GetAuthenticodeSignature(ItemCmdlet):
    """Get-AuthenticodeSignature: what a stand-in says of itself (package.py), other files are not signed."""

    NAME = "Get-AuthenticodeSignature"
    CLASS = POWERSHELL_CLASS + "GetAuthenticodeSignatureCommand"

    def process(self) -> None:
        """Write the signature of each file."""
        only(self, "FilePath", "LiteralPath")
        given = [*as_list(self.given("FilePath")), *as_list(self.given("LiteralPath"))]
        for text in given:
            item = self.item(str(text))
            if self.there(item):
                self.call.write(self._signature(item.path))

    def _signature(self, path: str) -> PropertyBag:
        status, subject = _signed(self.machine.files.read(path))
        certificate = None
        if subject is not None:
            thumbprint = hashlib.sha1(subject.encode(), usedforsecurity=False).hexdigest().upper()
            notes: dict[str, Any] = {"Subject": subject, "Thumbprint": thumbprint, "Issuer": "CN=Lab Code Signing CA"}
            kind = "System.Security.Cryptography.X509Certificates.X509Certificate2"
            certificate = PropertyBag(notes, (kind, OBJECT), f"[Subject]\n  {subject}")
        number = _STATUS.index(status)
        values = {
            "SignerCertificate": certificate,
            "TimeStamperCertificate": None,
            "Status": EnumValue("System.Management.Automation.SignatureStatus", status, number),
            "StatusMessage": status,
            "Path": path,
            "SignatureType": "Authenticode" if subject else "None",
        }
        return PropertyBag(values, (_SIGNATURE, OBJECT))


def _signed(content: bytes) -> tuple[str, str | None]:
    """Return the status of a file's signature and its signer."""
    if find_spec(".package", __package__) is None:
        return "NotSigned", None
    package = import_module(".package", __package__)
    return package.signature_status(content), package.signer(content)


COMMANDS = (GetAuthenticodeSignature,)
