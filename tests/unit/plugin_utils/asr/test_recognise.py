# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an attempt ended, by exit code, errors JSON, HRESULT and log lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr import catalogue, exit_codes, recognise
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.recognise import Recognised
from ansible_collections.hyperv.mobility.plugins.plugin_utils.findings import Severity

SETUP = r"C:\Temp\Extracted\UnifiedAgent.exe"
NEW, OLD = (9, 55, 6765, 1), (9, 22, 5109, 1)
PREFIX = "ASRMobilityService"


def errors(*names: str, **parameters: Any) -> str:
    return json.dumps(
        {"Errors": [{"error_name": name, "error_params": parameters, "default_message": "x"} for name in names]}
    )


def setup(code: int, **kwargs: Any) -> Recognised:
    return recognise.recognise("windows", SETUP, code, **{"agent_version": NEW, **kwargs})


def ids(found: Recognised) -> list[str]:
    return [each.id for each in found.findings]


def test_success_is_ok_whatever_older_lines_its_log_holds() -> None:
    found = setup(0, log_tail="older run: InMageVSSProvider 0x8004E00F\npost request: (7) - Couldn't connect to server")
    assert (found.outcome, found.restart, found.findings) == ("ok", None, ())
    assert found.summary == "UnifiedAgent.exe ended with exit code 0 (Successful)"


FAILING = [1, 2, 3, 10, 11, 13, 14, 15, 16, 17, 18, 19, 41, 42, 43, 44, 47, 48, 56, 57, 62, 64, 65, 75, 76, 77, 78, 79,
           90, 97, 99, 100, 101, 102, 103, 118, 119, 120, 128, 129, 130, 131, 132, 149]  # fmt: skip


@pytest.mark.parametrize("code", FAILING)
def test_every_failing_code_of_setup_fails_by_name_and_says_what_to_do(code: int) -> None:
    found = setup(code)
    assert found.outcome == "failed"
    assert found.reason != "unknown"
    assert f"exit code {code} ({found.reason})" in found.summary
    assert found.remedy
    assert all(each.severity is Severity.BLOCKING for each in found.findings)


def test_the_configurator_and_the_older_installer_share_the_codes() -> None:
    for program in ("UnifiedAgentConfigurator.exe", "UnifiedAgentInstaller.exe", "unifiedagent.EXE"):
        assert recognise.recognise("windows", program, 13).reason == "AgentPointingToDifferentCS"


@pytest.mark.parametrize("code", [5, 46, 150, 1602, 1603, -1073741515])
def test_a_code_that_nothing_explains_is_a_failure_that_carries_it(code: int) -> None:
    found = setup(code)
    assert (found.outcome, found.reason, found.exit_code) == ("failed", "unknown", code)
    assert f"exit code {code}, which is no known code" in found.summary


@pytest.mark.parametrize(
    ("code", "error_id"),
    [(42, "95213"), (62, "95224"), (64, "drivers-missing"), (90, "95572"), (3010, "95265"), (1641, "95266")],
)
def test_a_code_that_is_a_known_error_names_it(code: int, error_id: str) -> None:
    assert ids(setup(code)) == [error_id]


def test_a_restart_is_advised_or_required_by_code_and_by_name() -> None:
    advised, required = f"{PREFIX}InstallerSuccessfulRecommendedReboot", f"{PREFIX}InstallerSuccessfulMandatoryReboot"
    assert (setup(3010).outcome, setup(3010).restart) == ("warning", "advised")
    assert (setup(1641).outcome, setup(1641).restart) == ("warning", "required")
    assert (setup(98, errors_json=errors(advised)).outcome, setup(98, errors_json=errors(advised)).restart) == (
        "warning",
        "advised",
    )
    both = setup(98, errors_json=errors(advised, required))
    assert (both.restart, ids(both)) == ("required", ["95265", "95266"])
    driver = setup(97, errors_json=errors(required))
    assert (driver.outcome, driver.restart) == ("failed", "required")


def test_a_failed_provider_is_a_warning_from_9_23_and_fatal_before() -> None:
    for code in (45, 50, 51, 52, 53, 54, 55, 63):
        assert setup(code).outcome == "warning"
        assert setup(code, agent_version=(9, 23)).outcome == "warning"
        assert setup(code, agent_version=None).outcome == "warning"
        assert setup(code, agent_version=OLD).outcome == "failed"
    name = errors(f"{PREFIX}InstallerVSSProviderRegistrationFailed", ErrorCode="512")
    assert (setup(98, errors_json=name).outcome, ids(setup(98, errors_json=name))) == ("warning", ["vss:0x8007041F"])
    old = setup(98, errors_json=name, agent_version=OLD)
    assert (old.outcome, old.findings[0].severity) == ("failed", Severity.BLOCKING)


@pytest.mark.parametrize(
    ("code", "error_id"),
    [(45, "vss:other"), (50, "vss:exit-514"), (51, "vss:exit-515"), (52, "vss:exit-516"), (53, "vss:exit-517"),
     (54, "vss:exit-806"), (55, "vss:exit-9009"), (63, "151025")],
)  # fmt: skip
def test_setup_says_what_the_provider_met(code: int, error_id: str) -> None:
    assert ids(setup(code)) == [error_id]


@pytest.mark.parametrize(
    ("line", "error_id"),
    [
        ("RegSvr failed, error -2147023170 [0x800706BE]", "vss:0x800706BE"),
        ("échec, erreur 7 [0x7]", "vss:0x7"),
        ("CreateService -2147023824", "vss:0x80070430"),
        ("OpenSCManager [0x8007041f]", "vss:0x8007041F"),
        ("COM+ catalogue 0x8004E00F", "vss:0x8004E00F"),
        ("COM+ could not talk to MSDTC, 0x8004E00F", "vss:0x8004E00F-cluster"),
    ],
)
def test_an_hresult_says_more_than_either_map_of_exit_codes(line: str, error_id: str) -> None:
    for code in (45, 50, 51):
        assert ids(setup(code, log_tail=f"0x80070430\n{line}\nend 0x00000000")) == [error_id]
    for code in (511, 512, 514, 515, 517, 802):
        found = recognise.recognise("windows", r"C:\agent\InMageVSSProvider_Install.cmd", code, log_tail=line)
        assert (found.outcome, ids(found)) == ("failed", [error_id])


@pytest.mark.parametrize(
    ("code", "error_id"),
    [(511, "vss:exit-511"), (512, "vss:0x8007041F"), (514, "vss:exit-514"), (515, "vss:exit-515"),
     (516, "vss:exit-516"), (517, "vss:exit-517"), (802, "vss:exit-802"), (806, "vss:exit-806"),
     (9009, "vss:exit-9009")],
)  # fmt: skip
def test_codes_of_the_provider_script_by_both_maps(code: int, error_id: str) -> None:
    found = recognise.recognise("windows", "InMageVSSProvider_Install.cmd", code)
    assert (found.outcome, ids(found)) == ("failed", [error_id])


def test_an_hresult_of_something_else_is_not_the_providers() -> None:
    assert ids(setup(57, log_tail="CreateService svagents 0x80070430")) == []
    assert ids(setup(1, log_tail="InMageVSSProvider_Install.cmd: 0x80070430")) == ["vss:0x80070430"]
    assert ids(setup(45, log_tail="memory at 0x7FFE0000, id 9-2147023170x")) == ["vss:other"]


def test_every_name_of_the_catalogue_is_recognised() -> None:
    names = [key.removeprefix("name:") for key in catalogue.entries() if key.startswith("name:")]
    assert len(names) > 40
    for name in names:
        found = setup(97, errors_json=errors(name))
        assert found.findings, name
        assert f"name:{name}" in found.findings[0].ids, name
        assert (found.outcome, found.reason) == ("failed", "FailedWithErrors")


@pytest.mark.parametrize("code", [0, 97, 98])
def test_an_unknown_name_is_a_failure_that_carries_it(code: int) -> None:
    found = setup(code, errors_json=errors(f"{PREFIX}SomethingNew"))
    assert (found.outcome, found.reason, found.names) == ("failed", f"{PREFIX}SomethingNew", (f"{PREFIX}SomethingNew",))
    assert "not known: ASRMobilityServiceSomethingNew" in found.summary


def test_the_dns_name_has_no_prefix_in_the_catalogue() -> None:
    name = "ConfiguratorConfigurationFailedWithDNSissue"
    found = recognise.recognise("linux", "UnifiedAgentConfigurator.sh", 97, errors(name))
    assert ids(found) == [name]


def test_errors_beside_success_are_warnings() -> None:
    found = setup(98, errors_json=errors(f"{PREFIX}InstallerRequiredMemoryError"))
    assert (found.outcome, found.findings[0].severity) == ("warning", Severity.WARNING)


@pytest.mark.parametrize("text", ["{", "[]", '{"Errors": {}}', '{"Errors": [{"x": 1}]}', '{"Errors": [3]}'])
def test_an_errors_json_that_cannot_be_read_is_a_failure(text: str) -> None:
    found = setup(98, errors_json=text)
    assert found.outcome == "failed"
    assert "errors JSON can't be read" in found.summary


@pytest.mark.parametrize("text", [None, "", "\ufeff{}", '{"Errors": []}'])
def test_no_errors_are_no_errors(text: str | None) -> None:
    assert setup(0, errors_json=text).outcome == "ok"


def test_the_msi_inside_setup_gives_its_code_by_name_or_parameter() -> None:
    name = f"{PREFIX}InstallerMSIInstallationFailure"
    for text in (errors(f"{name}1618"), errors(name, MSIErrorCode="1618")):
        found = setup(97, errors_json=text)
        assert ids(found) == [f"name:{name}"]
        assert "another installation" in found.remedy
    full = setup(97, errors_json=errors(name, code="-2147286787"))
    assert "temporary folder" in full.remedy
    fatal = setup(97, errors_json=errors(name, code="1603"), log_tail="MSI: System error 1018.")
    assert "System error 1018" in fatal.findings[0].evidence


@pytest.mark.parametrize(
    ("line", "error_id"),
    [
        ("post request: (7) - Couldn't connect to server", "register:curl-7"),
        ("request: (60) - Peer certificate cannot be authenticated with given CA certificates", "register:curl-60"),
        (
            "Aborting configuration as VM_PLATFORM value is either null or it is not VmWare/Azure",
            "register:platform-null",
        ),
        ("No Valid IP Address found", "register:no-valid-ip"),
    ],
)
def test_faults_of_registration_are_in_the_log(line: str, error_id: str) -> None:
    found = recognise.recognise(
        "linux", "/usr/local/ASR/Vx/bin/UnifiedAgentConfigurator.sh", 1, log_tail=f"a\n{line}\nb"
    )
    assert (found.outcome, ids(found)) == ("failed", [error_id])


@pytest.mark.parametrize(
    ("program", "code", "outcome"),
    [
        ("./install", 0, "ok"), ("install", 98, "warning"), ("install", 97, "failed"), ("install", 1, "failed"),
        ("UnifiedAgentConfigurator.sh", 13, "failed"), ("UnifiedAgentConfigurator.sh", 96, "failed"),
        ("UnifiedAgentConfigurator.sh", 135, "failed"), ("UnifiedAgentConfigurator.sh", 98, "warning"),
        ("prereq_check_install.sh", 1, "failed"), ("uninstall.sh", 0, "ok"), ("uninstall.sh", 1, "failed"),
        ("uninstall.sh", 2, "failed"), ("AzureRcmCli", 129, "warning"), ("AzureRcmCli", 144, "ok"),
        ("AzureRcmCli", 126, "failed"), ("hotfix_install.sh", 1, "failed"), ("tar", 0, "ok"), ("tar", 2, "failed"),
    ],
)  # fmt: skip
def test_programs_of_linux(program: str, code: int, outcome: str) -> None:
    assert recognise.recognise("linux", program, code).outcome == outcome


def test_the_configurator_names_only_codes_it_passes_on() -> None:
    assert recognise.recognise("linux", "UnifiedAgentConfigurator.sh", 135).reason == "AzureRcmCliFailure"
    assert recognise.recognise("linux", "install", 135).reason == "unknown"


@pytest.mark.parametrize(
    ("code", "outcome", "restart"),
    [(0, "ok", None), (1605, "ok", None), (1614, "ok", None), (1602, "failed", None), (1603, "failed", None),
     (1618, "failed", None), (3010, "warning", "required"), (1641, "warning", "required"), (7, "failed", None)],
)  # fmt: skip
def test_uninstalling_gives_codes_of_windows_installer(code: int, outcome: str, restart: str | None) -> None:
    found = recognise.recognise("windows", "MsiExec.exe", code)
    assert (found.outcome, found.restart) == (outcome, restart)


def test_the_9_35_agent_has_a_fault_of_its_own() -> None:
    text = errors(f"{PREFIX}SystemDiskNotFound")
    assert ids(recognise.recognise("linux", "install", 97, text, agent_version=(9, 35, 5600, 1))) == ["151137"]
    assert ids(recognise.recognise("linux", "install", 97, text, agent_version=NEW)) == [
        f"name:{PREFIX}SystemDiskNotFound"
    ]


@pytest.mark.parametrize("number", [2147221164, 2147943458, 2147754756, 2147754994])
def test_vacp_log_gives_the_published_numbers(number: int) -> None:
    found = recognise.recognise_vacp(f"older vacpError 2147221164\n vacpError={number}")
    assert found[0].id == "78144"
    assert len(found) == 2
    assert str(number) in found[0].evidence


def test_a_vacp_log_without_faults_has_no_findings() -> None:
    assert recognise.recognise_vacp("all good 2147221164") == ()
    assert [each.id for each in recognise.recognise_vacp("vacpError: 2147999999")] == ["78144"]


def test_every_id_of_the_tables_is_catalogued() -> None:
    tables = [value for value in vars(exit_codes).values() if isinstance(value, dict)]
    from_codes = {
        code.id for table in tables for code in table.values() if isinstance(code, exit_codes.Exit) and code.id
    }
    from_texts = {*recognise.NAMES.values(), *recognise.HRESULTS.values(), *recognise.VACP.values()}
    named = from_codes | from_texts | {error_id for _pattern, error_id in recognise.LOG_LINES}
    assert len(named) > 25
    assert named <= set(catalogue.entries())


def test_the_plain_form_is_json() -> None:
    plain = json.loads(json.dumps(setup(62).as_plain()))
    assert plain["findings"][0]["id"] == "95224"
    assert plain["restart"] == "required"
