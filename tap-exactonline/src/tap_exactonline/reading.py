"""Reading one stream of one division: endpoint, pages, lines, bookmark.

The order of events on each page is what makes a crash harmless: rows are written, then the state
that covers them. A process that dies in between emits those rows again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exactonline_client import RequestRefused, ServerFailed, filters
from tap_exactonline.bookmarks import OLDEST, ModifiedRead, align, follow, instant_text
from tap_exactonline.emission import emit
from tap_exactonline.feeds import FeedReader
from tap_exactonline.lines import LineReader
from tap_exactonline.row_versions import forget_if_stale
from tap_exactonline.rows import RowPlan
from tap_exactonline.sweep import SWEPT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client import Page
    from tap_exactonline.definitions import Endpoint, StreamDefinition
    from tap_exactonline.deletions import DeletionLog
    from tap_exactonline.output import Limit, Output, Span
    from tap_exactonline.session import Session

__all__ = ["DivisionReader"]

_FORBIDDEN: Final = 403
_GONE: Final = frozenset({400, 404, 500})


class DivisionReader:
    """Reads a stream, and the line stream that comes with it, in one division."""

    def __init__(  # noqa: PLR0913 - one read has this many parts
        self,
        session: Session,
        division: int,
        source: StreamDefinition,
        *,
        rows_to: Output | None,
        lines_to: Output | None,
        span: Span,
        limit: Limit,
        deletions: DeletionLog | None = None,
    ) -> None:
        """Prepare.

        Args:
            session: the run's connection.
            division: which one.
            source: whose endpoint is read.
            rows_to: takes its rows; None where only their lines are wanted.
            lines_to: takes the lines that come with the rows.
            span: from when on.
            limit: of a dry run.
            deletions: of this division, if they are wanted.
        """
        self._deletions = deletions
        output = rows_to or lines_to
        if output is None:
            raise ValueError("nothing to read for")
        self._output = output
        self._session = session
        self._division = division
        self._source = source
        self._rows_to = rows_to
        self._lines_to = lines_to
        self._span = span
        self._limit = limit

    def read(self) -> None:
        """Read all there is to read now.

        Raises:
            ExactError: see ``exactonline_client.errors``.
            RowLimitReached: in a dry run.
        """
        endpoint, fallback = self._source.endpoint, self._source.fallback
        refusals = self._session.refusals
        refusal = refusals.get((endpoint.resource, self._division))
        if refusal is None:
            try:
                self._read_from(endpoint, self._state(slot=None))
            except RequestRefused as error:
                refusal = refusals[endpoint.resource, self._division] = error
            else:
                return
        # Another stream of the same endpoint does not ask again: Exact counts each refusal.
        if fallback is None or refusal.status != _FORBIDDEN or refusal.whole_division:
            raise refusal
        self._session.tell_fallback(endpoint.resource, fallback.resource, refusal)
        self._read_from(fallback, self._state(slot="fallback"))

    # The three ways of reading

    def _read_from(self, endpoint: Endpoint, state: dict[str, Any]) -> None:
        if endpoint.by == "Timestamp":
            self._read_feed(state)
        elif endpoint.by == "Modified":
            self._read_modified(endpoint, state)
        else:
            self._read_whole(endpoint)

    def _read_whole(self, endpoint: Endpoint) -> None:
        plan = self._plan(endpoint)
        condition = filters.modified_since(OLDEST) if endpoint.must_filter else None
        keys: list[str] = []
        for page in self._walk(endpoint, plan, condition):
            records = [plan.convert(row, self._division) for row in page.rows]
            keys += [record[self._source.id] for record in records]
            if self._deletions is not None:
                self._deletions.met(records, self._source.id)
            self._emit(plan, records, page)
        if self._source.name in SWEPT:
            self._session.sweeps.read_whole(self._division, self._source.name, keys)

    def _read_feed(self, state: dict[str, Any]) -> None:
        outputs = [(self._output, state)]
        lines = self._lines_to
        if lines is not None:
            outputs.append((lines, _state_of(lines, self._division)))
        generation = self._session.generation(self._division)
        for output, own in outputs:
            if why := forget_if_stale(own, generation, self._session.today()):
                self._session.tell_forgotten(self._division, output.definition.name, why)
        FeedReader(
            self._session,
            self._division,
            outputs,
            start=self._span.start,
            limit=self._limit,
            deletions=self._deletions,
        ).read()
        if lines is not None:
            self._session.came_along.add((lines.definition.name, self._division))

    def _read_modified(self, endpoint: Endpoint, state: dict[str, Any]) -> None:
        expands = self._source.expands is not None
        both = expands and self._rows_to is not None and self._lines_to is not None
        line_state = self._lines_to.state_of(self._division) if both and self._lines_to else None
        if line_state is not None:
            align(state, line_state)
        progress = ModifiedRead(state, overlap=self._span.overlap, start=self._span.start)
        announced = self._session.announced.get(self._division)
        if announced is not None:
            progress.know(announced.emitted.get(self._source.name, {}))
        plan = self._plan(endpoint)
        lines = self._line_reader()
        select = (*plan.select, *(lines.select if lines else ()))
        condition = filters.modified_since(progress.since)
        expand = self._source.expands if lines else None
        query = self._session.client(self._division).url(
            self._division, endpoint.resource, select=select, filter=condition, expand=expand
        )
        link = progress.resume_link(query)
        pages = self._session.client(self._division).walk(
            self._division,
            endpoint.resource,
            select=select,
            filter=condition,
            expand=expand,
            resume_at=link,
        )
        try:
            self._take_modified(progress, plan, lines, query, pages)
        except (RequestRefused, ServerFailed) as error:
            if link is None or error.status not in _GONE:
                raise
            progress.restart()
            self._read_modified(endpoint, state)
            return
        progress.finish()
        if line_state is not None:
            follow(state, line_state)

    def _take_modified(
        self,
        progress: ModifiedRead,
        plan: RowPlan,
        lines: LineReader | None,
        query: str,
        pages: Iterator[Page],
    ) -> None:
        key = self._source.id
        for page in self._output.pages(pages):
            records = [plan.convert(row, self._division) for row in page.rows]
            seen = [(record[key], record["Modified"]) for record in records]
            new = [
                (row, record)
                for row, record in zip(page.rows, records, strict=True)
                if progress.is_new(record[key], record["Modified"])
            ]
            self._session.noticed(self._division, self._source, (record for _, record in new))
            if self._source.name in SWEPT:
                keys = [record[key] for _, record in new]
                self._session.sweeps.add(self._division, self._source.name, keys)
            self._emit(plan, [record for _, record in new], page)
            emitted = len(new)
            if lines:
                headers = [(row, record[key]) for row, record in new]
                emitted += lines.write(headers, instant_text(page.read_at))
            self._limit.check()
            progress.page_done(seen, page.read_at, query, page.next_url)
            self._output.commit(emitted)

    # Common parts

    def _line_reader(self) -> LineReader | None:
        if self._lines_to is None or self._source.expands is None:
            return None
        return LineReader(self._session, self._division, self._source, self._lines_to)

    def _plan(self, endpoint: Endpoint) -> RowPlan:
        names = self._rows_to.names if self._rows_to else frozenset()
        return RowPlan(self._source, endpoint, names)

    def _walk(self, endpoint: Endpoint, plan: RowPlan, condition: str | None) -> Iterator[Page]:
        return self._output.pages(
            self._session.client(self._division).walk(
                self._division, endpoint.resource, select=plan.select, filter=condition
            )
        )

    def _emit(self, plan: RowPlan, records: list[dict[str, Any]], page: Page) -> None:
        if self._rows_to is None:
            return
        emit(self._rows_to, plan, records, instant_text(page.read_at), self._limit)
        if self._source.expands is None:
            self._limit.check()

    def _state(self, *, slot: str | None) -> dict[str, Any]:
        state = _state_of(self._output, self._division)
        if slot is None:
            return state
        inner = state.setdefault(slot, {})
        return inner if isinstance(inner, dict) else {}


def _state_of(output: Output, division: int) -> dict[str, Any]:
    """Give a part of the state to change in place; what is not kept is thrown away."""
    state = output.state_of(division)
    return {} if state is None else state
