# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Mobility service on a machine, as it is: one frozen state for both systems, and the readers of its files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .versions import shown as version_text

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSIC, MODERNIZED = "classic", "modernized"
STACKS = {"cslegacy": CLASSIC, "csprime": MODERNIZED}
"""By the lower-case CSType."""
CS_TYPES = {CLASSIC: "CSLegacy", MODERNIZED: "CSPrime"}
AZURE_ASSET_TAG = "7783-7084-3265-9085-8269-3286-77"
"""Chassis asset tag of every virtual machine in Azure (facts, section 4)."""
VSS_SERVICE = "Azure Site Recovery VSS Provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The server that an agent is bound to; ``port`` is None where the machine does not say."""

    address: str
    port: int | None = None

    def is_same(self, other: Server) -> bool:
        """Whether both mean the same address, and the same port where both are known."""
        same_port = None in (self.port, other.port) or self.port == other.port
        return self.address.strip().lower() == other.address.strip().lower() and same_port

    def __str__(self) -> str:
        return self.address if self.port is None else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentService:
    """A service of the agent: ``state`` is "running" or "stopped" (or what a newer system says), ``start`` its mode."""

    name: str
    state: str
    start: str | None = None

    def as_plain(self) -> dict[str, Any]:
        """Return the service as JSON types."""
        return {"name": self.name, "state": self.state, "start": self.start}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """What a machine says about its agent. None is "the machine does not say"."""

    system: str
    """ "windows" or "linux"."""
    installed: bool = False
    version: tuple[int, ...] | None = None
    role: str | None = None
    platform: str | None = None
    stack: str | None = None
    install_directory: str | None = None
    post_install_finished: bool | None = None
    """Whether the installer's last steps were done; Linux does not say."""
    registered: bool = False
    configuration_status: str | None = None
    """The agent's own word for it: Succeeded, Failed, or None while nothing was configured."""
    server: Server | None = None
    source_config: str | None = None
    """What ``SourceConfig.json`` holds, as one normal text to compare by; it stays out of results."""
    services: tuple[AgentService, ...] = ()
    pending_reboot: tuple[str, ...] = ()
    """Why a restart is pending; empty where none is."""
    asset_tag: str = ""
    os_version: tuple[int, ...] = ()
    """Of Windows, ``(6, 1)`` for 2008 R2."""
    os_id: str | None = None
    """Of Linux: the id in the names of installers, ``UBUNTU-18.04-64``; None where it can't be told."""

    @property
    def in_azure(self) -> bool:
        """Whether the machine is a virtual machine of Azure."""
        return self.asset_tag.strip() == AZURE_ASSET_TAG

    @property
    def is_old_windows(self) -> bool:
        """Whether it is Windows 6.1 or older, which lacks most cmdlets."""
        return self.system == "windows" and self.os_version < (6, 2)

    @property
    def is_failed_over(self) -> bool:
        """Whether the machine was failed over: its configurator then does nothing and ends with 0 (facts, 4)."""
        return self.in_azure and self.stack == MODERNIZED and (self.platform or "").lower() == "vmware"

    @property
    def vss_provider(self) -> str | None:
        """The state of the provider's service; None where there is none (always so on Linux)."""
        return next((item.state for item in self.services if item.name.lower() == VSS_SERVICE.lower()), None)

    def as_plain(self) -> dict[str, Any]:
        """Return what ``asr_agent_info`` shows, as JSON types."""
        return {
            "system": self.system,
            "installed": self.installed,
            "version": version_text(self.version) if self.version else None,
            "role": self.role,
            "platform": self.platform,
            "stack": self.stack,
            "install_directory": self.install_directory,
            "post_install_finished": self.post_install_finished,
            "registered": self.registered,
            "configuration_status": self.configuration_status,
            "server": None if self.server is None else {"address": self.server.address, "port": self.server.port},
            "services": [item.as_plain() for item in self.services],
            "vss_provider": self.vss_provider,
            "pending_reboot": bool(self.pending_reboot),
            "pending_reboot_reasons": list(self.pending_reboot),
            "in_azure": self.in_azure,
        }


def read_settings(text: str) -> dict[str, str]:
    """Return ``key=value`` lines by lower-case key, values without quotes; sections and comments are passed over."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";", "[")):
            found[name.strip().lower()] = value.strip().strip("\"'")
    return found


def server_of(drscout: Mapping[str, str]) -> Server | None:
    """Return the configuration server that ``drscout.conf`` names, or None."""
    address, port = drscout.get("hostname", ""), drscout.get("port", "")
    return Server(address=address, port=int(port) if port.isdigit() else None) if address else None


def normal_json(text: str) -> str | None:
    """Return a JSON text in one normal form, or None where it is none."""
    try:
        return json.dumps(json.loads(text.lstrip("\ufeff")), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    except ValueError:
        return None


_ADDRESS = re.compile(r"(address|fqdn|host|hostname|uri|url)$", re.IGNORECASE)


def server_of_config(text: str) -> Server | None:
    """Return the appliance that a config file names, or None.

    The keys of that file are not published: the first value whose key ends like an address is taken (unverified).
    """
    try:
        content = json.loads(text.lstrip("\ufeff"))
    except ValueError:
        return None
    pairs = list(_pairs(content))
    address = next((value for key, value in pairs if _ADDRESS.search(key) and isinstance(value, str) and value), None)
    port = next((value for key, value in pairs if key.lower() == "port" and isinstance(value, int)), None)
    return None if address is None else Server(address=_host(address), port=port)


def _pairs(value: Any) -> Any:
    """Yield every key with its plain value, outer ones first."""
    if isinstance(value, dict):
        yield from ((str(key), item) for key, item in value.items() if not isinstance(item, (dict, list)))
        for item in value.values():
            yield from _pairs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _pairs(item)


def _host(address: str) -> str:
    return re.sub(r"^[a-z]+://", "", address, flags=re.IGNORECASE).split("/")[0].split(":")[0]
