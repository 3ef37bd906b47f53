"""SIGINT and SIGTERM, taken at a point where nothing is half done.

The SDK's own handlers exit at once and with code 0: a batch in flight is lost and Meltano believes
the run succeeded. Here a signal is remembered and takes effect at the next safe point, or at once
while the plugin only waits (for input, for an answer, for a rate limit to pass).
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from s2p_singer.errors import Terminated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["Termination"]


class Termination:
    """The first termination signal a plugin received, and when it may take effect."""

    def __init__(self) -> None:
        self.signum: int | None = None
        self._interruptible = False

    def install(self) -> None:
        """Take over SIGINT and SIGTERM. Does nothing outside the main thread (tests, embedding)."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self.handle)
            signal.signal(signal.SIGTERM, self.handle)

    def handle(self, signum: int, _frame: FrameType | None) -> None:
        """Remember the signal; leave at once when the plugin is only waiting.

        Raises:
            Terminated: inside `interruptible()`.
        """
        if self.signum is None:
            self.signum = signum
        if self._interruptible:
            # One exception is enough: clean-up that follows must not be interrupted again.
            self._interruptible = False
            raise Terminated(self.signum)

    def check(self) -> None:
        """Mark a safe point: everything begun so far is settled.

        Raises:
            Terminated: if a signal has arrived.
        """
        if self.signum is not None:
            raise Terminated(self.signum)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Surround pure waiting: a signal that arrives inside takes effect at once.

        Raises:
            Terminated: if a signal arrives inside or had arrived before.
        """
        self.check()
        self._interruptible = True
        try:
            # A signal between check() and the line above was only remembered.
            self.check()
            yield
        finally:
            self._interruptible = False
