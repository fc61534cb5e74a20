# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All facts of a host, and null for what it does not show."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv import host_info
from unit.fake_session import FakeSession, request
from unit.plugin_utils.hyperv.fake_host import FakeHost

WHOAMI = "c:\\windows\\system32\\whoami.exe"
CLASSES: dict[str, dict[str, Any]] = {
    "Win32_ComputerSystem": {"Name": "HV01", "DNSHostName": "hv01", "Domain": "Contoso.com", "PartOfDomain": True},
    "Win32_OperatingSystem": {"Caption": "Windows", "BuildNumber": "20348", "FreePhysicalMemory": 1024},
    "Win32_Processor": {"Name": "Xeon", "Manufacturer": "GenuineIntel", "Description": "Family 6 Model 85 Stepping 7"},
    "Win32_Volume": {"Name": "C:\\", "Capacity": 2**40, "FreeSpace": 2**33},
    "Msvm_VirtualSystemMigrationService": {"MigrationServiceListenerIPAddressList": ["10.0.0.1"]},
}
LINES = [
    '"BUILTIN\\Administrateurs","Alias","S-1-5-32-544","Groupe obligatoire"',
    '"LAB\\équipe ""x""","Groupe","S-1-5-21-1-2-3-1104","Groupe obligatoire"',
]


def host(**handlers: Any) -> FakeSession:
    fake = FakeHost()
    fake.session.machine.on("Get-CimInstance", lambda p, o: [CLASSES[p["ClassName"]]])
    fake.session.machine.on("Get-VMSwitch", lambda p, o: [{"Name": "LAN", "SwitchType": 2}])
    fake.session.machine.on(
        "Get-WindowsFeature", lambda p, o: [{"Name": "Hyper-V", "Installed": True, "InstallState": 1}]
    )
    fake.session.machine.on(
        "Get-VMHostSupportedVersion",
        lambda p, o: [{"Version": "8.0", "IsDefault": False}, {"Version": "10.0", "IsDefault": True}],
    )
    fake.session.machine.on(WHOAMI, lambda p, o: LINES)
    for name, handler in handlers.items():
        if handler is None:
            del fake.session.machine.handlers[name.replace("_", "-").lower()]
    return fake.session


def facts(session: FakeSession) -> dict[str, Any]:
    found: dict[str, Any] = host_info.operate(request(session)).values["host"]
    json.dumps(found)
    return found


def test_all_facts_in_one_invocation() -> None:
    session = host()
    found = facts(session)
    assert len(session.invocations) == 1
    assert found["name"] == "HV01"
    assert found["fully_qualified_domain_name"] == "hv01.contoso.com"
    assert found["supported_versions"] == ["8.0", "10.0"]
    assert found["default_version"] == "10.0"
    assert found["listener_addresses"] == ["10.0.0.1"]
    assert found["switches"][0]["type"] == "External"
    assert found["features"]["Hyper-V"]["install_state"] == "Installed"
    assert found["firewall_rules"]["VIRT-MIGL-In-TCP-NoScope"]["enabled"] is True
    assert found["operating_system"]["free_memory"] == 2**20
    assert found["processors"][0]["model"] == 85
    assert found["unread"] == []


def test_rights_come_from_sids_whatever_the_language() -> None:
    rights = facts(host())["rights"]
    assert rights["is_administrator"] is True
    assert rights["is_hyper_v_administrator"] is False
    assert rights["sids"] == ["S-1-5-32-544", "S-1-5-21-1-2-3-1104"]


def test_what_2012_r2_lacks_is_null_and_named_and_no_failure() -> None:
    session = host(Get_VMHostSupportedVersion=None)
    found = facts(session)
    assert found["supported_versions"] is None
    assert found["default_version"] is None
    assert found["rights"] is not None, "questions after the missing one are asked again"
    assert found["unread"] == ["supported_versions: CommandNotFoundException"]
    assert len(session.invocations) == 2


def test_a_host_without_hyper_v_still_has_facts() -> None:
    missing: dict[str, Any] = dict.fromkeys(
        ["Get_VMHost", "Get_VMMigrationNetwork", "Get_VMSwitch", "Get_VMHostSupportedVersion"]
    )
    session = host(**missing)
    del session.machine.handlers[WHOAMI]
    found = facts(session)
    assert found["settings"] is None
    assert found["switches"] is None
    assert found["rights"] is None
    assert found["name"] == "HV01"
    assert found["volumes"][0]["capacity"] == 2**40
