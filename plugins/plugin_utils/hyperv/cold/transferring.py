# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exported tree on its way to a host: what is right there stays, what is not is fetched, hashed and put in place.

Each file comes as ``<file>.<token>.part`` and gets its name once its hash is right, so a killed run leaves only parts;
each run has names of its own, since the run before may still be writing. The manifest comes last.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from ...errors import (
    AuthenticationFailed,
    ConnectionLost,
    InvalidRequest,
    MobilityError,
    NotPossible,
    RemoteError,
    TimedOut,
)
from ...findings import Finding, blocking
from ...owner import PATTERN, is_gone, new_token
from ...session.command import ON, command
from ..progress import rate
from . import files
from . import manifest as manifests
from .export_checking import free_bytes
from .export_look import folder_of
from .export_tree import size
from .in_use import users
from .manifest import Manifest, TreeFile
from .names import transfer_path_too_long, web_name_has_brackets
from .route import Method, Route, route_of
from .route_opening import check_route, opened
from .verifying import TOLD_FROM, Kind, Problem, find, lacking_room, verify

if TYPE_CHECKING:
    from ...session.command import Pipeline
    from ...session.protocol import Session
    from ...waiting import Clock, Deadline

T = TypeVar("T")
__all__ = [
    "Fetched",
    "Kind",
    "Method",
    "Problem",
    "Route",
    "check_route",
    "fetch",
    "find",
    "leftovers",
    "route_of",
    "verify",
]

_PART: Final = re.compile(rf"\.({PATTERN})\.part$")
_TRIES: Final = 3
"""Times that a file is fetched before a wrong hash is a failure."""
_LOST_LINKS: Final = 20
_PAUSE_SECONDS: Final = 3.0
_QUIET_SECONDS: Final = 600
"""After which a part of a run that is not known to be gone is tried to be removed; one that is written can't be."""
_LONGEST_SECONDS: Final = 30 * 86400.0


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What a transfer did: numbers of files, and the bytes that were fetched."""

    files_fetched: int = 0
    files_kept: int = 0
    bytes: int = 0
    manifest_written: bool = False
    parts_removed: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything was written or removed at the destination."""
        return bool(self.files_fetched or self.parts_removed) or self.manifest_written


def fetch(
    session: Session,
    manifest: Manifest,
    route: Route,
    folder: str,
    *,
    tell: Callable[[str], None],
    clock: Clock,
    deadline: Deadline,
    problems: Sequence[Problem] | None = None,
) -> Fetched:
    """Bring a VM's tree to a folder: right files are kept, the others fetched, and the manifest comes last.

    ``problems`` are what ``verify`` has just said. Raises NotPossible (a route that does not open, no room, a VM that
    lives in the folder), RemoteError for a file that stays wrong, TimedOut, ConnectionLost.
    """
    if not manifest.complete or route.method is Method.EXTERNAL:
        raise InvalidRequest(f"{manifest.vm_name}: only a complete export can be fetched, by smb or http")
    run = _Run(session, manifest, route, folder, tell=tell, clock=clock, deadline=deadline)
    run.check_names()
    run.patiently(run.check_free)
    swept = run.patiently(run.sweep)
    found = run.patiently(lambda: verify(session, manifest, folder, tell=tell)) if problems is None else problems
    wrong = tuple(found)
    run.patiently(lambda: run.check_room(wrong))
    count = run.patiently(lambda: run.bring(wrong))
    if run.lost:  # each lost link may have left the part of a file that was fetched again
        swept += run.patiently(run.sweep)
    written = run.patiently(run.write_manifest)
    return Fetched(
        files_fetched=len(wrong),
        files_kept=len(manifest.files) - len(wrong),
        bytes=count,
        manifest_written=written,
        parts_removed=swept,
    )


def names_refused(manifest: Manifest, route: Route, home: str) -> tuple[Finding, ...]:
    """Return what keeps the files of a tree from being fetched into its folder by their names."""
    names = [file.path for file in manifest.files]
    found = [transfer_path_too_long(manifest.vm_name, home, names)]
    if route.method is Method.HTTP:
        found.append(web_name_has_brackets(manifest.vm_name, home, names))
    return tuple(finding for finding in found if finding is not None)


def leftovers(session: Session, folder: str, vm_id: str) -> tuple[str, ...]:
    """Return the parts in a VM's tree that runs have left which are gone, or have been quiet for long."""
    parts = [
        (item, found[1])
        for item in files.tree(session, folder_of(folder, vm_id))
        if not item.is_folder and (found := _PART.search(item.path)) is not None
    ]
    if not parts:
        return ()
    now = files.clock_of(session)
    left = []
    for item, token in parts:
        gone = is_gone(token)
        newest = max(files.time_of(item.created), files.time_of(item.modified))
        if gone or (now - newest).total_seconds() > _QUIET_SECONDS:
            left.append(item.path)
    return tuple(left)


class _Run:
    """One call of ``fetch``: its token, and whether its route is open."""

    def __init__(
        self,
        session: Session,
        manifest: Manifest,
        route: Route,
        folder: str,
        *,
        tell: Callable[[str], None],
        clock: Clock,
        deadline: Deadline,
    ) -> None:
        self._session = session
        self._manifest = manifest
        self._route = route
        self._folder = folder
        self._home = folder_of(folder, manifest.vm_id)
        self._tell = tell
        self._clock = clock
        self._deadline = deadline
        self._changed = False
        self._brought: set[str] = set()
        self.lost = 0
        """Links that were lost so far."""

    def patiently(self, step: Callable[[], T]) -> T:
        """Return what a step gives, done again when the link is lost: each is safe to repeat."""
        while True:
            try:
                return step()
            except AuthenticationFailed:
                raise
            except ConnectionLost as gone:
                self.lost += 1
                gone.changed = gone.changed or self._changed
                if self.lost > _LOST_LINKS or self._deadline.passed:
                    raise
                self._clock.sleep(_PAUSE_SECONDS)

    def check_names(self) -> None:
        """Raise NotPossible where a file can't get the name under which it is fetched."""
        stops = names_refused(self._manifest, self._route, self._home)
        if stops:
            raise NotPossible(f"{self._manifest.vm_name}: {stops[0].evidence}", findings=stops)

    def check_free(self, *, removes: bool = False) -> None:
        """Raise NotPossible where a VM lives in the folder, of this host or another: it is no copy any more."""
        stops = blocking(users(self._session, [self._home], removes=removes)[self._home])
        if stops:
            raise NotPossible(f"{self._manifest.vm_name}: {stops[0].evidence}", findings=stops)

    def _check_still_free(self, part: str) -> None:
        try:
            self.check_free(removes=True)
        except NotPossible as stopped:
            files.remove(self._session, [part])
            stopped.changed = self._changed
            raise

    def sweep(self) -> int:
        """Remove the parts of runs that are gone; return how many. What is still being written stays."""
        left = leftovers(self._session, self._folder, self._manifest.vm_id)
        removed = len(left) - len(files.remove(self._session, left))
        self._changed = self._changed or bool(removed)
        return removed

    def check_room(self, wrong: Sequence[Problem]) -> None:
        """Raise NotPossible where what is to be fetched does not fit beside what is there."""
        needed = sum(problem.file.size for problem in wrong)
        finding = lacking_room(self._manifest.vm_name, self._folder, needed, free_bytes(self._session, self._folder))
        if wrong and finding is not None:
            raise NotPossible(f"{self._manifest.vm_name}: {finding.evidence}", findings=(finding,))

    def bring(self, wrong: Sequence[Problem]) -> int:
        """Fetch these files; return their bytes. After a lost link it goes on with the file that broke."""
        if not wrong:
            return 0
        self._withdraw_manifest()
        files.make_folders(self._session, [ntpath.dirname(ntpath.join(self._home, one.file.path)) for one in wrong])
        self._changed = True
        rest = [problem for problem in wrong if problem.file.path not in self._brought]
        if rest:
            with opened(self._session, self._route):
                for problem in rest:
                    self._bring(problem)
                    self._brought.add(problem.file.path)
        return sum(problem.file.size for problem in wrong)

    def _withdraw_manifest(self) -> None:
        """Take away the manifest of an earlier export, which the tree will not be like any more."""
        path = ntpath.join(self._home, manifests.FILE_NAME)
        text = files.read_texts(self._session, [path])[path]
        if text is not None and text.strip() != self._manifest.as_text():
            files.remove(self._session, [path])

    def _bring(self, problem: Problem) -> None:
        file, began = problem.file, self._clock.monotonic()
        name = f"{self._manifest.vm_name}: {ntpath.basename(file.path)}"
        if file.size >= TOLD_FROM:
            self._tell(f"{name}: fetching {size(file.size)}")
        failure: MobilityError | None = None
        for number in range(_TRIES):
            if self._deadline.passed:
                raise self._late(file)
            if number:
                self._tell(f"{name}: fetching it again, it came wrong")
            try:
                failure = self._attempt(file)
            except RemoteError as error:
                failure = self._explained(error, file)
            if failure is None:
                seconds = self._clock.monotonic() - began
                if file.size >= TOLD_FROM and seconds > 0:
                    self._tell(f"{name}: fetched at {rate(file.size / seconds)}")
                return
        if failure is not None:
            failure.changed = self._changed
            raise failure

    def _attempt(self, file: TreeFile) -> MobilityError | None:
        """Fetch a file once; return what is wrong with what came, None when it is in its place."""
        session = self._session
        target = ntpath.join(self._home, file.path)
        part = files.part_of(target, new_token())
        limit = min(_LONGEST_SECONDS, max(60.0, self._deadline.remaining))
        try:
            reply = session.invoke(self._command(file, part, limit), timeout_seconds=limit)[0]
        except TimedOut as late:
            if not self._deadline.passed:
                raise
            raise self._late(file) from late
        files.check_visible(session, reply.errors)
        reply.check(changed=self._changed)
        there = files.stat(session, [part, target])
        item, digest = there.get(part.lower()), ""
        if item is not None and item.size == file.size:
            digest = files.digest(session, part, file.size, clock=self._clock)
        if digest == file.sha256:
            replaces = target.lower() in there
            if replaces:  # hours may have gone since the folder was looked at, and another run have imported it
                self._check_still_free(part)
            files.put_in_place(session, part, target, replaces=replaces)
            self._changed = True
            return None
        files.remove(session, [part])
        found = f"SHA-256 {digest}" if digest else f"{item.size if item else 0} bytes"
        wanted = f"SHA-256 {file.sha256}" if digest else f"{file.size} bytes"
        return RemoteError(
            f"{session.host}: {file.path} came {_TRIES} times with {found} instead of {wanted}: the source is not what "
            "it was exported as. Compare with Get-FileHash there, and export the VM again",
            path=target,
            expected=file.sha256 if digest else file.size,
            found=digest or (item.size if item else 0),
            reason="wrong_content",
        )

    def _command(self, file: TreeFile, part: str, limit: float) -> Pipeline:
        where = self._route.of(self._manifest.vm_id, file.path)
        if self._route.method is Method.SMB:
            return command("Copy-Item", LiteralPath=where, Destination=part, ErrorAction="Stop")
        return command(
            "Invoke-WebRequest",
            Uri=where,
            OutFile=part,
            UseBasicParsing=ON,
            TimeoutSec=int(limit),
            Credential=self._route.credential,
            ErrorAction="Stop",
        )

    def _late(self, file: TreeFile) -> TimedOut:
        return TimedOut(
            f"{self._manifest.vm_name}: {file.path} was not fetched within {self._deadline.seconds or 0:g} seconds; "
            "run again, what has come is kept",
            changed=self._changed,
            last_seen=file.path,
        )

    def _explained(self, error: RemoteError, file: TreeFile) -> MobilityError:
        """Return the error of a fetch with its reason, where the disk or the source says one."""
        free = free_bytes(self._session, self._folder)
        if free is not None and free < file.size:
            return RemoteError(
                f"{error.msg} ({size(free)} are free at {self._folder}, {file.path} needs {size(file.size)})",
                **{**error.details, "reason": "disk_full"},
            )
        return RemoteError(f"{file.path} could not be fetched: {error.msg}", **{**error.details, "path": file.path})

    def write_manifest(self) -> bool:
        """Put the manifest beside the tree unless it is there already; return whether it was written."""
        path = ntpath.join(self._home, manifests.FILE_NAME)
        there = files.read_texts(self._session, [path])[path]
        if there is not None and there.strip() == self._manifest.as_text():
            return False
        files.make_folders(self._session, [self._home])
        files.write_text(self._session, path, self._manifest.as_text(), new_token())
        return True
