"""On PYTHONPATH of a plugin's process: whoever would wait long waits a moment.

Retries, rate limits and polls keep their order and number; only the clock on the wall is spared.
"""

from __future__ import annotations

import time

_really = time.sleep
_LONGEST = 0.02


def _sleep(seconds: float) -> None:
    _really(min(seconds, _LONGEST))


time.sleep = _sleep
