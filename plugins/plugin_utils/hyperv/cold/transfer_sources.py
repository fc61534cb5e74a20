# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which exports are to be transferred: by the manifests at the source, or in the folder where people bring them."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ...errors import Ambiguous, NotFound, NotPossible
from ...findings import Finding, Severity, blocking
from . import files
from . import manifest as manifests
from .manifest import FILE_NAME, Manifest, NoManifest
from .route import Method, Route
from .route_opening import check_route, opened, read_remote
from .verifying import Kind, Problem

if TYPE_CHECKING:
    from ...session.protocol import Session
    from ..selection import Selection

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Found:
    """Complete manifests of the asked VMs, and by Id or name why there is none of the others."""

    manifests: tuple[Manifest, ...] = ()
    refusals: Mapping[str, Finding] = field(default_factory=dict)


def find_manifests(session: Session, route: Route, path: str, selection: Selection) -> Found:
    """Return the manifests of the asked VMs, all of the source where none is named; the route is opened for real.

    Raises NotPossible where the route does not open, NotFound and Ambiguous for a name at a source that can be listed.
    """
    if route.method is Method.EXTERNAL:
        return _chosen(_read_brought(session, path), selection, path, brought=True)
    probe = f"{selection.ids[0]}\\{FILE_NAME}" if route.method is Method.HTTP else ""
    stops = blocking(check_route(session, route, probe))
    if stops and not (probe and stops[0].id == "route_path_missing"):
        raise NotPossible(f"{session.host}: {stops[0].evidence}", findings=stops)
    with opened(session, route):
        if route.method is Method.HTTP:
            ids: Sequence[str] = selection.ids
        else:
            ids = _folders(session, route.source)
        texts = read_remote(session, route, ids, FILE_NAME)
    return _chosen({vm_id: text for vm_id, text in texts.items() if text}, selection, route.source, brought=False)


def _folders(session: Session, folder: str) -> list[str]:
    names = [ntpath.basename(item.path).lower() for item in files.tree(session, folder, deep=False) if item.is_folder]
    return sorted(name for name in names if _ID.fullmatch(name))


def _read_brought(session: Session, path: str) -> dict[str, str]:
    names = {ntpath.join(path, vm_id, FILE_NAME): vm_id for vm_id in _folders(session, path)}
    texts = files.read_texts(session, list(names)) if names else {}
    return {names[name]: text for name, text in texts.items() if text}


def _chosen(texts: Mapping[str, str], selection: Selection, where: str, *, brought: bool) -> Found:
    known: dict[str, Manifest] = {}
    refusals: dict[str, Finding] = {}
    for vm_id, text in texts.items():
        try:
            manifest = manifests.parse(text, where=ntpath.join(where, vm_id, FILE_NAME))
        except NoManifest as problem:
            refusals[vm_id] = _no_export(vm_id, problem.msg, brought=brought)
            continue
        if manifest.vm_id.lower() != vm_id:
            refusals[vm_id] = _no_export(vm_id, f"its manifest is of {manifest.vm_id}", brought=brought)
        elif not manifest.complete:
            refusals[vm_id] = _unfinished(manifest, where)
        known[vm_id] = manifest
    wanted = _wanted(known, refusals, selection, where, brought=brought)
    for key in wanted:
        if key not in known and key not in refusals:
            refusals[key] = _no_export(key, f"{where} has no {FILE_NAME} of it", brought=brought)
    return Found(
        manifests=tuple(known[key] for key in wanted if key in known and key not in refusals),
        refusals={key: refusals[key] for key in wanted if key in refusals},
    )


def _wanted(
    known: Mapping[str, Manifest], refusals: Mapping[str, Finding], selection: Selection, where: str, *, brought: bool
) -> list[str]:
    """Return Ids in the order asked; a name that nothing was brought of stays as it is."""
    if not selection.names and not selection.ids:
        every = list(dict.fromkeys([*known, *refusals]))
        if every:
            return every
        if brought:
            return [where]
        raise NotFound(f"{where} has no export with a {FILE_NAME}", path=where)
    chosen = list(selection.ids)
    for name in selection.names:
        found = [vm_id for vm_id, manifest in known.items() if manifest.vm_name.lower() == name.lower()]
        if len(found) > 1:
            raise Ambiguous(
                f"{where} has {len(found)} exports of virtual machines named {name!r}: choose by ids: "
                f"{', '.join(found)}",
                name=name,
                candidates=[{"id": vm_id, "name": name} for vm_id in found],
            )
        if not found and not brought:
            raise NotFound(f"{where} has no export of a virtual machine named {name!r}", name=name, path=where)
        chosen += found or [name]
    return list(dict.fromkeys(chosen))


def _no_export(key: str, evidence: str, *, brought: bool) -> Finding:
    if not brought:
        return Finding(
            id="export_missing",
            severity=Severity.BLOCKING,
            subject=key,
            evidence=evidence,
            remedy="Export the VM first (hyperv.mobility.vm_export), and check source.",
        )
    return Finding(
        id="tree_not_brought",
        severity=Severity.BLOCKING,
        subject=key,
        evidence=evidence,
        remedy=f"Bring the folder that vm_export made, named by the VM's Id, with everything in it and {FILE_NAME}, to "
        "path; then run again.",
    )


def _unfinished(manifest: Manifest, where: str) -> Finding:
    return Finding(
        id="export_unfinished",
        severity=Severity.BLOCKING,
        subject=manifest.vm_name,
        evidence=f"the export in {ntpath.join(where, manifest.vm_id)} is not complete ({manifest.state})",
        remedy="Run hyperv.mobility.vm_export again, until it is.",
    )


def wrong_file(problem: Problem, name: str, folder: str) -> Finding:
    """Return the finding about a file of a tree that people brought."""
    place = ntpath.join(folder, problem.file.path)
    if problem.kind is Kind.MISSING:
        return Finding(
            id="file_missing", severity=Severity.BLOCKING, subject=name, evidence=problem.evidence,
            remedy=f"Bring it to {place}.",
        )  # fmt: skip
    if problem.kind is Kind.SIZE:
        return Finding(
            id="file_size_differs", severity=Severity.BLOCKING, subject=name, evidence=problem.evidence,
            remedy=f"It is not whole, or still on its way: bring {place} again, and compare the sizes.",
        )  # fmt: skip
    return Finding(
        id="file_hash_differs", severity=Severity.BLOCKING, subject=name, evidence=problem.evidence,
        remedy=f"It came damaged: bring {place} again (an FTP client has to use binary mode).",
    )  # fmt: skip
