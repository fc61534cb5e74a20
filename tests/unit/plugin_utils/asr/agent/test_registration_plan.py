# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether and how the agent is registered: decisions over literals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.registration_plan import (
    RegistrationPlan,
    WantedRegistration,
    parse_request,
    plan,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.agent.state import (
    AZURE_ASSET_TAG,
    AgentState,
    Server,
    normal_json,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest, NotPossible

DEFAULTS: dict[str, Any] = {"state": "present", "timeout_seconds": 600}
CLASSIC = {"configuration_server": "10.0.0.5", "passphrase": "Pass-phrase"}
CONFIG = json.dumps({"ApplianceAddress": "10.0.0.9", "Port": 443, "Other": {"x": 1}})


def wanted(system: str = "windows", **arguments: Any) -> WantedRegistration:
    return parse_request({**DEFAULTS, **arguments}, system)


def state(**values: Any) -> AgentState:
    given = {
        "system": "windows",
        "installed": True,
        "version": (9, 55, 6765, 1),
        "stack": "classic",
        "platform": "VmWare",
        "post_install_finished": True,
    }
    return AgentState(**{**given, **values})


def registered(address: str = "10.0.0.5", **values: Any) -> AgentState:
    return state(registered=True, configuration_status="Succeeded", server=Server(address=address, port=443), **values)


def decide(now: AgentState, /, **arguments: Any) -> RegistrationPlan:
    asked = wanted(now.system, **arguments)
    return plan(now, asked, asked.config.text if asked.config else None, "m1")


def refused(now: AgentState, /, **arguments: Any) -> str:
    with pytest.raises(NotPossible) as caught:
        decide(now, **arguments)
    assert "Pass-phrase" not in caught.value.msg
    return caught.value.findings[0].id


def test_an_agent_without_a_server_is_registered() -> None:
    decided = decide(state(), **CLASSIC)
    assert (decided.action, str(decided.server)) == ("register", "10.0.0.5")
    assert decided.diff().after == {"registered": True, "server": "10.0.0.5"}
    assert "Pass-phrase" not in repr(decided)


def test_a_failed_registration_is_done_again() -> None:
    there = state(configuration_status="Failed", server=Server(address="10.0.0.5"))
    assert decide(there, **CLASSIC).action == "register"


def test_the_same_server_is_nothing_to_do() -> None:
    assert decide(registered(), **CLASSIC).action == "none"
    assert decide(registered(), **CLASSIC, server_port=443).action == "none"
    assert decide(registered("CS01.corp"), configuration_server="cs01.CORP", passphrase="x").action == "none"
    modern = state(stack="modernized", registered=True, source_config=normal_json(CONFIG))
    assert decide(modern, config=CONFIG).action == "none"


def test_another_server_only_when_told_and_never_in_place_for_a_classic_agent() -> None:
    assert refused(registered("10.0.0.6"), **CLASSIC) == "registered_elsewhere"
    with pytest.raises(NotPossible, match=r"10\.0\.0\.6:443.*asked is 10\.0\.0\.5"):
        decide(registered("10.0.0.6"), **CLASSIC)
    assert refused(registered("10.0.0.6"), **CLASSIC, replace=True) == "registered_elsewhere"
    assert refused(registered(), **CLASSIC, server_port=4443) == "registered_elsewhere"
    modern = registered("10.0.0.6", stack="modernized", source_config=normal_json('{"ApplianceAddress": "10.0.0.6"}'))
    assert refused(modern, config=CONFIG) == "registered_elsewhere"
    assert decide(modern, config=CONFIG, replace=True).action == "replace"


def test_what_an_agent_has_to_be_first() -> None:
    assert refused(AgentState(system="windows"), **CLASSIC) == "agent_missing"
    assert refused(state(post_install_finished=False), **CLASSIC) == "installation_unfinished"
    assert refused(state(stack="modernized"), **CLASSIC) == "stack_differs"
    assert refused(state(), config=CONFIG) == "stack_differs"


def test_a_machine_that_was_failed_over_is_left() -> None:
    there = state(stack="modernized", asset_tag=AZURE_ASSET_TAG)
    decided = decide(there, config=CONFIG)
    assert (decided.action, decided.changed) == ("failed_over", False)
    assert decide(state(stack="modernized", asset_tag="x"), config=CONFIG).action == "register"


def test_taking_an_agent_off() -> None:
    assert decide(state(), state="absent").action == "none"
    assert decide(AgentState(system="linux"), state="absent").action == "none"
    assert decide(registered(stack="modernized"), state="absent").action == "unregister"
    assert refused(registered(), state="absent") == "classic_unregister"
    assert refused(registered(stack=None), state="absent") == "classic_unregister"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "give configuration_server"),
        ({"configuration_server": "10.0.0.5"}, "passphrase"),
        ({"passphrase": "x"}, "configuration_server"),
        ({**CLASSIC, "passphrase_path": "C:\\p"}, "one of them"),
        ({**CLASSIC, "config": CONFIG}, "exclude"),
        ({"config": CONFIG, "config_file": "C:\\c"}, "exclude"),
        ({"config": "no json"}, "no JSON"),
        ({**CLASSIC, "configuration_server": "fe80::1"}, "IPv6"),
        ({**CLASSIC, "configuration_server": "[2001:db8::1]"}, "IPv6"),
        ({**CLASSIC, "configuration_server": "cs01:443"}, "server_port"),
        ({**CLASSIC, "configuration_server": "10.0.0.300"}, "IPv4"),
        ({**CLASSIC, "configuration_server": "cs 01"}, "host name"),
        ({**CLASSIC, "configuration_server": "/help"}, "host name"),
        ({**CLASSIC, "configuration_server": "-x"}, "host name"),
        ({**CLASSIC, "server_port": 70000}, "1 to 65535"),
        ({**CLASSIC, "passphrase": "Pass-phrase\nmore"}, "one line"),
        ({**CLASSIC, "passphrase": "  "}, "one line"),
        ({"configuration_server": "a", "passphrase_path": "pass.txt"}, "absolute"),
        ({**CLASSIC, "external_ip": "::1"}, "IPv4"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says) as caught:
        wanted(**arguments)
    assert "Pass-phrase" not in caught.value.msg


def test_command_lines() -> None:
    decided = decide(state(), **CLASSIC, server_port=4443, external_ip="1.2.3.4")
    assert " ".join(decided.windows_words("S", "E")) == (
        "/CSEndPoint 10.0.0.5 /CSPort 4443 /PassphraseFilePath S /ExternalIP 1.2.3.4 /ValidationsOutputJsonFilePath E"
    )
    old = decide(state(version=(9, 37, 1, 1)), configuration_server="cs", passphrase_path="C:\\p")
    assert " ".join(old.windows_words("S", "E")) == "/CSEndPoint cs /PassphraseFilePath C:\\p"
    assert " ".join(old.linux_words("S", "E")) == "-i cs -P C:\\p"
    modern = decide(state(stack="modernized"), config=CONFIG, credential_less_discovery=True)
    assert " ".join(modern.windows_words("S", "E")).startswith(
        "/SourceConfigFilePath S /CSType CSPrime /CredentialLessDiscovery true"
    )
    assert " ".join(modern.linux_words("S", "E")) == "-S S -q -c CSPrime -D true -f E"
    off = decide(registered(stack="modernized"), state="absent")
    assert (off.windows_words("S", "E"), off.linux_words("S", "E")) == (
        ("/Unconfigure", "true"),
        ("-c", "CSPrime", "-U", "true"),
    )
