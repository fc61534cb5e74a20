# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab doesn't import, and what such a try leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hyperv_lab.hyperv.cmdlets_vm import remove
from hyperv_lab.hyperv.storage import GB
from unit.lab.cmdlet_runner import Session, run
from unit.lab.migration_bench import fleet

if TYPE_CHECKING:
    from pathlib import Path


from unit.lab.import_bench import WEB, carried, import_vm, one, ticking


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("D:\\In\\web\\Virtual Machines", ("InvalidParameter", "InvalidArgument")),
        ("D:\\In\\web", ("InvalidParameter", "InvalidArgument")),
        ("D:\\In\\web\\Virtual Hard Disks\\web.vhdx", ("InvalidParameter", "InvalidArgument")),
        ("D:\\In\\web\\Virtual Machines\\none.vmcx", ("ObjectNotFound", "ObjectNotFound")),
        ("X:\\none.vmcx", ("ObjectNotFound", "ObjectNotFound")),
        ("\\\\HV9\\x\\none.vmcx", ("OperationFailed", "NotSpecified")),
    ],
)
def test_the_path_has_to_be_the_file(tmp_path: Path, path: str, error: tuple[str, str]) -> None:
    lab = one()
    carried(lab, tmp_path)
    assert import_vm(lab, Path=path).error() == error
    assert run(lab.hosts["HV2"], "Compare-VM", Path=path).error() == error
    assert not lab.hosts["HV2"].planned


def test_a_damaged_configuration_is_not_imported(tmp_path: Path) -> None:
    lab = one()
    path = carried(lab, tmp_path)
    lab.hosts["HV2"].storage.file(path).damage()  # type: ignore[union-attr]
    assert import_vm(lab, Path=path).error() == ("Unspecified", "NotSpecified")


@pytest.mark.parametrize(
    ("from_edition", "version", "to", "error"),
    [
        ("2012R2", "5.0", "2019", None),
        ("2012R2", "5.0", "2022", ("Unspecified", "NotSpecified")),
        ("2022", "10.0", "2019", ("Unspecified", "NotSpecified")),
        ("2019", "8.0", "2025", None),
        ("2016", "8.0", "2012R2", ("InvalidParameter", "InvalidArgument")),
    ],
)
def test_versions(tmp_path: Path, from_edition: str, version: str, to: str, error: tuple[str, str] | None) -> None:
    hosts = [{"name": "HV1", "edition": from_edition}, {"name": "HV2", "edition": to}]
    lab = fleet(hosts, [{**WEB, "version": version, "checkpoints": []}])
    found = import_vm(lab, Path=carried(lab, tmp_path))
    if error:
        assert found.error() == error
        assert ("32784" in found.errors[0].message) == (error[0] == "Unspecified")
        assert not lab.hosts["HV2"].planned
    else:
        assert str(found.one().version) == version


def test_on_2012_r2_the_refusal_names_the_class_alone(tmp_path: Path) -> None:
    hosts: list[dict[str, Any]] = [
        {"name": "HV1", "edition": "2012R2"}, {"name": "HV2", "edition": "2012R2", "switches": []},
    ]  # fmt: skip
    lab = fleet(hosts, [{**WEB, "checkpoints": []}])
    (refused,) = import_vm(lab, Path=carried(lab, tmp_path)).errors
    assert refused.error_id == "Microsoft.HyperV.PowerShell.Commands.ImportVMCommand"
    assert (refused.class_name, refused.category) == ("", "NotSpecified")
    assert refused.exception[0].endswith("VirtualizationOperationFailedException")


def test_an_import_that_fails_or_is_stopped_tidies_up(tmp_path: Path) -> None:
    lab = one()
    path = carried(lab, tmp_path)
    there = lab.hosts["HV2"]
    before = set(there.storage.volumes["D:"].files)
    with lab.lock:
        there.storage.volumes["C:"].other = there.storage.volumes["C:"].size - GB
    assert run(there, "Compare-VM", Path=path, Copy=True, VhdDestinationPath="C:\\W").output
    remove(next(iter(there.planned.values())))
    copy = {"Path": path, "Copy": True, "VhdDestinationPath": "D:\\W"}
    job = run(there, "Import-VM", session=Session(there), AsJob=True, **copy).one()
    with ticking(lab):
        lab.clock.wait(lambda: job.running.job.percent > 10, seconds=600)
        assert job.running.job.request_cancel()
        lab.clock.wait(lambda: job.running.job.done, seconds=600)
    assert lab.imports[-1]["outcome"] == "cancelled"
    assert set(there.storage.volumes["D:"].files) == before
    assert not there.planned
    assert not there.vms
