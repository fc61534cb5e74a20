# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One VM's export, from whatever state its place is in to a complete one: made, waited for, or only hashed.

Export-VM runs in the foreground of its session, in a thread where another session watches (as Move-VM does, decision
0001): the management service does the work, so a lost link or a killed controller ends nothing, and the next run waits
for it. Whether a tree is whole is never guessed: Export-VM succeeded in our sight (the manifest says ``hashing``), or
the host's own job says so; otherwise it is removed and made again.
"""

from __future__ import annotations

import ntpath
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from ...errors import AuthenticationFailed, ConnectionLost, MobilityError, NotFound, NotPossible, RemoteError, TimedOut
from ...owner import new_token
from ...session.command import command
from ..progress import Course, advance
from ..writing import change
from . import files
from . import manifest as manifests
from .evidence import Source, read_sources
from .export_findings import foreign, not_off, remedy
from .export_jobs import export_jobs
from .export_look import Export, State, folder_of, look
from .export_tree import OFF, capture_of, configuration_of, has_all, remove_export, size, stale, tree_of
from .in_use import computer_name
from .manifest import Manifest, TreeFile

if TYPE_CHECKING:
    from ...session.protocol import Session
    from ...waiting import Clock, Deadline
    from ..model import Vm

__all__ = ["Export", "Made", "Order", "State", "export", "look", "make"]

_NO_LIMIT_SECONDS: Final = 30 * 86400.0
"""For the invocation that exports: at its deadline a session asks the host to stop, which would cancel the export."""
POLL_SECONDS: Final = 2.0
_FIRST_POLL_SECONDS: Final = 0.25
"""Doubled from look to look: small VMs are exported in no time."""
_LOST_LINKS: Final = 20
_PAUSE_SECONDS: Final = 3.0
_TOLD_FROM: Final = 100_000_000
"""Bytes of a file from which its hash is worth a line."""
_ONE_START: Final = timedelta(seconds=60)
"""A job of the export that a manifest announces is submitted within this time after the manifest was written."""

EXPORTED, ALREADY_EXPORTED, ATTACHED = "exported", "already_exported", "attached"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one export needs to know, and what it works with."""

    vm: Vm
    path: str
    capture: str
    clock: Clock
    deadline: Deadline
    tell: Callable[[str], None]
    interactive: bool = False
    force_new: bool = False
    """Make a new export even where a complete one still holds."""

    @property
    def folder(self) -> str:
        """Return where the export lies."""
        return folder_of(self.path, self.vm.id)


@dataclass(frozen=True, kw_only=True)
class Made:
    """How an export came about; ``outcome`` is exported, already_exported or attached."""

    manifest: Manifest
    outcome: str
    changed: bool = False
    """Whether this run wrote anything: at least the manifest of what it attached to."""


def export(
    session: Session,
    vm: Vm,
    *,
    path: str,
    capture: str = OFF,
    tell: Callable[[str], None],
    clock: Clock,
    deadline: Deadline,
    watch: Session | None = None,
) -> Manifest:
    """Return the manifest of a complete export of the VM as it is, making one where there is none; see ``make``."""
    order = Order(vm=vm, path=path, capture=capture, clock=clock, deadline=deadline, tell=tell)
    return make(session, order, watch=watch).manifest


def make(session: Session, order: Order, *, watch: Session | None = None) -> Made:
    """Bring one VM's export to completion; safe to repeat, and to begin after a run that was killed anywhere.

    ``watch`` is a second session to the same host that shows the progress, and lets the deadline pass while the host
    goes on. Raises NotPossible (a foreign folder, a VM that has to be off), RemoteError, TimedOut, ConnectionLost.
    """
    run = _Run(session, order, watch)
    lost = 0
    while True:
        try:
            return run.round()
        except AuthenticationFailed:
            raise
        except ConnectionLost as gone:
            lost += 1
            if lost > _LOST_LINKS or order.deadline.passed:
                gone.changed = gone.changed or run.wrote
                raise
            order.clock.sleep(_PAUSE_SECONDS)
        except MobilityError as problem:
            problem.changed = problem.changed or run.wrote
            raise
        except _Again:
            order.clock.sleep(POLL_SECONDS)


class _Again(Exception):
    """The place has to be looked at again."""


class _Run:
    """One call of ``make``: its token, and what it has seen so far."""

    def __init__(self, session: Session, order: Order, watch: Session | None) -> None:
        self._session = session
        self._order = order
        self._watch = watch
        self._token = new_token()
        self._waited = False
        self.wrote = False
        """Whether it changed anything at the place of the export."""
        self._force = order.force_new
        self._course: Course | None = None

    def round(self) -> Made:
        """Look, and do the next thing; raises _Again where that was to wait."""
        order = self._order
        found = look(self._session, order.path, [order.vm.id])[order.vm.id]
        if found.state is State.RUNNING and not self._is_own(found):
            self._wait(found)
        if found.state is State.FOREIGN:
            finding = foreign(order.vm.name, found)
            raise NotPossible(f"{order.vm.name}: {finding.evidence}", findings=(finding,))
        source = self._source()
        if found.state is State.COMPLETE and found.manifest and self._holds(found.manifest, source):
            outcome = EXPORTED if self._is_own(found) else ATTACHED if self._waited else ALREADY_EXPORTED
            return Made(manifest=found.manifest, outcome=outcome, changed=outcome == EXPORTED)
        if found.manifest and found.state is not State.COMPLETE and self._is_whole(found, source):
            outcome = EXPORTED if self._is_own(found) else ATTACHED
            done = self._complete(replace(found.manifest, token=self._token))
            return Made(manifest=done, outcome=outcome, changed=True)
        if found.exporting:
            self._wait(found)
        return self._anew(found, source)

    def _is_own(self, found: Export) -> bool:
        return found.manifest is not None and found.manifest.token == self._token and not found.exporting

    def _source(self) -> Source:
        for source in read_sources(self._session, [self._order.vm.id]):
            return source
        raise NotFound(f"{self._session.host}: no virtual machine has the Id {self._order.vm.id}")

    def _holds(self, manifest: Manifest, source: Source) -> bool:
        if self._force and manifest.token != self._token:
            return False
        return not stale(manifest, source, self._order.capture)

    def _wait(self, found: Export) -> None:
        """Wait a moment for work that runs, whoever began it; raises _Again, or TimedOut at the deadline."""
        order = self._order
        if not self._waited:
            order.tell(f"{order.vm.name}: an export of it runs, waiting for its end")
        self._waited = True
        self._say()
        if order.deadline.passed:
            raise TimedOut(
                f"{order.vm.name}: an export of it runs since before {order.deadline.elapsed:.0f} seconds and goes on; "
                "run again to wait for it",
                last_seen=found.manifest.state if found.manifest else "exporting",
            )
        raise _Again

    def _is_whole(self, found: Export, source: Source) -> bool:
        """Whether the tree of an unfinished manifest is known to be finished, and of the VM as it is now."""
        manifest = found.manifest
        if manifest is None or found.exporting or found.modified is None or (self._force and not self._is_own(found)):
            return False
        if stale(manifest, source, self._order.capture):
            return False
        if manifest.state != manifests.HASHING and not self._job_succeeded(found.modified):
            return False
        return has_all(tree_of(self._session, found.folder), source, self._order.vm.id)

    def _job_succeeded(self, written: datetime) -> bool:
        """Whether the one export that began right after the manifest was written has ended well, by the host's job."""
        jobs = [job for job in export_jobs(self._session, self._order.vm.id) if job.submitted >= written]
        return len(jobs) == 1 and jobs[0].succeeded and jobs[0].submitted - written <= _ONE_START

    def _anew(self, found: Export, source: Source) -> Made:
        """Remove what is left of an older export of ours, and make a new one."""
        order, vm = self._order, source.details.vm
        finding = not_off(vm, order.capture)
        if finding is not None:
            raise NotPossible(f"{vm.name}: {finding.evidence}", findings=(finding,))
        if found.state in (State.TORN, State.COMPLETE):
            order.tell(f"{vm.name}: removing its {found.state.value} export in {found.folder}")
            remove_export(self._session, found)
            self.wrote = True
        begun = Manifest(
            state=manifests.EXPORTING,
            vm_id=vm.id,
            vm_name=vm.name,
            version=vm.version,
            source_host=computer_name(self._session),
            capture=capture_of(vm, order.capture),
            started=datetime.now(timezone.utc).replace(microsecond=0).isoformat().replace("+00:00", "Z"),
            token=self._token,
            seen=source.seen,
        )
        files.make_folders(self._session, [order.folder])
        self._write(begun)
        order.tell(f"{vm.name}: exporting {size(source.disk_bytes + source.system_bytes)} to {order.folder}")
        self._export(source, begun)
        return Made(manifest=self._complete(begun), outcome=EXPORTED, changed=True)

    def _write(self, manifest: Manifest) -> None:
        name = ntpath.join(self._order.folder, manifests.FILE_NAME)
        self.wrote = True
        files.write_text(self._session, name, manifest.as_text(), self._token)

    def _export(self, source: Source, begun: Manifest) -> None:
        """Run Export-VM; what a refused one has left is removed, since it is ours and nobody can use it."""
        live = None if begun.capture == OFF else begun.capture
        sent = command("Get-VM", Id=begun.vm_id, ErrorAction="Stop") | change(
            "Export-VM", Path=self._order.folder, CaptureLiveState=live
        )

        def work() -> None:
            self._session.invoke(sent, timeout_seconds=_NO_LIMIT_SECONDS).check(changed=True)

        try:
            if self._watch is None:
                work()
            else:
                self._watched(work, source, self._watch)
        except RemoteError as error:
            found = look(self._session, self._order.path, [begun.vm_id])[begun.vm_id]
            if found.manifest is not None and found.manifest.token == self._token and not found.exporting:
                remove_export(self._session, found)
            raise explained(error, self._order.path) from error

    def _watched(self, work: Callable[[], None], source: Source, watch: Session) -> None:
        """Run the export in a thread, and look after it from here."""
        order, ended = self._order, list[BaseException | None]()

        def carry_out() -> None:
            try:
                work()
            except BaseException as problem:  # noqa: BLE001 - raised again in the main thread
                ended.append(problem)
            else:
                ended.append(None)

        thread = threading.Thread(target=carry_out, name=f"export {order.vm.id}", daemon=True)
        self._begin(source)
        thread.start()
        pause = _FIRST_POLL_SECONDS
        try:
            while not ended:
                order.clock.sleep(pause)
                pause = min(2 * pause, POLL_SECONDS)
                if not ended:
                    self._say(watch)
                if order.deadline.passed and not ended:
                    raise TimedOut(
                        f"{order.vm.name}: its export has not ended within {order.deadline.seconds:g} seconds, and "
                        "goes on; run again to wait for it",
                        changed=True,
                        last_seen=manifests.EXPORTING,
                    )
        finally:
            if not ended:
                self._session.abandon()
        problem = ended[0]
        if problem is not None:
            raise problem

    def _begin(self, source: Source | None) -> None:
        total = source.disk_bytes if source else 0
        self._course = Course(
            vm=self._order.vm.name,
            source=self._session.host,
            destination=self._order.path,
            total_bytes=total,
            started=self._order.clock.monotonic(),
        )

    def _say(self, watch: Session | None = None) -> None:
        """Show how far the host's job is, where that can be read; a lost link of the watch loses a line only."""
        order = self._order
        jobs = [job for job in export_jobs(watch or self._session, order.vm.id) if job.runs]
        if not jobs:
            return
        if self._course is None:
            self._begin(None)
        if self._course is not None:
            now = order.clock.monotonic()
            self._course, line = advance(self._course, jobs[0].percent, now, interactive=order.interactive)
            if line:
                order.tell(line)

    def _complete(self, manifest: Manifest) -> Manifest:
        """Take the hash of every file, and write the complete manifest last."""
        order, found = self._order, list[TreeFile]()
        manifest = replace(manifest, state=manifests.HASHING)
        self._write(manifest)
        items = tree_of(self._session, order.folder)
        configuration = configuration_of(items, order.vm.id)
        if configuration is None:
            raise RemoteError(
                f"{order.vm.name}: the export in {order.folder} has no configuration file of the VM",
                command="Export-VM",
            )
        for path, item in sorted(items.items()):
            if item.size >= _TOLD_FROM:
                order.tell(f"{order.vm.name}: taking the hash of {ntpath.basename(path)} ({size(item.size)})")
            found.append(
                TreeFile(
                    path=path,
                    size=item.size,
                    sha256=files.digest(self._session, item.path, item.size, clock=order.clock),
                )
            )
            if order.deadline.passed:
                raise TimedOut(
                    f"{order.vm.name}: its export is made, and the hashes of its files were not all taken within "
                    f"{order.deadline.seconds:g} seconds; run again",
                    changed=True,
                    last_seen=path,
                )
        done = replace(
            manifest,
            state=manifests.COMPLETE,
            configuration_file=configuration,
            files=tuple(found),
        )
        self._require_same(done)
        self._write(done)
        return done

    def _require_same(self, done: Manifest) -> None:
        """Raise _Again unless the export is still the one whose hashes were taken.

        Another run may take them too, which gives the same; it may also have made a new export of a VM that changed.
        """
        now = look(self._session, self._order.path, [self._order.vm.id])[self._order.vm.id].manifest
        if now is None or now.state == manifests.EXPORTING or now.started != done.started:
            raise _Again


def explained(error: RemoteError, path: str) -> MobilityError:
    """Return the error of Export-VM with its remedy where one is known."""
    known = remedy(error.details.get("hresult"), path)
    if known is None:
        return error
    return RemoteError(f"{error.msg} {known}", changed=error.changed, **{**error.details, "remedy": known})
