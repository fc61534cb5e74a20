# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the agent's state of a Windows machine, by cmdlets that PowerShell 2.0 has too: one way for every Windows."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ...session.command import Pipeline, command, select
from ..windows.registry import install_folder
from .command_lines import PRODUCT_CODE, WINDOWS_DIRECTORY
from .folders import PREFIX, QUIET_SECONDS, WINDOWS_PARENT, Found, is_ours
from .machine import Reading
from .state import (
    STACKS,
    VSS_SERVICE,
    AgentService,
    AgentState,
    normal_json,
    read_settings,
    server_of,
    server_of_config,
)
from .versions import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...session.protocol import Session
    from ...session.reply import Reply

UNINSTALL_KEYS: Final = tuple(
    f"HKLM:\\SOFTWARE\\{part}Microsoft\\Windows\\CurrentVersion\\Uninstall\\{PRODUCT_CODE}"
    for part in ("", "Wow6432Node\\")
)
INMAGE_KEY: Final = "HKLM:\\SOFTWARE\\Wow6432Node\\InMage Systems\\Installed Products\\5"
WINDOWS_KEY: Final = "HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"
SERVICES_KEY: Final = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\"
SERVICES: Final = ("svagents", "InMage Scout Application Service", VSS_SERVICE, "InDskFlt", "WindowsAzureGuestAgent")
PROGRAMS: Final = ("UnifiedAgent", "UnifiedAgentInstaller", "UnifiedAgentConfigurator")
"""Processes of setup and configurator. One that a killed run started goes on, from its folder."""
PENDING: Final = {
    "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing\\RebootPending": "servicing",
    "HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update\\RebootRequired": "windows_update",
}
"""Keys that are there while a restart is pending. Pending renames of files are no reason: setup passes over them."""

_STARTS: Final[dict[Any, str]] = {0: "boot", 1: "system", 2: "automatic", 3: "manual", 4: "disabled"}


def read_windows(session: Session) -> Reading:
    """Return the state of the agent, in two round trips (one where there is none); RemoteError where it can't."""
    found = session.invoke(
        _values(WINDOWS_KEY, "CurrentVersion", "CurrentMajorVersionNumber", "CurrentMinorVersionNumber"),
        *(_values(key, "DisplayName", "DisplayVersion", "InstallLocation") for key in UNINSTALL_KEYS),
        command("Get-ItemProperty", LiteralPath=INMAGE_KEY, ErrorAction="SilentlyContinue"),
        command("Get-Service", Name=list(SERVICES), ErrorAction="SilentlyContinue") | select("Name", "Status"),
        _values([SERVICES_KEY + name for name in SERVICES], "PSChildName", "Start"),
        command("Test-Path", LiteralPath=list(PENDING)),
        command("Get-ChildItem", Path=f"{WINDOWS_PARENT}\\{PREFIX}*", ErrorAction="SilentlyContinue")
        | select("Name", "LastWriteTimeUtc"),
        command("Get-Process", Name=list(PROGRAMS), ErrorAction="SilentlyContinue") | select("Name"),
        command("Get-Date"),
        # The last one: PowerShell 2.0 has no such cmdlet, which ends the invocation.
        command("Get-CimInstance", ClassName="Win32_SystemEnclosure", ErrorAction="SilentlyContinue")
        | select("SMBIOSAssetTag"),
        timeout_seconds=120,
    )
    windows, plain, wow, inmage, services, starts, pending, folders, running, now, enclosure = found
    system = _first(windows.check())
    product = _first(plain) or _first(wow)
    inmage_values = _first(inmage)
    state = AgentState(
        system="windows",
        os_version=_os_version(system),
        pending_reboot=tuple(why for why, is_there in zip(PENDING.values(), pending.objects, strict=False) if is_there),
        services=_services(services.objects, starts.objects),
        asset_tag=str(_first(enclosure).get("SMBIOSAssetTag") or ""),
    )
    if product or inmage_values:
        state = _with_agent(session, state, product, inmage_values)
    return Reading(state=state, folders=folders_of(folders.objects, now.objects, is_busy=bool(running.objects)))


def _values(path: str | list[str], *names: str) -> Pipeline:
    return command("Get-ItemProperty", LiteralPath=path, ErrorAction="SilentlyContinue") | select(*names)


def _with_agent(
    session: Session, state: AgentState, product: Mapping[str, Any], inmage: Mapping[str, Any]
) -> AgentState:
    """Return the state with what the agent's own files say; no stack where they are not there or don't name one.

    Without its uninstall entry an agent is not installed.
    """
    directory = install_folder(inmage, str(product.get("InstallLocation") or "")) or None
    settings, config = read_files(session, directory or WINDOWS_DIRECTORY)
    status = inmage.get("AgentConfigurationStatus")
    stack = STACKS.get(settings.get("cstype", "").lower())
    post = inmage.get("PostInstallActions")
    return replace(
        state,
        installed=bool(product),
        version=parsed(str(product.get("DisplayVersion") or "")),
        role=settings.get("role"),
        platform=settings.get("vmplatform"),
        stack=stack,
        install_directory=directory,
        post_install_finished=str(post).lower() == "succeeded",
        registered=str(status).lower() == "succeeded",
        configuration_status=None if status is None else str(status),
        server=_server(settings, config, stack),
        source_config=normal_json(config) if config else None,
    )


def _server(settings: Mapping[str, str], config: str | None, stack: str | None) -> Any:
    return server_of_config(config) if stack == "modernized" and config else server_of(settings)


def read_files(session: Session, directory: str) -> tuple[dict[str, str], str | None]:
    r"""Return the settings of ``drscout.conf`` and the text of ``SourceConfig.json`` (None where it isn't there).

    The folder may be told with or without ``\agent``; the place of the files is partly unverified (facts, section 4).
    """
    base = re.sub(r"\\agent$", "", directory.rstrip("\\"), flags=re.IGNORECASE)
    etc = f"{base}\\agent\\Application Data\\etc"
    conf, config = session.invoke(
        command("Get-Content", LiteralPath=f"{etc}\\drscout.conf", ErrorAction="SilentlyContinue"),
        command("Get-Content", LiteralPath=f"{etc}\\SourceConfig.json", ErrorAction="SilentlyContinue"),
        timeout_seconds=60,
    )
    return read_settings(_text(conf)), _text(config) or None


def _text(reply: Reply) -> str:
    return "\n".join(str(line) for line in reply.objects)


def _first(reply: Reply) -> Mapping[str, Any]:
    return next((item for item in reply.objects if isinstance(item, dict)), {})


def _os_version(values: Mapping[str, Any]) -> tuple[int, ...]:
    """Return (10, 0) for 2016 and later, whose ``CurrentVersion`` still says 6.3."""
    major, minor = values.get("CurrentMajorVersionNumber"), values.get("CurrentMinorVersionNumber")
    if major is not None:
        return int(major), int(minor or 0)
    return parsed(str(values.get("CurrentVersion") or "")) or ()


def folders_of(items: Sequence[Any], now: Sequence[Any], *, is_busy: bool = False) -> tuple[Found, ...]:
    """Return folders of ours; one whose time can't be read counts as recent, any while setup runs as busy."""
    moment = _time(now[0]) if now else None
    found = []
    for item in items:
        if isinstance(item, dict) and is_ours(str(item.get("Name"))):
            written = _time(item.get("LastWriteTimeUtc"))
            quiet = moment is not None and written is not None and (moment - written).total_seconds() > QUIET_SECONDS
            found.append(Found(name=str(item["Name"]), is_quiet=quiet, is_busy=is_busy))
    return tuple(found)


def _time(value: Any) -> datetime | None:
    """Return a date as it stands on the wire (seven digits of a second, which Python 3.10 does not take)."""
    parts = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?", str(value))
    if parts is None:
        return None
    zone = (parts[2] or "Z").replace("Z", "+00:00")
    return datetime.fromisoformat(parts[1] + zone)


def _services(found: Sequence[Any], starts: Sequence[Any]) -> tuple[AgentService, ...]:
    modes: dict[str, Any] = {str(x.get("PSChildName")).lower(): x.get("Start") for x in starts if isinstance(x, dict)}
    states = {str(item["Name"]).lower(): str(item["Status"]).lower() for item in found if isinstance(item, dict)}
    return tuple(
        AgentService(
            name=name,
            state=states.get(name.lower(), "present"),
            start=_STARTS.get(modes.get(name.lower())),
        )
        for name in SERVICES
        if name.lower() in states or name.lower() in modes
    )
