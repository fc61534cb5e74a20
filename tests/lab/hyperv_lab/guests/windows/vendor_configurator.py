# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in of the configurator: registering with a fleet's server, unregistering, the proxy (facts, 2.1, 3.1, 4).

The way to a server is tried by a real connection; what is said there goes through guests/servers.py.
"""

from __future__ import annotations

import contextlib
import ntpath
import socket
from typing import TYPE_CHECKING, NoReturn

from .. import servers
from . import vendor
from .vendor import CONFIGURATOR_LOG, INSTALLED_KEY, Ends, Exit, error, log, pace
from .vendor_options import CONFIGURATOR, parse
from .vendor_services import set_agent_services

if TYPE_CHECKING:
    import threading

    from .state import WindowsMachine
    from .vendor_options import Options

STATUS = "AgentConfigurationStatus"
_UPLOADED = ntpath.join(vendor.LOGS, "UploadedLogs", "ASRUnifiedAgentInstaller.log")
_NO_WAY = "post request: (7) - Couldn't connect to server"
_BAD_CERTIFICATE = "post request: (60) - Peer certificate cannot be authenticated with given CA certificates"
_CONNECT_SECONDS = 2.0


class Configurator:
    """One run of the configurator."""

    def __init__(
        self, machine: WindowsMachine, version: str, stopping: threading.Event | None = None, *, hops: bool = True
    ) -> None:
        self.machine, self.stopping, self.hops = machine, stopping, hops
        self.version = vendor.version_of(version)

    def run(self, arguments: list[str]) -> int:
        """Run with these arguments and return the exit code; raise Ends, Stopped."""
        options = parse(arguments, CONFIGURATOR, self.version)
        errors_path = options.get("ValidationsOutputJsonFilePath")
        try:
            code = self._decide(options)
        except Ends as end:
            vendor.write_errors(self.machine, errors_path, end.errors)
            raise
        vendor.write_errors(self.machine, errors_path, [])
        return code

    def _decide(self, options: Options) -> int:
        machine = self.machine
        if options.has("ConfigureProxy"):
            return self._proxy(options)
        if machine.registry.data(INSTALLED_KEY, "PostInstallActions") != "Succeeded":
            raise Ends(Exit.FAILED, "the agent's installation isn't finished")
        current = vendor.settings(machine)
        if self._failed_over(current):
            log(machine, CONFIGURATOR_LOG, "nothing to do on a machine that was failed over")
            return Exit.SUCCESSFUL
        if current.get("BiosId") != str(machine.windows.uuid):
            raise Ends(Exit.BIOS_ID, f"the BIOS id isn't {current.get('BiosId')} any more")
        if options.get("Operation"):
            return Exit.SUCCESSFUL
        if options.get("Unconfigure") == "true":
            return self._unconfigure(current)
        if options.has("SourceConfigFilePath"):
            return self._modernized(options, current)
        return self._classic(options, current)

    def _failed_over(self, current: dict[str, str]) -> bool:
        in_azure = self.machine.windows.asset_tag == vendor.AZURE_ASSET_TAG
        return in_azure and current.get("CSType") == "CSPrime" and current.get("VmPlatform") == "VmWare"

    # --- classic ---
    def _classic(self, options: Options, current: dict[str, str]) -> int:
        end_point, path = options.get("CSEndPoint"), options.get("PassphraseFilePath")
        if not end_point or not path or options.get("CSType") == "CSPrime":
            raise Ends(Exit.INVALID_COMMAND_LINE, "/CSEndPoint and /PassphraseFilePath are needed")
        if current.get("CSType") != "CSLegacy":
            self._mismatch(current)
        port = options.get("CSPort") or "443"
        if not port.isdigit():
            raise Ends(Exit.INVALID_ARGUMENTS, f"{port} is no port")
        if not self._readable(path):
            raise Ends(Exit.INVALID_ARGUMENTS, f"there is no file {path}")
        known = current.get("Hostname")
        if known and known != end_point and self._registered():
            raise Ends(Exit.DIFFERENT_CS, f"the agent points to {known}")
        passphrase = self.machine.files.text(path).strip()
        server = self.machine.fleet.asr.find(end_point, servers.CONFIGURATION_SERVER)
        self._begin()
        self._reach(end_point, int(port), Exit.INVALID_PASSPHRASE_OR_END_POINT)
        if server is None or server.port != int(port):
            self._fails(Exit.INVALID_PASSPHRASE_OR_END_POINT, f"{end_point} is no configuration server")
        if server.certificate != "valid":
            self._fails(Exit.REGISTRATION_FAILED, _BAD_CERTIFICATE)
        if not server.knows(passphrase):
            self._fails(Exit.INVALID_PASSPHRASE_OR_END_POINT, f"{end_point} doesn't know this passphrase")
        self._finish(server, current | {"Hostname": end_point, "Port": port})
        return Exit.SUCCESSFUL

    # --- modernized ---
    def _modernized(self, options: Options, current: dict[str, str]) -> int:
        machine = self.machine
        if options.get("CSType") != "CSPrime":
            raise Ends(Exit.INVALID_COMMAND_LINE, "/CSType CSPrime is missing; the classic flow wants a passphrase")
        if current.get("CSType") != "CSPrime":
            self._mismatch(current)
        path = str(options.get("SourceConfigFilePath"))
        server = machine.fleet.asr.of_source_config(machine.files.text(path)) if self._readable(path) else None
        if server is None:
            raise Ends(Exit.INVALID_SOURCE_CONFIG, "Invalid source config file provided")
        if self._registered() and current.get("ApplianceName", server.name) != server.name:
            raise Ends(Exit.DIFFERENT_CS, f"the agent points to {current['ApplianceName']}")
        self._begin()
        for port in (server.port, server.data_port):
            self._reach(server.address, port, Exit.INVALID_SOURCE_CONFIG)
        if server.certificate != "valid":
            self._fails(Exit.PROXY_REGISTRATION, _BAD_CERTIFICATE)
        machine.files.write(vendor.settings_path(machine, "SourceConfig.json"), machine.files.read(path))
        added = {
            "ApplianceName": server.name,
            "ResourceId": f"{current.get('HostId', '')}-{server.name}".lower(),
            "CloudPairingStatus": "Completed",
            "IsCredentialLessDiscovery": options.get("CredentialLessDiscovery") or "false",
        }
        self._finish(server, current | added)
        return Exit.SUCCESSFUL

    def _unconfigure(self, current: dict[str, str]) -> int:
        machine = self.machine
        if current.get("CSType") != "CSPrime":
            raise Ends(Exit.UNCONFIGURE, "only agents of an appliance can be unconfigured")
        set_agent_services(machine, "Stopped")
        pace(machine, 3, self.stopping)
        for server in machine.fleet.asr:
            if server.name == current.get("ApplianceName"):
                server.unregister(machine.name)
        machine.files.delete(vendor.settings_path(machine, "SourceConfig.json"))
        gone = ("ResourceId", "ApplianceName", "CloudPairingStatus", "IsCredentialLessDiscovery")
        vendor.save_settings(machine, {key: value for key, value in current.items() if key not in gone})
        machine.registry.delete_value(INSTALLED_KEY, STATUS)
        return Exit.SUCCESSFUL

    # --- parts ---
    def _readable(self, path: str) -> bool:
        """Return whether a file can be read; one on a share needs credentials that the session can pass on."""
        return self.machine.files.is_file(path) and (self.hops or not path.startswith("\\\\"))

    def _registered(self) -> bool:
        return self.machine.registry.data(INSTALLED_KEY, STATUS) == "Succeeded"

    def _mismatch(self, current: dict[str, str]) -> NoReturn:
        named = error("InstallerCSTypeMismatch", "CSType differs", Installed=current.get("CSType", ""))
        raise Ends(Exit.WITH_ERRORS, f"the agent is a {current.get('CSType')} one", errors=[named])

    def _begin(self) -> None:
        pace(self.machine, 2, self.stopping)
        self.machine.registry.delete_value(INSTALLED_KEY, STATUS)

    def _reach(self, address: str, port: int, code: Exit) -> None:
        if not reachable(self.machine, address, port):
            self._fails(code, f"{address}:{port}: {_NO_WAY}")

    def _fails(self, code: int, text: str) -> NoReturn:
        self.machine.registry.set(INSTALLED_KEY, STATUS, "Failed")
        log(self.machine, _UPLOADED, text)
        raise Ends(code, text)

    def _finish(self, server: servers.AsrServer, values: dict[str, str]) -> None:
        machine = self.machine
        pace(machine, 3, self.stopping)
        server.register(machine.name, values["HostId"], at=machine.fleet.clock.now())
        pace(machine, 2, self.stopping)
        if not set_agent_services(machine, "Running"):
            self._fails(Exit.START_SERVICES, "a service of the agent didn't start")
        vendor.save_settings(machine, values)
        with machine.fleet.lock:
            machine.registry.set(INSTALLED_KEY, STATUS, "Succeeded")
            machine.counts["times_registered"] += 1

    def _proxy(self, options: Options) -> int:
        address, port = options.get("ProxyAddress"), options.get("ProxyPort")
        if not address or not port or not port.isdigit() or not address.lower().startswith("http://"):
            raise Ends(Exit.INVALID_PROXY, "/ProxyAddress http://… and /ProxyPort are needed")
        self.machine.files.write(vendor.PROXY_FILE, f"[proxy]\r\nAddress={address}\r\nPort={port}\r\n")
        return Exit.SUCCESSFUL


def reachable(machine: WindowsMachine, address: str, port: int) -> bool:
    """Return whether a machine's connection to a server's port is accepted."""
    if port in machine.windows.blocked_ports or not machine.windows.ipv4:
        return False
    server = machine.fleet.asr.find(address)
    with contextlib.suppress(OSError):
        socket.create_connection((server.address if server else address, port), _CONNECT_SECONDS).close()
        return True
    return False
