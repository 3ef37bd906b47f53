"""Exact's call limits, as its reply headers tell them, and what follows from them. Pure.

Per app and division: 60 calls in each clock minute, 5,000 in each UTC day. Replies carry both
families of headers; a refusal (429) carries only the family whose limit was hit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Limits",
    "day_is_spent",
    "merge",
    "next_day",
    "read_limits",
    "seconds_to_wait",
    "trusted",
]

_MARGIN: Final = timedelta(seconds=2)
_LONGEST_WAIT: Final = timedelta(seconds=65)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is known of one division's limits; None where no header told it.

    Attributes:
        day_left: calls left today.
        day_resets_at: when the day's count begins anew (aware, UTC).
        minute_left: calls left in this clock minute.
        minute_resets_at: when the minute's count begins anew (aware, UTC).
    """

    day_left: int | None = None
    day_resets_at: datetime | None = None
    minute_left: int | None = None
    minute_resets_at: datetime | None = None


def read_limits(headers: Mapping[str, str]) -> Limits:
    """Read what the headers tell; a malformed header counts as missing."""
    return Limits(
        day_left=_whole(headers.get("X-RateLimit-Remaining")),
        day_resets_at=_moment(headers.get("X-RateLimit-Reset")),
        minute_left=_whole(headers.get("X-RateLimit-Minutely-Remaining")),
        minute_resets_at=_moment(headers.get("X-RateLimit-Minutely-Reset")),
    )


def merge(known: Limits, told: Limits) -> Limits:
    """Give the newer knowledge, family by family."""
    day = told if told.day_left is not None else known
    minute = told if told.minute_left is not None else known
    return Limits(day.day_left, day.day_resets_at, minute.minute_left, minute.minute_resets_at)


def trusted(told: Limits, now: datetime) -> Limits:
    """Give what one reply told, with tomorrow where it names no moment for the day's reset.

    A reset that lies in the past when the reply arrives is no moment either: the calls it counts
    are today's, and the reserve must hold.
    """
    resets_at = told.day_resets_at
    if told.day_left is None or (resets_at is not None and resets_at > now - _MARGIN):
        return told
    return replace(told, day_resets_at=next_day(now))


def next_day(now: datetime) -> datetime:
    """Give the next midnight, UTC."""
    midnight = now.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)


def day_is_spent(limits: Limits, now: datetime, reserve: int) -> datetime | None:
    """Give the moment of the next day if another call would go below the reserve, else None."""
    if limits.day_left is None or limits.day_left > reserve:
        return None
    resets_at = limits.day_resets_at or next_day(now)
    return resets_at if now < resets_at else None


def seconds_to_wait(limits: Limits, now: datetime, *, refused: bool = False) -> float:
    """Tell how long to wait before the next call, by the minute's limit.

    The reset is exact to the minute only, so a margin is added; it is not trusted beyond a minute
    ahead. Without a reset the next whole minute counts.

    Args:
        limits: what is known.
        now: Exact's clock (aware).
        refused: the last call was refused for the minute's limit, whatever ``minute_left`` says.
    """
    if not refused and (limits.minute_left is None or limits.minute_left > 0):
        return 0.0
    resets_at = limits.minute_resets_at
    if resets_at is None or (refused and resets_at <= now - _MARGIN):
        resets_at = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    wait = min(resets_at + _MARGIN - now, _LONGEST_WAIT)
    return max(wait.total_seconds(), 0.0)


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _moment(text: str | None) -> datetime | None:
    """Read UTC epoch milliseconds."""
    number = _whole(text)
    try:
        return None if number is None else datetime.fromtimestamp(number / 1000, timezone.utc)
    except (OverflowError, OSError, ValueError):
        return None
