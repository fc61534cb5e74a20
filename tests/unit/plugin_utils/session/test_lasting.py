# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which statements may be asked again after a lost link, and which leave something in their shell."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost, TimedOut
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import (
    Credential,
    Pipeline,
    Secret,
    command,
    select,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.lasting import (
    builds_upon,
    held,
    repeatable,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.live import forget, keep, kept

BROKEN = ConnectionLost("reset", reason="link")
BROKEN.__cause__ = ConnectionResetError()
READ = command("Get-VM") | select("Name")


@pytest.mark.parametrize(
    ("statement", "again"),
    [
        (READ, True),
        (command("Get-VHD", Path="D:\\a.vhdx") | command("Out-Null"), True),
        (command("Move-VM", Name="a"), False),
        (command("Get-WmiObject", Class="X") | command("ForEach-Object", MemberName="Delete"), False),
        (command("Compare-VM", Name="a", DestinationHost="hv02"), False),
        (READ | keep("vm"), True),
        (command("New-PSDrive", Name="hm"), False),
    ],
)
def test_only_what_reads_is_asked_again(statement: Pipeline, again: bool) -> None:
    assert repeatable([READ, statement], BROKEN) is again


@pytest.mark.parametrize(
    ("lost", "again"),
    [
        (ConnectionLost("gone", reason="shell_gone"), True),
        (ConnectionLost("nobody", reason="no_connection"), False),
        (ConnectionLost("a fault", reason="fault"), False),
        (ConnectionLost("stopped", reason="stopped"), False),
        (TimedOut("late"), False),
    ],
)
def test_only_after_a_link_that_broke_off(lost: ConnectionLost | TimedOut, again: bool) -> None:
    assert repeatable([READ], lost) is again


def test_a_secret_is_not_shown_again() -> None:
    asked = command("Get-ADUser", Identity="a", Credential=Credential("LAB\\a", Secret("x")))
    assert repeatable([asked], BROKEN) is False


def test_what_stays_in_a_shell() -> None:
    drive = command("New-PSDrive", Name="hm", PSProvider="FileSystem", Root="\\\\hv01\\d$")
    kept_both = held(held(frozenset(), [READ, READ | keep("vm")]), [drive])
    assert kept_both == {"$hm_vm", "hm:"}
    assert held(kept_both, [forget("vm"), command("Remove-PSDrive", Name="hm")]) == frozenset()


@pytest.mark.parametrize(
    ("there", "statement", "builds"),
    [
        ({"$hm_vm"}, kept("vm"), True),
        ({"$hm_vm"}, READ, False),
        ({"hm:"}, command("Test-Path", LiteralPath="hm:\\x"), True),
        (set(), kept("vm"), False),
    ],
)
def test_what_builds_upon_it(there: set[str], statement: Pipeline, builds: bool) -> None:
    assert builds_upon(frozenset(there), [statement]) is builds
