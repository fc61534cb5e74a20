# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the WinRM service: code, subcode and WSManFault code as real hosts send them.

Recorded: time-out, invalid selectors (shell and command), invalid parameter, invalid time-out header, file not found.
From facts on WinRM: the quota codes. The others follow Microsoft's list of WinRM errors (wsmerror.h).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from . import names

TIMED_OUT = 2150858793
INVALID_SELECTORS = 2150858843
INVALID_TIMEOUT = 2150858767
SHELL_QUOTA = 2150859173
OPERATION_QUOTA = 2150859174
ACCESS_DENIED = 5
INVALID_PARAMETER = 87
FILE_NOT_FOUND = 2147942402
NO_CODE = 0
"""The fault has no WSManFault element: clients see the subcode only (seen with the quota of commands)."""

_CMD_PROVIDER = ("Shell cmd plugin", r"%systemroot%\system32\winrscmd.dll")
_SHELL_PROVIDER = ("Shell provider", r"%systemroot%\system32\WsmSvc.dll")
_NO_SUCH_SELECTOR = (
    "The WS-Management service cannot process the request because the request contained invalid selectors for the "
    "resource. "
)


@dataclass
class WSManFault(Exception):
    """A request was refused: becomes a fault envelope with HTTP status 500."""

    code: int
    subcode: str
    """With prefix: "w:TimedOut"."""
    reason: str
    sender: bool = True
    detail: str = ""
    """Last part of the FaultDetail URI, "" for none."""
    message: str = ""
    """The WSManFault message where it is another than the reason."""
    provider: tuple[str, str] | None = None
    nested: bool = False
    """Whether the provider's message is a WSManFault of its own."""
    relates_to: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        super().__init__(self.reason)

    @property
    def action(self) -> str:
        """The fault action: addressing faults have their own."""
        return names.ADDRESSING_FAULT_ACTION if self.subcode.startswith("a:") else names.WSMAN_FAULT_ACTION

    def body(self, machine: str) -> str:
        """Return the fault element for a machine's name."""
        detail = f"<w:FaultDetail>{names.FAULT_DETAIL}{self.detail}</w:FaultDetail>" if self.detail else ""
        wsman = self._wsman(machine, self._message(machine)) if self.code != NO_CODE else ""
        return (
            f"<s:Fault><s:Code><s:Value>s:{'Sender' if self.sender else 'Receiver'}</s:Value><s:Subcode>"
            f"<s:Value>{self.subcode}</s:Value></s:Subcode></s:Code><s:Reason>"
            f'<s:Text xml:lang="en-US">{escape(self.reason)}</s:Text></s:Reason><s:Detail>{detail}'
            f"{wsman}</s:Detail></s:Fault>"
        )

    def _message(self, machine: str) -> str:
        text = escape(self.message or self.reason)
        if self.provider is None:
            return text
        inner = self._wsman(machine, text) if self.nested else text
        name, path = self.provider
        return f'<f:ProviderFault provider="{escape(name)}" path="{escape(path)}">{inner}</f:ProviderFault>'

    def _wsman(self, machine: str, message: str) -> str:
        return (
            f'<f:WSManFault xmlns:f="{names.FAULT}" Code="{self.code}" Machine="{escape(machine)}">'
            f"<f:Message>{message}</f:Message></f:WSManFault>"
        )


def timed_out() -> WSManFault:
    """The operation time-out passed: the client asks again."""
    text = "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  "
    return WSManFault(TIMED_OUT, "w:TimedOut", text, sender=False)


def shell_not_found() -> WSManFault:
    """No such shell here, or not one of this user's."""
    return WSManFault(
        INVALID_SELECTORS,
        "w:InvalidSelectors",
        _NO_SUCH_SELECTOR,
        detail="UnexpectedSelectors",
        provider=_SHELL_PROVIDER,
        nested=True,
    )


def command_not_found() -> WSManFault:
    """The shell has no such command (or it has ended)."""
    text = (
        "The Windows Remote Shell received a request to perform an operation on a command identifier that does not "
        "exist. Either the command has completed execution or the client specified an invalid command identifier. "
    )
    return WSManFault(
        INVALID_SELECTORS, "w:InvalidSelectors", _NO_SUCH_SELECTOR, detail="UnexpectedSelectors", message=text
    )


def invalid_parameter() -> WSManFault:
    """The cmd plug-in's answer to a request that makes no sense (Receive without a command)."""
    return WSManFault(
        INVALID_PARAMETER,
        "w:InvalidParameter",
        "The parameter is incorrect. ",
        detail="InvalidValue",
        provider=_CMD_PROVIDER,
    )


def program_not_found() -> WSManFault:
    """A program started without cmd.exe does not exist."""
    text = "The system cannot find the file specified. "
    return WSManFault(FILE_NOT_FOUND, "w:InternalError", text, sender=False, provider=_CMD_PROVIDER)


def invalid_timeout(value: str) -> WSManFault:
    """An OperationTimeout that is no duration."""
    return WSManFault(
        INVALID_TIMEOUT,
        "a:InvalidMessageInformationHeader",
        "The WS-Management service cannot process the request. The request contains one or more invalid SOAP headers. ",
        message="The WS-Management service cannot process the request. The XML contains an invalid timeout field in "
        f"the SOAP header: {value}. ",
    )


def aborted() -> WSManFault:
    """The shell went away (deleted, disconnected) under a waiting Receive: ERROR_OPERATION_ABORTED."""
    text = "The I/O operation has been aborted because of either a thread exit or an application request. "
    return WSManFault(995, "w:InternalError", text, sender=False)


def access_denied() -> WSManFault:
    """The user may not do this here."""
    return WSManFault(ACCESS_DENIED, "w:AccessDenied", "Access is denied. ")


def shells_exceeded(limit: int) -> WSManFault:
    """The user has as many shells as the quota allows (facts on WinRM)."""
    text = (
        f"The WS-Management service cannot process the request. This user is allowed a maximum number of {limit} "
        "concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user. "
    )
    return WSManFault(SHELL_QUOTA, "w:QuotaLimit", text)


def operations_exceeded(limit: int) -> WSManFault:
    """The user has as many operations as the quota allows (facts on WinRM)."""
    text = (
        f"The WS-Management service cannot process the request. This user is allowed a maximum number of {limit} "
        "concurrent operations, which has been exceeded. Close existing operations for this user, or raise the quota "
        "for this user. "
    )
    return WSManFault(OPERATION_QUOTA, "w:QuotaLimit", text)


def users_exceeded(limit: int) -> WSManFault:
    """Too many users have shells at once (MaxConcurrentUsers)."""
    text = (
        "The WS-Management service cannot process the request. The maximum number of users executing shell operations "
        f"has been exceeded ({limit}). Retry after sometime or raise the quota for concurrent shell users. "
    )
    return WSManFault(2150859170, "w:QuotaLimit", text)


def commands_exceeded(limit: int) -> WSManFault:
    """The plug-in's MaxConcurrentCommandsPerShell: commands never ended by a terminate signal go on counting."""
    text = (
        "The WS-Management service cannot process the request. The maximum number of concurrent commands per shell "
        f"({limit}) has been exceeded. Retry the request later or raise the Maximum Commands per Shell quota. "
    )
    return WSManFault(NO_CODE, "w:InternalError", text, sender=False)


def schema_violation() -> WSManFault:
    """The envelope is no valid request."""
    text = "The SOAP XML in the message does not match the corresponding XML schema definition. "
    return WSManFault(2150858817, "w:SchemaValidationError", text)


def unknown_resource(uri: str) -> WSManFault:
    """No resource of this URI."""
    text = (
        "The WS-Management service cannot process the request. The service cannot find the resource identified by "
        "the resource URI and selectors. "
    )
    return WSManFault(2150858752, "a:DestinationUnreachable", text, detail="InvalidResourceURI")


def unknown_configuration(name: str, host: str) -> WSManFault:
    """No session configuration of this name."""
    text = (
        f"The WS-Management service cannot process the request. Cannot find the {name} session configuration in the "
        f"WSMan: drive on the {host} computer. "
    )
    return WSManFault(2150859193, "a:DestinationUnreachable", text, detail="InvalidResourceURI")


def unsupported_action() -> WSManFault:
    """The resource does not know this action."""
    text = "The WS-Management service cannot process the request. The action is not supported by the resource. "
    return WSManFault(2150858754, "a:ActionNotSupported", text)


def not_disconnected() -> WSManFault:
    """A Connect or Reconnect of a shell that is connected, or of another user's."""
    text = "The WS-Management service cannot process the request because the shell is not in the disconnected state. "
    return WSManFault(2150859200, "w:InvalidParameter", text, detail="InvalidValue")
