# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the agent's state of a Linux machine, by one ``sh`` script."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...errors import NotPossible, RemoteError
from ...findings import Finding, Severity
from ..linux.distribution import detect
from .command_lines import LINUX_DIRECTORY
from .folders import LINUX_PARENT, PREFIX, Found, is_ours
from .machine import Reading
from .state import STACKS, AgentService, AgentState, normal_json, read_settings, server_of, server_of_config
from .versions import parsed, with_build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...session.programs import PosixShell

_SCRIPTS: Final = Path(__file__).with_name("scripts")


def script(name: str) -> str:
    """Return the text of a script of ours."""
    return (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")


READ: Final = script("read")


def sections(output: str, marker: str, host: str) -> dict[str, str]:
    """Return a script's sections by name; RemoteError where the end is missing. A banner before them is left out."""
    parts = output.replace("\r\n", "\n").split(f"\n{marker} ")
    found: dict[str, str] = {}
    for part in parts[1:]:
        name, _newline, body = part.partition("\n")
        found[name] = body.strip("\n")
    if "end" not in found:
        said = output.strip().splitlines()[-1:] or ["nothing"]
        raise RemoteError(
            f"{host}: the script on the machine did not come to its end; it said: {said[0]}", command="sh"
        )
    return found


def new_marker() -> str:
    """Return a fresh word, so that no file of a machine can hold the head of a section."""
    return f"hm{secrets.token_hex(8)}"


def read_linux(shell: PosixShell, *, root: str = "") -> Reading:
    """Return the state of the agent, in one round trip. Raises NotPossible without the rights of root."""
    marker = new_marker()
    done = shell.run(READ, marker, root, LINUX_PARENT, PREFIX, timeout_seconds=120)
    found = sections(done.stdout, marker, shell.host)
    if found.get("uid") != "0" and not root:
        raise _not_root(shell.host, found.get("uid", ""))
    return Reading(state=_state(found), folders=_folders(found))


def _state(found: Mapping[str, str]) -> AgentState:
    known = read_settings(found.get("version", ""))
    settings = read_settings(found.get("settings", ""))
    distribution = detect({name: text for name, text in found.items() if name.startswith("/etc/")})
    installed = "version" in found
    stack = STACKS.get(settings.get("cstype", "").lower()) or ("classic" if settings else None)
    config = found.get("config")
    status = known.get("agent_configuration_status")
    modernized_server = server_of_config(config) if config and stack == "modernized" else None
    return AgentState(
        system="linux",
        installed=installed,
        version=with_build(parsed(known.get("prod_version") or known.get("version")), known.get("build_tag", "")),
        role=settings.get("role"),
        platform=settings.get("vmplatform"),
        stack=stack,
        install_directory=known.get("installation_dir") or (LINUX_DIRECTORY if installed else None),
        registered=(status or "").lower() == "succeeded",
        configuration_status=status,
        server=modernized_server or server_of(settings),
        source_config=normal_json(config) if config else None,
        services=tuple(
            AgentService(name=name.partition(" ")[2], state=text.strip())
            for name, text in found.items()
            if name.startswith("service ")
        ),
        pending_reboot=tuple(found["reboot"].split()) if "reboot" in found else (),
        asset_tag=found.get("asset", "").strip(),
        os_id=distribution.os_id if distribution else None,
    )


def _folders(found: Mapping[str, str]) -> tuple[Found, ...]:
    named = {name.partition(" ")[2]: text.strip() for name, text in found.items() if name.startswith("folder ")}
    return tuple(
        Found(name=name, is_quiet=text == "quiet", is_busy=text == "busy")
        for name, text in named.items()
        if is_ours(name)
    )


def _not_root(host: str, uid: str) -> NotPossible:
    finding = Finding(
        id="not_root",
        severity=Severity.BLOCKING,
        subject=host,
        evidence=f"the task runs as user id {uid}",
        remedy="set become: true; the agent is installed with the rights of root",
    )
    return NotPossible(f"{host}: {finding.evidence}; {finding.remedy}", findings=[finding])
