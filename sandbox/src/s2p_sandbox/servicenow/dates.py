"""Date values in encoded queries, among them the ``javascript:gs.…`` functions."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

__all__ = ["resolve", "stamp_text"]

_CALL = re.compile(r"javascript:\s*gs\.(\w+)\((.*?)\)\s*;?")
_ARGUMENT = re.compile(r"'([^']*)'|\"([^\"]*)\"|(-?\d+)")
_LAST_SECOND = timedelta(hours=24, seconds=-1)


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
    days = int(arguments[0]) if len(arguments) == 1 and arguments[0].isdigit() else None
    if name == "dateGenerate" and len(arguments) == 2:  # noqa: PLR2004  # date and time
        return f"{arguments[0]} {arguments[1]}"
    if days is not None:
        starts = {
            "daysAgo": now - timedelta(days=days),
            "daysAgoStart": midnight - timedelta(days=days),
            "daysAgoEnd": midnight - timedelta(days=days) + _LAST_SECOND,
        }
    else:
        starts = {
            "beginningOfToday": midnight,
            "endOfToday": midnight + _LAST_SECOND,
            "now": now,
            "nowDateTime": now,
        }
    return stamp_text(starts[name]) if name in starts else None
