"""Hold back SIGTERM and SIGINT while something must not be torn in two."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["signals_deferred"]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Remember a signal that arrives inside and deliver it on leaving.

    Handlers are swapped instead of masking signals: Python runs handlers in the main thread
    whichever thread the system picked, so a mask would not hold them back. Outside of the main
    thread nothing has to be done: a handler does not interrupt other threads.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before: dict[int, Any] = {}

    def remember(number: int, _frame: object) -> None:
        arrived.append(number)

    try:
        for number in _SIGNALS:
            before[number] = signal.signal(number, remember)
        yield
    finally:
        for watched, handler in before.items():
            # None stands for a handler that was not installed from Python.
            signal.signal(watched, signal.SIG_DFL if handler is None else handler)
        for first in arrived[:1]:
            signal.raise_signal(first)
