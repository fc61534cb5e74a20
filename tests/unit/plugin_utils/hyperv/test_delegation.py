# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Constrained delegation: what is ours, what is not, and who may write it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotFound, NotPossible
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import delegation
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.delegation_plan import parse, plan
from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.gateway_directory import Computer, ldap_filter
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import Credential
from hypothesis import given
from hypothesis import strategies as st
from unit.fake_session import FakeSession, Refused, request

SERVICE = "Microsoft Virtual System Migration Service"
RIGHTS = ["msDS-AllowedToDelegateTo", "userAccountControl"]
FOREIGN = "http/intranet.contoso.com"


class FakeDirectory:
    """Computer accounts that are found by name and changed like the ActiveDirectory module does."""

    def __init__(self, *names: str) -> None:
        self.accounts = {name: self.account(name) for name in names}
        self.session = FakeSession(
            {
                "Get-ADComputer": self._get,
                "Set-ADObject": self._set,
                "Set-ADAccountControl": self._control,
            },
            host="dc1",
        )

    @staticmethod
    def account(name: str) -> dict[str, Any]:
        return {
            "DistinguishedName": f"CN={name},OU=Hosts,DC=contoso,DC=com",
            "SamAccountName": f"{name}$",
            "DNSHostName": f"{name.lower()}.contoso.com",
            "msDS-AllowedToDelegateTo": [],
            "userAccountControl": 0x1000,
            "allowedAttributesEffective": list(RIGHTS),
        }

    def _get(self, parameters: Any, piped: Any) -> list[Any]:
        wanted = parameters["LDAPFilter"].lower()
        return [
            one
            for one in self.accounts.values()
            if f"({one['SamAccountName'].lower()})" in wanted.replace("samaccountname=", "")
        ]

    def _one(self, parameters: Any) -> dict[str, Any]:
        for account in self.accounts.values():
            if account["DistinguishedName"] == parameters["Identity"]:
                return account
        raise Refused("ActiveDirectoryCmdlet:ADIdentityNotFoundException", terminating=True)

    def _set(self, parameters: Any, piped: Any) -> None:
        values = self._one(parameters)["msDS-AllowedToDelegateTo"]
        for entry in parameters.get("Add", {}).get("msDS-AllowedToDelegateTo", []):
            values.append(entry)
        for entry in parameters.get("Remove", {}).get("msDS-AllowedToDelegateTo", []):
            values.remove(entry)

    def _control(self, parameters: Any, piped: Any) -> None:
        account, bit = self._one(parameters), 0x1000000
        on = parameters["TrustedToAuthForDelegation"]
        account["userAccountControl"] = (
            account["userAccountControl"] | bit if on else account["userAccountControl"] & ~bit
        )

    def entries(self, name: str) -> list[str]:
        found: list[str] = self.accounts[name]["msDS-AllowedToDelegateTo"]
        return found

    def transition(self, name: str) -> bool:
        return bool(self.accounts[name]["userAccountControl"] & 0x1000000)


def run(directory: FakeDirectory, *, check_mode: bool = False, **arguments: Any) -> Outcome:
    return delegation.operate(request(directory.session, check_mode=check_mode, **arguments))


def test_both_directions_short_and_full_names_and_protocol_transition() -> None:
    directory = FakeDirectory("HV01", "HV02")
    outcome = run(directory, hosts=["HV01", "hv02.contoso.com"])
    assert outcome.changed
    assert directory.entries("HV01") == [
        "cifs/HV02",
        "cifs/hv02.contoso.com",
        f"{SERVICE}/HV02",
        f"{SERVICE}/hv02.contoso.com",
    ]
    assert [entry.split("/")[1] for entry in directory.entries("HV02")] == ["HV01", "hv01.contoso.com"] * 2
    assert directory.transition("HV01")
    assert directory.transition("HV02")
    assert outcome.values["effective_after_seconds"] == 900
    assert "klist purge" in outcome.warnings[0]
    again = run(directory, hosts=["HV01", "HV02"])
    assert not again.changed
    assert again.values["effective_after_seconds"] == 0
    assert not again.warnings


def test_all_hosts_are_read_in_one_invocation_and_written_in_one() -> None:
    directory = FakeDirectory(*(f"HV{number:02}" for number in range(8)))
    run(directory, hosts=list(directory.accounts))
    assert len(directory.session.invocations) == 2


def test_pairs_are_one_way_and_without_smb_there_is_no_cifs() -> None:
    directory = FakeDirectory("HV01", "HV02")
    run(directory, pairs=[{"source": "HV01", "destination": "HV02"}], include_smb=False)
    assert directory.entries("HV01") == [f"{SERVICE}/HV02", f"{SERVICE}/hv02.contoso.com"]
    assert directory.entries("HV02") == []


def test_what_is_not_ours_is_never_touched() -> None:
    directory = FakeDirectory("HV01", "HV02", "HV03")
    directory.entries("HV01").extend([FOREIGN, "cifs/hv03.contoso.com", "CIFS/hv02"])
    run(directory, hosts=["HV01", "HV02"])
    assert directory.entries("HV01").count(FOREIGN) == 1
    assert "cifs/HV02" not in directory.entries("HV01"), "an entry in another case is the same entry"
    run(directory, hosts=["HV01", "HV02"], state="absent")
    assert directory.entries("HV01") == [FOREIGN, "cifs/hv03.contoso.com"]
    assert directory.transition("HV01"), "other entries may need it"
    assert directory.entries("HV02") == []
    assert not directory.transition("HV02")
    assert not run(directory, hosts=["HV01", "HV02"], state="absent").changed


def test_one_account_under_several_names_is_one() -> None:
    directory = FakeDirectory("HV01", "HV02", "HV03")
    names = [("HV01", "HV02"), ("hv01", "HV03"), ("hv01.contoso.com", "HV02")]
    pairs = [{"source": source, "destination": destination} for source, destination in names]
    run(directory, pairs=pairs)
    assert len(directory.entries("HV01")) == 8
    run(directory, pairs=pairs, state="absent")
    assert directory.entries("HV01") == []
    assert not directory.transition("HV01")
    assert not run(directory, pairs=pairs, state="absent").changed


def test_check_mode_foretells_the_real_run() -> None:
    checked, real = FakeDirectory("HV01", "HV02"), FakeDirectory("HV01", "HV02")
    foreseen, done = run(checked, check_mode=True, hosts=["HV01", "HV02"]), run(real, hosts=["HV01", "HV02"])
    assert (foreseen.changed, foreseen.diff, foreseen.values) == (done.changed, done.diff, done.values)
    assert not checked.entries("HV01")


@pytest.mark.parametrize("missing", RIGHTS)
def test_the_right_to_write_is_checked_on_every_account_before_anything_is_written(missing: str) -> None:
    directory = FakeDirectory("HV01", "HV02")
    directory.accounts["HV02"]["allowedAttributesEffective"].remove(missing)
    with pytest.raises(NotPossible) as caught:
        run(directory, hosts=["HV01", "HV02"])
    (finding,) = caught.value.findings
    assert (finding.id, finding.subject) == ("delegation_right_missing", "HV02")
    assert missing in finding.evidence
    assert not directory.session.sent("Set-ADObject")


def test_without_a_change_no_right_is_needed() -> None:
    directory = FakeDirectory("HV01", "HV02")
    run(directory, hosts=["HV01", "HV02"])
    for account in directory.accounts.values():
        account["allowedAttributesEffective"] = []
    assert not run(directory, hosts=["HV01", "HV02"]).changed


def test_credentials_travel_as_such() -> None:
    directory = FakeDirectory("HV01", "HV02")
    run(directory, hosts=["HV01", "HV02"], domain_username="C\\a", domain_password="s3cret", domain_server="dc1")
    for name in ("Get-ADComputer", "Set-ADObject", "Set-ADAccountControl"):
        for sent in directory.session.sent(name):
            assert isinstance(sent["Credential"], Credential)
            assert sent["Server"] == "dc1"
            assert "s3cret" not in repr(sent)


def test_unknown_computers_are_all_named() -> None:
    with pytest.raises(NotFound, match="HV08, HV09"):
        run(FakeDirectory("HV01"), hosts=["HV01", "HV08", "HV09"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"hosts": ["HV01"]},
        {"hosts": []},
        {"hosts": ["HV01", "hv01"]},
        {"hosts": ["HV01", " "]},
        {"hosts": ["HV01", "HV02"], "pairs": [{"source": "a", "destination": "b"}]},
        {"pairs": [{"source": "HV01", "destination": "hv01"}]},
        {"hosts": ["HV01", "HV02"], "domain_username": "a"},
    ],
)
def test_impossible_requests_send_nothing(arguments: dict[str, Any]) -> None:
    directory = FakeDirectory("HV01")
    with pytest.raises(InvalidRequest):
        run(directory, **arguments)
    assert not directory.session.invocations


def test_names_cannot_change_the_filter() -> None:
    assert ldap_filter(["a*)(objectClass=*"]) == "(|(sAMAccountName=a\\2a\\29\\28objectClass=\\2a$))"


@given(
    entries=st.lists(
        st.sampled_from(["cifs/HV02", "cifs/hv02.c", f"{SERVICE}/HV02", f"{SERVICE}/hv02.c", FOREIGN]), unique=True
    ),
    transition=st.booleans(),
    state=st.sampled_from(["present", "absent"]),
    smb=st.booleans(),
)
def test_the_second_plan_is_empty_and_foreign_entries_stay(
    entries: list[str], transition: bool, state: str, smb: bool
) -> None:
    rights = frozenset(name.lower() for name in RIGHTS)

    def computers(have: list[str], on: bool) -> dict[str, Computer]:
        one = Computer(distinguished_name="1", name="HV01", dns_host_name="hv01.c", delegates_to=tuple(have),
                       protocol_transition=on, writable=rights)  # fmt: skip
        return {"a": one, "b": Computer(distinguished_name="2", name="HV02", dns_host_name="hv02.c", writable=rights)}

    wanted = parse({"pairs": [{"source": "a", "destination": "b"}], "state": state, "include_smb": smb})
    first = plan(computers(entries, transition), wanted)
    after = first.accounts[0].view(after=True)
    assert (FOREIGN in after["delegates_to"]) == (FOREIGN in entries)
    assert not plan(computers(after["delegates_to"], after["protocol_transition"]), wanted).changed
