# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.filter.registrations import push_registration

SECRET = "Lab-Passphrase-1"
CLASSIC = {"configuration_server": "10.1.0.10", "server_port": "4443", "passphrase": SECRET, "config": None}


@pytest.mark.parametrize(
    ("options", "stack", "told"),
    [
        (CLASSIC, "classic", ""),
        ({"config": {"a": 1}, "server_port": "", "configuration_server": ""}, "modernized", ""),
        ({**CLASSIC, "config": "", "config_file": ""}, "classic", ""),
        ({"config_file": "C:\\Temp\\config.json"}, None, ""),
        ({}, None, "give configuration_server with passphrase"),
        ({**CLASSIC, "passphrase": None}, None, "give passphrase or passphrase_path"),
        ({"passphrase": SECRET}, None, "passphrase needs configuration_server"),
        ({**CLASSIC, "config": '{"a": 1}'}, None, "exclude each other"),
        (
            CLASSIC,
            "modernized",
            "the stack is modernized, and configuration_server, passphrase",
        ),
        ({"config_file": "/etc/config.json"}, None, "no absolute path"),
    ],
)
def test_what_can_not_be_registered_is_told_without_the_secret(
    options: dict[str, Any], stack: str | None, told: str
) -> None:
    found = push_registration(options, "windows", stack)
    assert told in found
    assert bool(found) is bool(told)
    assert SECRET not in found
