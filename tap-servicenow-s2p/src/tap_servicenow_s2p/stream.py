"""A stream of the tap: the SDK's idea of it, around reading by the time of change.

The SDK is overridden where records are written: by the page, with the state after each, so that a
run that dies goes on where it was.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from singer_sdk import Stream
from typing_extensions import override

from servicenow_client import Forbidden, NotFound, Rejected
from tap_servicenow_s2p.bookmark import KEY, advance, fresh, since
from tap_servicenow_s2p.definitions import OUTCOMES, staging_tables
from tap_servicenow_s2p.rows import record_of
from tap_servicenow_s2p.whole import begin, end, version_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from singer_sdk.helpers.types import Context, Record

    from tap_servicenow_s2p.definitions import StreamDefinition
    from tap_servicenow_s2p.tap import TapServiceNowS2P

__all__ = ["ServiceNowStream"]

_SOURCE: Final = "erp_source"


class ServiceNowStream(Stream):
    """One entry of ``streams.yaml``, or the outcomes of all staging tables."""

    def __init__(self, tap: TapServiceNowS2P, definition: StreamDefinition) -> None:
        """Make the stream."""
        super().__init__(tap, schema=definition.schema(), name=definition.name)
        self.definition = definition
        self.primary_keys = ("sys_id",)
        self.replication_key = KEY
        self._s2p_tap = tap

    @property
    @override
    def partitions(self) -> list[dict[str, Any]] | None:
        return None

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Give none: the state is kept by ``bookmark``."""

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Not used: records are written by the page, in ``_sync_records``."""
        return ()

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        with self.get_record_counter() as counter, self.get_sync_timer():
            if self.name == OUTCOMES:
                written = sum(
                    self._read(table, {"staging_table": table}) for table in staging_tables()
                )
            else:
                written = self._read(self.definition.table)
            counter.increment(written)
            self._s2p_tap.session.count(self.name, written)
        yield from ()

    def _read(self, table: str, also: dict[str, str] | None = None) -> int:
        """Read one table from its bookmark on; give how many records went out."""
        tap = self._s2p_tap
        state = cast("dict[str, Any]", self.get_context_state(also))
        overlap = timedelta(seconds=tap.config["overlap_seconds"])
        selected = {
            name: kind
            for name, kind in self.definition.kinds.items()
            if self.mask["properties", name] or name in {"sys_id", KEY}
        }
        fields = tuple(dict.fromkeys((*selected, "sys_mod_count")))
        if self.definition.whole and not tap.start:
            begin(state, tap.session.moment, tap.config["whole_read_hours"])
        version = version_of(state)
        pages = tap.session.changed(table, since(state, tap.start, overlap), fields)
        written = 0
        elsewhere: Mapping[str, str] | None = None
        try:
            while True:
                with tap.termination.interruptible():
                    rows = next(pages, None)
                if rows is None:
                    break
                if elsewhere is None:
                    missing = tap.session.note_missing(table, selected, rows)
                    elsewhere = tap.session.mapped_sources(table) if _SOURCE in missing else {}
                for row in fresh(state, rows):
                    if elsewhere:
                        row[_SOURCE] = elsewhere.get(row["sys_id"])
                    record = record_of(row, selected, tap.session.erp_sources)
                    record = {**record, **(also or {})}
                    tap.writer.write_record(self.name, record, tap.session.now, version)
                    written += 1
                advance(state, rows, overlap)
                tap.emit_state()
            # What is hidden now and was not before is not gone.
            if (complete := end(state)) is not None and not tap.session.hides(table):
                tap.activate(self.name, complete)
        except (Forbidden, NotFound, Rejected) as error:
            if also is None:
                tap.session.fail(f"Stream {self.name} was not read whole: {error}")
            else:
                tap.session.leave_out(table, error)
        return written
