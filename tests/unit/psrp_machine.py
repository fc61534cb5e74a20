# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that acts by command name behind the lab's real wire, and the way to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.endpoint import (
    Endpoint,
)
from hyperv_lab.powershell.commands import ErrorRecord
from unit.lab.wire_world import DOMAIN, Script, Served

if TYPE_CHECKING:
    pass


class Machine(Script):
    """Cmdlets of a machine that refuses one thing, and the rule of the swallowed first error."""

    def invoke(self, statements: Any, sink: Any, *, inputs: Any = (), stopping: Any = None) -> str:
        self.machine.invoked.append(statements)
        for place, statement in enumerate(statements):
            state = "Completed"
            for call in statement:
                action = getattr(self, "do_" + call.name.split("\\")[-1].replace("-", "_").lower())
                state = action(sink, dict(call.parameters), inputs, stopping) or state
            if state == "Failed" and place == 0:
                sink.error(HARD, "Move-VM")  # measured: the first statement's end is swallowed
            elif state != "Completed":
                if state == "Failed":
                    sink.ended(HARD, "Move-VM")
                return state
        return "Completed"

    def do_write_output(self, sink: Any, parameters: Any, _inputs: Any, _stopping: Any) -> None:
        sink.output(parameters["InputObject"])

    def do_get_vm(self, sink: Any, parameters: Any, _inputs: Any, _stopping: Any) -> None:
        sink.output(f"vm {parameters.get('Name')}")

    def do_get_vhd(self, sink: Any, _parameters: Any, _inputs: Any, _stopping: Any) -> None:
        sink.output("before")
        sink.error(ErrorRecord(error_id="Soft,X", category="ObjectNotFound", message="pas là (0x8009030E)"), "Get-VHD")
        sink.warning("careful")
        sink.output("after")

    def do_move_vm(self, sink: Any, _parameters: Any, _inputs: Any, _stopping: Any) -> str:
        return "Failed"

    def do_start_sleep(self, sink: Any, parameters: Any, _inputs: Any, stopping: threading.Event) -> str | None:
        return self.do_sleep(sink, parameters, (), stopping)

    def do_test_path(self, sink: Any, _parameters: Any, _inputs: Any, stopping: threading.Event) -> str | None:
        return self.do_sleep(sink, {"Seconds": 20}, (), stopping)

    def do_set_variable(self, *_arguments: Any) -> None:
        pass

    def do_select_object(self, *_arguments: Any) -> None:
        pass


HARD = ErrorRecord(error_id="Hard,X", category="ObjectNotFound", message="hard")


def act_as_machine(one: Served) -> None:
    def open_runspace(identity: Any, _configuration: str) -> Machine:
        one.machine.identities.append(identity)
        return Machine(one.machine)

    one.machine.open_runspace = open_runspace  # type: ignore[method-assign, assignment]


def endpoint(served: Served, **options: Any) -> Endpoint:
    given = {
        "server": served.machine.address,
        "port": 5985,
        "ssl": False,
        "auth": "ntlm",
        "username": f"LAB\\{DOMAIN.username}",
        "password": DOMAIN.password,
        "operation_timeout": 2,
        "read_timeout": 8,
    }
    return Endpoint(wsman={**given, **options})
