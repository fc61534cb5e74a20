# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication of one HTTP connection: Basic, Negotiate (NTLM) and CredSSP by pyspnego's acceptor side.

WinRM authenticates connections, not requests: after the handshake all requests of that connection are the user's.
"""

from __future__ import annotations

import base64
import binascii
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import spnego
import spnego.tls
from spnego.exceptions import SpnegoError

from . import encryption

if TYPE_CHECKING:
    from ..world import Account, Identity, Machine
    from .credentials import CredentialSource

_SCHEMES = {"negotiate": "negotiate", "ntlm": "negotiate", "credssp": "credssp"}
_WRAPPED = {"negotiate": encryption.SPNEGO, "credssp": encryption.CREDSSP}


@dataclass(frozen=True)
class Answer:
    """What a look at the Authorization header led to."""

    identity: Identity | None
    """None: answer 401, or AccessDenied where it is denied."""
    challenges: tuple[str, ...] = ()
    """Values for WWW-Authenticate."""
    denied: bool = False
    """The account is good, but may not use WinRM here."""


class Authenticator:
    """What all connections share: accounts, and one CredSSP key (making one takes longer than a request)."""

    def __init__(self, credentials: CredentialSource) -> None:
        self.credentials = credentials
        self._tls: spnego.tls.CredSSPTLSContext | None = None

    def acceptor(self, scheme: str, machine: Machine) -> spnego.ContextProxy:
        """Return a new acceptor for "negotiate", "ntlm" or "credssp"."""
        with self.credentials.offered(machine):
            if scheme == "credssp":
                return spnego.server(protocol="credssp", credssp_tls_context=self._credssp_tls())
            options = spnego.NegotiateOptions.use_ntlm if scheme == "ntlm" else spnego.NegotiateOptions.none
            return spnego.server(protocol=scheme, options=options)

    def _credssp_tls(self) -> spnego.tls.CredSSPTLSContext:
        if self._tls is None:
            certificate, key, public = spnego.tls.generate_tls_certificate()
            self._tls = spnego.tls.default_tls_context(usage="accept")
            with tempfile.NamedTemporaryFile(prefix="hyperv-lab-") as file:
                file.write(certificate + key)
                file.flush()
                self._tls.context.load_cert_chain(file.name)
            self._tls.public_key = public
        return self._tls


@dataclass
class Connection:
    """The state of one TCP connection."""

    machine: Machine
    secure: bool
    """Whether it is TLS."""
    authenticator: Authenticator
    identity: Identity | None = None
    denied: bool = False
    context: spnego.ContextProxy | None = None
    """The acceptor of the handshake; afterwards the one that wraps messages."""
    protocol: str = ""
    """Wrapping protocol of that context, "" without one."""
    _scheme: str = field(default="", repr=False)

    def authenticate(self, header: str | None) -> Answer:
        """Look at a request's Authorization header."""
        if header is None:
            known = self.protocol and (self.identity or self.denied)
            return Answer(self.identity, denied=self.denied) if known else self._refuse()
        scheme, _, token = header.partition(" ")
        try:
            data = base64.b64decode(token.strip(), validate=True)
        except binascii.Error:
            return self._refuse()
        scheme = scheme.lower()
        if scheme == "basic":
            return self._basic(data)
        if _SCHEMES.get(scheme) in self.machine.authentication:
            return self._handshake(scheme, data)
        return self._refuse()

    def wrapper(self) -> spnego.ContextProxy:
        """Return the context that wraps this connection's messages; NotEncrypted where there is none."""
        if self.context is None or not self.protocol:
            raise encryption.NotEncrypted("this connection was not authenticated by a method that encrypts")
        return self.context

    def offers(self) -> tuple[str, ...]:
        """Return the schemes of this listener, as in a first 401. Basic is never offered where it would be readable."""
        names = {"negotiate": "Negotiate", "credssp": "CredSSP"}
        offers = [names[one] for one in self.machine.authentication if one in names]
        return (*offers, 'Basic realm="WSMAN"') if self._basic_allowed() else tuple(offers)

    def _basic_allowed(self) -> bool:
        return "basic" in self.machine.authentication and (self.secure or self.allows_plain)

    @property
    def allows_plain(self) -> bool:
        """The service's AllowUnencrypted: false on Windows unless someone changed it."""
        return bool(getattr(self.machine, "allow_unencrypted", False))

    def _refuse(self) -> Answer:
        self.identity, self.context, self.protocol, self.denied = None, None, "", False
        return Answer(None, self.offers())

    def _basic(self, data: bytes) -> Answer:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("latin-1")  # what requests sends for names and passwords beyond ASCII
        username, _, password = text.partition(":")
        if not self._basic_allowed():
            return self._refuse()
        account = self.authenticator.credentials.check(self.machine, username, password)
        return self._signed_in(account, "basic")

    def _signed_in(self, account: Account | None, method: str, challenges: tuple[str, ...] = ()) -> Answer:
        if account is None or not account.enabled:
            return self._refuse()
        self.identity = self.machine.sign_in(account, method)
        self.denied = self.identity is None
        return Answer(self.identity, challenges, self.denied)

    def _handshake(self, scheme: str, token: bytes) -> Answer:
        if self.context is None or self.context.complete or self._scheme != scheme:
            self.context, self._scheme = self.authenticator.acceptor(scheme, self.machine), scheme
            self.identity, self.protocol, self.denied = None, "", False
        try:
            with self.authenticator.credentials.offered(self.machine):
                reply = self.context.step(token)
        except (SpnegoError, ValueError, LookupError):
            return self._refuse()
        shown = {"negotiate": "Negotiate", "ntlm": "NTLM", "credssp": "CredSSP"}[scheme]
        challenge = (f"{shown} {base64.b64encode(reply).decode()}",) if reply else ()
        if not self.context.complete:
            return Answer(None, challenge) if reply else self._refuse()
        self.protocol = _WRAPPED[_SCHEMES[scheme]]
        account = self.authenticator.credentials.find(self.machine, self.context.client_principal or "")
        method = "credssp" if scheme == "credssp" else self.context.negotiated_protocol or "ntlm"
        return self._signed_in(account, method, challenge)
