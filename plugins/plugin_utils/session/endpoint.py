# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A remoting endpoint of our own: where it is, how to sign in, and the runspace pool opened there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pypsrp.powershell import RunspacePool
from pypsrp.shell import WinRS
from pypsrp.wsman import NAMESPACES, SelectorSet, WSMan, WSManAction

from ..errors import AuthenticationFailed, ConnectionLost, InvalidRequest, MobilityError
from .renewal import renew_when_needed
from .translate import FOREIGN, broke_off, translate, translated, unfit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

IDLE_SECONDS: Final = 300
"""What a killed client leaves behind is gone after this time; the hosts' own default is two hours."""
_CLOSE_SECONDS: Final = 10
_UTF8: Final = 65001


class _Client(WSMan):  # type: ignore[misc, unused-ignore] # the library has no types
    """A client that never waits in secret: pypsrp asks six times, with pauses, where a Receive has no answer at all."""

    def receive(self, *arguments: Any, **options: Any) -> Any:
        """Return the answer's body; raises ReadTimeout after one read time-out. Asking again gives the same data."""
        answer = self.invoke(WSManAction.RECEIVE, *arguments, **options, retries_on_read_timeout=0)
        return answer.find("s:Body", namespaces=NAMESPACES)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Arguments of pypsrp's WSMan client, and the configuration name; the password never shows."""

    wsman: Mapping[str, Any] = field(repr=False)
    configuration_name: str = "Microsoft.PowerShell"

    @property
    def auth(self) -> str:
        """The way of signing in, as pypsrp names it."""
        return str(self.wsman.get("auth"))

    @property
    def _server(self) -> str:
        return str(self.wsman.get("server"))

    @property
    def delegates_credentials(self) -> bool:
        """Whether signing in gives the machine credentials for a second hop."""
        if self.auth in ("kerberos", "negotiate"):
            return bool(self.wsman.get("negotiate_delegate"))
        return self.auth == "credssp"

    def client(self) -> Any:
        """Return a WSMan client that has not connected yet; InvalidRequest where the options contradict each other."""
        try:
            return renew_when_needed(_Client(**self.wsman))
        except ValueError as error:
            raise InvalidRequest(f"the connection's options contradict each other: {error}") from error

    def open_shell(self, idle_seconds: int = IDLE_SECONDS) -> Any:
        """Return an open cmd shell (WinRS), whose programs speak UTF-8; raises what the libraries raise."""
        client = self.client()
        shell = WinRS(client, codepage=_UTF8, idle_time_out=idle_seconds)
        with _leaving_nothing(client, shell, self._server):
            shell.open()
        return shell

    def connect(self) -> Any:
        """Return an open runspace pool with a short idle time; raises what the libraries raise."""
        client = self.client()
        pool = RunspacePool(client, configuration_name=self.configuration_name)
        # The shell takes the idle time in every supported version of the library, the pool only in newer ones.
        pool.shell.idle_time_out = IDLE_SECONDS
        with _leaving_nothing(client, pool.shell, self._server):
            pool.open()
        return pool


@contextmanager
def _leaving_nothing(client: Any, shell: Any, host: str) -> Iterator[None]:
    """Close the client of an opening that fails."""
    try:
        yield
    except BaseException as error:
        try:
            if isinstance(error, FOREIGN):
                withdraw(client, shell, translate(error, host), host)
        finally:
            client.close()
        raise


def withdraw(client: Any, shell: Any, failure: MobilityError, host: str) -> None:
    """Delete what an opening that broke off may have left: a shell nobody uses counts against the user's limit.

    Raises AuthenticationFailed where the machine refuses the credentials now: then nothing may be tried again.
    """
    if isinstance(failure, ConnectionLost) and broke_off(failure) and shell.id is not None:
        try:
            with translated(host):
                _delete(client, shell, wait=_CLOSE_SECONDS // 2)
        except AuthenticationFailed:
            raise
        except MobilityError:
            return


def _delete(client: Any, shell: Any, *, wait: int) -> None:
    selectors = SelectorSet()
    selectors.add_option("ShellId", shell.id)
    client.delete(shell.resource_uri, selector_set=selectors, timeout=wait)


class EndpointLink:
    """Opens pools at the first of several endpoints that lets us in (a list of transports is tried in order)."""

    def __init__(self, host: str, endpoints: tuple[Endpoint, ...]) -> None:
        if not endpoints:
            raise InvalidRequest(f"{host}: no way of signing in is configured")
        self._host = host
        self._endpoints = endpoints
        self._used = endpoints[0]

    @property
    def delegates_credentials(self) -> bool:
        """Whether the endpoint in use (the first, before any was) gives credentials for a second hop."""
        return self._used.delegates_credentials

    def open(self) -> Any:
        """Return an open pool. Raises AuthenticationFailed when every way of signing in was refused."""
        return self._first(lambda endpoint: endpoint.connect())

    def open_shell(self, idle_seconds: int = IDLE_SECONDS) -> Any:
        """Return an open cmd shell, which ends when nobody used it for so long; raises as ``open`` does."""
        return self._first(lambda endpoint: endpoint.open_shell(idle_seconds))

    def client(self) -> Any:
        """Return one more client of the endpoint in use, which has not connected yet; it reaches the same shells."""
        return self._used.client()

    def _first(self, enter: Callable[[Endpoint], Any]) -> Any:
        refusals: list[str] = []
        refused: Exception | None = None
        for endpoint in self._endpoints:
            try:
                entered = enter(endpoint)
            except (ValueError, ImportError) as error:  # the libraries look at what they were given when they connect
                raise unfit(error, self._host, endpoint.auth) from error
            except FOREIGN as error:
                known = translate(error, self._host)
                if not isinstance(known, AuthenticationFailed):
                    # Where a way was refused before this one broke, nobody may try them all again.
                    raise known from (refused or error)
                refused = known
                refusals.append(f"{endpoint.auth}: {error}")
                continue
            self._used = endpoint
            return entered
        raise AuthenticationFailed(
            f"{self._host} refused the credentials ({'; '.join(refusals)})", reason="authentication", retry=False
        )

    def release(self, pool: Any, *, lost: bool) -> None:
        """Delete the shell of a pool without waiting long for it, and close the sockets."""
        self._end(pool.connection, pool.shell, lost=lost)

    def leave(self, pool: Any) -> None:
        """Close the sockets of a pool only: what runs in it goes on, and its shell ends when idle."""
        pool.connection.close()

    def release_shell(self, shell: Any, *, lost: bool) -> None:
        """Do the same for a cmd shell: what still runs in it ends with it."""
        self._end(shell.wsman, shell, lost=lost)

    def _end(self, client: Any, shell: Any, *, lost: bool) -> None:
        try:
            if shell.id is not None:
                _delete(client, shell, wait=_CLOSE_SECONDS // 2 if lost else _CLOSE_SECONDS)
        except FOREIGN as error:
            if not lost:
                raise ConnectionLost(f"the session to {self._host} could not be closed: {error}") from error
        finally:
            client.close()
