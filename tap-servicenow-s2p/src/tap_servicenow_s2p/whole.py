"""When a stream is read whole, and as which version of it. Pure.

An incremental read does not tell of what was deleted. As Singer has it, each record carries the
version of its stream: after a whole read ACTIVATE_VERSION says that what has another one is gone.
A whole read is a read without a bookmark, so one that breaks off goes on like any other.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from tap_servicenow_s2p.bookmark import forget

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["begin", "end", "version_of"]

_LAST: Final = "version"
_AT_WORK: Final = "next_version"


def begin(state: dict[str, Any], now: datetime, hours: float) -> None:
    """Let the next read be a whole one, if the last began so many hours ago; never for 0 hours."""
    last = _moment(state, _LAST)
    if not hours or _moment(state, _AT_WORK) is not None:
        return
    if last is None or not last <= now < last + timedelta(hours=hours):
        forget(state)
        state[_AT_WORK] = int(now.timestamp() * 1000)


def version_of(state: Mapping[str, Any]) -> int | None:
    """Version of what is read now: when its whole read began (ms); None before there was one."""
    version = state.get(_AT_WORK, state.get(_LAST))
    return version if isinstance(version, int) else None


def end(state: dict[str, Any]) -> int | None:
    """Note that everything has been read; give the version that is whole now, if it is new."""
    version: int | None = state.pop(_AT_WORK, None)
    if version is not None:
        state[_LAST] = version
    return version


def _moment(state: Mapping[str, Any], name: str) -> datetime | None:
    value = state.get(name)
    if not isinstance(value, int):
        return None
    return datetime.fromtimestamp(value / 1000, timezone.utc)
