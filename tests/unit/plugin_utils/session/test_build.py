# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before it is sent, qualified names, kept objects."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.build import check
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import Pipeline, command, select
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.live import keep, kept
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.modules import qualified


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("get-vm", "Hyper-V\\Get-VM"),
        ("Select-Object", "Microsoft.PowerShell.Utility\\Select-Object"),
        ("Where-Object", "Microsoft.PowerShell.Core\\Where-Object"),
        ("Get-CimInstance", "CimCmdlets\\Get-CimInstance"),
        ("whoami.exe", "whoami.exe"),
        ("C:\\Windows\\System32\\whoami.exe", "C:\\Windows\\System32\\whoami.exe"),
    ],
)
def test_qualified(name: str, sent: str) -> None:
    assert qualified(name) == sent


@pytest.mark.parametrize("name", ["Get-Vmm", "", "iex", "Get-VM; Remove-VM"])
def test_an_unknown_command_is_never_sent(name: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        check((command(name),))


@pytest.mark.parametrize("host", ["ComputerName", "cimsession"])
def test_no_host_beside_a_piped_object(host: str) -> None:
    with pytest.raises(ValueError, match="behind a pipe"):
        check((command("Get-VM") | command("Set-VM", **{host: "hv02"}),))
    check((command("Get-VM", **{host: "hv02"}) | select("Name"),))


def test_a_program_takes_positions_only() -> None:
    check((command("whoami.exe", "/groups"),))
    with pytest.raises(ValueError, match="positional"):
        check((command("whoami.exe", ErrorAction="Stop"),))


def test_nothing_to_send() -> None:
    with pytest.raises(ValueError, match="at least one"):
        check(())
    with pytest.raises(ValueError, match="at least one"):
        check((Pipeline(()),))


def test_kept_objects_have_one_prefix_and_a_global_scope() -> None:
    assert dict(keep("report").commands[0].parameters) == {"Name": "hm_report", "Scope": "Global"}
    assert dict(kept("report").commands[0].parameters)["Name"] == "hm_report"
    with pytest.raises(ValueError, match="no name"):
        keep("PSDefaultParameterValues")
