# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer for a Windows machine: its registry, folders, shares, sums and signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.repository import pick
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import (
    InvalidRequest,
    NotFound,
    NotPossible,
    RemoteError,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.operation import Outcome
from unit.fake_programs import FakePrograms, MachineSessions, machine_request
from unit.fake_session import FakeSession, Refused

SUM = "ab" * 32
SPACED = " ".join(["ab"] * 32)
W2016: dict[str, Any] = {
    "CurrentVersion": "6.3",
    "CurrentMajorVersionNumber": 10,
    "CurrentMinorVersionNumber": 0,
    "CurrentBuildNumber": "14393",
    "ProductName": "Windows Server 2016 Standard",
    "InstallationType": "Server",
}
W2008R2 = {"CurrentVersion": "6.1", "CurrentBuildNumber": "7601", "ProductName": "Windows Server 2008 R2 Standard"}
SIGNED = {
    "Status": "Valid",
    "SignerCertificate": {"Subject": "CN=Microsoft Corporation, O=Microsoft Corporation, C=US"},
}


def name(version: str, os_id: str = "Windows") -> str:
    kind = "exe" if os_id == "Windows" else "tar.gz"
    return f"Microsoft-ASR_UA_{version}_{os_id}_GA_15Aug2023_release.{kind}"


class Machine:
    """A Windows machine with a folder of installers."""

    def __init__(self, windows: Mapping[str, Any] = W2016, *, pack: int = 0x100, architecture: str = "AMD64") -> None:
        self.windows, self.pack, self.architecture = windows, pack, architecture
        self.files = {f"C:\\asr\\{name('9.55.6765.1')}": 1000, f"C:\\asr\\{name('9.60.6956.1', 'RHEL7-64')}": 1000}
        self.share_open = False
        self.signature: dict[str, Any] = SIGNED
        self.digest = f"SHA256-Hash:\r\n{SUM}\r\nCertUtil: OK\r\n"
        self.session = FakeSession(
            {
                "Get-ItemProperty": self.values,
                "Get-ChildItem": self.listing,
                "Get-Item": self.item,
                "Get-AuthenticodeSignature": lambda _given, _piped: self.signature,
            },
            host="win01",
        )
        self.programs = FakePrograms().on("certutil", lambda _run: self.digest)

    def values(self, given: Mapping[str, Any], _piped: list[Any]) -> Any:
        path = str(given["LiteralPath"])
        if path.endswith("CurrentVersion"):
            return self.windows
        return {"CSDVersion": self.pack} if path.endswith("Windows") else {"PROCESSOR_ARCHITECTURE": self.architecture}

    def listing(self, given: Mapping[str, Any], _piped: list[Any]) -> Any:
        folder = str(given["LiteralPath"])
        found = [{"FullName": path} for path in self.files if path.startswith(folder + "\\")]
        if folder.startswith("\\\\") and not self.share_open:
            raise Refused("ItemExistsUnauthorizedAccessError,Microsoft.PowerShell.Commands.GetChildItemCommand", "non")
        if not found:
            raise Refused("PathNotFound,Microsoft.PowerShell.Commands.GetChildItemCommand", "introuvable")
        return found

    def item(self, given: Mapping[str, Any], _piped: list[Any]) -> Any:
        path = str(given["LiteralPath"])
        if path not in self.files:
            raise Refused("PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand", "introuvable")
        return {"Length": self.files[path]}

    def pick(self, *repository: str, **more: Any) -> Outcome:
        given = {"repository": list(repository), "repository_on": "machine", "verify_signature": True, **more}
        return pick.operate(machine_request(MachineSessions(windows=self.programs, session=self.session), **given))


def test_the_newest_of_a_folder_is_picked_and_its_signature_verified() -> None:
    machine = Machine()
    outcome = machine.pick("C:\\asr")
    assert outcome.values["installer"]["path"] == f"C:\\asr\\{name('9.55.6765.1')}"
    assert outcome.values["system"] == {"name": "Windows Server 2016 Standard", "os_id": "Windows"}
    assert outcome.values["verified"] == ["signature"]
    assert machine.programs.runs == []


@pytest.mark.parametrize("printed", [SUM, SPACED, SUM.upper()])
def test_the_sum_is_read_in_every_spelling_of_certutil(printed: str) -> None:
    machine = Machine()
    machine.digest = f"Hachage SHA256 du fichier :\r\n{printed}\r\nCertUtil: OK\r\n"
    outcome = machine.pick("C:\\asr", checksums={name("9.55.6765.1"): {"sha256": SUM, "size": 1000}})
    assert outcome.values["verified"] == ["size", "sha256", "signature"]
    machine.digest = machine.digest.replace("ab", "ac").replace("AB", "AC")
    with pytest.raises(NotPossible) as caught:
        machine.pick("C:\\asr", checksums={name("9.55.6765.1"): SUM})
    assert [each.id for each in caught.value.findings] == ["installer_checksum"]


@pytest.mark.parametrize(
    "signature",
    [
        {"Status": "NotSigned", "SignerCertificate": None},
        {"Status": "HashMismatch", "SignerCertificate": SIGNED["SignerCertificate"]},
        {"Status": "Valid", "SignerCertificate": {"Subject": "CN=Somebody Else"}},
    ],
)
def test_a_signature_that_is_not_the_vendors_is_refused(signature: dict[str, Any]) -> None:
    machine = Machine()
    machine.signature = signature
    with pytest.raises(RemoteError):
        machine.pick("C:\\asr")
    assert machine.pick("C:\\asr", verify_signature=False).values["verified"] == []


def test_windows_2008_r2_is_told_apart_and_its_signatures_are_not_tried() -> None:
    machine = Machine(W2008R2)
    assert machine.pick("C:\\asr").values["verified"] == []
    assert machine.session.sent("Get-AuthenticodeSignature") == []


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        (Machine(W2008R2, pack=0), "service pack 0"),
        (Machine(architecture="x86"), "architecture is x86"),
        (Machine({**W2016, "CurrentBuildNumber": "20348"}), "needs agent 9.46"),
    ],
)
def test_a_machine_that_gets_no_agent_is_told_with_its_error(machine: Machine, message: str) -> None:
    with pytest.raises(NotPossible, match=message) as caught:
        machine.pick(name("9.40.1.1"))
    assert [each.id for each in caught.value.findings] == ["95213"]


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match=r"no folder C:\\none"):
        Machine().pick("C:\\none")
    with pytest.raises(NotFound, match="no file"):
        Machine().pick(f"D:\\{name('9.55.6765.1')}")
    with pytest.raises(RemoteError, match="delegates credentials"):
        Machine().pick("\\\\fs\\asr")


def test_a_share_is_signed_in_to_while_it_is_looked_at_and_its_file_verified() -> None:
    """No sum: certutil runs in a logon of its own, which the share does not know."""
    machine, path = Machine(), f"\\\\fs\\asr\\{name('9.55.6765.1')}"
    machine.files, machine.share_open = {path: 1000}, False

    def sign_in(_given: Mapping[str, Any], _piped: list[Any]) -> Any:
        machine.share_open = True
        return {}

    def leave(_given: Mapping[str, Any], _piped: list[Any]) -> Any:
        machine.share_open = False

    machine.session.machine.on("New-PSDrive", sign_in).on("Remove-PSDrive", leave).on("Out-Null", lambda g, p: None)
    account = {"source_username": "LAB\\reader", "source_password": "Lab-Reader-1!"}
    sums = {name("9.55.6765.1"): {"sha256": SUM, "size": 1000}}
    outcome = machine.pick("\\\\fs\\asr", checksums=sums, **account)
    assert (outcome.values["installer"]["path"], outcome.values["verified"]) == (path, ["size", "signature"])
    assert outcome.values["installer"]["sha256"] == SUM, "handed on"
    assert machine.programs.runs == []
    assert machine.share_open is False
    assert {drive["Root"] for drive in machine.session.sent("New-PSDrive")} == {"\\\\fs\\asr"}
    local = Machine()
    assert local.pick("C:\\asr", **account).values["verified"] == ["signature"]
    assert local.session.sent("New-PSDrive") == []
    with pytest.raises(InvalidRequest, match="sign in to no share"):
        Machine(W2008R2).pick("\\\\fs\\asr", **account)
    with pytest.raises(InvalidRequest, match="belong together"):
        Machine().pick("C:\\asr", source_username="LAB\\reader")


def test_an_address_or_a_name_is_taken_at_its_word() -> None:
    machine = Machine()
    for given in (f"https://host/asr/{name('9.55.6765.1')}", name("9.55.6765.1")):
        outcome = machine.pick(given)
        assert (outcome.values["installer"]["path"], outcome.values["verified"]) == (given, [])
    assert machine.session.sent("Get-Item") == []
