# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of installer files, and which file a machine gets."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.installers import (
    choose,
    file_name,
    listed,
    parse_name,
    pinned_version,
    placed_by_hand,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotFound


def named(version: str, os_id: str, date: str = "15Aug2023") -> str:
    kind = "exe" if os_id == "Windows" else "tar.gz"
    return f"Microsoft-ASR_UA_{version}_{os_id}_GA_{date}_release.{kind}"


OS_IDS = (
    "RHEL5-64 RHEL6-64 RHEL7-64 RHEL8-64 RHEL9-64 RHEL10-64 OL6-64 OL7-64 OL8-64 OL9-64 OL10-64 SLES11-SP3-64 "
    "SLES11-SP4-64 SLES12-64 SLES15-64 UBUNTU-14.04-64 UBUNTU-16.04-64 UBUNTU-18.04-64 UBUNTU-20.04-64 UBUNTU-22.04-64 "
    "UBUNTU-24.04-64 DEBIAN7-64 DEBIAN8-64 DEBIAN9-64 DEBIAN10-64 DEBIAN11-64 DEBIAN12-64 Windows"
)


@pytest.mark.parametrize("os_id", OS_IDS.split())
def test_a_name_of_every_system_is_read(os_id: str) -> None:
    found = parse_name(named("9.55.6765.1", os_id))
    assert found is not None
    assert (found.os_id, found.version, found.date) == (os_id, (9, 55, 6765, 1), (2023, 8, 15))


def test_names_occur_in_several_spellings() -> None:
    found = parse_name("microsoft-asr_ua_9.48.0.0_Windows_ga_24feb2022_Release.EXE")
    assert found is not None
    assert (found.os_id, found.version, found.date) == ("Windows", (9, 48, 0, 0), (2022, 2, 24))
    assert found.as_plain()["date"] == "2022-02-24"


@pytest.mark.parametrize(
    "name",
    [
        "Microsoft-ASR_UA_9.55.6765.1_Windows_GA_15Aug2023_release.tar.gz",
        "Microsoft-ASR_UA_9.55.6765.1_RHEL7-64_GA_15Aug2023_release.exe",
        "Microsoft-ASR_UA_9.55.6765.1_RHEL7-64_GA_15Xyz2023_release.tar.gz",
        "Microsoft-ASR_UA_x_RHEL7-64_GA_15Aug2023_release.tar.gz",
        "Microsoft-ASR_UA_9.55.6765.1_RHEL7-64_GA_15Aug2023_release.tar.gz.part",
        "MicrosoftAzureSiteRecoveryUnifiedSetup.exe",
        "",
    ],
)
def test_other_names_are_none(name: str) -> None:
    assert parse_name(name) is None


@pytest.mark.parametrize(
    "path",
    ["C:\\Repo\\a.exe", "\\\\fs\\asr\\a.exe", "/srv/asr/a.exe", "https://host/asr/a.exe?sig=x/y", "a.exe"],
)
def test_the_name_is_the_last_part_of_a_path_or_an_address(path: str) -> None:
    assert file_name(path) == "a.exe"


REPOSITORY = [
    named("9.9.1.1", "RHEL7-64"),
    named("9.55.6765.1", "RHEL7-64"),
    named("9.55.6765.1", "RHEL7-64", "16Aug2023"),
    named("9.37.1.1", "RHEL7-64"),
    named("9.35.1.1", "RHEL5-64"),
    named("9.35.1.1", "SLES11-SP3-64"),
    named("9.55.6765.1", "SLES11-SP4-64"),
    named("9.55.6765.1", "Windows"),
    "readme.txt",
]


def test_the_newest_is_by_number_and_then_by_date() -> None:
    assert choose(listed(REPOSITORY), "RHEL7-64").installer.name == named("9.55.6765.1", "RHEL7-64", "16Aug2023")


@pytest.mark.parametrize(("pin", "version"), [("9.37", (9, 37, 1, 1)), ("9.55.6765.1", (9, 55, 6765, 1))])
def test_a_version_can_be_pinned_whole_or_by_its_first_parts(pin: str, version: tuple[int, ...]) -> None:
    assert choose(listed(REPOSITORY), "RHEL7-64", pinned_version(pin)).installer.version == version


def test_a_pinned_version_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(NotFound, match=r"version 9\.3 for RHEL7-64; it has 9\.9\.1\.1, 9\.37\.1\.1") as caught:
        choose(listed(REPOSITORY), "RHEL7-64", (9, 3))
    assert "9.37.1.1" in caught.value.details["available"]


def test_a_system_without_installer_is_named_with_those_that_have_one() -> None:
    with pytest.raises(NotFound, match=r"no installer for UBUNTU-18\.04-64; it has RHEL5-64, RHEL7-64") as plain:
        choose(listed(REPOSITORY), "UBUNTU-18.04-64", where="/srv/asr")
    assert "asr_push_repository" not in plain.value.msg
    with pytest.raises(NotFound, match="asr_push_repository"):
        choose(listed(REPOSITORY), "DEBIAN7-64")
    with pytest.raises(NotFound, match="none at all"):
        choose((), "Windows")


def test_service_packs_of_sles_11_are_different_systems() -> None:
    assert choose(listed(REPOSITORY), "SLES11-SP3-64").installer.version == (9, 35, 1, 1)
    assert choose(listed(REPOSITORY), "SLES11-SP4-64").installer.version == (9, 55, 6765, 1)


def test_an_old_file_of_a_system_that_is_placed_by_hand_is_told() -> None:
    (warning,) = choose(listed(REPOSITORY), "RHEL5-64").warnings
    assert "RHEL5-64" in warning
    assert "9.36" in warning
    assert choose(listed(REPOSITORY), "RHEL7-64").warnings == ()
    assert choose(listed(REPOSITORY), "RHEL5-64", (9, 35)).warnings == ()


@pytest.mark.parametrize(
    ("version", "os_id", "expected"),
    [("9.36.1.1", "RHEL5-64", True), ("9.35.1.1", "RHEL5-64", False), ("9.42.1.1", "UBUNTU-14.04-64", True),
     ("9.41.1.1", "UBUNTU-14.04-64", False), ("9.52.1.1", "DEBIAN9-64", True), ("9.51.1.1", "DEBIAN9-64", False),
     ("9.37.1.1", "DEBIAN7-64", True), ("9.37.1.1", "SLES11-SP3-64", True), ("9.55.1.1", "DEBIAN8-64", True),
     ("9.55.1.1", "RHEL7-64", False), ("9.55.1.1", "Windows", False)],
)  # fmt: skip
def test_which_are_placed_by_hand_depends_on_the_version(version: str, os_id: str, expected: bool) -> None:
    found = parse_name(named(version, os_id))
    assert found is not None
    assert placed_by_hand(found) is expected


@pytest.mark.parametrize("text", ["nine", "9", "9.x", "9.55.1.1.1", "9.55-1"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="no version"):
        pinned_version(text)
    assert pinned_version(None) is None
