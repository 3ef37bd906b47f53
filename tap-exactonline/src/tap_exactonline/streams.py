"""A stream of the tap: the SDK's idea of it, around our own way of reading.

Where the SDK is overridden, and why: records are read, converted and written page by page instead
of one by one (several times faster), the state is kept per division by ``bookmarks`` (the SDK
promotes an unsorted bookmark at the end only and emits STATE every 10,000 records), and lines that
come with their header's page are not read again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from singer_sdk import Stream
from typing_extensions import override

from tap_exactonline.passes import Pass
from tap_exactonline.rows import RowPlan
from tap_exactonline.session import DIVISIONS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from singer_sdk.helpers.types import Context, Record

    from exactonline_client import Page
    from tap_exactonline.definitions import StreamDefinition
    from tap_exactonline.tap import TapExactOnline

__all__ = ["ExactStream"]

_STATE_EVERY = 1000


class ExactStream(Stream):
    """One row of ``definitions.STREAMS``, alive."""

    def __init__(self, tap: TapExactOnline, definition: StreamDefinition) -> None:
        """Make the stream."""
        super().__init__(tap, schema=definition.schema(), name=definition.name)
        self.definition = definition
        self.primary_keys = definition.keys
        self.replication_key = definition.replication_key
        self._exact_tap = tap
        self._names: frozenset[str] | None = None
        self._schema_written = False

    # What reading asks for (``reading.Output``)

    @property
    def names(self) -> frozenset[str]:
        """Properties the user selected."""
        if self._names is None:
            self._names = frozenset(
                name for name in self.definition.properties if self.mask["properties", name]
            )
        return self._names

    def write(self, records: list[dict[str, Any]], read_at: str) -> None:
        """Emit records; ``read_at`` is RFC 3339 in UTC."""
        write_record = self._exact_tap.writer.write_record
        for record in records:
            write_record(self.name, record, read_at)
        self._exact_tap.session.count(self.name, len(records))

    def state_of(self, division: int) -> dict[str, Any] | None:
        """Give the division's part of this stream's state; None where every run reads all."""
        if self.definition.lines_of is None and self.replication_method != "INCREMENTAL":
            return None
        return cast("dict[str, Any]", self.get_context_state({"Division": division}))

    def pages(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Pass pages on; other divisions have their turn while one is waited for."""
        turns = self._exact_tap.turns
        while True:
            with turns.waiting():
                page = next(pages, None)
            if page is None:
                return
            yield page

    def commit(self, rows: int) -> None:
        """Emit the state once about a thousand rows have gone out since the last one."""
        self._exact_tap.commit(rows)

    # What the SDK asks for

    @property
    @override
    def partitions(self) -> list[dict[str, Any]] | None:
        return None

    @override
    def _write_schema_message(self) -> None:
        # Lines that come with their header have had theirs written by the header's stream.
        if not self._schema_written:
            self._schema_written = True
            super()._write_schema_message()

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Give none: the bookmark is capped by Exact's clock, in ``bookmarks``."""

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Not used: records are written by the page, in ``_sync_records``."""
        return ()

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        counter = self.get_record_counter()
        with counter, self.get_sync_timer():
            before = self._exact_tap.session.rows(self.name)
            if self.definition.keys == ("Code",):
                self._write_divisions()
            else:
                self._read_divisions()
            counter.increment(self._exact_tap.session.rows(self.name) - before)
        self._exact_tap.commit(_STATE_EVERY)
        yield from ()

    def _write_divisions(self) -> None:
        """Emit the rows of the divisions to read; they were read at the start."""
        session = self._exact_tap.session
        plan = RowPlan(self.definition, self.definition.endpoint, self.names)
        with self._exact_tap.termination.interruptible():
            divisions = list(session.divisions())
        for division in divisions:
            row = session.division_row(division)
            if row is None:
                session.fail(
                    f"{DIVISIONS} cannot be read, so the stream divisions is empty: give the app "
                    "registration the scope organization/administration, or deselect the stream."
                )
                return
            record = plan.convert(row, division)
            for name in plan.hidden:
                del record[name]
            self.write([record], session.divisions_read_at)

    def _read_divisions(self) -> None:
        tap = self._exact_tap
        if tap.selected_stream(self.definition.lines_of) is not None:
            return  # the rows were emitted beside the other stream's
        reading = Pass(tap, self, self.ABORT_AT_RECORD_COUNT)
        if reading.lines is not None:
            reading.lines._write_schema_message()  # noqa: SLF001 - lines follow on the first page
        reading.run(lambda: tap.commit(_STATE_EVERY))
