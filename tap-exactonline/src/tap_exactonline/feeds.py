"""Reading a sync endpoint by row version: of one stream, or of headers and their lines at once.

Headers and lines of a flat feed share its pages. A line is emitted after its header; as a change of
either renews both, they lie close together, and few lines ever wait.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from exactonline_client import filters
from tap_exactonline.bookmarks import instant_text
from tap_exactonline.emission import emit, nameless
from tap_exactonline.row_versions import VersionRead
from tap_exactonline.rows import RowPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from tap_exactonline.definitions import Endpoint
    from tap_exactonline.deletions import DeletionLog
    from tap_exactonline.output import Limit, Output
    from tap_exactonline.session import Session

__all__ = ["FeedReader"]

_HEADER: Final = "PurchaseOrderID"
_HEADERS_KNOWN: Final = 10_000
_LINES_WAITING: Final = 2_000


@dataclass(slots=True)
class _Part:
    """One stream of a feed: which rows are its own, and how far it is."""

    output: Output
    plan: RowPlan
    progress: VersionRead
    takes: Callable[[dict[str, Any]], bool]
    oldest: str | None
    waiting: _Waiting | None = None


@dataclass(slots=True)
class _Waiting:
    """Lines that wait for their header."""

    headers: dict[str, None] = field(default_factory=dict)
    lines: deque[tuple[str, dict[str, Any]]] = field(default_factory=deque)

    def header(self, key: str) -> None:
        """Note that a header was emitted; the latest ones are remembered."""
        self.headers[key] = None
        if len(self.headers) > _HEADERS_KNOWN:
            for oldest in list(islice(self.headers, _HEADERS_KNOWN // 2)):
                del self.headers[oldest]

    def ready(self, arrived: Iterable[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        """Give the lines whose header is known, and the oldest of too many that wait."""
        self.lines.extend(arrived)
        ready, waiting = [], deque[tuple[str, dict[str, Any]]]()
        for header, line in self.lines:
            if header in self.headers:
                ready.append(line)
            else:
                waiting.append((header, line))
        while len(waiting) > _LINES_WAITING:
            ready.append(waiting.popleft()[1])
        self.lines = waiting
        return ready

    def rest(self) -> list[dict[str, Any]]:
        """Give what waits for a header that has not come: it was emitted long ago, or is gone."""
        rest = [line for _, line in self.lines]
        self.lines.clear()
        return rest


class FeedReader:
    """Reads one sync endpoint of one division."""

    def __init__(  # noqa: PLR0913 - one read has this many parts
        self,
        session: Session,
        division: int,
        outputs: Sequence[tuple[Output, dict[str, Any]]],
        *,
        start: datetime | None,
        limit: Limit,
        deletions: DeletionLog | None,
    ) -> None:
        """Prepare.

        Args:
            session: the run's connection.
            division: which one.
            outputs: the streams to emit, each with its part of the state; headers first.
            start: on a first read, rows changed before are left out.
            limit: of a dry run.
            deletions: of the division, told what is there.
        """
        self._deletions = deletions
        self._session = session
        self._division = division
        self._limit = limit
        self._parts = [self._part(output, state, start) for output, state in outputs]
        if len(self._parts) > 1:
            self._parts[1].waiting = _Waiting()

    def read(self) -> None:
        """Read all there is to read now; for errors see ``DivisionReader.read``."""
        first = self._parts[0]
        today = self._session.today()
        pages = self._session.client(self._division).walk(
            self._division,
            first.output.definition.endpoint.resource,
            select=self._select(),
            filter=filters.timestamp_after(min(part.progress.after for part in self._parts)),
        )
        read_at = ""
        for page in first.output.pages(pages):
            read_at = instant_text(page.read_at)
            for part in self._parts:
                self._take(part, [row for row in page.rows if part.takes(row)], read_at)
            first.output.commit(len(page.rows))
        for part in self._parts:
            if part.waiting is not None:
                self._emit(part, part.waiting.rest(), read_at)
            part.progress.finish(today)

    def _take(self, part: _Part, rows: list[dict[str, Any]], read_at: str) -> None:
        plan, progress, oldest = part.plan, part.progress, part.oldest
        definition = part.output.definition
        records = [plan.convert(row, self._division) for row in rows]
        versions = [record["Timestamp"] for record in records]
        if None in versions:
            raise nameless("Timestamp", definition.endpoint)
        modified = definition.modified
        new = [
            (row, record)
            for row, record in zip(rows, records, strict=True)
            if progress.is_new(record["Timestamp"])
            and (oldest is None or (record[modified] or oldest) >= oldest)
        ]
        if self._deletions is not None:
            self._deletions.met((record for _, record in new), definition.id)
        self._session.noticed(self._division, definition, (record for _, record in new))
        waiting = part.waiting
        if waiting is None:
            ready = [record for _, record in new]
        else:
            ready = waiting.ready((row.get(_HEADER) or "", record) for row, record in new)
        self._emit(part, ready, read_at)
        lines = self._parts[-1].waiting
        if lines is not None and waiting is None:
            for row in rows:
                lines.header(row.get(_HEADER) or "")
        progress.page_done(versions, complete=waiting is None or not waiting.lines)

    def _emit(self, part: _Part, records: list[dict[str, Any]], read_at: str) -> None:
        emit(part.output, part.plan, records, read_at, self._limit)
        self._limit.check()

    def _part(self, output: Output, state: dict[str, Any], start: datetime | None) -> _Part:
        definition = output.definition
        progress = VersionRead(state)
        oldest = instant_text(start) if start and progress.first else None
        plan = RowPlan(definition, definition.endpoint, output.names)
        return _Part(output, plan, progress, _kind_of(definition.endpoint), oldest)

    def _select(self) -> tuple[str, ...]:
        asked = {name for part in self._parts for name in part.plan.select}
        if len(self._parts) > 1:
            asked.add(_HEADER)
        properties = self._parts[0].output.definition.endpoint.properties
        return tuple(name for name in properties if name in asked)


def _kind_of(endpoint: Endpoint) -> Callable[[dict[str, Any]], bool]:
    """Tell which rows of an endpoint are a stream's own: headers have LineNumber 0."""
    if endpoint.rows == "headers":
        return lambda row: not row.get("LineNumber")
    if endpoint.rows == "lines":
        return lambda row: bool(row.get("LineNumber"))
    return lambda _: True
