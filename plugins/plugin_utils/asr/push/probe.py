# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a machine as the portal's push would: from the controller, or from a Windows server that is asked to.

Nothing is changed, and the machine's own connection is not opened. There is one sign-in in a run, never a second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ...errors import AuthenticationFailed, InvalidRequest
from ...findings import blocking
from ...operation import Outcome
from ...session.command import Credential, Secret
from . import ports as controller_ports
from . import server, smb, ssh
from .codes import named
from .judge import judge, undetermined
from .observations import NOT_REACHED, Observed, Problem, SignIn, System

if TYPE_CHECKING:
    from ...operation import Request
    from .observations import Port, Step

PORTS: Final = {"rpc": 135, "smb": 445, "netbios": 139, "ssh": 22}
OF_SYSTEM: Final = {System.WINDOWS: ("rpc", "smb", "netbios"), System.LINUX: ("ssh",)}
HERE: Final = "controller"


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is asked for, checked."""

    address: str
    ports: Mapping[str, int]
    system: System | None
    """None: found out by what answers."""
    account: Credential | None
    share: str
    seconds: float
    server: str | None
    """The inventory host that looks; None is the controller."""
    known_hosts: tuple[str, ...]
    any_host_key: bool

    @property
    def wanted_ports(self) -> dict[str, int]:
        """The ports to look at: those of the system, or all of them to find out which it is."""
        names = OF_SYSTEM[self.system] if self.system else tuple(PORTS)
        return {name: self.ports[name] for name in names}


def parse(arguments: Mapping[str, Any], address: str) -> Look:
    """Return what the options ask for. Raises InvalidRequest where they contradict each other."""
    account = None
    if arguments.get("username"):
        account = Credential(str(arguments["username"]), Secret(str(arguments.get("password") or "")))
    look = Look(
        address=str(arguments.get("address") or address),
        ports=PORTS | {name: int(number) for name, number in (arguments.get("ports") or {}).items() if number},
        system=System(arguments["os"]) if arguments.get("os") else None,
        account=account,
        share=str(arguments["share"]),
        seconds=float(arguments["timeout_seconds"]),
        server=str(arguments["from"]) if arguments.get("from") else None,
        known_hosts=(str(arguments["known_hosts"]),) if arguments.get("known_hosts") else ssh.KNOWN_HOSTS,
        any_host_key=arguments["host_key"] == "any",
    )
    _check(look)
    return look


def _check(look: Look) -> None:
    if account := look.account:
        if not account.password.text:
            raise InvalidRequest(f"the password of {account.username} is empty: give one, or leave username out")
        if look.system is System.LINUX and look.server is None:
            ssh.library()
        if look.server and look.ports["smb"] != PORTS["smb"]:
            raise InvalidRequest(f"{look.server} can sign in by port 445 only; ports.smb is {look.ports['smb']}")
    if not look.share or "\\" in look.share or "/" in look.share:
        raise InvalidRequest(f"share is {look.share!r}: give the name of a share alone, for example C$")


def operate(request: Request, address: str) -> Outcome:
    """Return what the probe saw and the findings it means. ``address`` is where the machine is, unless told otherwise.

    Raises InvalidRequest as ``parse`` does, and what a session to the server that looks raises. A host key that is not
    known is a failure that still has the ports to report.
    """
    look = parse(request.arguments, address)
    return _outcome(_from_server(request, look, look.server) if look.server else _from_here(request, look))


def _from_here(request: Request, look: Look) -> Observed:
    ports = controller_ports.look(look.address, look.wanted_ports, look.seconds)
    system = look.system or system_of(ports, request.sessions.kind)
    sign_in = _knock(look, system, ports, look.account) if look.account else SignIn()
    return _observed(look, system, ports, sign_in)


def _knock(look: Look, system: System, ports: tuple[Port, ...], account: Credential) -> SignIn:
    port = next(port for port in ports if port.name == ("smb" if system is System.WINDOWS else "ssh"))
    if not port.is_open:
        return SignIn(login=NOT_REACHED, share=NOT_REACHED, sftp=NOT_REACHED)
    if system is System.WINDOWS:
        smb_door = smb.Door(address=look.address, port=port.number, share=look.share, timeout_seconds=look.seconds)
        return smb.sign_in(smb_door, account)
    ssh_door = ssh.Door(
        address=look.address,
        port=port.number,
        timeout_seconds=look.seconds,
        known_hosts=look.known_hosts,
        any_host_key=look.any_host_key,
    )
    return ssh.sign_in(ssh_door, account)


def _from_server(request: Request, look: Look, name: str) -> Observed:
    session = request.sessions.to(name)
    ports = server.look(session, look.address, look.wanted_ports)
    system = look.system or system_of(ports, request.sessions.kind)
    if system is System.LINUX:
        sign_in = server.cannot_sign_in() if look.account else SignIn()
    else:
        sign_in = server.sign_in(session, look.address, look.share, look.account, ports)
    return _observed(look, system, ports, sign_in)


def system_of(looked: tuple[Port, ...], kind: str) -> System:
    """Return the system by what answers: RPC is Windows, SSH without it Linux; else by the inventory's connection."""
    answering = {port.name for port in looked if port.is_open}
    if "rpc" in answering:
        return System.WINDOWS
    if "ssh" in answering:
        return System.LINUX if "smb" not in answering or kind == "posix" else System.WINDOWS
    if "smb" in answering:
        return System.WINDOWS
    return System.LINUX if kind == "posix" else System.WINDOWS


def _observed(look: Look, system: System, ports: tuple[Port, ...], sign_in: SignIn) -> Observed:
    return Observed(
        system=system,
        address=look.address,
        probed_from=look.server or HERE,
        ports=tuple(port for port in ports if port.name in OF_SYSTEM[system]),
        username=look.account.username if look.account else None,
        share_name=look.share,
        sign_in=sign_in,
    )


def _outcome(seen: Observed) -> Outcome:
    findings = judge(seen)
    values: dict[str, Any] = {
        "os": seen.system.value,
        "address": seen.address,
        "probed_from": seen.probed_from,
        "ports": [{"name": port.name, "port": port.number, "state": port.state.value} for port in seen.ports],
        "login_attempts": seen.sign_in.attempts,
        "login": _shown(seen.sign_in.login),
        "findings": [found.as_plain() for found in findings],
        "blocked": bool(blocking(findings)),
        "undetermined": list(undetermined(seen)),
    }
    if seen.system is System.WINDOWS:
        values["share"] = {"name": seen.share_name, **_shown(seen.sign_in.share), "free_bytes": seen.sign_in.free_bytes}
    else:
        values["sftp"] = _shown(seen.sign_in.sftp)
        values["uid"] = seen.sign_in.uid
    return Outcome(values=values, failure=_distrusted(seen))


def _shown(step: Step) -> dict[str, Any]:
    return {
        "done": step.done,
        "code": named(step.code) if step.code else None,
        "problem": step.problem.value if step.problem else None,
        "detail": step.detail or None,
    }


def _distrusted(seen: Observed) -> AuthenticationFailed | None:
    step = seen.sign_in.login
    if step.problem not in (Problem.HOST_KEY_UNKNOWN, Problem.HOST_KEY_CHANGED):
        return None
    how = "is not known" if step.problem is Problem.HOST_KEY_UNKNOWN else "is not the one that is known"
    return AuthenticationFailed(
        f"the password was not sent to {seen.address}: its host key {step.detail} {how}. Put the right key into "
        "known_hosts, or set host_key: any to send the password to whoever answers",
        host_key=step.detail,
    )
