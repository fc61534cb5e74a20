# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out cures of a Windows machine: by cmdlets, and by the system's own programs where it has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ...errors import RemoteError
from ...hyperv.writing import change, send
from ...session.command import ON, command
from . import registry
from .read_cmdlets import NET, provider_path

if TYPE_CHECKING:
    from ...session.programs import Programs
    from ...session.protocol import Session
    from ..patient import CureStep

ALREADY_RUNS = 1056
START_WORDS = {"Automatic": "auto", "Manual": "demand"}


class Hand(Protocol):
    """What a cure can do on a machine; each raises RemoteError when the machine says no."""

    def firewall(self, rules: list[str], group: str) -> None:
        """Enable rules by their stable names, or the group that they are of."""

    def service(self, name: str, start: str | None, *, run: bool) -> None:
        """Set a service's start type (Automatic, Manual; None leaves it), and start it."""

    def token_filter(self, value: int | None) -> None:
        """Set LocalAccountTokenFilterPolicy, or take it away."""

    def account(self, name: str, *, active: bool) -> None:
        """Enable a local account, which also takes a lock away, or disable it."""

    def exclusion(self, paths: list[str]) -> None:
        """Have Defender leave folders out."""


def carry_out(hand: Hand, step: CureStep) -> None:
    """Take one step. The details were made by ``cures`` in this run, whatever came from outside."""
    details = step.details
    action = details["action"]
    if action == "firewall":
        hand.firewall(details["rules"], details["group"])
    elif action == "service":
        hand.service(details["name"], details["start"], run=details["run"])
    elif action == "token_filter":
        hand.token_filter(step.after)
    elif action == "account":
        hand.account(details["account"], active=details["active"])
    else:
        hand.exclusion(details["paths"])


class CmdletHand:
    """By cmdlets over PSRP."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def firewall(self, rules: list[str], group: str) -> None:  # noqa: ARG002 # the other hand needs it
        """Enable the rules by their names."""
        send(self._session, change("Enable-NetFirewallRule", Name=rules))

    def service(self, name: str, start: str | None, *, run: bool) -> None:
        """Set and start the service."""
        statements = [change("Set-Service", Name=name, StartupType=start)] if start else []
        statements += [change("Start-Service", Name=name)] if run else []
        send(self._session, *statements)

    def token_filter(self, value: int | None) -> None:
        """Write or remove the registry value."""
        path = provider_path(registry.POLICIES_SYSTEM)
        if value is None:
            send(self._session, change("Remove-ItemProperty", LiteralPath=path, Name=registry.TOKEN_FILTER))
        else:
            made = change(
                "New-ItemProperty",
                LiteralPath=path,
                Name=registry.TOKEN_FILTER,
                Value=value,
                PropertyType="DWord",
                Force=ON,
            )
            send(self._session, made)

    def account(self, name: str, *, active: bool) -> None:
        """Have net.exe do it, as every Windows has it; its lines of error come as records."""
        reply = self._session.invoke(command(NET, "user", name, f"/active:{'yes' if active else 'no'}"))[0]
        reply.check()

    def exclusion(self, paths: list[str]) -> None:
        """Add the folders to Defender's exclusions."""
        send(self._session, change("Add-MpPreference", ExclusionPath=paths))


class ProgramHand:
    """By the system's own programs over WinRS; success is an exit code of 0."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs

    def firewall(self, rules: list[str], group: str) -> None:  # noqa: ARG002 # the other hand needs it
        """Enable the whole group by its resource string: netsh takes no stable names."""
        self._run("netsh", "advfirewall", "firewall", "set", "rule", f"group={group}", "new", "enable=yes")

    def service(self, name: str, start: str | None, *, run: bool) -> None:
        """Set and start the service; one that runs already is fine."""
        if start:
            self._run("sc", "config", name, "start=", START_WORDS[start])
        if run:
            self._run("sc", "start", name, allowed=ALREADY_RUNS)

    def token_filter(self, value: int | None) -> None:
        """Write or remove the registry value."""
        key, name = registry.POLICIES_SYSTEM, registry.TOKEN_FILTER
        if value is None:
            self._run("reg", "delete", key, "/v", name, "/f")
        else:
            self._run("reg", "add", key, "/v", name, "/t", "REG_DWORD", "/d", str(value), "/f")

    def account(self, name: str, *, active: bool) -> None:
        """Enable or disable the account."""
        self._run("net", "user", name, f"/active:{'yes' if active else 'no'}")

    def exclusion(self, paths: list[str]) -> None:  # noqa: ARG002 # there is nothing to do it with
        """Say that there is no Defender on old systems; no rule asks for it there."""
        raise RemoteError("exclusions: this Windows has no Microsoft Defender that could be told")

    def _run(self, program: str, *arguments: str, allowed: int = 0) -> None:
        ended = self._programs.run(f"C:\\Windows\\System32\\{program}.exe", *arguments)
        if ended.exit_code not in (0, allowed):
            said = " ".join((ended.stderr or ended.stdout).split())
            raise RemoteError(
                f"{program} {' '.join(arguments)}: exit code {ended.exit_code}: {said}",
                error_id="",
                command=program,
                exit_code=ended.exit_code,
            )
