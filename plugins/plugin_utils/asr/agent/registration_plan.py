# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether and how the agent is to be registered or taken off its server: a decision. No input or output here."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...errors import InvalidRequest, NotPossible
from ...findings import Finding, Severity
from ...operation import Diff
from ...session.command import Secret
from . import command_lines
from .state import CLASSIC, MODERNIZED, AgentState, Server, normal_json, server_of_config
from .versions import TELLS_ERRORS, TELLS_STACK

if TYPE_CHECKING:
    from collections.abc import Mapping

NONE, REGISTER, REPLACE, UNREGISTER, NOTHING_TO_DO_THERE = "none", "register", "replace", "unregister", "failed_over"
PRESENT, ABSENT = "present", "absent"
_LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_LONGEST_SECRET: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedRegistration:
    """What is asked. Classic: a server and its passphrase; modernized: a config file, by path or content."""

    state: str = PRESENT
    server: Server | None = None
    passphrase: Secret | None = None
    passphrase_path: str | None = None
    config: Secret | None = None
    """In one line."""
    config_file: str | None = None
    replace: bool = False
    external_ip: str | None = None
    credential_less: bool | None = None
    timeout_seconds: int = 600

    @property
    def stack(self) -> str:
        """The stack that the options belong to."""
        return MODERNIZED if self.config is not None or self.config_file is not None else CLASSIC

    @property
    def secret(self) -> Secret | None:
        """What has to be in a file of ours while the configurator runs."""
        return self.passphrase or self.config


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationPlan:
    """What is to be done; ``action`` is one of the words above."""

    action: str = NONE
    before: AgentState
    wanted: WantedRegistration
    server: Server | None = None
    """The server afterwards; None where the config file does not tell its address."""

    @property
    def changed(self) -> bool:
        """Whether anything is to be done on the machine."""
        return self.action in {REGISTER, REPLACE, UNREGISTER}

    def diff(self) -> Diff:
        """Return the registration before and after."""
        now = {"registered": self.before.registered, "server": _text(self.before.server)}
        if not self.changed:
            return Diff(before=now, after=dict(now))
        if self.action == UNREGISTER:
            return Diff(before=now, after={"registered": False, "server": None})
        return Diff(before=now, after={"registered": True, "server": _text(self.server)})

    def windows_words(self, secret_path: str, errors: str) -> tuple[str, ...]:
        """Return the words of UnifiedAgentConfigurator.exe."""
        wanted, told = self.wanted, errors if self._tells_errors else None
        if self.action == UNREGISTER:
            return command_lines.unregister_windows()
        if wanted.stack == MODERNIZED:
            path = wanted.config_file or secret_path
            return command_lines.register_modernized_windows(path, credential_less=wanted.credential_less, errors=told)
        return command_lines.register_classic_windows(
            self._endpoint, wanted.passphrase_path or secret_path, wanted.external_ip, errors=told
        )

    def linux_words(self, secret_path: str, errors: str) -> tuple[str, ...]:
        """Return the words of UnifiedAgentConfigurator.sh."""
        wanted, told = self.wanted, errors if self._tells_errors else None
        if self.action == UNREGISTER:
            return command_lines.unregister_linux()
        if wanted.stack == MODERNIZED:
            path = wanted.config_file or secret_path
            return command_lines.register_modernized_linux(path, credential_less=wanted.credential_less, errors=told)
        return command_lines.register_classic_linux(
            self._endpoint,
            wanted.passphrase_path or secret_path,
            wanted.external_ip,
            tells_stack=(self.before.version or (0,)) >= TELLS_STACK,
            errors=told,
        )

    @property
    def _endpoint(self) -> Server:
        if self.wanted.server is None:
            raise InvalidRequest("configuration_server is missing")
        return self.wanted.server

    @property
    def _tells_errors(self) -> bool:
        return (self.before.version or (0,)) >= TELLS_ERRORS


def _text(server: Server | None) -> str | None:
    return None if server is None else str(server)


def parse_request(arguments: Mapping[str, Any], system: str) -> WantedRegistration:
    """Return what the task asks; InvalidRequest, before anything is sent, for what can't be."""
    if arguments["state"] == ABSENT:
        return WantedRegistration(state=ABSENT, timeout_seconds=arguments["timeout_seconds"])
    classic = [name for name in ("configuration_server", "passphrase", "passphrase_path") if arguments.get(name)]
    modern = [name for name in ("config", "config_file") if arguments.get(name)]
    if classic and modern:
        raise InvalidRequest(f"{', '.join(classic)} (classic) and {', '.join(modern)} (modernized) exclude each other")
    if not classic and not modern:
        raise InvalidRequest("give configuration_server with passphrase or passphrase_path, or config or config_file")
    if len(modern) > 1:
        raise InvalidRequest("config and config_file exclude each other")
    path = arguments.get("passphrase_path") or arguments.get("config_file")
    if path:
        _check_path(path, "passphrase_path" if classic else "config_file", system)
    return WantedRegistration(
        server=_server(arguments) if classic else None,
        passphrase=_passphrase(arguments) if classic else None,
        passphrase_path=arguments.get("passphrase_path"),
        config=_config(arguments.get("config")),
        config_file=arguments.get("config_file"),
        replace=bool(arguments.get("replace")),
        external_ip=_ipv4(arguments.get("external_ip"), "external_ip"),
        credential_less=arguments.get("credential_less_discovery"),
        timeout_seconds=arguments["timeout_seconds"],
    )


def _server(arguments: Mapping[str, Any]) -> Server:
    address, port = arguments.get("configuration_server"), arguments.get("server_port")
    if not address:
        raise InvalidRequest("passphrase needs configuration_server: the address of the server it belongs to")
    if port is not None and not 1 <= port <= 65535:
        raise InvalidRequest(f"server_port: {port} is no port; it must be 1 to 65535")
    return Server(address=_host(address), port=port)


def _host(text: str) -> str:
    """Return an IPv4 address or a host name. The agent has no IPv6 (facts, section 7)."""
    address = text.strip()
    if ":" in address:
        try:
            ipaddress.IPv6Address(address.strip("[]").partition("%")[0])
        except ValueError:
            raise InvalidRequest(
                f"configuration_server: {text!r} is no address; give the port as server_port"
            ) from None
        raise InvalidRequest(f"configuration_server: {text!r} is IPv6, which the agent does not support; give IPv4")
    if re.fullmatch(r"[\d.]+", address):
        return _ipv4(address, "configuration_server") or ""
    labels = address.rstrip(".").split(".")
    if len(address) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidRequest(f"configuration_server: {text!r} is neither an IPv4 address nor a host name")
    return address


def _ipv4(text: str | None, option: str) -> str | None:
    if not text:
        return None
    try:
        return str(ipaddress.IPv4Address(text.strip()))
    except ValueError:
        raise InvalidRequest(f"{option}: {text!r} is no IPv4 address") from None


def _passphrase(arguments: Mapping[str, Any]) -> Secret | None:
    given, path = arguments.get("passphrase"), arguments.get("passphrase_path")
    if bool(given) == bool(path):
        raise InvalidRequest("give passphrase or passphrase_path, one of them, with configuration_server")
    if not given:
        return None
    text = str(given).strip()
    if not text or "\n" in text or "\r" in text or len(text) > _LONGEST_SECRET:
        raise InvalidRequest("passphrase must be one line of text that is not empty")
    return Secret(text)


def _config(given: str | None) -> Secret | None:
    """Return the content in one line; what isn't JSON is refused here, not by the configurator's exit code 19."""
    if not given:
        return None
    normal = _one_line(given)
    if normal is None or len(normal) > _LONGEST_SECRET:
        raise InvalidRequest("config is no JSON text; give what the appliance wrote, as it is")
    return Secret(normal)


def _one_line(text: str) -> str | None:
    try:
        return json.dumps(json.loads(text.lstrip("\ufeff")))
    except ValueError:
        return None


def _check_path(path: str, option: str, system: str) -> None:
    if system == "linux":
        good = path.startswith("/") and "\n" not in path and "\0" not in path
    else:
        absolute = re.match(r"[A-Za-z]:\\|\\\\[^\\]+\\[^\\]+\\", path) is not None
        good = absolute and re.search(r'["<>|*?%\r\n\0]', path[2:]) is None
    if not good:
        where = "of the machine" if system == "linux" else "of the machine, local or UNC"
        raise InvalidRequest(f"{option}: {path!r} is no absolute path {where}")


def plan(state: AgentState, wanted: WantedRegistration, config: str | None, host: str) -> RegistrationPlan:
    """Return what to do. ``config`` is the text of the config file, where one is asked and could be read.

    Raises NotPossible, which names the obstacle and the way round it.
    """
    if wanted.state == ABSENT:
        return _unregister(state, wanted, host)
    _check_ready(state, wanted, host)
    server = wanted.server if wanted.stack == CLASSIC else (server_of_config(config) if config else None)
    decided = RegistrationPlan(action=REGISTER, before=state, wanted=wanted, server=server)
    if state.is_failed_over:
        return RegistrationPlan(action=NOTHING_TO_DO_THERE, before=state, wanted=wanted, server=server)
    if not state.registered:
        return decided
    if _is_same(state, wanted, server, config):
        return RegistrationPlan(action=NONE, before=state, wanted=wanted, server=server)
    return _elsewhere(state, decided, host)


def _elsewhere(state: AgentState, decided: RegistrationPlan, host: str) -> RegistrationPlan:
    """Decide about an agent that is bound to another server."""
    evidence = f"the agent is registered with {state.server or 'a server it does not tell'}, asked is {decided.server}"
    if not decided.wanted.replace:
        raise _refused(
            "registered_elsewhere", "agent", evidence, "set replace: true if it may leave that server", host=host
        )
    if state.stack != MODERNIZED:
        raise _refused(
            "registered_elsewhere",
            "agent",
            evidence,
            "a classic agent can't be taken off its server in place (exit code 13): remove it by asr_agent with "
            "state: absent, install it and register it anew",
            host=host,
        )
    return RegistrationPlan(action=REPLACE, before=state, wanted=decided.wanted, server=decided.server)


def _unregister(state: AgentState, wanted: WantedRegistration, host: str) -> RegistrationPlan:
    if not state.installed or not state.registered:
        return RegistrationPlan(action=NONE, before=state, wanted=wanted)
    if state.stack != MODERNIZED:
        raise _refused(
            "classic_unregister",
            "agent",
            f"the agent {'is a classic one' if state.stack else 'does not tell its stack'}, "
            f"registered with {state.server or 'a server it does not tell'}",
            "no way to take a classic agent off its server is published: disable its protection in the portal, "
            "then remove it by asr_agent with state: absent",
            host=host,
        )
    return RegistrationPlan(action=UNREGISTER, before=state, wanted=wanted)


def _check_ready(state: AgentState, wanted: WantedRegistration, host: str) -> None:
    if not state.installed:
        raise _refused("agent_missing", host, "the agent is not installed", "install it by asr_agent first", host=host)
    if state.post_install_finished is False:
        raise _refused(
            "installation_unfinished",
            "agent",
            "its installation was not finished",
            "run asr_agent with source first: setup goes on where it stopped",
            host=host,
        )
    if state.stack is not None and state.stack != wanted.stack:
        other = "config or config_file" if state.stack == MODERNIZED else "configuration_server and passphrase"
        raise _refused(
            "stack_differs",
            "agent",
            f"a {state.stack} agent is installed, the options are those of a {wanted.stack} one",
            f"give {other}, or change the agent's stack by asr_agent",
            host=host,
        )


def _is_same(state: AgentState, wanted: WantedRegistration, server: Server | None, config: str | None) -> bool:
    if wanted.stack == MODERNIZED and config and state.source_config:
        if normal_json(config) == state.source_config:
            return True
        return server is not None and state.server is not None and server.is_same(state.server)
    return server is not None and state.server is not None and server.is_same(state.server)


def _refused(finding_id: str, subject: str, evidence: str, remedy: str, *, host: str) -> NotPossible:
    finding = Finding(id=finding_id, severity=Severity.BLOCKING, subject=subject, evidence=evidence, remedy=remedy)
    return NotPossible(f"{host}: {evidence}; {remedy}", findings=[finding])
