"""What a division's part of the state holds of a read by Modified. Pure: dictionaries in and out.

Rows come in the order of their keys, so the bookmark moves only when all have been
read. Until then ``resume`` holds Exact's own link to the next page. Reading starts a little before
the bookmark (``overlap_seconds``); ``recent`` names the rows of that stretch that were emitted
before, so that they are not emitted again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ModifiedRead",
    "align",
    "follow",
    "instant_text",
    "parse_instant",
]

_MOST_RECENT: Final = 200
OLDEST: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def instant_text(moment: datetime) -> str:
    """Give an aware moment as the tap writes date-times: UTC, three decimals."""
    text = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """Read a date-time setting or bookmark; without a zone, UTC is meant.

    Raises:
        ValueError: not an ISO 8601 date or date-time.
    """
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def align(headers: dict[str, Any], lines: dict[str, Any]) -> None:
    """Take headers back to where the lines that come with them were last read.

    Lines that were selected later than their headers would otherwise miss everything before.
    """
    reached = lines.get("replication_key_value")
    if isinstance(reached, str) and reached >= headers.get("replication_key_value", ""):
        return
    if "replication_key_value" not in headers:
        return
    for name in ("replication_key_value", "recent", "resume"):
        headers.pop(name, None)
    if isinstance(reached, str):
        headers["replication_key_value"] = reached


def follow(headers: dict[str, Any], lines: dict[str, Any]) -> None:
    """Note for the lines how far they were read with their headers."""
    if "replication_key_value" in headers:
        lines["replication_key"] = "Modified"
        lines["replication_key_value"] = headers["replication_key_value"]


class ModifiedRead:
    """One read of a division by Modified, with an overlap into what was read before."""

    def __init__(
        self, state: dict[str, Any], *, overlap: timedelta, start: datetime | None
    ) -> None:
        """Start where ``state`` says; it is changed in place.

        Args:
            state: of one stream and division.
            overlap: how far before the bookmark the read starts.
            start: where a first read starts.
        """
        self._state = state
        self._overlap = overlap
        stored = state.get("replication_key_value")
        self._bookmark = stored if isinstance(stored, str) else None
        if self._bookmark is not None:
            self.since = parse_instant(self._bookmark) - overlap
        else:
            self.since = start or OLDEST
        self._recent: Mapping[str, str] = state.get("recent") or {}
        self._started: str | None = None
        self._latest = self._bookmark or ""
        self._window: dict[str, str] = {}

    def know(self, emitted: Mapping[str, str]) -> None:
        """Take note of rows that were emitted in another way: key to Modified (text)."""
        self._recent = {**self._recent, **emitted}

    def resume_link(self, query: str) -> str | None:
        """Give the link at which an interrupted read of the same query goes on."""
        resume = self._state.get("resume")
        if not isinstance(resume, dict) or resume.get("query") != _mark(query):
            self._state.pop("resume", None)
            return None
        self._started = resume.get("started")
        self._latest = max(self._latest, resume.get("latest") or "")
        self._window.update(resume.get("window") or {})
        return resume.get("next")

    def restart(self) -> None:
        """Forget an interrupted read whose link is no longer good."""
        self._state.pop("resume", None)
        self._started = None
        self._latest = self._bookmark or ""
        self._window.clear()

    def is_new(self, key: str, modified: str | None) -> bool:
        """Tell whether this version of a row was not emitted before."""
        return modified is None or self._recent.get(key) != modified

    def page_done(
        self, rows: list[tuple[str, str | None]], read_at: datetime, query: str, link: str | None
    ) -> None:
        """Note that a page was emitted.

        Args:
            rows: key and Modified (text) of each row, emitted or known before.
            read_at: Exact's clock when it answered.
            query: what was asked for; an interrupted read goes on only with the same.
            link: to the next page.
        """
        if self._started is None:
            self._started = instant_text(read_at)
        for key, modified in rows:
            if modified is not None:
                self._latest = max(self._latest, modified)
                self._window[key] = modified
        self._trim()
        if link is None:
            self._state.pop("resume", None)
            return
        self._state["resume"] = {
            "query": _mark(query),
            "next": link,
            "started": self._started,
            "latest": self._latest,
            "window": dict(self._window),
        }

    def finish(self) -> None:
        """Note that everything was emitted, and move the bookmark.

        Never beyond the start of the read, by Exact's clock: a row changed while its page was
        behind us already is found by the next read.
        """
        self._state.pop("resume", None)
        bookmark = min(self._latest, self._started or self._latest)
        if not bookmark or (self._bookmark is not None and bookmark < self._bookmark):
            bookmark = self._bookmark or ""
        if not bookmark:
            return
        self._state["replication_key"] = "Modified"
        self._state["replication_key_value"] = bookmark
        # Filters know whole seconds only: the next read gets the whole second it starts in.
        since = (parse_instant(bookmark) - self._overlap).replace(microsecond=0)
        reach = instant_text(since)
        recent = {key: seen for key, seen in self._window.items() if seen >= reach}
        self._state["recent"] = recent

    def _trim(self) -> None:
        """Keep the latest rows only: the state travels with every STATE message."""
        if len(self._window) > _MOST_RECENT:
            latest = sorted(self._window.items(), key=lambda item: item[1])[-_MOST_RECENT:]
            self._window = dict(latest)


def _mark(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:16]
