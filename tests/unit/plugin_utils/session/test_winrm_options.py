# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of the two connection plugins has its place, or is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import InvalidRequest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.psrp_options import psrp_endpoint
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.winrm_options import winrm_endpoints

BASE = {"remote_addr": "hv01", "remote_user": "u", "remote_password": "p", "port": 5986, "path": "/wsman"}


def wsman(extras: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    given = {**BASE, **options, "_extras": {f"ansible_winrm_{key}": value for key, value in (extras or {}).items()}}
    return dict(winrm_endpoints(given.get)[0].wsman)


@pytest.mark.parametrize(
    ("options", "extras", "expected"),
    [
        ({}, {}, {"ssl": True, "auth": "basic", "path": "wsman", "cert_validation": True, "encryption": "auto"}),
        ({"port": 5985}, {}, {"ssl": False, "auth": "basic", "encryption": "never"}),
        ({"remote_user": "u@d"}, {}, {"auth": "kerberos", "negotiate_service": "HTTP", "negotiate_delegate": False}),
        (
            {"scheme": "http", "transport": ["ntlm"]},
            {},
            {"ssl": False, "encryption": "auto", "negotiate_send_cbt": True},
        ),
        ({"transport": ["ntlm"]}, {"message_encryption": "always"}, {"encryption": "always"}),
        ({"transport": ["ntlm"]}, {"send_cbt": "no"}, {"negotiate_send_cbt": False}),
        ({}, {"server_cert_validation": "ignore", "ca_trust_path": "/x"}, {"cert_validation": False}),
        ({}, {"ca_trust_path": "/ca.pem"}, {"cert_validation": "/ca.pem"}),
        ({}, {"ca_trust_path": "legacy_requests"}, {"cert_validation": True}),
        ({}, {"proxy": "http://p:1"}, {"proxy": "http://p:1"}),
        ({}, {"proxy": None}, {"no_proxy": True}),
        ({"connection_timeout": 60}, {}, {"operation_timeout": 60, "read_timeout": 70}),
        ({}, {"operation_timeout_sec": "40", "read_timeout_sec": 50}, {"operation_timeout": 40, "read_timeout": 50}),
        (
            {"transport": ["certificate"]},
            {"cert_pem": "/c", "cert_key_pem": "/k"},
            {"auth": "certificate", "certificate_pem": "/c", "certificate_key_pem": "/k", "password": None},
        ),
        ({"transport": ["ssl"]}, {"cert_pem": "/c", "cert_key_pem": "/k"}, {"auth": "certificate"}),
        ({"transport": ["credssp"]}, {"credssp_disable_tlsv1_2": True}, {"credssp_disable_tlsv1_2": True}),
        ({"transport": ["kerberos"], "kerberos_mode": "manual"}, {}, {"password": None}),
        (
            {"transport": ["kerberos"]},
            {"kerberos_delegation": "yes", "kerberos_hostname_override": "x.y", "service": "WSMAN"},
            {"negotiate_delegate": True, "negotiate_hostname_override": "x.y", "negotiate_service": "WSMAN"},
        ),
    ],
)
def test_mapped(options: dict[str, Any], extras: dict[str, Any], expected: dict[str, Any]) -> None:
    found = wsman(extras, **options)
    assert {key: found.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("options", "extras", "name"),
    [
        ({"transport": ["smoke"]}, {}, "ansible_winrm_transport"),
        ({}, {"message_encryption": "always"}, "ansible_winrm_message_encryption"),
        ({}, {"keytab": "/k"}, "ansible_winrm_keytab"),
        ({}, {"unheard_of": 1}, "ansible_winrm_unheard_of"),
        ({}, {"server_cert_validation": "maybe"}, "ansible_winrm_server_cert_validation"),
        ({"transport": ["certificate"]}, {}, "ansible_winrm_cert_pem"),
        ({"transport": ["kerberos"], "kinit_args": "-f"}, {}, "ansible_winrm_kinit_args"),
        ({"transport": ["kerberos"], "kerberos_command": "/opt/kinit"}, {}, "ansible_winrm_kinit_cmd"),
        ({}, {"operation_timeout_sec": 30, "read_timeout_sec": 30}, "ansible_winrm_read_timeout_sec"),
    ],
)
def test_refused_by_name(options: dict[str, Any], extras: dict[str, Any], name: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        wsman(extras, **options)


def test_one_endpoint_per_transport_and_who_delegates() -> None:
    given = {**BASE, "transport": ["ntlm", "credssp", "kerberos"], "_extras": {}}
    endpoints = winrm_endpoints(given.get)
    assert [endpoint.auth for endpoint in endpoints] == ["ntlm", "credssp", "kerberos"]
    assert [endpoint.delegates_credentials for endpoint in endpoints] == [False, True, False]
    assert "'p'" not in repr(endpoints)


def test_psrp_defaults_as_the_plugin_has_them() -> None:
    plugin = {**BASE, "port": None, "auth": "negotiate", "path": "wsman", "message_encryption": "auto"}
    assert psrp_endpoint(plugin.get).wsman["port"] == 5986
    assert psrp_endpoint({**plugin, "port": 5985}.get).wsman["ssl"] is False
    assert psrp_endpoint({**plugin, "protocol": "http"}.get).wsman["port"] == 5985
    assert psrp_endpoint({**plugin, "cert_validation": "ignore", "ca_cert": "/x"}.get).wsman["cert_validation"] is False
    assert psrp_endpoint({**plugin, "auth": "kerberos", "negotiate_delegate": True}.get).delegates_credentials


def test_every_option_of_the_psrp_plugin_is_read() -> None:
    from ansible.plugins.loader import connection_loader  # noqa: PLC0415

    asked: set[str] = set()
    psrp_endpoint(asked.add)
    plugin = connection_loader.get("psrp", class_only=True)
    assert plugin is not None
    from ansible import constants as C  # noqa: N812, PLC0415

    known = set(C.config.get_configuration_definitions("connection", "psrp"))
    assert known - {"pipelining"} <= asked
