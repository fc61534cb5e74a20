# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Mobility service's programs as stand-ins: package, setup, configurator, uninstallation, VSS provider scripts."""

from __future__ import annotations

import json
import ntpath
import threading
from typing import TYPE_CHECKING, Any

from ...hyperv.storage import DiskFull, NoSuchPath
from ..servers import APPLIANCE
from . import agent_state, package, vendor, vendor_vss
from .package import stand_in
from .state import MB
from .vendor import Ends, Exit, Stopped, log, pace
from .vendor_configurator import Configurator
from .vendor_setup import MSI, Setup, config_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...world import Identity
    from .state import WindowsMachine

Result = tuple[int, bytes, bytes]
_STOPPED = 0xC000013A
"""STATUS_CONTROL_C_EXIT, which nobody sees: whoever ended the program is gone."""
_CORRUPT = 1392
"""ERROR_FILE_CORRUPT, for a package that was damaged on the way (an assumption)."""
EXTRACTION_SECONDS = 8.0
_NOT_INSTALLED, _MSI_BUSY, _FATAL, _RESTART = 1605, 1618, 1603, 3010


def asr_package(
    machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes, *, path: str
) -> Result:
    """Extract: returns at once, the files come a little later (facts, 3.1)."""
    known = package.read(machine.files.read(path))
    if known is None:
        return _CORRUPT, b"", b""
    words = [argument.lower() for argument in arguments]
    target = next((argument[3:].strip('"') for argument in arguments if argument[:3].lower() == "/x:"), "")
    if "/q" not in words or not target or len(words) != 2 or not ntpath.isabs(target):
        return 0, b"", b""
    threading.Thread(target=_extract, args=(machine, known, target), daemon=True).start()
    return 0, b"", b""


def _extract(machine: WindowsMachine, known: package.Package, target: str) -> None:
    files: list[tuple[str, int | None, bytes]] = [(MSI, 90 * MB, b"")]
    names = ["UnifiedAgentInstaller.exe"] if vendor.version_of(known.version) >= vendor.STACK_OPTIONS_SINCE else []
    files += [(name, None, stand_in("unifiedagent", known.version)) for name in (*names, "UnifiedAgent.exe")]
    for name, size, content in files:
        pace(machine, EXTRACTION_SECONDS / len(files), None)
        try:
            machine.files.write(ntpath.join(target, name), content, size=size)
        except (DiskFull, NoSuchPath):
            return
    machine.fleet.clock.notify()


def unified_agent(
    machine: WindowsMachine,
    _identity: Identity,
    arguments: Sequence[str],
    _stdin: bytes,
    *,
    path: str,
    stopping: threading.Event | None = None,
) -> Result:
    """Run setup."""
    run = Setup(machine, vendor.version_of_file(machine, path), ntpath.dirname(path), stopping)
    log(machine, vendor.INSTALL_LOG, f"stand-in of UnifiedAgent {run.text} starts")
    return _ended(machine, vendor.INSTALL_LOG, lambda: run.run(list(arguments)), lambda: run.output)


def configurator(
    machine: WindowsMachine,
    identity: Identity,
    arguments: Sequence[str],
    _stdin: bytes,
    *,
    path: str,
    stopping: threading.Event | None = None,
) -> Result:
    """Run the configurator."""
    run = Configurator(machine, vendor.version_of_file(machine, path), stopping, hops=identity.delegable)
    return _ended(machine, vendor.CONFIGURATOR_LOG, lambda: run.run(list(arguments)), lambda: "")


def _ended(machine: WindowsMachine, path: str, run: Callable[[], int], output: Callable[[], str]) -> Result:
    text = ""
    try:
        code = int(run())
    except Ends as end:
        code, text = int(end.code), end.text
    except Stopped:
        return _STOPPED, b"", b""
    if text:
        log(machine, path, f"ERROR {text}")
    log(machine, path, f"ends with exit code {code}")
    return code, output().encode(), f"{text}\r\n".encode() if text else b""


def azure_rcm_cli(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Print the string for the appliance."""
    if [argument.lower() for argument in arguments] != ["--getagentconfiginput"]:
        return 2, b"", b"stand-in: only --getagentconfiginput is played\r\n"
    if vendor.settings(machine).get("CSType") != "CSPrime":
        return Exit.CONFIG_INPUT, b"", b""
    return 0, f"getagentconfiginput:{config_input(machine)}\r\n".encode(), b""


def msiexec(
    machine: WindowsMachine,
    _identity: Identity,
    arguments: Sequence[str],
    _stdin: bytes,
    *,
    stopping: threading.Event | None = None,
) -> Result:
    """Uninstall the agent; nothing else is played."""
    words, log_path = _msi_words(arguments)
    if "/qn" not in words or "/x" not in words or vendor.PRODUCT.lower() not in words:
        text = f"stand-in: msiexec {' '.join(arguments)} is not played, only /qn /x {vendor.PRODUCT}"
        return 1639, b"", f"{text}\r\n".encode()
    code = _uninstall_hindrance(machine)
    if code is None:
        try:
            code = _uninstall(machine, stopping)
        except Stopped:
            return _STOPPED, b"", b""
    if log_path:
        log(machine, log_path, f"stand-in of msiexec: product {vendor.PRODUCT}, ends with {code}")
    return code, b"", b""


def _msi_words(arguments: Sequence[str]) -> tuple[set[str], str]:
    words: set[str] = set()
    rest = list(arguments)
    path = ""
    while rest:
        word = rest.pop(0).lower()
        if word.startswith(("/l", "-l")) and rest:
            path = rest.pop(0)
        elif word.startswith("/x{"):
            words |= {"/x", word[2:]}
        else:
            words.add(word)
    return words, path


def _uninstall_hindrance(machine: WindowsMachine) -> int | None:
    service = machine.services.get("msiserver")
    if service is not None and service.start == "Disabled":
        return 1601
    if machine.registry.exists("HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\InProgress"):
        return _MSI_BUSY
    return _NOT_INSTALLED if vendor.installed_version(machine) is None else None


def _uninstall(machine: WindowsMachine, stopping: threading.Event | None) -> int:
    agent = machine.services.get(vendor.AGENT_SERVICE)
    stuck = agent is not None and agent.status == "StopPending"
    for name in (vendor.AGENT_SERVICE, vendor.APPLICATION_SERVICE):
        if not stuck:
            machine.set_service(name, status="Stopped")
        pace(machine, 3, stopping)
    pace(machine, 4, stopping)
    with machine.fleet.lock:
        agent_state.remove(machine)
        machine.counts["times_uninstalled"] += 1
        if stuck:
            key = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending"
            machine.registry.create(key)
    return _RESTART if stuck else 0


def vss_install(
    machine: WindowsMachine,
    _identity: Identity,
    _arguments: Sequence[str],
    _stdin: bytes,
    *,
    stopping: threading.Event | None = None,
) -> Result:
    """Install the VSS provider."""
    try:
        pace(machine, 3, stopping)
    except Stopped:
        return _STOPPED, b"", b""
    failure = vendor_vss.install(machine)
    if failure is None:
        return 0, b"stand-in: the provider was installed\r\n", b""
    log(machine, vendor.INSTALL_LOG, failure.line)
    return failure.code, f"stand-in: {failure.line}\r\n".encode(), b""


def vss_uninstall(machine: WindowsMachine, _identity: Identity, _arguments: Sequence[str], _stdin: bytes) -> Result:
    """Remove the VSS provider."""
    code = vendor_vss.uninstall(machine)
    return code, f"stand-in: ends with {code}\r\n".encode(), b""


def genpassphrase(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Print the passphrase of the configuration server that this machine is, or of the fleet's first one."""
    if list(arguments) != ["-v"]:
        return 1, b"", b"stand-in: only -v is played\r\n"
    asr = machine.fleet.asr
    own = asr.find(machine.name) or asr.find(machine.alias) or next(iter(asr), None)
    if own is None or not own.passphrase:
        return 1, b"", b"stand-in: the fleet has no configuration server for this machine\r\n"
    return 0, own.passphrase.encode(), b""


def rcm_proxy_agent(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Write a config file as an appliance does: the one with the machine's name, or the fleet's first."""
    words = list(arguments)
    known = dict(zip(words[1::2], words[2::2], strict=False))
    path = known.get("-outputfilepath")
    if (
        words[:1] != ["-createmobilityagentconfigfile"]
        or not path
        or not known.get("-encodedinput", "").startswith("lab-")
    ):
        return 1, b"", b"stand-in: only -createmobilityagentconfigfile -encodedinput S -outputfilepath F is played\r\n"
    own = machine.fleet.asr.find(machine.name, APPLIANCE)
    appliance = own or next((each for each in machine.fleet.asr if each.kind == APPLIANCE), None)
    if appliance is None or appliance.certificate != "valid":
        return 1, b"", b"stand-in: the appliance has no certificate\r\n"
    machine.files.write(path, json.dumps(appliance.source_config()))
    return 0, b"", b""


PROGRAMS: dict[str, Any] = {
    package.PROGRAM: asr_package,
    "unifiedagent": unified_agent,
    "unifiedagentconfigurator": configurator,
    "azurercmcli": azure_rcm_cli,
    "msiexec": msiexec,
    "inmagevssprovider_install.cmd": vss_install,
    "inmagevssprovider_uninstall.cmd": vss_uninstall,
    "genpassphrase": genpassphrase,
    "rcmproxyagent": rcm_proxy_agent,
}
