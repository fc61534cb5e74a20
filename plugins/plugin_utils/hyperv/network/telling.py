# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a guest its addresses: SetGuestNetworkAdapterConfiguration of the management service (facts, 8).

The method takes an array of texts. A list that goes out in the arguments of Invoke-CimMethod arrives as an ArrayList,
which that cmdlet does not turn into an array (public sources of CimCmdlets and of the infrastructure beneath). Called
on the WMI object by ForEach-Object -MemberName, its arguments are converted by the types of the parameters (public
source of PowerShell's WMI adapter). Neither was tried on a host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...errors import ConnectionLost, RemoteError, TimedOut
from ...session.command import command, select
from ...waiting import wait_until
from ..wire_values import text, whole

if TYPE_CHECKING:
    from ...session.protocol import Session
    from ...waiting import Deadline
    from .guest_configuration import Order

_NAMESPACE = "root\\virtualization\\v2"
_SERVICE = "Msvm_VirtualSystemManagementService"
METHOD = "SetGuestNetworkAdapterConfiguration"
_DONE, _STARTED = 0, 4096
_COMPLETED = 7
_ENDED = frozenset({7, 8, 9, 10, 11})
"""JobState of CIM_ConcreteJob: completed, terminated, killed, exception, service."""
_JOB_KEY = re.compile(r'InstanceID="([0-9A-Fa-f-]+)"')
_POLL_SECONDS = 1.0
_MEANINGS = {
    32768: "failed",
    32769: "access denied: the account needs Hyper-V Administrators or Administrators on the host",
    32770: "not supported",
    32771: "status unknown",
    32772: "timeout",
    32773: "invalid parameter",
    32774: "system in use: try again",
    32775: "invalid state: the VM must run",
    32776: "incorrect type of data",
    32777: "the VM is not available",
    32778: "out of memory",
}
"""Return values as documented."""


def tell_guest(session: Session, vm_id: str, order: Order, *, deadline: Deadline) -> None:
    """Tell a guest what an order says and wait for the host's job. RemoteError where the host refuses or the job fails.

    That the host's job ended well does not prove that the guest has the address: look at what it reports.
    """
    (reply,) = session.invoke(
        command("Get-WmiObject", Namespace=_NAMESPACE, Class="Msvm_ComputerSystem", Filter=f"Name = '{vm_id.upper()}'")
        | select("__PATH")
    )
    reply.check()
    paths = [text(one.get("__PATH")) for one in reply.objects]
    if not paths:
        raise RemoteError(
            f"{session.host} shows no computer system {vm_id}", error_id="", category=0, hresult=None,
            command="Get-WmiObject",
        )  # fmt: skip
    try:
        (answer,) = session.invoke(
            command("Get-WmiObject", Namespace=_NAMESPACE, Class=_SERVICE)
            | command("ForEach-Object", MemberName=METHOD, ArgumentList=[paths[0], order.as_xml()])
            | select("ReturnValue", "Job")
        )
    except (ConnectionLost, TimedOut) as lost:
        lost.changed = True  # the host may have begun
        raise
    answer.check()
    result: dict[str, Any] = answer.objects[0] if answer.objects else {}
    code = whole(result.get("ReturnValue"))
    if code == _STARTED:
        try:
            _await_job(session, text(result.get("Job")), deadline)
        except (ConnectionLost, TimedOut) as late:
            late.changed = True
            raise
    elif code != _DONE:
        raise _refused(session, code)


def _refused(session: Session, code: int | None) -> RemoteError:
    meaning = "" if code is None else f" ({_MEANINGS.get(code, 'not documented')})"
    return RemoteError(
        f"{session.host}: {METHOD} returned {code}{meaning}",
        error_id=METHOD, category=0, hresult=None, command=METHOD, return_value=code,
    )  # fmt: skip


def _await_job(session: Session, path: str, deadline: Deadline) -> None:
    """Wait until a job has ended. One that is gone has ended, too: its result is then what the guest reports."""
    key = _JOB_KEY.search(path)
    if key is None:
        return
    source = command(
        "Get-CimInstance", Namespace=_NAMESPACE, ClassName="Msvm_ConcreteJob", Filter=f"InstanceID = '{key[1]}'"
    ) | select("JobState", "ErrorCode")
    last: dict[str, Any] = {}

    def ended() -> bool:
        (reply,) = session.invoke(source)
        reply.check()
        last.clear()
        last.update(reply.objects[0] if reply.objects else {"JobState": _COMPLETED})
        return whole(last.get("JobState")) in _ENDED

    wait_until(ended, what=f"{session.host}: the job of {METHOD}", deadline=deadline, interval=_POLL_SECONDS,
               last_seen=lambda: f"JobState {last.get('JobState')}")  # fmt: skip
    # A failed job of Hyper-V may be "completed" too, with an error code (facts, 3.9).
    if whole(last.get("JobState")) != _COMPLETED or whole(last.get("ErrorCode")):
        raise RemoteError(
            f"{session.host}: the job of {METHOD} ended with JobState {last.get('JobState')} and ErrorCode "
            f"{last.get('ErrorCode')}: the guest did not apply the address; look at its key-value exchange "
            "(hyperv.mobility.vm_integration_service)",
            error_id=METHOD, category=0, hresult=None, command=METHOD, error_code=whole(last.get("ErrorCode")),
        )  # fmt: skip
