"""How far a table has been read. Pure.

A record may become visible with an earlier time than one that was read before (a transaction that
took long), so reading begins a little before the bookmark; what was emitted in that stretch is
remembered, so that nothing comes twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["KEY", "advance", "forget", "fresh", "since"]

KEY: Final = "sys_updated_on"
_VALUE: Final = "replication_key_value"
_SEEN: Final = "seen"
_FORM: Final = "%Y-%m-%d %H:%M:%S"
_MOST: Final = 5000
"""Records remembered at most: an import may write tens of thousands in one second, and a state
must stay small. What is forgotten may come once more, which harms nobody."""


def since(state: Mapping[str, Any], start: str, overlap: timedelta) -> str:
    """From when on to read (``YYYY-MM-DD HH:MM:SS``, UTC; empty: everything).

    Args:
        state: what `advance` left.
        start: where a first run begins, in the same form.
        overlap: how far to reach back.
    """
    value = state.get(_VALUE)
    moment = _moment(value) if isinstance(value, str) else None
    return start if moment is None else (moment - overlap).strftime(_FORM)


def fresh(state: Mapping[str, Any], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what was emitted before in this very version."""
    seen = state.get(_SEEN)
    known: Mapping[str, Any] = seen if isinstance(seen, dict) else {}
    return [row for row in rows if known.get(str(row.get("sys_id"))) != _version(row)]


def advance(state: dict[str, Any], rows: Sequence[Mapping[str, Any]], overlap: timedelta) -> None:
    """Note in the state that these rows, in the order of their changes, have been emitted."""
    last = _moment(str(rows[-1].get(KEY))) if rows else None
    if last is None:
        return
    seen = state.get(_SEEN)
    known = {**(seen if isinstance(seen, dict) else {})}
    for row in rows:
        known.pop(str(row.get("sys_id")), None)  # to its new place at the end
        known[str(row.get("sys_id"))] = _version(row)
    oldest = (last - overlap).strftime(_FORM)
    kept = [(key, version) for key, version in known.items() if str(version)[:19] >= oldest]
    state["replication_key"] = KEY
    state[_VALUE] = last.strftime(_FORM)
    state[_SEEN] = dict(kept[-_MOST:])


def forget(state: dict[str, Any]) -> None:
    """Let the next read begin at the beginning."""
    state.pop(_VALUE, None)
    state.pop(_SEEN, None)


def _version(row: Mapping[str, Any]) -> str:
    """A record changed twice in one second has the same time, but not the same count."""
    return f"{row.get(KEY)} {row.get('sys_mod_count') or ''}".strip()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text[:19].replace("T", " "), _FORM)  # noqa: DTZ007 - UTC throughout
    except ValueError:
        return None
