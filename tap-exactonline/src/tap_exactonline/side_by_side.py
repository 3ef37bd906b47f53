"""Divisions read side by side: each waits for Exact on its own, one at a time works.

Exact's limits are per division, and within a division it wants one call after another. So each
division has a thread, a connection and a pace of its own. What is done with a page (convert, write,
move the bookmark) is done by one thread at a time, in its turn: the output stays whole, and a STATE
never shows a bookmark that is being moved.
"""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from s2p_singer import Termination

__all__ = ["Stopped", "Turns"]


class Stopped(BaseException):
    """The run is ending: what this thread was about to wait for is not wanted any more."""


class Turns:
    """Whose turn it is to work; waiting happens outside.

    With a single division there is no thread but the main one, and nothing to take turns for.
    """

    def __init__(self, termination: Termination) -> None:
        """Prepare; ``termination`` ends the main thread's waiting."""
        self._termination = termination
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._answered = threading.Event()
        self._workers: set[int] = set()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Surround a wait for Exact: others work meanwhile, and a signal takes effect at once.

        Raises:
            Stopped: in a thread of ``run``, when the run ends.
            Terminated: in the main thread.
        """
        if threading.get_ident() not in self._workers:
            with self._termination.interruptible():
                yield
            return
        self._turn.release()
        try:
            self._check()
            yield
        finally:
            self._turn.acquire()
        self._answered.set()
        self._check()

    def sleep(self, seconds: float, sleep: Callable[[float], None]) -> None:
        """Wait for seconds, with ``sleep`` in the main thread; inside ``waiting``."""
        if threading.get_ident() not in self._workers:
            sleep(seconds)
        elif self._stop.wait(seconds):
            raise Stopped

    def run(
        self, divisions: Sequence[int], work: Callable[[int], object]
    ) -> Generator[tuple[int, Exception | None], None, None]:
        """Do ``work`` for every division and yield each as it ends, with the error it ended with.

        The first division goes ahead until Exact has answered it once: a request that is wrong is
        wrong everywhere, and whoever takes no more results than that has asked only once.

        Raises:
            Terminated: by a signal; no thread works any more then.
        """
        if len(divisions) < 2:  # noqa: PLR2004 - with one there is nobody to take turns with
            for division in divisions:
                yield division, _error_of(work, division)
            return
        results: queue.SimpleQueue[tuple[int, Exception | None]] = queue.SimpleQueue()
        self._answered.clear()
        threads = [self._start(divisions[0], work, results)]
        left = list(divisions[1:])
        ended = 0
        try:
            with self._termination.interruptible():
                self._answered.wait()
            while ended < len(threads) or left:
                # Whatever the pilot ended with is told before another division asks the same.
                if left and (ended or results.empty()):
                    threads += [self._start(division, work, results) for division in left]
                    left = []
                with self._termination.interruptible():
                    result = results.get()
                ended += 1
                with self._turn:
                    yield result
        except GeneratorExit:
            self._stop.set()
            for thread in threads:
                thread.join()
            self._stop.clear()
            raise
        except BaseException:
            self._stop.set()
            # Never given back: a thread that comes out of a wait finds that its turn does not come.
            self._turn.acquire()
            raise

    def _start(
        self,
        division: int,
        work: Callable[[int], object],
        results: queue.SimpleQueue[tuple[int, Exception | None]],
    ) -> threading.Thread:
        def begin() -> None:
            with self._turn:
                self._workers.add(threading.get_ident())
                try:
                    error = _error_of(work, division)
                except Stopped:
                    return
                finally:
                    self._workers.discard(threading.get_ident())
            results.put((division, error))
            self._answered.set()

        # A daemon: a run that a signal ends does not wait for answers that are not wanted any more.
        thread = threading.Thread(target=begin, name=f"division-{division}", daemon=True)
        thread.start()
        return thread

    def _check(self) -> None:
        if self._stop.is_set():
            raise Stopped


def _error_of(work: Callable[[int], object], division: int) -> Exception | None:
    try:
        work(division)
    except Exception as error:  # noqa: BLE001 - handed to whoever takes the results
        return error
    return None
