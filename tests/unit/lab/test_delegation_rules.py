# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may reach the second host: credentials, delegation, caches; and the directory's cmdlets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.hyperv.cmdlets_cim import GetCimInstance
from hyperv_lab.hyperv.delegation import require_credentials, require_rights
from hyperv_lab.hyperv.directory import Directory
from hyperv_lab.hyperv.directory_cmdlets import (
    GetADComputer,
    GetADDomain,
    GetADObject,
    GetADUser,
    SetADAccountControl,
    SetADObject,
)
from hyperv_lab.hyperv.migration_errors import MoveFailed
from hyperv_lab.powershell.commands import Terminating
from hyperv_lab.powershell.values import Credential, SecureString
from hyperv_lab.world import Identity
from unit.lab.migration_bench import fleet, identity, run

if TYPE_CHECKING:
    from hyperv_lab.hyperv.fleet import Fleet

DEVICE_GUARD = "root\\Microsoft\\Windows\\DeviceGuard"
SERVICE = "Microsoft Virtual System Migration Service"
KERBEROS = {"migration": {"enabled": True, "any_network": True, "authentication": "Kerberos"}}


def directory(**more: Any) -> dict[str, Any]:
    people = [
        {"name": "admin", "password": "Secret-1", "groups": ["Domain Admins"]},
        {"name": "operator", "password": "Secret-2", "groups": ["Account Operators"]},
        {"name": "guarded", "password": "Secret-3", "groups": ["Domain Admins", "Protected Users"]},
    ]
    return {"accounts": people, **more}


def kerberos(**more: Any) -> Fleet:
    return fleet(defaults={"edition": "2022", "cpu": "skylake", **KERBEROS}, directory=directory(**more))


def reach(lab: Fleet, who: Identity, peer: str = "HV2", *, storage: bool = True) -> str:
    try:
        require_credentials(lab.hosts["HV1"], lab.hosts["HV2"], who, peer, storage=storage)
    except MoveFailed as failed:
        return str(failed)
    return "reached"


def test_credssp_mode_needs_a_session_with_credentials() -> None:
    lab = fleet()
    assert reach(lab, identity(lab, lab.hosts["HV1"])) == "reached"
    assert reach(lab, identity(lab, lab.hosts["HV1"], method="ntlm")) == "0x8009030E"
    lab.hosts["HV2"].migration.authentication = "Kerberos"
    assert reach(lab, identity(lab, lab.hosts["HV1"])) == "0x8009030E"


def test_credential_guard_on_the_source_keeps_credssp_from_working() -> None:
    lab = fleet(defaults={"edition": "2025"})
    source, destination = lab.hosts["HV1"], lab.hosts["HV2"]
    assert shown_guard(source) == 1
    assert reach(lab, identity(lab, source)) == "0x8009030E"
    source.guard = False
    assert shown_guard(source) == 0
    assert destination.credential_guard
    assert reach(lab, identity(lab, source)) == "reached"
    source.guard = True
    source.migration.authentication = destination.migration.authentication = "Kerberos"
    assert reach(lab, identity(lab, source)) == "reached"


@pytest.mark.parametrize(
    ("host", "guarded"),
    [
        ({"edition": "2022"}, False),
        ({"edition": "2022", "credential_guard": True}, True),
        ({"edition": "2025", "domain_joined": False}, False),
        ({"edition": "2025", "credential_guard": False}, False),
        ({"edition": "2025"}, True),
    ],
)
def test_credential_guard_is_the_default_of_2025_in_a_domain(host: dict[str, Any], guarded: bool) -> None:
    assert fleet(hosts=[{"name": "HV1", **host}], vms=[]).hosts["HV1"].credential_guard == guarded


def test_there_is_no_class_about_credential_guard_on_2012r2() -> None:
    host = fleet(defaults={"edition": "2012R2"}).hosts["HV1"]
    (error,) = run(GetCimInstance, host, Namespace=DEVICE_GUARD, ClassName="Win32_DeviceGuard").errors
    assert error.error_id == "HRESULT 0x8004100e"


def shown_guard(host: Any) -> int:
    """Return the only service that Win32_DeviceGuard shows."""
    (found,) = run(GetCimInstance, host, Namespace=DEVICE_GUARD, ClassName="Win32_DeviceGuard").written
    (service,) = found.values["SecurityServicesRunning"]
    return int(service)


def test_an_account_in_protected_users_leaves_no_credentials_behind() -> None:
    lab = fleet(directory=directory())
    assert reach(lab, identity(lab, lab.hosts["HV1"], "guarded")) == "0x8009030E"


def test_a_local_account_never_reaches_the_other_host() -> None:
    for lab in (fleet(), kerberos(delegations=[{"hosts": ["HV1", "HV2"]}])):
        host = lab.hosts["HV1"]
        for method in ("basic", "ntlm", "credssp"):
            who = Identity(account=host.local[0], method=method, delegable=True, groups=("S-1-5-32-544",))
            assert reach(lab, who) == "0x8009030E"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "reached"),
        ({"protocol_transition": False}, "0x8009030E"),
        ({"cifs": False}, "0x8009030E"),
        ({"hosts": ["HV1"]}, "0x8009030E"),
    ],
)
def test_kerberos_mode_needs_entries_and_protocol_transition(change: dict[str, Any], expected: str) -> None:
    lab = kerberos(delegations=[{"hosts": ["HV1", "HV2"], **change}])
    assert reach(lab, identity(lab, lab.hosts["HV1"], method="ntlm")) == expected


def test_cifs_is_needed_for_files_only_and_the_typed_name_decides() -> None:
    lab = kerberos(delegations=[{"hosts": ["HV1", "HV2"], "cifs": False}])
    who = identity(lab, lab.hosts["HV1"], method="ntlm")
    assert reach(lab, who, storage=False) == "reached"
    computer = lab.directory.computer(lab.hosts["HV1"])
    computer.put("msDS-AllowedToDelegateTo", [f"{SERVICE}/HV2"])
    assert reach(lab, who, "hv2", storage=False) == "reached"
    assert reach(lab, who, "hv2.lab.test", storage=False) == "0x8009030E"
    assert reach(lab, who, "10.20.0.2", storage=False) == "0x8009030E"


def test_2012r2_needs_no_protocol_transition() -> None:
    lab = fleet(
        defaults={"edition": "2012R2", "cpu": "skylake", **KERBEROS},
        directory=directory(delegations=[{"hosts": ["HV1", "HV2"], "protocol_transition": False}]),
    )
    assert reach(lab, identity(lab, lab.hosts["HV1"], method="ntlm")) == "reached"


def test_protected_and_sensitive_accounts_are_not_delegated() -> None:
    lab = kerberos(delegations=[{"hosts": ["HV1", "HV2"]}])
    assert reach(lab, identity(lab, lab.hosts["HV1"], "guarded", "ntlm")) == "0x8009030E"


def grant(lab: Fleet) -> None:
    values = [f"{service}/{name}" for service in ("cifs", SERVICE) for name in ("HV2", "hv2.lab.test")]
    run(SetADObject, lab.hosts["HV1"], Identity=computer_of(lab), Add={"msDS-AllowedToDelegateTo": values})
    run(SetADAccountControl, lab.hosts["HV1"], Identity="HV1$", TrustedToAuthForDelegation=True)


def computer_of(lab: Fleet) -> Any:
    return run(GetADComputer, lab.hosts["HV1"], Identity="HV1").written[0]


@pytest.fixture
def as_domain_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls without an identity write: the host itself may not."""
    monkeypatch.setattr(Directory, "may_write", lambda *_: True)
    monkeypatch.setattr(Directory, "may_delegate", lambda *_: True)


def reached_after(lab: Fleet, who: Identity, forget: str, *, seconds: float) -> None:
    """Assert that the other host is out of reach until the caches forget, by a purge, a restart, or after a time."""
    assert reach(lab, who) == "0x8009030E"
    if forget == "purge":
        lab.directory.purge(lab.hosts["HV1"])
    elif forget == "wait":
        lab.clock.advance(seconds)
        assert reach(lab, who) == "0x8009030E"
        lab.clock.advance(2)
    else:
        lab.hosts["HV1"].reboot(10)
    assert reach(lab, who) == "reached"


@pytest.mark.usefixtures("as_domain_admin")
def test_what_was_missing_stays_missing_until_the_caches_forget() -> None:
    for forget in ("purge", "wait", "restart"):
        lab = kerberos()
        who = identity(lab, lab.hosts["HV1"], method="ntlm")
        assert reach(lab, who) == "0x8009030E"
        lab.clock.advance(100)
        grant(lab)
        reached_after(lab, who, forget, seconds=799)


@pytest.mark.usefixtures("as_domain_admin")
@pytest.mark.parametrize("forget", ["purge", "wait", "restart"])
def test_a_delegation_that_is_new_works_when_caches_have_run_out(forget: str) -> None:
    lab = kerberos()
    who = identity(lab, lab.hosts["HV1"], method="ntlm")
    grant(lab)
    reached_after(lab, who, forget, seconds=899)


@pytest.mark.usefixtures("as_domain_admin")
def test_what_is_there_stays_usable_when_something_is_added() -> None:
    lab = kerberos(delegations=[{"hosts": ["HV1", "HV2"]}])
    add = {"msDS-AllowedToDelegateTo": ["HTTP/intranet"]}
    run(SetADObject, lab.hosts["HV1"], Identity=computer_of(lab), Add=add)
    assert reach(lab, identity(lab, lab.hosts["HV1"], method="ntlm")) == "reached"


def test_a_name_that_is_not_registered_is_the_wrong_principal() -> None:
    lab = kerberos(delegations=[{"hosts": ["HV1", "HV2"]}])
    lab.directory.computer(lab.hosts["HV2"]).put("servicePrincipalName", None)
    assert reach(lab, identity(lab, lab.hosts["HV1"], method="ntlm")) == "0x80090322"


def test_rights_are_asked_for_at_the_destination() -> None:
    lab = fleet(directory=directory())
    who = identity(lab, lab.hosts["HV1"])
    require_rights(lab.hosts["HV2"], who)
    lab.hosts["HV2"].groups = {sid: [] for sid in lab.hosts["HV2"].groups}
    with pytest.raises(MoveFailed, match="0x80070005"):
        require_rights(lab.hosts["HV2"], who)


def credential(name: str = "LAB\\admin", password: str = "Secret-1") -> Credential:
    return Credential(name, SecureString(password))


def failing(command: Any, lab: Fleet, who: Any, **bound: Any) -> Any:
    with pytest.raises(Terminating) as stopped:
        run(command, lab.hosts["HV1"], who, **bound)
    return stopped.value.record


def test_the_directory_is_a_second_hop_from_a_member_server_but_not_from_a_controller() -> None:
    lab = kerberos()
    far = identity(lab, lab.hosts["HV1"], method="ntlm")
    assert failing(GetADComputer, lab, far, Identity="HV2").error_id == "ActiveDirectoryServer:1355"
    assert failing(GetADComputer, lab, far, Identity="HV2", Server="lab.test").error_id == "ActiveDirectoryServer:0"
    ways: tuple[tuple[Identity, dict[str, Any]], ...] = (
        (far, {"Credential": credential()}),
        (identity(lab, lab.hosts["HV1"]), {}),
    )
    for who, bound in ways:
        (found,) = run(GetADComputer, lab.hosts["HV1"], who, Identity="HV2", **bound).written
        assert found.values["DNSHostName"] == "hv2.lab.test"
    wrong = failing(GetADComputer, lab, far, Identity="HV2", Credential=credential(password="x"))
    assert wrong.category == "SecurityError"
    near = kerberos(domain_controllers=["HV1"])
    assert run(
        GetADComputer, near.hosts["HV1"], identity(near, near.hosts["HV1"], method="ntlm"), Identity="HV2"
    ).written


def test_unknown_objects_and_properties_have_the_ids_of_the_field() -> None:
    lab = kerberos()
    who = identity(lab, lab.hosts["HV1"])
    record = failing(GetADComputer, lab, who, Identity="nobody")
    assert record.error_id.endswith("ADIdentityNotFoundException")
    assert (record.category, record.target) == ("ObjectNotFound", "nobody")
    record = failing(GetADComputer, lab, who, Identity="HV1", Properties=["nonsense"])
    assert (record.error_id, record.category) == ("ActiveDirectoryCmdlet:System.ArgumentException", "InvalidArgument")
    assert failing(GetADObject, lab, who, Identity="HV1").category == "ObjectNotFound"


def test_filters_and_properties() -> None:
    lab = kerberos(delegations=[{"hosts": ["HV1", "HV2"]}])
    who = identity(lab, lab.hosts["HV1"])
    host = lab.hosts["HV1"]
    wanted = ["msDS-AllowedToDelegateTo", "TrustedToAuthForDelegation", "servicePrincipalName"]
    call = run(GetADComputer, host, who, Filter="Name -like 'hv*' -and -not (Name -eq 'HV2')", Properties=wanted)
    (found,) = call.written
    assert found.values["TrustedToAuthForDelegation"] is True
    assert f"{SERVICE}/hv2.lab.test" in found.values["msDS-AllowedToDelegateTo"]
    assert f"{SERVICE}/HV1" in found.values["servicePrincipalName"]
    ldap = f"(&(objectClass=computer)(servicePrincipalName={SERVICE}/HV2))"
    (found,) = run(GetADObject, host, who, LDAPFilter=ldap).written
    assert found.values["Name"] == "HV2"
    for text, count in (("(sAMAccountName=HV*)", 2), ("(sAMAccountName=HV\\2a)", 0), ("(|(cn=hv1)(!(cn=HV1)))", 2)):
        assert len(run(GetADComputer, host, who, LDAPFilter=text).written) == count
    assert failing(GetADComputer, lab, who, LDAPFilter="(cn=").category == "InvalidArgument"
    assert failing(GetADComputer, lab, who, Filter="Name -eq").category == "InvalidArgument"
    (user,) = run(GetADUser, host, who, Identity="operator").written
    assert user.values["UserPrincipalName"] == "operator@lab.test"
    assert run(GetADDomain, host, who).written[0].values["NetBIOSName"] == "LAB"


def test_writing_delegation_needs_the_right_and_the_privilege() -> None:
    lab = kerberos()
    host = lab.hosts["HV1"]
    change: dict[str, Any] = {
        "Identity": "CN=HV1,CN=Computers,DC=lab,DC=test",
        "Add": {"msDS-AllowedToDelegateTo": ["cifs/HV2"]},
    }
    operator = identity(lab, host, "admin")
    lab.directory_spec.groups[operator.account.sid] = ("Account Operators",)
    (seen,) = run(GetADComputer, host, operator, Identity="HV1", Properties=["allowedAttributesEffective"]).written
    assert "msDS-AllowedToDelegateTo" in seen.values["allowedAttributesEffective"]
    assert failing(SetADObject, lab, operator, **change).error_id == "ActiveDirectoryServer:8344"
    lab.directory_spec.groups[operator.account.sid] = ()
    (seen,) = run(GetADComputer, host, operator, Identity="HV1", Properties=["allowedAttributesEffective"]).written
    assert seen.values["allowedAttributesEffective"] == []
    lab.directory_spec.groups[operator.account.sid] = ("Domain Admins",)
    run(SetADObject, host, operator, **change)
    assert failing(SetADObject, lab, operator, **change).error_id == "ActiveDirectoryServer:8205"
    computer = lab.directory.computer(host)
    assert computer.get("msds-allowedtodelegateto") == ["cifs/HV2"]
    run(SetADObject, host, operator, Identity=change["Identity"], Remove={"msDS-AllowedToDelegateTo": "CIFS/hv2"})
    assert computer.get("msDS-AllowedToDelegateTo") == []
    missing = failing(SetADObject, lab, operator, Identity=change["Identity"], Remove={"msDS-AllowedToDelegateTo": "x"})
    assert missing.error_id == "ActiveDirectoryServer:8202"
    assert run(SetADObject, host, operator, WhatIf=True, **change).errors == []
    assert computer.get("msDS-AllowedToDelegateTo") == []
