"""Runs asynchronous transforms in the background, a little after the call that asked for them."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Worker"]

_IDLE_SECONDS = 1.0
_AGAIN_SECONDS = 0.02


class Worker:
    """One thread that runs jobs when they are due; it ends when idle and starts again on demand.

    Args:
        run: does one job by its name; True when done, False to try again shortly.
    """

    def __init__(self, run: Callable[[str], bool]) -> None:
        self._run = run
        self._due: list[tuple[float, int, str]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False

    def add(self, job: str, delay_seconds: float) -> None:
        """Run a job that many seconds from now."""
        with self._changed:
            entry = (time.monotonic() + delay_seconds, next(self._numbers), job)
            heapq.heappush(self._due, entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
            self._changed.notify()

    def clear(self) -> None:
        """Forget what waits, and wait for the job at work."""
        with self._changed:
            self._due.clear()
            self._changed.wait_for(lambda: not self._busy, timeout=5)

    def settled(self, timeout: float) -> bool:
        """Wait until no job waits or works; False when some still did after that many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._busy, timeout)

    def _work(self) -> None:
        while True:
            job = self._next()
            if job is None:
                return
            done = True
            try:
                done = self._run(job)
            except BaseException:
                with self._changed:
                    self._thread = None  # this thread ends; the next job starts another
                raise
            finally:
                if not done:
                    self.add(job, _AGAIN_SECONDS)
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()

    def _next(self) -> str | None:
        idle_until = time.monotonic() + _IDLE_SECONDS
        with self._changed:
            while True:
                now = time.monotonic()
                if self._due and self._due[0][0] <= now:
                    self._busy = True
                    return heapq.heappop(self._due)[2]
                if not self._due and now >= idle_until:
                    self._thread = None
                    return None
                until = self._due[0][0] if self._due else idle_until
                self._changed.wait(until - now)
