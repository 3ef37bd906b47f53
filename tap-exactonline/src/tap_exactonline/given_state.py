"""Whether a state is one that this tap can have written: others would be misread in silence. Pure.

Members that the tap does not know are nobody's fault, and stay.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tap_exactonline.bookmarks import parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

__all__ = ["fault_of"]

_YEAR: Final = timedelta(days=366)
_FIRST_YEAR: Final = 1900


def fault_of(state: Mapping[str, Any], now: datetime) -> str | None:
    """Say what is wrong with a state; None if nothing is.

    Args:
        state: as it was given.
        now: aware. A bookmark far beyond it would leave out all that changes until then; less is a
            clock that is wrong.
    """
    bookmarks = state.get("bookmarks", {})
    if not isinstance(bookmarks, dict):
        return "its bookmarks are no object"
    for stream, bookmark in bookmarks.items():
        partitions = bookmark.get("partitions", []) if isinstance(bookmark, dict) else None
        if not isinstance(partitions, list):
            return f"the bookmark of {stream} has no list of partitions"
        for partition in partitions:
            if not isinstance(partition, dict) or not isinstance(partition.get("context"), dict):
                return f"a partition of {stream} has no context"
            for part in _parts(partition):
                if fault := _fault_of_part(part, now):
                    return f"a partition of {stream} has {fault}"
    return None


def _parts(partition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield partition
    if isinstance(fallback := partition.get("fallback"), dict):
        yield fallback


def _fault_of_part(part: Mapping[str, Any], now: datetime) -> str | None:
    reached = part.get("replication_key_value")
    if isinstance(reached, str) and part.get("replication_key") != "Timestamp":
        try:
            moment = parse_instant(reached)
        except ValueError:
            return "a bookmark that is no moment"
        if moment.year < _FIRST_YEAR or moment > now + _YEAR:
            return "a bookmark that lies in the far future or before all books"
    for name in ("recent", "sweeps"):
        if not isinstance(part.get(name) or {}, dict):
            return f"a member {name} that is no object"
    if any(not isinstance(sweep, dict) for sweep in (part.get("sweeps") or {}).values()):
        return "a sweep that is no object"
    return None
