# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runspaces of a pool, and the threads that run invocations in them."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..world import Runspace

_THREADS = 4096
"""A move runs in the foreground of its session for minutes: hundreds at once must not keep others waiting."""
_STACK_BYTES = 1024 * 1024


class Workers:
    """Threads for invocations, a bounded number; none of them keeps the lab from ending."""

    def __init__(self, limit: int = _THREADS) -> None:
        self._limit = limit
        self._running = 0
        self._waiting: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()

    def start(self, work: Callable[[], None]) -> None:
        """Run something in a thread, now or when one gets free."""
        with self._lock:
            if self._running >= self._limit:
                self._waiting.append(work)
                return
            self._running += 1
        threading.stack_size(_STACK_BYTES)
        threading.Thread(target=self._run, args=(work,), name="invocation", daemon=True).start()

    def _run(self, work: Callable[[], None] | None) -> None:
        while work is not None:
            try:
                work()
            finally:
                work = self._next()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._running -= 1
            return None

    def stop(self) -> None:
        """Start nothing more; what runs is left to its own end."""
        with self._lock:
            self._waiting.clear()


class RunspaceSet:
    """The runspaces of one pool: as many as it allows, made when needed, each used by one invocation at a time."""

    def __init__(self, make: Callable[[], Runspace], first: Runspace, limit: int) -> None:
        self._make, self._first, self.limit = make, first, limit
        self._free: deque[Runspace] = deque([first])
        self._made = 1
        self._waiting: deque[Callable[[Runspace], None]] = deque()
        self._lock = threading.Lock()

    @property
    def current(self) -> Runspace:
        """The runspace that a nested invocation shares with the one around it."""
        return self._first

    @property
    def available(self) -> int:
        """How many invocations could start now."""
        return max(self.limit - self._made, 0) + len(self._free)

    def lend(self, use: Callable[[Runspace], None]) -> None:
        """Call ``use`` with a free runspace, now or when one comes back."""
        with self._lock:
            runspace = self._take()
            if runspace is None:
                self._waiting.append(use)
                return
        use(runspace)

    def _take(self) -> Runspace | None:
        if self._free:
            return self._free.popleft()
        if self._made >= self.limit:
            return None
        self._made += 1
        return self._make()

    def give_back(self, runspace: Runspace) -> None:
        """Return a runspace; the next in line gets it."""
        with self._lock:
            if not self._waiting:
                self._free.appendleft(runspace)
                return
            use = self._waiting.popleft()
        use(runspace)

    def resize(self, limit: int) -> None:
        """Allow more or fewer runspaces."""
        self.limit = limit
        while self.available and self._waiting:
            self.lend(self._waiting.popleft())

    def reset(self) -> bool:
        """Replace the runspaces by new ones (ResetRunspaceState); False while one is in use."""
        with self._lock:
            if len(self._free) < self._made:
                return False
            self._free.clear()
            self._made = 1
            self._free.append(self._make())
            return True
