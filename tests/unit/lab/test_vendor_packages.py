# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in packages of the Mobility service and the command lines of its programs."""

from __future__ import annotations

import pytest
from hyperv_lab.guests.windows import package
from hyperv_lab.guests.windows.package import Package
from hyperv_lab.guests.windows.vendor import Ends, Exit
from hyperv_lab.guests.windows.vendor_options import CONFIGURATOR, SETUP, parse

INSTALL = ["/Role", "MS", "/InstallLocation", "C:\\Program Files (x86)\\X", "/Platform", "vmware", "/Silent"]
NEW, OLD = (9, 55, 6765, 1), (9, 37)


def test_a_package_says_what_it_stands_for_and_its_name_has_the_vendors_form() -> None:
    made = Package(version="9.66.7567.1")
    assert made.file_name == "Microsoft-ASR_UA_9.66.7567.1_Windows_GA_20Sep2025_release.exe"
    assert package.read(made.content()) == made
    assert package.named(made.file_name.replace("release", "Release")) == made
    assert package.named("setup.exe") is None


@pytest.mark.parametrize(
    ("signature", "status"), [("valid", "Valid"), ("untrusted", "NotTrusted"), ("none", "NotSigned")]
)
def test_signatures(signature: str, status: str) -> None:
    content = Package(version="9.55.6765.1", signature=signature).content()
    assert package.signature_status(content) == status
    assert (package.signer(content) is None) == (signature == "none")
    assert (package.signer(content) == package.SIGNER) == (signature == "valid")


@pytest.mark.parametrize("position", [60, 100, -1])
def test_a_changed_byte_breaks_the_seal(position: int) -> None:
    content = bytearray(Package(version="9.55.6765.1").content())
    content[position] ^= 1
    assert package.read(bytes(content)) is None
    assert package.signature_status(bytes(content)) == "HashMismatch"


def test_a_cut_package_is_damaged_and_another_file_is_not_signed() -> None:
    content = Package(version="9.55.6765.1").content()
    assert package.signature_status(content[:-20]) == "HashMismatch"
    assert package.signature_status(b"MZ") == "NotSigned"


def test_options_are_taken_without_case_and_known_values_get_their_spelling() -> None:
    options = parse([*INSTALL, "/cstype", "cslegacy"], SETUP, NEW)
    assert options.get("Platform") == "VmWare"
    assert options.get("CSType") == "CSLegacy"
    assert options.get("InstallLocation") == "C:\\Program Files (x86)\\X"
    assert options.has("silent")
    assert not options.has("SkipPrereqChecks")


@pytest.mark.parametrize(
    "arguments",
    [
        ["/Role", "Agent"],
        ["/Role"],
        ["/Role", "/Silent"],
        ["/Role", "MS", "/Role", "MS"],
        ["/Colour", "red"],
        ["/InstallLocation", "C:\\Program", "Files"],
    ],
)
def test_wrong_command_lines_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(Ends) as ended:
        parse(arguments, SETUP, NEW)
    assert ended.value.code == Exit.INVALID_COMMAND_LINE


def test_old_versions_refuse_what_came_later() -> None:
    assert parse(["/CSEndPoint", "10.0.0.1"], CONFIGURATOR, OLD).get("csendpoint") == "10.0.0.1"
    for grammar in (SETUP, CONFIGURATOR):
        assert parse(["/CSType", "CSPrime"], grammar, NEW).get("CSType") == "CSPrime"
        with pytest.raises(Ends):
            parse(["/CSType", "CSPrime"], grammar, OLD)
