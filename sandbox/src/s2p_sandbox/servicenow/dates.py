"""Date values in encoded queries, among them the ``javascript:gs.…`` functions."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

__all__ = ["resolve", "stamp_text"]

_CALL = re.compile(r"javascript:\s*gs\.(\w+)\((.*?)\)\s*;?")
_ARGUMENT = re.compile(r"'([^']*)'|\"([^\"]*)\"|(-?\d+)")


def stamp_text(moment: datetime) -> str:
    """``YYYY-MM-DD HH:MM:SS`` in UTC, whole seconds: how the instance keeps time."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def resolve(value: str, now: datetime) -> str | None:
    """The literal behind a query value; None when it calls a function unknown here.

    ``now`` is aware; the query's user has the time zone UTC.
    """
    if not value.startswith("javascript:"):
        return value
    match = _CALL.fullmatch(value)
    if match is None:
        return None
    arguments = [a or b or c for a, b, c in _ARGUMENT.findall(match[2])]
    midnight = now.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    name = match[1]
    if name == "dateGenerate" and len(arguments) == 2:  # noqa: PLR2004  # date and time
        return f"{arguments[0]} {arguments[1]}"
    if name in {"daysAgoStart", "daysAgoEnd", "daysAgo"} and len(arguments) == 1:
        days = timedelta(days=int(arguments[0]))
        if name == "daysAgo":
            return stamp_text(now - days)
        day = midnight - days
        return stamp_text(day if name == "daysAgoStart" else day + timedelta(hours=24, seconds=-1))
    if name in {"beginningOfToday", "endOfToday"} and not arguments:
        return stamp_text(
            midnight if name == "beginningOfToday" else midnight + timedelta(hours=24, seconds=-1)
        )
    if name in {"now", "nowDateTime"} and not arguments:
        return stamp_text(now)
    return None
