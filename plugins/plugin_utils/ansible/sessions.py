# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's connections as sessions: the task's own host, and other hosts of the inventory with their own variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from ansible import constants as C  # noqa: N812
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.connection import ensure_connect
from ansible.plugins.loader import connection_loader

from ..errors import ConnectionLost, InvalidRequest
from ..session.endpoint import IDLE_SECONDS, EndpointLink, withdraw
from ..session.psrp import Link, PsrpSession
from ..session.psrp_options import psrp_endpoint
from ..session.renewal import renew_when_needed
from ..session.translate import FOREIGN, best_effort, translate, unfit
from ..session.winrm_options import winrm_endpoints
from ..session.winrs import WinrsPrograms
from .posix import TaskShell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set

    from ansible.plugins.action import ActionBase


_KINDS: Final = ("psrp", "winrm")
WINDOWS: Final = "windows"
POSIX: Final = "posix"


def transport_of(connection: Any) -> str:
    """Return the connection plugin's bare name."""
    return str(getattr(connection, "transport", "")).rpartition(".")[2]


def connection_kind(connection: Any, host: str) -> str:
    """Return "psrp" or "winrm". Raises InvalidRequest, which names both, for any other connection."""
    name = transport_of(connection)
    if name not in _KINDS:
        raise InvalidRequest(
            f"{host} is reached by connection {name!r}; set ansible_connection to psrp or winrm for Windows hosts",
            connection=name,
        )
    return name


def option_reader(connection: Any) -> Callable[[str], Any]:
    """Return a function that gives a connection option's value, or None where this version has no such option."""

    def read(name: str) -> Any:
        try:
            return connection.get_option(name)
        except (KeyError, AnsibleError):
            return None

    return read


def own_link(connection: Any, host: str) -> EndpointLink:
    """Return the link that opens runspaces of our own with a connection's options."""
    read = option_reader(connection)
    if connection_kind(connection, host) == "psrp":
        return EndpointLink(host, (psrp_endpoint(read),))
    return EndpointLink(host, winrm_endpoints(read))


class PluginLink:
    """The runspace that the psrp connection plugin holds open for the task; the plugin closes it, not we."""

    def __init__(self, connection: Any, host: str) -> None:
        self._connection = connection
        self._host = host

    @property
    def delegates_credentials(self) -> bool:
        """Whether the plugin's way of signing in gives credentials for a second hop."""
        return psrp_endpoint(option_reader(self._connection)).delegates_credentials

    def open(self) -> Any:
        """Return the plugin's open runspace pool."""
        try:
            pool = _runspace(self._connection)
        except Exception as error:
            try:
                known = self._not_opened(error)
            finally:
                # The plugin keeps the pool that did not open, and would take it for an open one at the next try.
                with best_effort():
                    self._connection.close()
            if known is error:
                raise
            raise known from error
        renew_when_needed(pool.connection)
        return pool

    def _not_opened(self, error: Exception) -> Exception:
        """Return the family's error, or the same where it is none of a link's; what was left on the host is deleted."""
        if isinstance(error, (ValueError, ImportError)):
            return unfit(error, self._host, str(option_reader(self._connection)("auth") or "psrp"))
        if not isinstance(error, (AnsibleConnectionFailure, *FOREIGN)):
            return error
        failure = error if isinstance(error, FOREIGN) else error.__cause__ or error.__context__ or error
        known = translate(failure, self._host)
        pool = self._connection.runspace
        if pool is not None:
            renew_when_needed(pool.connection)  # what is sealed for a dead connection can't be read on a new one
            withdraw(pool.connection, pool.shell, known, self._host)
        return known

    def release(self, pool: Any, *, lost: bool) -> None:  # noqa: ARG002
        """Close the plugin's connection when its link was lost, so that the next use connects again.

        Where deleting the old shell fails, the plugin keeps its dead runspace and counts as connected for ever.
        """
        if not lost:
            return
        try:
            self._connection.close()
        finally:
            self._forget()

    def leave(self, pool: Any) -> None:
        """Close the sockets of the plugin's pool only, and have the plugin forget it: it would delete it at the end.

        The plugin's shells have the host's own idle time (two hours by default), so they stay for that long.
        """
        self._forget()
        pool.connection.close()

    def _forget(self) -> None:
        self._connection.runspace = None
        self._connection._connected = False  # noqa: SLF001


@ensure_connect  # type: ignore[untyped-decorator, unused-ignore] # ansible has no types
def _runspace(connection: Any) -> Any:
    return connection.runspace


class UnreachableLink:
    """Wraps a link to the task's own host: a failure to open the first one of a task makes the host unreachable.

    ``accepted`` are the hosts that answered this task already, by this link or another.
    """

    def __init__(self, link: Any, host: str, accepted: Set[str]) -> None:
        self._link = link
        self._host = host
        self._accepted = accepted

    @property
    def delegates_credentials(self) -> bool:
        """Whether signing in gives the machine credentials for a second hop."""
        return bool(self._link.delegates_credentials)

    def open(self) -> Any:
        """Return an open pool."""
        return self._telling(self._link.open)

    def open_shell(self, idle_seconds: int = IDLE_SECONDS) -> Any:
        """Return an open cmd shell, which ends when nobody used it for so long."""
        return self._telling(lambda: self._link.open_shell(idle_seconds))

    def client(self) -> Any:
        """Return one more client of the endpoint in use."""
        return self._link.client()

    def release(self, pool: Any, *, lost: bool) -> None:
        """Give the pool back."""
        self._link.release(pool, lost=lost)

    def leave(self, pool: Any) -> None:
        """Forget the pool; what runs in it goes on."""
        self._link.leave(pool)

    def release_shell(self, shell: Any, *, lost: bool) -> None:
        """Give the cmd shell back."""
        self._link.release_shell(shell, lost=lost)

    def _telling(self, open_: Callable[[], Any]) -> Any:
        try:
            return open_()
        except (ConnectionLost, *FOREIGN) as error:
            known = translate(error, self._host)
            if self._host not in self._accepted and isinstance(known, ConnectionLost):
                known.details = {**known.details, "unreachable": True}
            if known is error:
                raise
            raise known from error


class TaskSessions:
    """Implements ``Sessions`` for one task."""

    def __init__(self, action: ActionBase, task_vars: Mapping[str, Any]) -> None:
        self._action = action
        self._connection: Any = action._connection  # noqa: SLF001
        self._task: Any = action._task  # noqa: SLF001
        self._play_context: Any = action._play_context  # noqa: SLF001
        self._variables = task_vars
        self._here: PsrpSession | None = None
        self._others: dict[str, PsrpSession] = {}
        self._programs: dict[str, WinrsPrograms] = {}
        self._shell: TaskShell | None = None
        self._opened: list[PsrpSession | WinrsPrograms] = []
        self._accepted: set[str] = set()

    @property
    def host(self) -> str:
        """The inventory name of the host the task runs on: the delegated one where the task is delegated."""
        return str(self._task.delegate_to or self._variables.get("inventory_hostname", "this host"))

    @property
    def kind(self) -> str:
        """Return "windows" for psrp and winrm, "posix" for any other connection with a POSIX shell behind it."""
        if transport_of(self._connection) in _KINDS:
            return WINDOWS
        if getattr(self._connection._shell, "_IS_WINDOWS", False):  # noqa: SLF001
            connection_kind(self._connection, self.host)
        return POSIX

    def become_warning(self) -> str | None:
        """Return a warning where ``become`` has no effect; InvalidRequest where it was meant for this connection."""
        become = getattr(self._connection, "become", None)
        if become is None or transport_of(self._connection) not in _KINDS:
            return None
        method = str(become.name).rpartition(".")[2]
        if method == "runas":
            raise InvalidRequest(
                f"{self.host}: become_method runas can't be honoured: typed commands run as the connection's user; "
                "sign in as the user they are to run as, and set become: false",
                become_method=method,
            )
        return (
            f"{self.host}: become (method {method}) has no effect on a Windows machine: commands run as the "
            "connection's user. Set ansible_become: false for Windows hosts"
        )

    def programs(self) -> WinrsPrograms:
        """Return the runner of native programs on the task's host."""
        if self.host not in self._programs:
            link = UnreachableLink(own_link(self._connection, self.host), self.host, self._accepted)
            self._programs[self.host] = self._runner(self.host, link)
        return self._programs[self.host]

    def programs_on(self, inventory_host: str) -> WinrsPrograms:
        """Return the runner of native programs on another inventory host; raises as ``to`` does."""
        if inventory_host == self.host:
            return self.programs()
        if inventory_host not in self._programs:
            link = own_link(self._connection_to(inventory_host), inventory_host)
            self._programs[inventory_host] = self._runner(inventory_host, link)
        return self._programs[inventory_host]

    def posix(self) -> TaskShell:
        """Return ``sh`` on the task's host, by its own connection and ``become``."""
        if self.kind != POSIX:
            raise InvalidRequest(f"{self.host} is a Windows machine ({transport_of(self._connection)}): it has no sh")
        if self._shell is None:
            self._shell = TaskShell(self._action, self.host)
        return self._shell

    def here(self) -> PsrpSession:
        """Return the session to the task's host over its own connection."""
        if self._here is None:
            kind = connection_kind(self._connection, self.host)
            link: Link = PluginLink(self._connection, self.host)
            if kind == "winrm":
                link = own_link(self._connection, self.host)
            self._here = self._session(self.host, UnreachableLink(link, self.host, self._accepted))
        return self._here

    def another_here(self) -> PsrpSession:
        """Return one more session to the task's host, in a runspace of its own."""
        return self._session(self.host, own_link(self._connection, self.host))

    def to(self, inventory_host: str) -> PsrpSession:
        """Return the session to another inventory host, by its own variables; cached per host.

        Raises InvalidRequest when the inventory has no such host, or its connection is neither psrp nor winrm.
        """
        if inventory_host == self.host:
            return self.here()
        if inventory_host not in self._others:
            connection = self._connection_to(inventory_host)
            self._others[inventory_host] = self._session(inventory_host, own_link(connection, inventory_host))
        return self._others[inventory_host]

    def another_to(self, inventory_host: str) -> PsrpSession:
        """Return one more session to another inventory host, in a runspace of its own; raises as ``to`` does."""
        if inventory_host == self.host:
            return self.another_here()
        return self._session(inventory_host, own_link(self._connection_to(inventory_host), inventory_host))

    @property
    def may_have_changed(self) -> bool:
        """Whether anything was sent over a session that changes a machine."""
        return any(isinstance(one, PsrpSession) and one.may_have_changed for one in self._opened)

    def close(self) -> None:
        """Close every session that was opened, whatever state it is in."""
        while self._opened:
            with best_effort():
                self._opened.pop().close()
        self._here = None
        self._others.clear()
        self._programs.clear()

    def _runner(self, host: str, link: Any) -> WinrsPrograms:
        runner = WinrsPrograms(host, link, accepted=self._accepted)
        self._opened.append(runner)
        return runner

    def _session(self, host: str, link: Link) -> PsrpSession:
        session = PsrpSession(host, link, accepted=self._accepted)
        self._opened.append(session)
        return session

    def _connection_to(self, host: str) -> Any:
        hostvars = self._variables.get("hostvars") or {}
        if host not in hostvars:
            raise InvalidRequest(f"the inventory has no host {host!r}", host=host)
        variables = hostvars[host]
        name = str(variables.get("ansible_connection") or self._task.connection)
        if name.rpartition(".")[2] not in _KINDS:
            raise InvalidRequest(
                f"{host} is reached by connection {name!r}; set ansible_connection to psrp or winrm for Windows hosts",
                connection=name,
            )
        # The plugin is asked for its options only and never connects.
        connection = connection_loader.get(name, PlayContext(), os.devnull)
        connection.set_options(task_keys=self._keywords(), var_options=_variables_for(connection, name, variables))
        return connection

    def _keywords(self) -> dict[str, Any]:
        """Return what the play and the command line say: it holds for every host, and host variables win over it.

        The play context has the variables of the task's own host laid over it: its password is that host's secret
        where the host has one, and no other host may see it.
        """
        keywords: dict[str, Any] = {"remote_user": self._task.remote_user} if self._task.remote_user else {}
        own = (self._variables.get("hostvars") or {}).get(self.host) or {}
        if self._play_context.password and not any(name in own for name in C.MAGIC_VARIABLE_MAPPING["password"]):
            keywords["password"] = self._play_context.password
        return keywords


def _variables_for(connection: Any, name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    names = C.config.get_plugin_vars("connection", name.rpartition(".")[2])
    known = {variable: variables[variable] for variable in names if variable in variables}
    extras: dict[str, Any] = {}
    if getattr(connection, "allow_extras", False):
        prefix = f"ansible_{name.rpartition('.')[2]}_"
        extras = {key: variables[key] for key in variables if key.startswith(prefix) and key not in known}
    return {**known, "_extras": extras}
