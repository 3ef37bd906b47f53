"""What to do with an answer: a pure table, and the time to wait before the next attempt.

Facts behind the table: 429 means nothing was done; 202 on Table and Import Set API means dropped
or deferred; a 403 on POST may follow a record that was created; a 201 without body means the
result may not be read. So a POST is only repeated where nothing can have happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

__all__ = [
    "Event",
    "Patience",
    "Verdict",
    "is_repeatable",
    "judge",
    "retry_after",
    "wait_before",
]

_REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
_CLIENT_CLOSED: Final = 499
_DOUBTFUL: Final = frozenset({HTTPStatus.ACCEPTED, HTTPStatus.REQUEST_TIMEOUT, _CLIENT_CLOSED})
_FARTHEST: Final = 1e12  # seconds; beyond it a header holds nonsense, infinity or no number


class Verdict(Enum):
    """How to go on after one attempt."""

    DONE = "done"
    RETRY = "retry"
    RENEW = "renew the token, then retry once"
    AMBIGUOUS = "the caller must look"
    FATAL = "fatal"


_BY_STATUS: Final[Mapping[int, Verdict]] = {
    HTTPStatus.TOO_MANY_REQUESTS: Verdict.RETRY,
    HTTPStatus.UNAUTHORIZED: Verdict.RENEW,
}

Event = Literal["unsent", "timeout", "dropped", "garbled", "cancelled", "empty"]
"""What may happen besides a plain status: see `http.NoAnswer`; ``garbled`` is a body cut short,
``cancelled`` a 200 whose body holds an ``error`` beside a partial result, ``empty`` a success
without the promised body."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try.

    Attributes:
        attempts: tries per request, the first included.
        base: seconds, upper bound of the first wait.
        cap: seconds, upper bound of any wait that the instance did not ask for.
        total: seconds, how much waiting one request may cost altogether.
    """

    attempts: int = 6
    base: float = 0.5
    cap: float = 30.0
    total: float = 900.0


def is_repeatable(method: str) -> bool:
    """Whether a request of this method has the same effect when it is made twice."""
    return method in _REPEATABLE


def judge(method: str, what: int | Event) -> Verdict:
    """Return the verdict for one attempt that ended in a status or an event."""
    if what == "unsent":
        return Verdict.RETRY
    doubtful = Verdict.RETRY if method in _REPEATABLE else Verdict.AMBIGUOUS
    if isinstance(what, str):
        return doubtful
    if what == HTTPStatus.FORBIDDEN:
        return Verdict.FATAL if method in _REPEATABLE else Verdict.AMBIGUOUS
    if what in _BY_STATUS:
        return _BY_STATUS[what]
    if what >= HTTPStatus.INTERNAL_SERVER_ERROR or what in _DOUBTFUL:
        return doubtful
    succeeded = HTTPStatus.OK <= what < HTTPStatus.MULTIPLE_CHOICES
    return Verdict.DONE if succeeded else Verdict.FATAL


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read how many seconds the instance asks us to wait.

    Args:
        headers: answer headers, lower case. ``Retry-After`` is in seconds, from a gateway in
            between also a date (RFC 9110); without it ``X-RateLimit-Reset`` is a Unix time in
            seconds.
        now: Unix time in seconds.
    """
    seconds = _number(headers.get("retry-after"))
    if seconds is None:
        moment = _moment(headers.get("retry-after"))
        seconds = None if moment is None else moment - now
    if seconds is None:
        reset = _number(headers.get("x-ratelimit-reset"))
        seconds = None if reset is None else reset - now
    return None if seconds is None else max(0.0, seconds)


def wait_before(attempt: int, asked: float | None, patience: Patience, rng: Random) -> float:
    """Return the seconds to wait before attempt number ``attempt`` (the first retry is 1).

    Exponential with full jitter; a wait the instance asked for is kept and spread by up to
    a tenth (at most two seconds), so that several waiting clients do not return together.
    """
    if asked is not None:
        return asked + rng.uniform(0.0, min(2.0, asked * 0.1 + 0.1))
    bound = min(patience.cap, patience.base * 2.0 ** min(attempt - 1, 16))
    return rng.uniform(0.0, bound)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -_FARTHEST < value < _FARTHEST else None


def _moment(text: str | None) -> float | None:
    try:
        return None if text is None else parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
