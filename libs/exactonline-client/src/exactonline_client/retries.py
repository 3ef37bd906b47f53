"""How often and how long to wait before a failed read is tried again. Pure.

Exact asks for exponential, bounded retries of transient failures only. It answers 500 for
functional errors too, so a plain 500 gets fewer tries than a gateway's 502 to 504.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import backoff

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

__all__ = ["is_transient", "pauses"]

_TRIES: Final = 6
_TRIES_ON_500: Final = 3
_INTERNAL_ERROR: Final = 500
_TRANSIENT: Final = frozenset({408, 500, 502, 503, 504})
_LONGEST_PAUSE: Final = 60.0


def is_transient(status: int) -> bool:
    """Tell whether the same request may succeed a little later."""
    return status in _TRANSIENT


def pauses(rng: random.Random) -> Iterator[float]:
    """Give endless pauses in seconds: exponential growth, full jitter."""
    growth = backoff.expo(base=2, factor=1, max_value=_LONGEST_PAUSE)
    next(growth)  # the first value only starts the generator
    for ceiling in growth:
        yield rng.uniform(0.0, ceiling)


def tries(status: int | None) -> int:
    """Give how often a request is sent at most; ``None`` stands for no answer."""
    return _TRIES_ON_500 if status == _INTERNAL_ERROR else _TRIES
