# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error records as remoting sends them."""

from __future__ import annotations

from .clixml import Writer, escape
from .commands import ErrorRecord
from .error_objects import ErrorObject, Wrapped
from .members import type_name
from .texts import text_of

CATEGORIES = (
    "NotSpecified",
    "OpenError",
    "CloseError",
    "DeviceError",
    "DeadlockDetected",
    "InvalidArgument",
    "InvalidData",
    "InvalidOperation",
    "InvalidResult",
    "InvalidType",
    "MetadataError",
    "NotImplemented",
    "NotInstalled",
    "ObjectNotFound",
    "OperationStopped",
    "OperationTimeout",
    "SyntaxError",
    "ParserError",
    "PermissionDenied",
    "ResourceBusy",
    "ResourceExists",
    "ResourceUnavailable",
    "ReadError",
    "WriteError",
    "FromStdErr",
    "SecurityError",
    "ProtocolError",
    "ConnectionError",
    "AuthenticationError",
    "LimitsExceeded",
    "QuotaExceeded",
    "NotEnabled",
)
NUMBERS = {name: number for number, name in enumerate(CATEGORIES)}


def full_id(record: ErrorRecord) -> str:
    """Return the FullyQualifiedErrorId."""
    return f"{record.error_id},{record.class_name}" if record.class_name else record.error_id


def reason(record: ErrorRecord) -> str:
    """Return the reason: the exception's class without its namespace."""
    return record.exception[0].rpartition(".")[2]


def target_of(record: ErrorRecord) -> tuple[str, str]:
    """Return the target's text and the short name of its type, both empty without one."""
    if record.target is None:
        return "", ""
    if isinstance(record.target, Wrapped):
        held = record.target.value
        text = " ".join(text_of(each) for each in held) if isinstance(held, list) else text_of(held)
        return ("", "") if held is None else (text, "PSObject")
    return text_of(record.target), type_name(record.target).rpartition(".")[2]


def signed(hresult: int) -> int:
    """Return an HRESULT as the signed number that .NET shows."""
    return hresult - (1 << 32) if hresult >= 1 << 31 else hresult


def element(record: ErrorRecord, activity: str) -> str:
    """Return the element of an error record."""
    target, target_type = target_of(record)
    number = NUMBERS.get(record.category, 0)
    head = record.category if record.category in NUMBERS else "NotSpecified"
    shown = f"{head}: ({target}:{target_type}) [{activity}], {reason(record)}"
    writer = Writer()
    writer.parts.append(
        '<Obj RefId="0"><TN RefId="0"><T>System.Management.Automation.ErrorRecord</T><T>System.Object</T></TN>'
        f"<ToString>{escape(record.message)}</ToString><MS>"
        + _exception(record)
        + (f'<S N="TargetObject">{escape(target)}</S>' if record.target is not None else '<Nil N="TargetObject" />')
        + f'<S N="FullyQualifiedErrorId">{escape(full_id(record))}</S>'
        + _invocation(activity)
        + f'<I32 N="ErrorCategory_Category">{number}</I32>'
        + f'<S N="ErrorCategory_Activity">{escape(activity)}</S>'
        + f'<S N="ErrorCategory_Reason">{escape(reason(record))}</S>'
        + f'<S N="ErrorCategory_TargetName">{escape(target)}</S>'
        + f'<S N="ErrorCategory_TargetType">{escape(target_type)}</S>'
        + f'<S N="ErrorCategory_Message">{escape(shown)}</S>'
        + '<B N="SerializeExtendedInfo">false</B><Nil N="PSMessageDetails" /></MS></Obj>'
    )
    return writer.text()


def _exception(record: ErrorRecord) -> str:
    types = "".join(f"<T>{escape(name)}</T>" for name in record.exception)
    extra = Writer()
    extra.start_at(100)  # numbers above those of the record's own objects
    for name, value in record.properties.items():
        extra.write(value, 0, name)
    return (
        f'<Obj N="Exception" RefId="1"><TN RefId="1">{types}</TN>'
        f"<ToString>{escape(record.exception[0])}: {escape(record.message)}</ToString><Props>"
        f'<S N="Message">{escape(record.message)}</S>{extra.text()}<Nil N="TargetSite" />'
        '<Nil N="InnerException" /><Nil N="HelpLink" /><Nil N="Source" />'
        f'<I32 N="HResult">{signed(record.hresult)}</I32><Nil N="StackTrace" /></Props></Obj>'
    )


def _invocation(activity: str) -> str:
    if not activity:
        return '<Nil N="InvocationInfo" />'
    return (
        '<Obj N="InvocationInfo" RefId="2"><TN RefId="2"><T>System.Management.Automation.InvocationInfo</T>'
        "<T>System.Object</T></TN><ToString>System.Management.Automation.InvocationInfo</ToString><Props>"
        f'<S N="MyCommand">{escape(activity)}</S><I32 N="ScriptLineNumber">0</I32><I32 N="OffsetInLine">0</I32>'
        '<I64 N="HistoryId">1</I64><S N="ScriptName"></S><S N="Line"></S><S N="PositionMessage"></S>'
        f'<S N="PSScriptRoot"></S><Nil N="PSCommandPath" /><S N="InvocationName">{escape(activity)}</S>'
        '<I32 N="PipelineLength">0</I32><I32 N="PipelinePosition">0</I32><B N="ExpectingInput">false</B>'
        '<S N="CommandOrigin">Internal</S><Nil N="DisplayScriptPosition" /></Props></Obj>'
    )


CORE = "System.Private.CoreLib, Version=10.0.0.0, Culture=neutral, PublicKeyToken=7cec85d7bea7798e"
DESKTOP = "mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"


def write_kept(writer: Writer, kept: ErrorObject) -> None:
    """Write the inside of a record that a variable holds: more than a record of the error stream has."""
    record, activity, put = kept.record, kept.activity, writer.parts.append
    core = kept.edition == "7"
    target, target_type = target_of(record)
    put(f"<ToString>{escape(record.message)}</ToString><MS>")
    _write_exception(writer, record)
    put(f'<S N="TargetObject">{escape(target)}</S>' if record.target is not None else '<Nil N="TargetObject" />')
    put(f'<S N="FullyQualifiedErrorId">{escape(full_id(record))}</S>')
    _write_invocation(writer, activity, core=core)
    head = record.category if record.category in NUMBERS else "NotSpecified"
    shown = f"{head}: ({target}:{target_type}) [{activity}], {reason(record)}"
    put(
        f'<I32 N="ErrorCategory_Category">{NUMBERS.get(record.category, 0)}</I32>'
        f'<S N="ErrorCategory_Activity">{escape(activity)}</S><S N="ErrorCategory_Reason">{escape(reason(record))}</S>'
        f'<S N="ErrorCategory_TargetName">{escape(target)}</S>'
        f'<S N="ErrorCategory_TargetType">{escape(target_type)}</S>'
        f'<S N="ErrorCategory_Message">{escape(shown)}</S>'
        '<B N="SerializeExtendedInfo">false</B><Nil N="PSMessageDetails" /></MS>'
    )


def _write_exception(writer: Writer, record: ErrorRecord) -> None:
    put = writer.parts.append
    writer.open(record.exception, "Exception")
    put(f"<ToString>{escape(record.exception[0])}: {escape(record.message)}</ToString><Props>")
    put(f'<S N="Message">{escape(record.message)}</S>')
    for name, value in record.properties.items():
        writer.write(value, 0, name)
    put('<Nil N="TargetSite" />')
    writer.open(("System.Collections.ListDictionaryInternal", "System.Object"), "Data")
    put('<DCT /></Obj><Nil N="InnerException" /><Nil N="HelpLink" /><Nil N="Source" />')
    put(f'<I32 N="HResult">{signed(record.hresult)}</I32><Nil N="StackTrace" /></Props></Obj>')


def _write_invocation(writer: Writer, activity: str, *, core: bool) -> None:
    put = writer.parts.append
    assembly = CORE if core else DESKTOP
    text, anything = f"[System.String, {assembly}]", f"[System.Object, {assembly}]"
    writer.open(("System.Management.Automation.InvocationInfo", "System.Object"), "InvocationInfo")
    put("<ToString>System.Management.Automation.InvocationInfo</ToString><Props>")
    put(f'<S N="MyCommand">{escape(activity)}</S>')
    writer.open((f"System.Collections.Generic.Dictionary`2[{text},{anything}]", "System.Object"), "BoundParameters")
    put("<DCT /></Obj>")
    writer.open((f"System.Collections.Generic.List`1[{anything}]", "System.Object"), "UnboundArguments")
    put(
        '<LST /></Obj><I32 N="ScriptLineNumber">0</I32><I32 N="OffsetInLine">0</I32><I64 N="HistoryId">1</I64>'
        '<S N="ScriptName"></S><S N="Line"></S>'
        + ('<S N="Statement"></S>' if core else "")
        + '<S N="PositionMessage"></S><S N="PSScriptRoot"></S><Nil N="PSCommandPath" />'
        f'<S N="InvocationName">{escape(activity)}</S><I32 N="PipelineLength">0</I32>'
        '<I32 N="PipelinePosition">0</I32><B N="ExpectingInput">false</B><S N="CommandOrigin">Internal</S>'
        '<Nil N="DisplayScriptPosition" /></Props></Obj>'
    )
