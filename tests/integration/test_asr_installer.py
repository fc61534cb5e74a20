# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asr_installer on machines of the lab: the right file for each system, verified there or on the controller."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hyperv_lab.guests.windows.package import Package
from integration import packages
from integration.harness import Lab, serve
from integration.scenario import changes, task

LINUX = {
    "rhel-5.11": "RHEL5-64",
    "centos-6.10": "RHEL6-64",
    "oracle-7.9": "OL7-64",
    "sles-11.3": "SLES11-SP3-64",
    "sles-11.4": "SLES11-SP4-64",
    "ubuntu-18.04": "UBUNTU-18.04-64",
    "debian-7": "DEBIAN7-64",
}
REPOSITORY = "C:\\ProgramData\\ASR\\home\\svsystems\\pushinstallsvc\\repository"
WINDOWS = [
    {"name": "W2008", "os": "2008R2SP1", "language": "fr"},
    {"name": "W2022", "os": "2022", "language": "fr", "winrm": {"connection": "winrm", "auth": "ntlm"}},
    {"name": "CS01", "os": "2016", "role": "configuration_server"},
]


def name(os_id: str, version: str = "9.55.6765.1") -> str:
    kind = "exe" if os_id == "Windows" else "tar.gz"
    return f"Microsoft-ASR_UA_{version}_{os_id}_GA_15Aug2023_release.{kind}"


ALL = [name(each) for each in (*LINUX.values(), "RHEL7-64", "Windows")] + [name("Windows", "9.45.6096.1")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from serve({"windows_machines": WINDOWS}, tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def linux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin") is None:
        pytest.skip("the lab's Linux machines need OpenSSH's sshd")
    machines = [{"name": each.replace(".", "-"), "os": each} for each in LINUX]
    yield from serve({"linux_machines": machines}, tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def place(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Package], str]]:
    """A function that brings an installer for Windows to the server CS01, by its push repository."""
    folder = tmp_path_factory.mktemp("web")
    with packages.served(folder, "127.67.9.201") as web:

        def bring(package: Package) -> str:
            (folder / package.file_name).write_bytes(package.content())
            file = {
                "source": f"{web}/{package.file_name}",
                "sha256": hashlib.sha256(package.content()).hexdigest(),
            }
            run = lab.tasks("cs01", task("bring", "asr_push_repository", files=[file], all_systems=True))
            assert run.one("bring", "cs01")["placed"] == [package.file_name], run.output
            return file["sha256"]

        yield bring


def picked(lab: Lab, host: str, **arguments: Any) -> dict[str, Any]:
    return lab.tasks(host, task("pick", "asr_installer", **arguments)).one("pick", host)


def test_each_windows_gets_the_newest_it_can_have_and_nothing_is_changed(lab: Lab) -> None:
    before = len(lab.journal())
    for host in ("w2008", "w2022"):
        found = picked(lab, host, repository=ALL)
        assert found["installer"]["name"] == name("Windows")
        assert (found["changed"], found["system"]["os_id"], found["verified"]) == (False, "Windows", [])
    pinned = picked(lab, "w2008", repository=ALL, version="9.45")
    assert pinned["installer"]["version"] == "9.45.6096.1"
    too_old = picked(lab, "w2022", repository=ALL, version="9.45")
    assert [each["id"] for each in too_old["findings"]] == ["95213"]
    assert "9.46" in too_old["msg"]
    missing = picked(lab, "w2022", repository=ALL, version="9.44")
    assert missing["error"]["kind"] == "not_found"
    assert "9.44" in missing["msg"]
    assert changes(lab, before) == []


def test_a_folder_of_the_machine_is_listed_and_its_file_verified(lab: Lab, place: Callable[[Package], str]) -> None:
    sha256 = place(Package(version="9.55.6765.1"))
    package = Package(version="9.55.6765.1").file_name
    found = picked(lab, "cs01", repository=[REPOSITORY], checksums={package: sha256})
    assert found["installer"]["path"] == f"{REPOSITORY}\\{package}"
    assert found["verified"] == ["sha256", "signature"]
    wrong = picked(lab, "cs01", repository=[REPOSITORY], checksums={package: "0" * 64})
    assert [each["id"] for each in wrong["findings"]] == ["installer_checksum"]
    gone = picked(lab, "cs01", repository=["C:\\none"])
    assert gone["error"]["kind"] == "not_found"


def test_a_file_of_the_controller_with_a_file_of_sums(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / name("Windows")).write_bytes(b"package")
    sums = tmp_path / "sums.sha256"
    sums.write_text(f"{hashlib.sha256(b'package').hexdigest()}  {name('Windows')}\n", encoding="utf-8")
    found = picked(lab, "w2022", repository=[str(tmp_path)], repository_on="controller", checksums_file=str(sums))
    assert found["verified"] == ["sha256"]
    (tmp_path / name("Windows")).write_bytes(b"damaged")
    wrong = picked(lab, "w2022", repository=[str(tmp_path)], repository_on="controller", checksums_file=str(sums))
    assert [each["id"] for each in wrong["findings"]] == ["installer_checksum"]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("system", "os_id"), LINUX.items())
def test_each_linux_gets_the_file_of_its_system(linux: Lab, system: str, os_id: str) -> None:
    host = system.replace(".", "-")
    found = picked(linux, host, repository=ALL)
    assert found["installer"]["name"] == name(os_id), found
    others = [each for each in ALL if os_id not in each]
    missing = picked(linux, host, repository=others)
    assert missing["error"]["kind"] == "not_found"
    assert os_id in missing["msg"]
    by_hand = os_id in ("RHEL5-64", "SLES11-SP3-64", "SLES11-SP4-64", "DEBIAN7-64")
    assert ("asr_push_repository" in missing["msg"]) is by_hand


@pytest.mark.exhaustive
@pytest.mark.parametrize("system", ["rhel-5.11", "ubuntu-18.04"])
def test_a_file_on_a_linux_machine_is_verified_by_what_the_machine_has(linux: Lab, system: str) -> None:
    """RHEL 5 of the lab has no sha256sum: openssl makes the sum."""
    host, package = system.replace(".", "-"), name(LINUX[system])
    linux.tasks(host, {"name": "put", "raw": f"mkdir -p /srv/asr && printf package > /srv/asr/{package}"})
    sha256 = hashlib.sha256(b"package").hexdigest()
    found = picked(linux, host, repository=["/srv/asr"], checksums={package: {"sha256": sha256, "size": 7}})
    assert found["verified"] == ["size", "sha256"], found
    assert found["installer"]["path"] == f"/srv/asr/{package}"
    wrong = picked(linux, host, repository=["/srv/asr"], checksums={package: "0" * 64})
    assert [each["id"] for each in wrong["findings"]] == ["installer_checksum"]
    assert picked(linux, host, repository=["/srv/none"])["error"]["kind"] == "not_found"
