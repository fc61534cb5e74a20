# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of Ansible's psrp connection plugin as an endpoint of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .endpoint import Endpoint
from .translate import unusable

if TYPE_CHECKING:
    from collections.abc import Callable

_SAME_NAME: Final = (
    "auth",
    "path",
    "connection_timeout",
    "proxy",
    "max_envelope_size",
    "operation_timeout",
    "read_timeout",
    "reconnection_retries",
    "certificate_key_pem",
    "certificate_pem",
    "credssp_auth_mechanism",
    "credssp_disable_tlsv1_2",
    "credssp_minimum_version",
    "negotiate_send_cbt",
    "negotiate_delegate",
    "negotiate_hostname_override",
    "negotiate_service",
)
_EXTRAS: Final = frozenset((*_SAME_NAME, "certificate_key_password"))
_HTTP_PORT: Final = 5985
_HTTPS_PORT: Final = 5986


def psrp_endpoint(option: Callable[[str], Any]) -> Endpoint:
    """Return the endpoint that the plugin itself would connect to; ``option`` gives an option's value or None."""
    protocol, port = _protocol_and_port(option("protocol"), option("port"))
    wsman: dict[str, Any] = {name: option(name) for name in _SAME_NAME}
    wsman.update(
        server=option("remote_addr"),
        port=port,
        ssl=protocol == "https",
        username=option("remote_user"),
        password=option("remote_password"),
        cert_validation=_validation(option("cert_validation"), option("ca_cert")),
        encryption=option("message_encryption"),
        no_proxy=bool(option("ignore_proxy")),
        reconnection_backoff=float(option("reconnection_backoff") or 0),
    )
    wsman.update(_extras(option("_extras") or {}))
    given = {name: value for name, value in wsman.items() if value is not None}
    return Endpoint(wsman=given, configuration_name=str(option("configuration_name") or "Microsoft.PowerShell"))


def _protocol_and_port(protocol: str | None, port: Any) -> tuple[str, int]:
    if protocol is None:
        protocol = "http" if port is not None and int(port) == _HTTP_PORT else "https"
    if port is None:
        port = _HTTPS_PORT if protocol == "https" else _HTTP_PORT
    return protocol, int(port)


def _validation(mode: str | None, authority: str | None) -> bool | str:
    if mode == "ignore":
        return False
    return authority if authority is not None else True


def _extras(extras: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for variable, value in extras.items():
        name = variable.removeprefix("ansible_psrp_")
        if name not in _EXTRAS:
            raise unusable(variable, "…", "it is unknown to the psrp connection")
        found[name] = value
    return found
