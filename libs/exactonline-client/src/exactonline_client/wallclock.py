"""Exact's clock: date-times are the wall clock of Amsterdam, written as if it were UTC. Pure.

Source: Exact's REST API FAQ ("in the CET time and not GMT"), confirmed by recorded replies:
``/Date(ms)/``, filter literals and skip tokens all hold the same wall clock.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

__all__ = [
    "date_text",
    "earliest_wall_clock",
    "instant_of_wall_clock",
    "instant_text",
    "to_instant",
    "to_wall_clock",
]

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock has no zone
_EPOCH_DAY: Final = _EPOCH.toordinal()
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000
_HOUR: Final = timedelta(hours=1)
_FIRST_MS: Final = (datetime.min - _EPOCH) // timedelta(milliseconds=1)  # noqa: DTZ901 - as above
"""The year 1, which .NET writes for a date-time that was never set."""


@lru_cache(maxsize=16_384)
def _offset_ms(hour: int) -> int:
    """UTC offset of one wall-clock hour, counted from 1970; the first pass of a doubled hour."""
    wall = _EPOCH + timedelta(hours=hour)
    try:
        offset = wall.replace(tzinfo=AMSTERDAM).utcoffset()
    except OverflowError:
        offset = _HOUR
    return int((offset or timedelta()).total_seconds() * 1000)


@lru_cache(maxsize=16_384)
def _day_text(day: int) -> str:
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def instant_text(ms: int) -> str:
    """Give a wall clock in milliseconds as RFC 3339 in UTC, always with three decimals.

    The fixed width makes the texts sort as the instants do. Of the hour that a change to winter
    time doubles, the first pass is meant: never later than the truth.

    Raises:
        ValueError: outside of the years 1 to 9999.
    """
    ms = max(ms - _offset_ms(ms // _HOUR_MS), _FIRST_MS) if ms >= _FIRST_MS else ms
    day, rest = divmod(ms, _DAY_MS)
    seconds, milli = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_day_text(day)}T{hour:02d}:{minute:02d}:{second:02d}.{milli:03d}Z"


def date_text(ms: int) -> str:
    """Give the day of a wall clock in milliseconds as ``YYYY-MM-DD``.

    Raises:
        ValueError: outside of the years 1 to 9999.
    """
    return _day_text(ms // _DAY_MS)


def to_instant(ms: int) -> datetime:
    """Give a wall clock in milliseconds as an aware UTC date-time."""
    wall = _EPOCH + timedelta(milliseconds=ms)
    return wall.replace(tzinfo=AMSTERDAM).astimezone(timezone.utc)


def instant_of_wall_clock(wall: datetime) -> datetime:
    """Give the aware UTC date-time at which Exact shows a wall clock.

    Args:
        wall: its zone, if it has one, is not looked at.
    """
    return wall.replace(tzinfo=AMSTERDAM, fold=0).astimezone(timezone.utc)


def to_wall_clock(instant: datetime) -> datetime:
    """Give the naive wall clock that Exact shows for an aware instant."""
    return instant.astimezone(AMSTERDAM).replace(tzinfo=None, fold=0)


def earliest_wall_clock(instant: datetime) -> datetime:
    """Give the smallest wall clock that any moment from ``instant`` on can show.

    That is the instant's own wall clock, except in the hour before clocks go back: what happens
    after the change is written with an earlier wall clock than what happened before it.
    """
    wall = to_wall_clock(instant)
    later = to_wall_clock(instant + _HOUR)
    if later - wall < _HOUR:
        return wall.replace(minute=0, second=0, microsecond=0)
    return wall
