# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects of an installed agent. They need ``agent:`` in the fleet file, save those that say otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import services
from .defects import defect

if TYPE_CHECKING:
    from .state import WindowsMachine

_FOLDER = "C:\\Program Files (x86)\\Microsoft Azure Site Recovery\\agent"
_LOG = f"{_FOLDER}\\Application Data\\ApplicationPolicyLogs\\vacp.log"
_PROVIDER = "Azure Site Recovery VSS Provider"
VACP = {
    "vacp_not_registered": ("vss:0x80040154", 2147221164),
    "vacp_disabled": ("vss:0x80070422", 2147943458),
    "vacp_provider_unknown": ("vss:0x80042304", 2147754756),
    "vacp_writer_timeout": ("vss:0x800423F2", 2147754994),
}


@defect("agent_services_stopped", "78174", "name:ASRMobilityServiceInstallerFailedToStartAgentServices",
        changes="the agent's services are stopped")  # fmt: skip
def _stopped(machine: WindowsMachine) -> None:
    for name in ("svagents", "InMage Scout Application Service"):
        machine.set_service(name, status="Stopped")


@defect("vss_provider_missing", "vss:other", changes="the agent is there, its VSS provider's service is not")
def _provider(machine: WindowsMachine) -> None:
    services.remove(machine, _PROVIDER)


@defect("agent_file_missing", "name:ASRMobilityServiceInstallerUpgradeMandatoryFilesMissing",
        changes="a file of the installed agent is missing")  # fmt: skip
def _file(machine: WindowsMachine) -> None:
    machine.files.delete(f"{_FOLDER}\\UnifiedAgentConfigurator.exe")


def _vacp(number: int) -> None:
    ids_of = {number: error_id for error_id, number in VACP.values()}
    names = {number: name for name, (_id, number) in VACP.items()}

    @defect(names[number], "78144", ids_of[number], changes=f"vacp.log tells of the failure {number}")
    def cause(machine: WindowsMachine) -> None:
        machine.files.append(_LOG, f'vacpError: {{"HRESULT":{number}}}\r\n')


for _name, (_id, _number) in VACP.items():
    _vacp(_number)
