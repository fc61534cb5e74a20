# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the binder's tests share: short ways to bind, and objects of the contract's classes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from hyperv_lab.powershell import contract
from hyperv_lab.powershell.binder import BindingFailed, Bound, ObjectNotBound, prepare
from hyperv_lab.powershell.signature import Signature
from hyperv_lab.powershell.values import LiveObject


class HyperVObject(LiveObject):
    PROPERTIES: ClassVar[dict[str, str]] = {"Name": "name", "Id": "identity", "ComputerName": "host"}

    def __init__(self, name: str = "web", host: str = "h1") -> None:
        self.name = name
        self.identity = uuid.UUID(int=1)
        self.host = host

    def ps_text(self) -> str:
        return f"{type(self).__name__} (Name = '{self.name}')"


class Vm(HyperVObject):
    TYPE_NAMES = (
        "Microsoft.HyperV.PowerShell.VirtualMachine",
        "Microsoft.HyperV.PowerShell.VirtualMachineBase",
        "System.Object",
    )


class Switch(HyperVObject):
    TYPE_NAMES = ("Microsoft.HyperV.PowerShell.VMSwitch", "System.Object")


class Adapter(HyperVObject):
    TYPE_NAMES = (
        "Microsoft.HyperV.PowerShell.VMNetworkAdapter",
        "Microsoft.HyperV.PowerShell.VMNetworkAdapterBase",
        "System.Object",
    )


class CimInstance(HyperVObject):
    TYPE_NAMES = ("Microsoft.Management.Infrastructure.CimInstance#root/virtualization/v2/Msvm_Job", "System.Object")


def known(name: str, edition: str = "2022") -> Signature:
    found = contract.signature(name, edition)
    assert found is not None
    return found


def bind(command: str | Signature, *positional: Any, **named: Any) -> Bound:
    """Bind without input: positional arguments after the named ones."""
    signature = known(command) if isinstance(command, str) else command
    return prepare(signature, _arguments(positional, named)).bound()


def pipe(value: Any, command: str | Signature, **named: Any) -> Bound:
    signature = known(command) if isinstance(command, str) else command
    return prepare(signature, _arguments((), named), input_ahead=True).bind_object(value)


def failure(command: str | Signature, *positional: Any, **named: Any) -> str:
    with pytest.raises(BindingFailed) as failed:
        bind(command, *positional, **named)
    return failed.value.error_id


def pipe_failure(command: str | Signature, **named: Any) -> str:
    """Return the error that ends an invocation with input before any object is looked at."""
    signature = known(command) if isinstance(command, str) else command
    with pytest.raises(BindingFailed) as failed:
        prepare(signature, _arguments((), named), input_ahead=True)
    return failed.value.error_id


def record(value: Any, command: str | Signature, **named: Any) -> str:
    """Return the error of an object that doesn't bind."""
    with pytest.raises(ObjectNotBound) as skipped:
        pipe(value, command, **named)
    return skipped.value.error_id


def _arguments(positional: Sequence[Any], named: dict[str, Any]) -> list[tuple[str | None, Any]]:
    return [*named.items(), *((None, each) for each in positional)]
