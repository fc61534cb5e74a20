# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares between hosts: who gets in as whom, and what others are told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.hyperv.fleet import parse
from hyperv_lab.hyperv.storage import GB, File
from hyperv_lab.powershell.values import Credential, SecureString
from unit.lab.cmdlet_runner import Session, get, identity, run

if TYPE_CHECKING:
    from hyperv_lab.hyperv.fleet import Fleet

from unit.lab.file_bench import fleet


@pytest.fixture
def lab() -> Fleet:
    return fleet()


def session_of(lab: Fleet, host: str, account: str | None = "admin", method: str = "credssp") -> Session:
    return Session(lab.hosts[host], identity(lab, host, account, method) if account else None)


def credential(user: str, password: str) -> Credential:
    return Credential(user, SecureString(password))


def probe(lab: Fleet, host: str, path: str, who: Any) -> tuple[bool, list[str]]:
    found = run(lab.hosts[host], "Test-Path", LiteralPath=path, who=who)
    return found.output[0], [error.category for error in found.errors]


@pytest.mark.parametrize(
    ("account", "method", "path", "answer"),
    [
        ("admin", "credssp", "\\\\HV1\\Exports\\big.vhdx", (True, [])),
        ("admin", "credssp", "\\\\HV1\\D$\\Exports", (True, [])),
        ("admin", "credssp", "\\\\hv1.lab.test\\exports", (True, [])),
        ("admin", "credssp", "\\\\HV1\\none", (False, [])),
        ("admin", "credssp", "\\\\HV9\\Exports", (False, [])),
        ("admin", "ntlm", "\\\\HV1\\Exports", (False, ["PermissionDenied"])),
        ("Administrator", "credssp", "\\\\HV1\\Exports", (False, [])),
    ],
)
def test_a_session_reaches_a_share_as_who_it_can_show(
    lab: Fleet, account: str, method: str, path: str, answer: tuple[bool, list[str]]
) -> None:
    assert probe(lab, "HV2", path, identity(lab, "HV2", account, method)) == answer


@pytest.mark.parametrize(
    ("user", "password", "root", "code"),
    [
        ("LAB\\admin", "Dom-1", "\\\\HV1\\Exports", 0),
        ("LAB\\admin", "wrong", "\\\\HV1\\Exports", 1326),
        ("LAB\\other", "Oth-1", "\\\\HV1\\Exports", 5),
        ("HV1\\Administrator", "Loc-1", "\\\\HV1\\D$", 0),
        ("HV1\\operator", "Ope-1", "\\\\HV1\\D$", 5),
        ("HV1\\reader", "Rea-1", "\\\\HV1\\Exports", 0),
        ("HV1\\reader", "Rea-1", "\\\\HV1\\D$", 5),
        ("HV1\\gone", "Gon-1", "\\\\HV1\\D$", 1331),
        ("LAB\\admin", "Dom-1", "\\\\HV1\\none", 67),
        ("LAB\\admin", "Dom-1", "\\\\HV9\\Exports", 53),
    ],
)
def test_a_credential_opens_a_share_or_gives_the_code(
    lab: Fleet, user: str, password: str, root: str, code: int
) -> None:
    session = session_of(lab, "HV2", "admin", "ntlm")
    new = {"Name": "m1", "PSProvider": "FileSystem", "Root": root, "Credential": credential(user, password)}
    found = run(lab.hosts["HV2"], "New-PSDrive", session=session, **new)
    assert [error.properties["NativeErrorCode"] for error in found.errors] == ([code] if code else [])
    listed = run(lab.hosts["HV2"], "Get-ChildItem", session=session, LiteralPath="m1:\\")
    assert bool(listed.errors) == bool(code)


def test_a_local_administrator_is_filtered_unless_the_policy_says_otherwise(lab: Fleet) -> None:
    lab.hosts["HV1"].local_account_token_filter_policy = True
    session = session_of(lab, "HV2", "admin", "ntlm")
    new = {"Name": "m1", "PSProvider": "FileSystem", "Root": "\\\\HV1\\D$"}
    assert not run(
        lab.hosts["HV2"], "New-PSDrive", session=session, Credential=credential("HV1\\operator", "Ope-1"), **new
    ).errors


def test_a_drive_is_used_read_only_where_the_share_says_so_and_ends(lab: Fleet) -> None:
    host, session = lab.hosts["HV2"], session_of(lab, "HV2", "admin", "ntlm")
    who = credential("HV1\\reader", "Rea-1")
    run(
        host,
        "New-PSDrive",
        session=session,
        Name="m1",
        PSProvider="FileSystem",
        Root="\\\\HV1\\Exports",
        Credential=who,
    )
    assert [get(one, "Name") for one in run(host, "Get-ChildItem", session=session, LiteralPath="m1:\\").output] == [
        "big.vhdx"
    ]
    assert run(host, "Test-Path", session=session, LiteralPath="\\\\HV1\\Exports\\big.vhdx").one() is True
    run(host, "Set-Content", Path="C:\\x", Value="x")
    refused = run(host, "Copy-Item", session=session, LiteralPath="C:\\x", Destination="m1:\\x").errors
    assert [error.error_id for error in refused] == [
        "CopyFileInfoItemUnauthorizedAccessError", "System.UnauthorizedAccessException",
    ]  # fmt: skip
    other = credential("HV1\\Administrator", "Loc-1")
    (conflict,) = run(
        host, "New-PSDrive", session=session, Name="m2", PSProvider="FileSystem", Root="\\\\HV1\\D$", Credential=other
    ).errors
    assert conflict.properties["NativeErrorCode"] == 1219
    assert "m1" in [drive.notes["Name"] for drive in run(host, "Get-PSDrive", session=session).output]
    assert not run(host, "Remove-PSDrive", session=session, Name="m1").errors
    assert run(host, "Test-Path", session=session, LiteralPath="\\\\HV1\\Exports").output == [False]


def test_a_closed_port_and_a_host_that_is_down_are_not_found(lab: Fleet) -> None:
    who = identity(lab, "HV2", "admin")
    lab.hosts["HV1"].firewall["FPS-SMB-In-TCP"] = False
    assert probe(lab, "HV2", "\\\\HV1\\Exports", who) == (False, [])
    lab.hosts["HV1"].firewall["FPS-SMB-In-TCP"] = True
    lab.hosts["HV1"].reboot(60)
    assert probe(lab, "HV2", "\\\\HV1\\Exports", who) == (False, [])
    lab.clock.advance(61)
    assert probe(lab, "HV2", "\\\\HV1\\Exports", who) == (True, [])


def test_an_iso_on_a_share_needs_the_right_of_the_computer_account() -> None:
    lab = fleet(vms=[{"name": "web", "host": "HV2", "dvd": "D:\\setup.iso"}])
    there, here = lab.hosts["HV1"], lab.hosts["HV2"]
    there.storage.volume("D:").put(File("D:\\Exports\\tools.iso", GB))
    drive = run(here, "Get-VMDvdDrive", VMName=["web"]).one()
    share = there.shares["exports"]
    assert not run(here, "Set-VMDvdDrive", drive, Path="\\\\HV1\\Exports\\tools.iso").errors
    there.shares["exports"] = replace(share, access=())
    refused = run(here, "Set-VMDvdDrive", drive, Path="\\\\HV1\\Exports\\tools.iso")
    assert refused.error() == ("AccessDenied", "PermissionDenied")
    assert "(0x80070005)" in refused.errors[0].message
    for missing in ("\\\\HV1\\None\\tools.iso", "\\\\HV1\\D$\\none.iso", "Q:\\tools.iso"):
        assert run(here, "Set-VMDvdDrive", drive, Path=missing).errors


def test_workgroup_hosts_trust_names_and_passwords_only() -> None:
    accounts = [{"name": "Administrator", "password": "Same-1"}]
    hosts = [{"name": name, "domain_joined": False, "accounts": accounts} for name in ("WG1", "WG2")]
    lab = parse({"hosts": hosts}, speed=0)
    assert probe(lab, "WG2", "\\\\WG1\\D$", identity(lab, "WG2", "Administrator", "credssp")) == (True, [])
    assert probe(lab, "WG2", "\\\\WG1\\D$", identity(lab, "WG2", "Administrator", "ntlm")) == (
        False, ["PermissionDenied"],
    )  # fmt: skip
