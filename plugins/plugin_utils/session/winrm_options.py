# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of Ansible's winrm connection plugin as endpoints of our own.

The plugin itself runs text shells; typed commands need PowerShell remoting, which the same service offers at the same
address. Names and defaults: ansible.builtin.winrm's reference and pywinrm's Protocol, whose arguments may be given as
``ansible_winrm_<argument>``. An option that can't be honoured is an InvalidRequest that names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..errors import InvalidRequest
from .endpoint import Endpoint
from .translate import unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HTTP_PORT: Final = 5985
_AUTHS: Final = {
    "basic": "basic",
    "plaintext": "basic",
    "ssl": "basic",
    "certificate": "certificate",
    "ntlm": "ntlm",
    "kerberos": "kerberos",
    "credssp": "credssp",
}
_EXTRAS: Final = frozenset(
    (
        "service",
        "ca_trust_path",
        "cert_pem",
        "cert_key_pem",
        "server_cert_validation",
        "kerberos_delegation",
        "read_timeout_sec",
        "operation_timeout_sec",
        "kerberos_hostname_override",
        "message_encryption",
        "credssp_disable_tlsv1_2",
        "send_cbt",
        "proxy",
    )
)
_ENVIRONMENT: Final = "legacy_requests"
_MESSAGE_ENCRYPTION: Final = ("ntlm", "kerberos", "credssp")
_OPERATION_SECONDS: Final = 20
_MARGIN_SECONDS: Final = 10


def winrm_endpoints(option: Callable[[str], Any]) -> tuple[Endpoint, ...]:
    """Return one endpoint per configured transport, in order; ``option`` gives a plugin option's value or None."""
    extras = _extras(option("_extras") or {})
    scheme = option("scheme") or ("http" if int(option("port")) == _HTTP_PORT else "https")
    common = {**_address(option, scheme), **_timeouts(option, extras), **_proxy(extras)}
    common["cert_validation"] = _validation(extras)
    return tuple(
        Endpoint(wsman={**common, **_sign_in(transport, scheme, option, extras)})
        for transport in _transports(option, scheme)
    )


def _extras(given: Mapping[str, Any]) -> dict[str, Any]:
    extras = {}
    for variable, value in given.items():
        name = variable.removeprefix("ansible_winrm_")
        if name not in _EXTRAS:
            raise unusable(variable, value if name in ("realm", "keytab") else "…", "no such setting takes effect")
        extras[name] = value
    return extras


def _address(option: Callable[[str], Any], scheme: str) -> dict[str, Any]:
    return {
        "server": option("remote_addr"),
        "port": int(option("port")),
        "ssl": scheme == "https",
        "path": str(option("path") or "/wsman").lstrip("/"),
    }


def _timeouts(option: Callable[[str], Any], extras: Mapping[str, Any]) -> dict[str, Any]:
    both = option("connection_timeout")
    operation = int(both or extras.get("operation_timeout_sec") or _OPERATION_SECONDS)
    read = operation + _MARGIN_SECONDS if both else int(extras.get("read_timeout_sec") or operation + _MARGIN_SECONDS)
    if read <= operation:
        raise unusable("ansible_winrm_read_timeout_sec", read, f"it must be above the operation timeout, {operation}")
    return {"operation_timeout": operation, "read_timeout": read, "connection_timeout": read}


def _proxy(extras: Mapping[str, Any]) -> dict[str, Any]:
    proxy = extras.get("proxy", _ENVIRONMENT)
    if proxy == _ENVIRONMENT:
        return {}
    return {"no_proxy": True} if proxy is None else {"proxy": str(proxy)}


def _validation(extras: Mapping[str, Any]) -> bool | str:
    mode = extras.get("server_cert_validation") or "validate"
    if mode not in ("validate", "ignore"):
        raise unusable("ansible_winrm_server_cert_validation", mode, "it is neither validate nor ignore")
    if mode == "ignore":
        return False
    authority = extras.get("ca_trust_path", _ENVIRONMENT)
    return True if authority in (None, _ENVIRONMENT) else str(authority)


def _transports(option: Callable[[str], Any], scheme: str) -> list[str]:
    given = option("transport")
    if given and given[0] is not None:
        return [str(transport) for transport in given]
    if "@" in str(option("remote_user") or ""):
        return ["kerberos"]
    return ["ssl" if scheme == "https" else "plaintext"]


def _sign_in(transport: str, scheme: str, option: Callable[[str], Any], extras: Mapping[str, Any]) -> dict[str, Any]:
    auth = _AUTHS.get(transport)
    if auth is None:
        raise unusable("ansible_winrm_transport", transport, f"known transports are {', '.join(sorted(_AUTHS))}")
    if transport == "ssl" and (extras.get("cert_pem") or extras.get("cert_key_pem")):
        auth = "certificate"
    found: dict[str, Any] = {
        "auth": auth,
        "encryption": _encryption(auth, scheme, extras),
        "username": option("remote_user"),
        "password": option("remote_password"),
    }
    if auth == "certificate":
        return {**found, **_certificate(extras, scheme)}
    if auth == "credssp":
        return {**found, "credssp_disable_tlsv1_2": _flag(extras.get("credssp_disable_tlsv1_2"))}
    if auth == "kerberos":
        return {**found, **_kerberos(option, extras)}
    return {**found, "negotiate_send_cbt": _flag(extras.get("send_cbt", True))} if auth == "ntlm" else found


def _encryption(auth: str, scheme: str, extras: Mapping[str, Any]) -> str:
    mode = str(extras.get("message_encryption") or "auto")
    if mode not in ("auto", "always", "never"):
        raise unusable("ansible_winrm_message_encryption", mode, "it is neither auto, always nor never")
    if auth in _MESSAGE_ENCRYPTION:
        return mode
    if mode == "always":
        raise unusable("ansible_winrm_message_encryption", mode, f"{auth} can't encrypt messages")
    return "auto" if scheme == "https" else "never"


def _certificate(extras: Mapping[str, Any], scheme: str) -> dict[str, Any]:
    if not extras.get("cert_pem") or not extras.get("cert_key_pem"):
        raise InvalidRequest(
            "signing in by certificate needs ansible_winrm_cert_pem and ansible_winrm_cert_key_pem",
            option="ansible_winrm_cert_pem",
        )
    if scheme != "https":
        raise unusable("ansible_winrm_scheme", scheme, "signing in by certificate needs https")
    return {
        "certificate_pem": str(extras["cert_pem"]),
        "certificate_key_pem": str(extras["cert_key_pem"]),
        "username": None,
        "password": None,
    }


def _kerberos(option: Callable[[str], Any], extras: Mapping[str, Any]) -> dict[str, Any]:
    # The ticket is obtained by the Kerberos library itself from the password, not by a program.
    if option("kinit_args"):
        raise unusable("ansible_winrm_kinit_args", option("kinit_args"), _OWN_TICKET)
    if (option("kerberos_command") or "kinit") != "kinit":
        raise unusable("ansible_winrm_kinit_cmd", option("kerberos_command"), _OWN_TICKET)
    mode = option("kerberos_mode")
    if mode == "managed" and not option("remote_password"):
        raise unusable("ansible_winrm_kinit_mode", mode, "a managed ticket needs a password")
    found = {
        "negotiate_delegate": _flag(extras.get("kerberos_delegation")),
        "negotiate_send_cbt": _flag(extras.get("send_cbt", True)),
        "negotiate_service": str(extras.get("service") or "HTTP"),
    }
    if mode == "manual":
        found["password"] = None
    if extras.get("kerberos_hostname_override"):
        found["negotiate_hostname_override"] = str(extras["kerberos_hostname_override"])
    return found


_OWN_TICKET: Final = "the ticket is obtained without that program; get one beforehand and set kinit_mode to manual"


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in ("1", "true", "yes", "on", "y", "t")
