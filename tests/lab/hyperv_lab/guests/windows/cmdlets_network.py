# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network as a machine sees it: names, ports, connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...hyperv import failures, messages
from ...hyperv.base import POWERSHELL_CLASS, HostCmdlet, as_list
from ...hyperv.cmdlets_system import WIN32_EXCEPTION, only
from ...powershell.commands import ErrorRecord
from ...powershell.values import OBJECT, PropertyBag, UInt16, UInt32
from . import smb

if TYPE_CHECKING:
    from .state import WindowsMachine

_CIM = "Microsoft.Management.Infrastructure.CimInstance"
FIRST_EPHEMERAL = 49152
messages.add(
    {
        "ping_failed": (
            "Testing connection to computer '{name}' failed: no answer.",
            "Le test de la connexion à l’ordinateur « {name} » a échoué : aucune réponse.",
        ),
    }
)


class GuestCmdlet(HostCmdlet):
    """A cmdlet on a Windows machine."""

    @property
    def machine(self) -> WindowsMachine:
        """Return the machine."""
        machine: WindowsMachine = self.call.session.host
        return machine


class ResolveDnsName(GuestCmdlet):
    """Resolve-DnsName: addresses of the fleet's names."""

    NAME = "Resolve-DnsName"
    CLASS = "Microsoft.DnsClient.Commands.ResolveDnsName"

    def process(self) -> None:
        """Write the addresses, or the error of an unknown name."""
        only(self, "Name", "Type", "DnsOnly", "QuickTimeout", "NoHostsFile")
        name = str(self.given("Name"))
        found = smb.resolve(self.machine, name)
        if not found:
            text = messages.text(self.machine.language, "dns_missing", name=name)
            record_id = "DNS_ERROR_RCODE_NAME_ERROR"
            self.fail(
                ErrorRecord(
                    error_id=record_id,
                    category="ResourceUnavailable",
                    message=text,
                    exception=WIN32_EXCEPTION,
                    properties={"NativeErrorCode": 9003},
                    target=name,
                )
            )
        for address in found:
            values = {"Name": name, "Type": "A", "TTL": UInt32(1200), "Section": "Answer", "IPAddress": address}
            self.call.write(PropertyBag(values, ("Microsoft.DnsClient.Commands.DnsRecord_A", OBJECT)))


class TestNetConnection(GuestCmdlet):
    """Test-NetConnection: ports of the fleet's machines and servers."""

    NAME = "Test-NetConnection"

    def process(self) -> None:
        """Write the result; a name that doesn't resolve or a refused port is a warning and False."""
        only(self, "ComputerName", "Port", "CommonTCPPort", "InformationLevel")
        name = str(self.given("ComputerName", "internetbeacon.msedge.net"))
        common = {"HTTP": 80, "RDP": 3389, "SMB": 445, "WINRM": 5985}
        port = int(self.given("Port") or common.get(str(self.given("CommonTCPPort", "")).upper(), 0))
        found = smb.resolve(self.machine, name)
        succeeded = bool(found) and (smb.connects(self.machine, name, port) if port else True)
        if not found:
            self.call.warn(f"Name resolution of {name} failed")
        elif not succeeded:
            self.call.warn(f"TCP connect to ({name} : {port}) failed")
        if str(self.given("InformationLevel", "")) == "Quiet":
            self.call.write(succeeded)
            return
        values: dict[str, Any] = {
            "ComputerName": name,
            "RemoteAddress": found[0] if found else None,
            "RemotePort": UInt32(port),
            "NameResolutionSucceeded": bool(found),
            "PingSucceeded": bool(found) and not port,
            "TcpTestSucceeded": succeeded and bool(port),
        }
        self.call.write(PropertyBag(values, ("TestNetConnectionResult", OBJECT)))


class TestConnection(GuestCmdlet):
    """Test-Connection: a ping that everything answers whose name resolves and that is up."""

    NAME = "Test-Connection"
    CLASS = POWERSHELL_CLASS + "TestConnectionCommand"

    def process(self) -> None:
        """Write an answer for each ping, or true or false with -Quiet."""
        only(self, "ComputerName", "Count", "Quiet", "Delay", "BufferSize", "TimeToLive")
        for name in [str(each) for each in as_list(self.given("ComputerName"))]:
            found = smb.resolve(self.machine, name)
            target = self.machine.fleet.host(found[0]) if found else None
            answers = bool(found) and (found[0].startswith("127.") or (target is not None and not target.booting))
            if self.switched("Quiet"):
                self.call.write(answers)
            elif answers:
                for _ in range(int(self.given("Count", 4))):
                    self._answer(name, found[0])
            else:
                self._silence(name)

    def _answer(self, name: str, address: str) -> None:
        values = {"Address": name, "IPV4Address": address, "ResponseTime": UInt32(1), "StatusCode": UInt32(0)}
        kind = "System.Management.ManagementObject#root\\cimv2\\Win32_PingStatus"
        self.call.write(PropertyBag({**values, "__CLASS": "Win32_PingStatus"}, (kind, OBJECT)))

    def _silence(self, name: str) -> None:
        text = messages.text(self.machine.language, "ping_failed", name=name)
        exception = ("System.Net.NetworkInformation.PingException", "System.InvalidOperationException",
                     *failures.EXCEPTION)  # fmt: skip
        self.fail(ErrorRecord(error_id="TestConnectionException", category="ResourceUnavailable", message=text,
                              exception=exception, target=name))  # fmt: skip


class GetNetTCPConnection(GuestCmdlet):
    """Get-NetTCPConnection: listeners of Windows, and connections that hold an ephemeral port."""

    NAME = "Get-NetTCPConnection"

    def process(self) -> None:
        """Write the connections asked for."""
        only(self, "State", "LocalPort", "RemotePort")
        states = [str(state).lower() for state in as_list(self.given("State"))]
        ports = {int(port) for port in as_list(self.given("LocalPort"))}
        rows = [(port, 0, "Listen") for port in (135, 445, 5985, 47001)]
        rows += [(FIRST_EPHEMERAL + n, 443, "Established") for n in range(self.machine.windows.connections)]
        for local, remote, state in rows:
            if (not states or state.lower() in states) and (not ports or local in ports):
                self._connection(local, remote, state)

    def _connection(self, local: int, remote: int, state: str) -> None:
        values = {
            "LocalAddress": "0.0.0.0" if state == "Listen" else str(self.machine.network.addresses[0].ip),
            "LocalPort": UInt16(local),
            "RemoteAddress": "0.0.0.0" if state == "Listen" else "198.51.100.7",
            "RemotePort": UInt16(remote),
            "State": state,
            "OwningProcess": UInt32(4),
        }
        self.call.write(PropertyBag(values, (f"{_CIM}#root/standardcimv2/MSFT_NetTCPConnection", _CIM, OBJECT)))


class GetNetIPAddress(GuestCmdlet):
    """Get-NetIPAddress."""

    NAME = "Get-NetIPAddress"

    def process(self) -> None:
        """Write the addresses."""
        only(self, "AddressFamily", "InterfaceAlias", "IPAddress")
        machine = self.machine
        alias = "Ethernet0"
        rows = (
            [(str(one.ip), "IPv4", one.network.prefixlen) for one in machine.network.addresses]
            if machine.windows.ipv4
            else []
        )
        rows += [("fe80::5efe:a00:1", "IPv6", 64), ("127.0.0.1", "IPv4", 8)]
        wanted = str(self.given("AddressFamily", ""))
        for address, family, prefix in rows:
            if wanted in ("", family):
                values = {
                    "IPAddress": address,
                    "InterfaceAlias": "Loopback Pseudo-Interface 1" if address == "127.0.0.1" else alias,
                    "AddressFamily": family,
                    "PrefixLength": prefix,
                    "PrefixOrigin": "Manual",
                }
                self.call.write(PropertyBag(values, (f"{_CIM}#root/standardcimv2/MSFT_NetIPAddress", _CIM, OBJECT)))


COMMANDS = (
    ResolveDnsName,
    TestNetConnection,
    TestConnection,
    GetNetTCPConnection,
    GetNetIPAddress,
)
