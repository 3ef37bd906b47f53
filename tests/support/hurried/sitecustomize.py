"""On PYTHONPATH of a plugin's process: whoever would wait long waits a moment.

Retries, rate limits and polls keep their order and number; only the clock on the wall is spared.
"""

from __future__ import annotations

import threading
import time

_really = time.sleep
_really_wait = threading.Event.wait
_LONGEST = 0.02


def _sleep(seconds: float) -> None:
    _really(min(seconds, _LONGEST))


def _wait(event: threading.Event, timeout: float | None = None) -> bool:
    """Divisions that are read side by side wait for an event, so that a signal can end it."""
    return _really_wait(event, None if timeout is None else min(timeout, _LONGEST))


time.sleep = _sleep
threading.Event.wait = _wait  # type: ignore[method-assign]
