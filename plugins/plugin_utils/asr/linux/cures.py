# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps cure a Linux machine's findings, and what each makes of the files. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...errors import InvalidRequest
from ..catalogue import Cure
from ..patient import CureStep
from . import grub, sshd
from .rules_boot import edited_file, named_devices, uuid_problem
from .rules_push import SFTP, SPELLED, WEAKENING, in_force, wanted_sftp
from .sections import printable

if TYPE_CHECKING:
    from ..catalogue import AsrFinding
    from .evidence import LinuxEvidence

START, RESTART, SSHD, UNDO, GRUB = "start_sshd", "restart_sshd", "edit_sshd", "undo_sshd", "edit_grub"
_SUBJECTS = {"sshd: Subsystem sftp": SFTP, **{f"sshd: {text}": name for name, text in SPELLED.items()}}


def plan(evidence: LinuxEvidence, findings: Sequence[AsrFinding], ids: frozenset[str]) -> tuple[CureStep, ...]:
    """Return the steps for those findings that a program can cure; the server is started before its file is edited."""
    due = [item for item in findings if item.id in ids and item.cure is not Cure.MANUAL]
    steps = [*_start(due), *_sshd(evidence, due), *_grub(evidence, due)]
    return tuple(steps)


def _start(due: Sequence[AsrFinding]) -> Iterator[CureStep]:
    if any(item.id == "95117" and item.subject == "sshd" for item in due):
        yield CureStep(id="95117", subject="sshd", before="stopped", after="running", details={"does": START})


def _sshd(evidence: LinuxEvidence, due: Sequence[AsrFinding]) -> Iterator[CureStep]:
    names = [_SUBJECTS[item.subject] for item in due if item.id == "95108" and item.subject in _SUBJECTS]
    settings = {name: wanted_sftp(evidence) if name == SFTP else "yes" for name in names}
    edits = sshd_edits(evidence.ssh.files, settings)
    if not edits and any(item.subject == "sshd: restart" for item in due):
        yield CureStep(id="95108", subject="sshd", before="old file", after="restarted", details={"does": RESTART})
    if edits:
        yield CureStep(
            id="95108",
            subject=sshd.MAIN_FILE,
            before={_shown(each.name): in_force(evidence, each.name) for each in edits},
            after={_shown(each.name): settings[each.name] for each in edits},
            details={
                "does": SSHD,
                "settings": settings,
                "was": {each.name: each.was and printable(each.was) for each in edits},
            },
        )


def _shown(name: str) -> str:
    return SPELLED.get(name, "Subsystem sftp")


def sshd_edits(files: Mapping[str, str], settings: Mapping[str, str]) -> tuple[sshd.Edit, ...]:
    """Return the edits that bring the settings, each made on the outcome of the one before."""
    edits, current = [], dict(files)
    for name, value in settings.items():
        edit = sshd.set_value(current, name, value)
        if edit is not None:
            edits.append(edit)
            current[sshd.MAIN_FILE] = edit.applied(current.get(sshd.MAIN_FILE, ""))
    return tuple(edits)


def sshd_undo(files: Mapping[str, str], was: Mapping[str, str | None]) -> tuple[sshd.Edit, ...]:
    """Return the edits that take weakening ones back, where the settings are still as they were left."""
    edits, current = [], dict(files)
    for name, line in was.items():
        edit = sshd.undo(current, name, line)
        if edit is not None:
            edits.append(edit)
            current[sshd.MAIN_FILE] = edit.applied(current[sshd.MAIN_FILE])
    return tuple(edits)


def applied(text: str, edits: Sequence[sshd.Edit]) -> str:
    """Return a file after edits that were made one upon the other."""
    for edit in edits:
        text = edit.applied(text)
    return text


def _grub(evidence: LinuxEvidence, due: Sequence[AsrFinding]) -> Iterator[CureStep]:
    ids = {item.id for item in due}
    path = edited_file(evidence)
    if path is None:
        return
    named = named_devices(evidence)
    if "95320" in ids and named and not any(uuid_problem(evidence, each) for each in named):
        devices = [[each.key, each.device, _uuid(evidence, each)] for each in named]
        yield CureStep(
            id="95320",
            subject=path,
            before=[each.token for each in named],
            after=[f"{key}=UUID={uuid}" for key, _device, uuid in devices],
            details={"does": GRUB, "path": path, "devices": devices},
        )


def _uuid(evidence: LinuxEvidence, named: grub.Named) -> str:
    device = evidence.storage.device(named.device)
    return device.uuid if device else ""


def grub_text(evidence: LinuxEvidence, details: Mapping[str, Any]) -> tuple[str, str]:
    """Return the file that a step edits as it was read, and as it is to be."""
    uuids = {device: uuid for _key, device, uuid in details["devices"]}
    if evidence.grub.menu is not None and evidence.grub.scanned == details["path"]:
        return evidence.grub.menu, grub.rewrite_menu(evidence.grub.menu, uuids)
    defaults = evidence.grub.defaults or ""
    return defaults, grub.rewrite_defaults(defaults, uuids)


def reverse(evidence: LinuxEvidence, done: Sequence[CureStep]) -> tuple[CureStep, ...]:
    """Return the step that takes back what earlier steps let in, without what is as it was already.

    Safe settings of such a step stay. InvalidRequest for one that isn't of ours: it came through a playbook, and its
    lines would go into sshd_config.
    """
    was: dict[str, str | None] = {}
    for step in done:
        if step.details.get("does") == RESTART:
            continue
        if step.id != "95108" or step.details.get("does") != SSHD:
            raise InvalidRequest(f"undo: {step.id} on {step.subject} is nothing that this machine's preflight weakens")
        was |= _checked(step.details.get("was"))
    edits = sshd_undo(evidence.ssh.files, was)
    if not edits:
        return ()
    return (
        CureStep(
            id="95108",
            subject=sshd.MAIN_FILE,
            before={_shown(each.name): "yes" for each in edits},
            after={_shown(each.name): (each.line.strip() or None) for each in edits},
            details={"does": UNDO, "was": {each.name: was[each.name] for each in edits}},
        ),
    )


def _checked(given: Any) -> dict[str, str | None]:
    if not isinstance(given, dict):
        raise InvalidRequest("undo: give the list that an earlier run returned as undo, as it stands")
    for name, line in given.items():
        if name == SFTP or (name in WEAKENING and (line is None or _is_line_of(line, name))):
            continue
        raise InvalidRequest(f"undo: {line!r} is no line about {name}")
    return {name: line for name, line in given.items() if name in WEAKENING}


def _is_line_of(line: Any, name: str) -> bool:
    return isinstance(line, str) and re.fullmatch(rf"[ \t#]*{name}[ \t=][^\n]*\n?", line, re.IGNORECASE) is not None
