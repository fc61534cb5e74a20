# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent of a machine, by its files: put there as the fleet file says, and read for the lab's state."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...hyperv.schema import FleetError, Section
from ..servers import APPLIANCE, CLASSIC, MODERNIZED
from .packages import SCRIPTS, date_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..servers import AsrServer, AsrServers

_STACKS = {"classic": CLASSIC, "modernized": MODERNIZED}
_VX = "usr/local/.vx_version"
_FOLDER = "usr/local/ASR"


@dataclass(frozen=True, kw_only=True)
class Agent:
    """The agent that a machine has from the start."""

    version: str
    stack: str = CLASSIC
    """CSLegacy or CSPrime."""
    registered_with: str | None = None
    platform: str = "VmWare"


def parse(section: Section, servers: AsrServers) -> Agent | None:
    """Return the agent of a fleet file's ``agent``; None where the machine has none; raise FleetError."""
    version = section.text("version", None)
    stack = _STACKS[section.choice("stack", tuple(_STACKS), "classic")]
    registered_with = section.text("registered_with", None)
    platform = section.choice("platform", ("VmWare", "Azure"), "VmWare")
    section.close()
    if version is None:
        return None
    if registered_with is not None:
        server = servers.find(registered_with)
        if server is None or server.stack != stack:
            raise FleetError(
                f"{section.where}.registered_with: there is no server {registered_with!r} of stack {stack}"
            )
    return Agent(version=version, stack=stack, registered_with=registered_with, platform=platform)


def host_id(machine: str) -> str:
    """Return the id that the agent of a machine makes for itself, the same every time."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{machine}/agent")).upper()


def server_table(servers: Iterable[AsrServer]) -> str:
    """Return what machines know of the servers: a line each, with a hash in place of the passphrase."""
    lines = []
    for each in servers:
        proof = each.source_config()["Fingerprint"] if each.kind == APPLIANCE else _digest(each.passphrase)
        values = (each.kind, each.name, each.address, str(each.port), str(each.data_port), each.certificate, proof)
        lines.append("\t".join(values) + "\n")
    return "".join(lines)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def put(tree: Path, agent: Agent, *, machine: str, osid: str, server: AsrServer | None, damaged: bool) -> None:
    """Write the files that setup and configurator would have left; ``damaged``: the platform is gone."""
    folder = tree / _FOLDER
    (folder / "Vx/etc").mkdir(parents=True)
    (folder / "Vx/bin").mkdir()
    for each in sorted((SCRIPTS / "payload").iterdir()):
        target = folder / each.name if each.name == "uninstall.sh" else folder / "Vx/bin" / each.name
        shutil.copyfile(each, target)
        target.chmod(0o755)
    shutil.copyfile(SCRIPTS / "common.sh", folder / "Vx/bin/common.sh")
    address, port = (server.address, str(server.port)) if server is not None else ("", "")
    rows = {"HostId": host_id(machine), "Hostname": address, "Port": port, "CSType": agent.stack}
    rows |= {"VmPlatform": "" if damaged else agent.platform, "Role": "MS", "ResourceId": "", "LogLevel": "3"}
    (folder / "Vx/etc/drscout.conf").write_text("[vxagent]\n" + _lines(rows), encoding="utf-8")
    (tree / "usr/local/drscout.conf").symlink_to(f"/{_FOLDER}/Vx/etc/drscout.conf")
    if server is not None and agent.stack == MODERNIZED:
        import json  # noqa: PLC0415

        (folder / "Vx/etc/SourceConfig.json").write_text(json.dumps(server.source_config()), encoding="utf-8")
    _services(tree)
    major, minor, build = (*agent.version.split("."), "0")[:3]
    date = date_of(agent.version)
    found = {
        "VERSION": f"{major}.{minor}.0.0",
        "PROD_VERSION": agent.version,
        "BUILD_TAG": f"RELEASE_{major}.{minor}.0.0_GA_{build}_{date[2:5]}_{date[:2]}_{date[5:]}_INMAGE",
        "INSTALLATION_DIR": f"/{_FOLDER}/Vx",
        "OS_BUILT_FOR": osid,
    }
    if server is not None:
        found["AGENT_CONFIGURATION_STATUS"] = "Succeeded"
    (tree / _VX).write_text(_lines(found), encoding="utf-8")


def _services(tree: Path) -> None:
    for name in ("vxagent", "uarespawnd"):
        (tree / ".lab/services" / name).write_text("active\n", encoding="ascii")
        (tree / ".lab/enabled" / name).touch()
        if (tree / "run/systemd/system").is_dir():
            unit = tree / f"etc/systemd/system/{name}.service"
            unit.parent.mkdir(parents=True, exist_ok=True)
            unit.write_text("# Stand-in of the lab\n", encoding="ascii")
        else:
            (tree / "etc/init.d" / name).symlink_to("/.lab/base/standins/initscript")
    with (tree / "proc/modules").open("a", encoding="ascii") as modules:
        modules.write("involflt 700416 0 - Live 0x0000000000000000\n")


def _lines(rows: dict[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in rows.items())


def read(tree: Path) -> dict[str, Any]:
    """Return what the tree says of its agent, in JSON types."""
    known = _settings(tree / _VX)
    home = known.get("INSTALLATION_DIR", f"/{_FOLDER}/Vx").lstrip("/")
    conf = _settings(tree / home / "etc/drscout.conf")
    registered = known.get("AGENT_CONFIGURATION_STATUS") == "Succeeded"
    return {
        "installed": bool(known),
        "unfinished": not known and (tree / home).exists(),
        "version": known.get("PROD_VERSION"),
        "stack": conf.get("CSType"),
        "platform": conf.get("VmPlatform"),
        "registered": registered,
        "registered_with": conf.get("Hostname") or None if registered else None,
        "times_installed": _count(tree / ".lab/installs"),
        "times_registered": _count(tree / ".lab/registrations"),
        "times_removed": _count(tree / ".lab/removals"),
        "services": {name: _text(tree / ".lab/services" / name).strip() for name in ("vxagent", "uarespawnd")},
    }


def _settings(path: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in _text(path).splitlines())
    return {key: value for key, equals, value in pairs if equals}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _count(path: Path) -> int:
    return len(_text(path).splitlines())
