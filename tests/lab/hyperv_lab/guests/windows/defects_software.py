# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects of services, software and settings that setup, the VSS provider or the registration meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import baseline, services
from .defects import defect

if TYPE_CHECKING:
    from .state import WindowsMachine

_PROVIDER = "Azure Site Recovery VSS Provider"


@defect("com_disabled", "151025", changes="the service COMSysApp is disabled")
def _com(machine: WindowsMachine) -> None:
    services.put_in_state(machine, "COMSysApp", "Disabled")


@defect("vss_disabled", "151025", changes="the service VSS is disabled")
def _vss(machine: WindowsMachine) -> None:
    services.put_in_state(machine, "VSS", "Disabled")


@defect("event_system_disabled", "vss:0x8004E00F", changes="the service EventSystem is disabled")
def _events(machine: WindowsMachine) -> None:
    services.put_in_state(machine, "EventSystem", "Disabled")


@defect("msdtc_disabled", "vss:0x8004E00F", changes="the service MSDTC is disabled")
def _msdtc(machine: WindowsMachine) -> None:
    services.put_in_state(machine, "MSDTC", "Disabled")


@defect(
    "service_missing",
    "name:ASRMobilityServiceCriticalServicesMissing",
    "151025",
    changes="the service VSS is gone from every control set",
)
def _gone(machine: WindowsMachine) -> None:
    services.remove(machine, "VSS")


@defect("cscript_off", "vss:exit-806", changes="Windows Script Host is off (Enabled is 0)")
def _scripts(machine: WindowsMachine) -> None:
    machine.registry.set(baseline.SCRIPT_HOST, "Enabled", 0)


@defect("cluster_leftover", "vss:0x8004E00F-cluster", changes="the service ClusSvc is there, but no cluster is set up")
def _cluster(machine: WindowsMachine) -> None:
    machine.features["Failover-Clustering"] = "Installed"
    services.add(machine, "ClusSvc", path="C:\\Windows\\Cluster\\clussvc.exe -s", status="Stopped", start="Disabled",
                 display="Cluster Service")  # fmt: skip


@defect("service_start_pending", "vss:0x8007041F", changes="the service Schedule doesn't get past its start")
def _pending(machine: WindowsMachine) -> None:
    services.put_in_state(machine, "Schedule", "StartPending")


@defect("provider_delete_flag", "vss:0x80070430", changes="the provider's service is marked for deletion")
def _flag(machine: WindowsMachine) -> None:
    folder = "C:\\Program Files (x86)\\Microsoft Azure Site Recovery\\agent"
    services.add(machine, _PROVIDER, path=f'"{folder}\\InMageVssProvider.exe"', status="Stopped")
    machine.registry.set(f"{services.KEY}\\{_PROVIDER}", "DeleteFlag", 1)


@defect("scout_driver", "name:ASRMobilityServiceInstallerInvolFltDriverError", changes="the driver involflt is there")
def _involflt(machine: WindowsMachine) -> None:
    key = f"{services.KEY}\\involflt"
    machine.registry.set(key, "ImagePath", "System32\\drivers\\involflt.sys", "ExpandString")
    machine.registry.set(key, "Start", 0)


@defect("rundll32_missing", "name:ASRMobilityServiceInstallerMandatoryFilesMissing", changes="rundll32.exe is missing")
def _rundll32(machine: WindowsMachine) -> None:
    machine.files.delete("C:\\Windows\\System32\\rundll32.exe")


@defect("dotnet_missing", "exit:16", changes=".NET Framework 4 is not installed")
def _dotnet(machine: WindowsMachine) -> None:
    machine.registry.delete_key(f"{baseline.DOTNET}\\v4")


@defect("no_ipv4", "register:no-valid-ip", changes="no adapter has an IPv4 address (the lab still reaches it)")
def _ipv4(machine: WindowsMachine) -> None:
    machine.windows.ipv4 = False


@defect("port_443_closed", "register:curl-7", "78174", changes="the machine can't reach any server's control port")
def _control_port(machine: WindowsMachine) -> None:
    machine.windows.blocked_ports |= {443} | {server.port for server in machine.fleet.asr}


@defect("port_9443_closed", "78169", "327001", changes="the machine can't reach any server's data port")
def _data_port(machine: WindowsMachine) -> None:
    machine.windows.blocked_ports |= {9443} | {server.data_port for server in machine.fleet.asr}


@defect("names_unresolved", "ConfiguratorConfigurationFailedWithDNSissue", "151037", changes="no foreign name resolves")
def _names(machine: WindowsMachine) -> None:
    machine.windows.unresolved.add("*")


@defect("antivirus_not_excluded", "vss:0x800706BE", changes="Defender is on and leaves no folder of the agent out",
        os=("2016", "2019", "2022", "2025"))  # fmt: skip
def _antivirus(machine: WindowsMachine) -> None:
    machine.windows.defender.exclusions.clear()
    machine.registry.delete_key(baseline.EXCLUSIONS)
    machine.registry.create(baseline.EXCLUSIONS)


@defect("tls10_off", "register:load-accounts", changes="TLS 1.0 is off for clients (SCHANNEL, Enabled is 0)")
def _tls(machine: WindowsMachine) -> None:
    machine.registry.set(f"{baseline.SCHANNEL}\\TLS 1.0\\Client", "Enabled", 0)


@defect("proxy_file_damaged", "151072", changes="ProxyInfo.conf is there without an address")
def _proxy(machine: WindowsMachine) -> None:
    machine.files.write(
        "C:\\ProgramData\\Microsoft Azure Site Recovery\\Config\\ProxyInfo.conf", b"[proxy]\r\nPort=\r\n"
    )


@defect("is_configuration_server", "exit:65", changes="the services of a configuration server are there")
def _server(machine: WindowsMachine) -> None:
    for name in ("InMage PushInstall", "ProcessServer", "tmansvc"):
        services.add(machine, name, path=f"C:\\ProgramData\\ASR\\home\\svsystems\\bin\\{name.split()[0]}.exe")
