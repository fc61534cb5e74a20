# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a preflight is asked for, checked before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequest
from .catalogue import Cure, Scope, entries
from .patient import CureStep, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .catalogue import AsrFinding

SAFE, NONE = "safe", "none"
_VERSION = re.compile(r"\d+(\.\d+){1,3}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?|::[0-9A-Fa-f:]*")
"""Names and addresses: letters, digits and what stands between them, so that one is never taken for an option."""
_NO_STEP = "undo: give the list that an earlier run returned as undo, as it stands"
_STEP_KEYS = frozenset({"id", "subject", "before", "after", "details"})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the machine is judged for and which cures are allowed."""

    wanted: Wanted
    safe: bool = False
    """Whether every cure that restores a default is allowed."""
    ids: frozenset[str] = frozenset()
    """Errors whose cure is allowed by name, weakening ones too."""
    undo: tuple[CureStep, ...] = ()

    def allows(self, item: AsrFinding) -> bool:
        """Whether the finding may be cured; any id of a pair names it."""
        named = bool(self.ids & set(item.ids))
        return (item.cure is Cure.SAFE and (self.safe or named)) or (item.cure is Cure.WEAKENING and named)

    def ids_of(self, found: Sequence[AsrFinding]) -> frozenset[str]:
        """Return the ids of the findings that may be cured."""
        return frozenset(item.id for item in found if self.allows(item))


def parse(arguments: Mapping[str, Any]) -> Asked:
    """Return what is asked; InvalidRequest names the option and the value."""
    safe, ids = _cures(arguments.get("remediate") or [NONE])
    undo = tuple(_step(item) for item in arguments.get("undo") or ())
    if undo and (safe or ids):
        raise InvalidRequest("undo takes back what an earlier run weakened: give it without remediate")
    kernels = arguments.get("supported_kernels")
    wanted = Wanted(
        scopes=frozenset(Scope(item) for item in arguments.get("scopes") or ("agent", "register")),
        agent_version=_version(arguments.get("agent_version")),
        install_directory=arguments.get("install_directory"),
        push_account=arguments.get("push_account"),
        servers=tuple(_server(item) for item in arguments.get("servers") or ()),
        server_names=tuple(_host(item, "server_names") for item in arguments.get("server_names") or ()),
        supported_kernels=None if kernels is None else frozenset(kernels),
        platform=arguments.get("platform") or "VmWare",
    )
    if undo:  # what was weakened decides about pushes, so that is what has to be read
        account = next((step.details["account"] for step in undo if "account" in step.details), wanted.push_account)
        wanted = replace(wanted, scopes=frozenset({Scope.PUSH}), push_account=account)
    return Asked(wanted=wanted, safe=safe, ids=ids, undo=undo)


def _cures(given: Sequence[str]) -> tuple[bool, frozenset[str]]:
    words = set(given)
    if NONE in words and len(words) > 1:
        raise InvalidRequest(f"remediate: {NONE} stands alone; given were {', '.join(sorted(words))}")
    ids = words - {NONE, SAFE}
    for error_id in sorted(ids):
        known = entries().get(error_id)
        if known is None:
            raise InvalidRequest(f"remediate: the catalogue has no Site Recovery error {error_id!r}; see asr_error")
        if known.cure is Cure.MANUAL:
            raise InvalidRequest(f"remediate: {error_id} can't be cured by a program: {'; '.join(known.manual)}")
    return SAFE in words, frozenset(ids)


def _version(given: str | None) -> tuple[int, ...] | None:
    if given is None:
        return None
    if _VERSION.fullmatch(given) is None:
        raise InvalidRequest(f"agent_version: {given!r} is no version of the agent, such as 9.55.6765.1")
    return tuple(int(part) for part in given.split("."))


def _server(given: Mapping[str, Any]) -> tuple[str, int]:
    address, port = _host(given["address"], "servers: address"), given["port"]
    if not 0 < port < 2**16:
        raise InvalidRequest(f"servers: {address}: {port} is no TCP port")
    return address, port


def _host(given: str, option: str) -> str:
    if len(given) > 255 or _HOST.fullmatch(given) is None:
        raise InvalidRequest(f"{option}: {given!r} is neither a host name nor an address")
    return given


def _step(given: Mapping[str, Any]) -> CureStep:
    if not {"id", "subject"} <= set(given) or not set(given) <= _STEP_KEYS:
        raise InvalidRequest(_NO_STEP)
    details = given.get("details") or {}
    texts = [given["id"], given["subject"], *([details["account"]] if "account" in details else [])]
    if not isinstance(details, dict) or not all(isinstance(item, str) for item in texts):
        raise InvalidRequest(_NO_STEP)
    known = entries().get(given["id"])
    if known is None or known.cure is not Cure.WEAKENING:
        raise InvalidRequest(f"undo: {given['id']} ({given['subject']}) is nothing that a preflight weakens")
    return CureStep(
        id=given["id"], subject=given["subject"], before=given.get("before"), after=given.get("after"), details=details
    )
