"""What happened to which record, when and why: only ever added to, and provably so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, insert, select, tuple_, update
from typing_extensions import override

from s2p_store.chain import AuditProblem, Batch, StoredEvent, batch_hash, problems
from s2p_store.encoding import from_instant, from_json, to_instant, to_json_text
from s2p_store.errors import StoreCorrupt
from s2p_store.schema import audit_batch, audit_event, audit_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from s2p_store.chain import EventValues
    from s2p_store.database import Database

__all__ = ["Audit", "AuditEvent", "AuditProblem"]

_PAGE = 1000


class AuditEvent(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened.

    `at` is aware; `kind` is a word such as staged, unchanged, held, released, failed, parked;
    `natural_key` is the name people use (a document number, a code); `detail` is JSON: codes,
    ids and messages, never personal data, for it lies in clear. It does not show in `repr`.
    """

    run_id: str
    at: datetime
    stream: str
    division: int | None
    source_id: str | None
    kind: str
    natural_key: str | None
    detail: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @override
    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__[:-1]]
        return f"AuditEvent({', '.join(shown)})"


_lock_head = select(audit_head.c.batch, audit_head.c.hash).with_for_update()
_read_head = select(audit_head.c.batch, audit_head.c.hash)
_move_head = update(audit_head).values(batch=bindparam("to_batch"), hash=bindparam("to_hash"))
_add_batch = insert(audit_batch)
_all_events = (
    select(audit_event)
    .order_by(audit_event.c.batch, audit_event.c.position)
    .execution_options(yield_per=_PAGE)
)
_all_batches = select(audit_batch).order_by(audit_batch.c.batch).execution_options(yield_per=_PAGE)


class Audit:
    """The trail of one store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._add_events = database.many(insert(audit_event), audit_event.columns.keys())

    def append(self, events: Sequence[AuditEvent]) -> None:
        """Add `events` in this order as one batch; when this returns they are on disk.

        Raises:
            StoreDataInvalid: a detail is not JSON, or a moment has no time zone.
        """
        if not events:
            return
        values = _values(events)
        with self._database.writing() as connection:
            head = connection.execute(_lock_head).one_or_none()
            if head is None:
                raise StoreCorrupt(
                    f"The head of the audit trail in {self._database.label} is gone: "
                    "restore the store from a backup."
                )
            number = head.batch + 1
            chained = batch_hash(head.hash, number, values)
            connection.execute(
                _add_batch,
                {
                    "batch": number,
                    "previous_hash": head.hash,
                    "hash": chained,
                    "events": len(values),
                    "written_at": to_instant(self._clock()),
                },
            )
            self._add_events.run(
                connection, [(number, at, *each) for at, each in enumerate(values)]
            )
            connection.execute(_move_head, {"to_batch": number, "to_hash": chained})

    def events(  # noqa: PLR0913 - each is one optional filter, by name
        self,
        *,
        natural_key: str | None = None,
        source_id: str | None = None,
        run_id: str | None = None,
        division: int | None = None,
        stream: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[AuditEvent]:
        """All events that fit every filter given, in the order they were added.

        `since` (included) and `until` (not included) are aware moments.

        Read page by page: events added meanwhile may appear, and nothing is locked.
        """
        table = audit_event.c
        wanted = [
            column == value
            for column, value in (
                (table.natural_key, natural_key),
                (table.source_id, source_id),
                (table.run_id, run_id),
                (table.division, division),
                (table.stream, stream),
            )
            if value is not None
        ]
        # Moments are text of fixed width: their order is that of time.
        wanted += [] if since is None else [table.at >= to_instant(since)]
        wanted += [] if until is None else [table.at < to_instant(until)]
        position = tuple_(table.batch, table.position)
        order = (table.batch.desc(), table.position.desc()) if newest_first else position.clauses
        last: tuple[int, int] | None = None
        left = limit
        while left is None or left > 0:
            page = select(audit_event).order_by(*order).limit(min(_PAGE, left or _PAGE))
            if last is not None:
                after = position < last if newest_first else position > last
                page = page.where(after)
            with self._database.reading() as connection:
                rows = connection.execute(page.where(*wanted)).all()
            yield from map(_event, rows)
            if len(rows) < _PAGE:
                return
            last = (rows[-1].batch, rows[-1].position)
            left = None if left is None else left - len(rows)

    def verify(self) -> list[AuditProblem]:
        """Recompute the chain from the first batch on; [] means it is intact.

        Finds altered, added, missing and reordered events and batches, and batches cut off the
        end. Memory does not grow with the trail.
        """
        with self._database.reading(steady=True) as connection:
            head = connection.execute(_read_head).one_or_none()
            return list(
                problems(
                    _batches(connection),
                    _stored(connection),
                    None if head is None else Batch(head.batch, "", head.hash, 0),
                )
            )


def _values(events: Sequence[AuditEvent]) -> list[EventValues]:
    values: list[EventValues] = []
    moment: datetime | None = None
    at = ""
    for event in events:
        if event.at is not moment:  # those of one batch mostly share it
            moment, at = event.at, to_instant(event.at)
        values.append(
            (
                event.run_id,
                at,
                event.stream,
                event.division,
                event.source_id,
                event.kind,
                event.natural_key,
                to_json_text(event.detail),
            )
        )
    return values


def _event(row: Row[Any]) -> AuditEvent:
    _, _, run_id, at, *others, detail = row
    values = (run_id, from_instant(at), *others, from_json(detail))
    return AuditEvent(*values)


def _batches(connection: Connection) -> Iterator[Batch]:
    for row in connection.execute(_all_batches):
        yield Batch(row.batch, row.previous_hash, row.hash, row.events)


def _stored(connection: Connection) -> Iterator[StoredEvent]:
    for row in connection.execute(_all_events):
        batch, position, *values = row
        yield StoredEvent(batch, position, tuple(values))
