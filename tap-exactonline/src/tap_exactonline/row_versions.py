"""What a division's part of the state holds of a read by row version (sync). Pure.

``replication_key_value`` is the highest Timestamp emitted. Rows come in its order, so it moves with
every page and a killed run goes on there.

A row version is given when a row is written and seen when its transaction commits: a row may
become visible after one with a higher version was read. So the next read begins a little before
the highest version; ``overlap`` holds where (``after``) and which versions behind that were emitted
(``seen``, each as its distance from the one before), so that none is emitted again.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Forgotten", "VersionRead", "forget_if_stale", "generation_of"]

FIRST_VERSION: Final = 1
"""Exact's documented start: everything has a higher row version."""

_OVERLAP_ROWS: Final = 100
"""Versions read again: a tenth of a page, and some hundred bytes of the state."""

_LOG_IS_KEPT: Final = timedelta(days=59)
"""``sync/Deleted`` forgets after two months, the shortest of which have 59 days."""

_POSITION: Final = ("replication_key_value", "overlap", "read_on", "fallback")


def generation_of(division: Mapping[str, Any]) -> str:
    """Give a mark that changes when Exact has moved a division and renumbered its row versions."""
    moved = division.get("DivisionMoveDate") or "-"
    linked = division.get("DivisionHRLinkUnlinkDate") or "-"
    return f"{moved} {linked}"


Forgotten = str
"""Why a bookmark was dropped, as the rest of a sentence that begins with the stream."""


def forget_if_stale(state: dict[str, Any], generation: str | None, today: date) -> Forgotten | None:
    """Drop a bookmark that no longer says what was read; tell why if there was one.

    Args:
        state: of one stream and division; changed in place.
        generation: today's mark, None where it could not be read.
        today: Exact's date.
    """
    known = state.get("generation")
    if generation is not None:
        state["generation"] = generation
    if generation is not None and known not in {None, generation}:
        return _forget(state, "as Exact Online has moved the division and renumbered its rows")
    read_on = _date(state.get("read_on"))
    if read_on is not None and today - read_on >= _LOG_IS_KEPT:
        return _forget(
            state,
            f"as it was last read on {read_on}, and Exact Online tells what was deleted for two "
            "months only",
        )
    return None


def _forget(state: dict[str, Any], why: Forgotten) -> Forgotten | None:
    had = "replication_key_value" in state
    for name in _POSITION:
        state.pop(name, None)
    return why if had else None


class VersionRead:
    """One read of a division by row version, beginning a little before its bookmark.

    Attributes:
        first: nothing was read before.
        after: row version behind which the read begins.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        """Start where ``state`` says; it is changed in place."""
        self._state = state
        stored = state.get("replication_key_value")
        self.first = not isinstance(stored, int)
        self._bookmark = stored if isinstance(stored, int) else FIRST_VERSION
        overlap = _unpacked(state.get("overlap"))
        self.after, self._recent = overlap if overlap and not self.first else (self._bookmark, [])
        self._known = frozenset(self._recent)
        self._floor = self.after
        self._last = self.after
        self._in_order = True

    def is_new(self, version: int) -> bool:
        """Tell whether a row of this version was not emitted before."""
        return version > self._bookmark or (version > self.after and version not in self._known)

    def page_done(self, versions: Iterable[int], *, complete: bool = True) -> None:
        """Note that a page with these row versions was emitted, or was known before.

        Args:
            versions: of its rows.
            complete: rows of this or an earlier page do not wait for others.
        """
        page = sorted(versions)
        if page:
            # The order is not documented. Without it, only the end of the read says what is whole.
            self._in_order = self._in_order and page[0] > self._last
            self._last = max(self._last, page[-1])
            self._recent = sorted({*self._recent, *page})
            self._trim()
        if self._in_order and complete:
            self._promote()

    def finish(self, today: date) -> None:
        """Note that everything was emitted, by Exact's date."""
        self._promote()
        self._state["read_on"] = today.isoformat()

    def _trim(self) -> None:
        beyond = len(self._recent) - _OVERLAP_ROWS
        if beyond > 0:
            self._floor = self._recent[beyond - 1]
            self._recent = self._recent[beyond:]

    def _promote(self) -> None:
        if self._recent and self._recent[-1] >= self._bookmark:
            self._state["replication_key"] = "Timestamp"
            self._state["replication_key_value"] = self._recent[-1]
            self._state["overlap"] = _packed(self._floor, self._recent)


def _packed(after: int, seen: list[int]) -> dict[str, Any]:
    before = [after, *seen[:-1]]
    steps = (str(own - other) for own, other in zip(seen, before, strict=True))
    return {"after": after, "seen": " ".join(steps)}


def _unpacked(overlap: object) -> tuple[int, list[int]] | None:
    """Read what ``_packed`` made; None if it is anything else."""
    if not isinstance(overlap, dict):
        return None
    after, seen = overlap.get("after"), overlap.get("seen")
    if not isinstance(after, int) or not isinstance(seen, str):
        return None
    versions: list[int] = []
    last = after
    for step in seen.split():
        if not step.isdecimal():
            return None
        last += int(step)
        versions.append(last)
    return after, versions


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
