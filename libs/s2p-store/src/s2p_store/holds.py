"""Records that wait for something: as they were read, encrypted, until they have arrived.

The life of a hold: `put` (open), `release` (handed on by a run, kept), `settle` (gone, for the
record has an outcome, or a later version needed no hold). A run that dies between handing on
and the outcome leaves the record among `released()`, from where it is handed on again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, or_, select, tuple_, update

from s2p_store.encoding import from_json, to_instant, to_json_text
from s2p_store.hold_record import from_row, instant_of, pairs_of, to_row, waiver_text
from s2p_store.hold_summary import Waiting, summed
from s2p_store.holding import Known, Put, decide
from s2p_store.schema import hold as table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row
    from sqlalchemy.sql.elements import ColumnElement

    from s2p_store.crypto import Cipher
    from s2p_store.database import Database
    from s2p_store.hold_record import Hold, Waiver

__all__ = ["Holds"]

_PAGE = 500


_by_key = and_(
    table.c.stream == bindparam("of_stream"),
    table.c.division == bindparam("of_division"),
    table.c.source_id == bindparam("of_source_id"),
)
_is_open = table.c.released_run_id.is_(None)
_position = tuple_(table.c.stream, table.c.division, table.c.source_id)
_release = (
    update(table)
    .where(_by_key, _is_open)
    .values(released_run_id=bindparam("to_run_id"), released_at=bindparam("to_released_at"))
)
_settle = delete(table).where(
    _by_key,
    or_(
        table.c.source_modified.is_(None),
        bindparam("up_to", type_=table.c.source_modified.type).is_(None),
        table.c.source_modified <= bindparam("up_to"),
    ),
)
_waive = update(table).where(_by_key, _is_open).values(waiver=bindparam("to_waiver"))
_explain = (
    update(table)
    .where(_by_key)
    .values(reasons=bindparam("to_reasons"), waiting_for=bindparam("to_waiting_for"))
)


class Holds:
    """The held records of one store."""

    def __init__(self, database: Database, cipher: Cipher, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._upsert = database.upsert(table)
        self._known = (
            select(
                table.c.source_id,
                table.c.source_modified,
                table.c.reasons,
                table.c.waiting_for,
                table.c.released_run_id,
            )
            .where(
                table.c.stream == bindparam("of_stream"),
                table.c.division == bindparam("of_division"),
                database.among(table.c.source_id, "ids"),
            )
            .with_for_update()
        )

    def put(self, holds: Iterable[Hold]) -> int:
        """Keep `holds`; when this returns they are on disk. Give how many changed the store.

        A newer version (`source_modified`) replaces the older, an older one is ignored, the
        same one again is ignored unless its reasons changed. A released record put again is
        open again.

        Raises:
            StoreKeyMissing: the store was opened without a key.
            StoreDataInvalid: a record is not JSON, or a moment has no time zone.
        """
        self._cipher.require()
        groups: dict[tuple[str, int], dict[str, list[Hold]]] = {}
        for hold in holds:
            groups.setdefault((hold.stream, hold.division), {}).setdefault(
                hold.source_id, []
            ).append(hold)
        if not groups:
            return 0
        with self._database.writing() as connection:
            return sum(
                self._put_group(connection, stream, division, groups[stream, division])
                for stream, division in sorted(groups)
            )

    def _put_group(
        self, connection: Connection, stream: str, division: int, new: Mapping[str, list[Hold]]
    ) -> int:
        ids = sorted(new)
        found = connection.execute(
            self._known,
            {
                "of_stream": stream,
                "of_division": division,
                "ids": self._database.listed(ids),
            },
        )
        there = {row.source_id: _known(row) for row in found}
        replace: dict[str, Hold] = {}
        explain: dict[str, Hold] = {}
        for source_id in ids:
            known = there.get(source_id)
            for hold in new[source_id]:
                arriving = Known(hold.source_modified, hold.reasons, hold.waiting_for)
                match decide(known, arriving):
                    case Put.REPLACE:
                        explain.pop(source_id, None)
                        replace[source_id] = hold
                    case Put.EXPLAIN if source_id in replace:
                        replace[source_id] = hold
                    case Put.EXPLAIN:
                        explain[source_id] = hold
                    case Put.IGNORE:
                        continue
                known = arriving
        if replace:
            connection.execute(
                self._upsert, [to_row(hold, self._cipher) for hold in replace.values()]
            )
        if explain:
            connection.execute(_explain, [_reasons(hold) for hold in explain.values()])
        return len(replace) + len(explain)

    def open(self, *, stream: str | None = None, division: int | None = None) -> Iterator[Hold]:
        """All records that wait, ordered by stream, division and source id.

        Read page by page: releasing while reading is fine.

        Raises:
            StoreKeyMissing: the store was opened without a key.
        """
        return self._read(_is_open, stream, division)

    def released(self, *, stream: str | None = None, division: int | None = None) -> Iterator[Hold]:
        """Records handed on by `release` of which no outcome is known yet; see `settle`."""
        return self._read(table.c.released_run_id.is_not(None), stream, division)

    def find(self, keys: Iterable[tuple[str, int, str]]) -> list[Hold]:
        """Those of these records that are held, open or released, in the order of their keys.

        Raises:
            StoreKeyMissing: the store was opened without a key.
        """
        self._cipher.require()
        wanted = sorted(set(keys))
        found: list[Hold] = []
        with self._database.reading() as connection:
            for first in range(0, len(wanted), _PAGE):
                some = wanted[first : first + _PAGE]
                statement = select(table).where(_position.in_(some)).order_by(*_position.clauses)
                rows = connection.execute(statement)
                found.extend(from_row(row, self._cipher) for row in rows)
        return found

    def _read(
        self, state: ColumnElement[bool], stream: str | None, division: int | None
    ) -> Iterator[Hold]:
        self._cipher.require()
        return self._pages(state, stream, division)

    def _pages(
        self, state: ColumnElement[bool], stream: str | None, division: int | None
    ) -> Iterator[Hold]:
        wanted = [state]
        if stream is not None:
            wanted.append(table.c.stream == stream)
        if division is not None:
            wanted.append(table.c.division == division)
        statement = select(table).where(*wanted).order_by(*_position.clauses).limit(_PAGE)
        page = statement
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(page).all()
            yield from (from_row(row, self._cipher) for row in rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1]
            page = statement.where(_position > (last.stream, last.division, last.source_id))

    def release(self, keys: Iterable[tuple[str, int, str]], run_id: str) -> int:
        """Mark open records as handed on by `run_id`; give how many were open.

        They stay in the store, among `released()`, until `settle`.
        """
        at = to_instant(self._clock())
        return self._each(
            _release,
            [{**_of(key), "to_run_id": run_id, "to_released_at": at} for key in sorted(set(keys))],
        )

    def waive(self, keys: Iterable[tuple[str, int, str]], waiver: Waiver) -> int:
        """Note that a person lets these open records go on; give how many were open.

        It holds for the version that waits: a newer one is put without.
        """
        text = waiver_text(waiver)
        return self._each(_waive, [{**_of(key), "to_waiver": text} for key in sorted(set(keys))])

    def settle(self, versions: Iterable[tuple[str, int, str, datetime | None]]) -> int:
        """Forget records, open or released, up to the version given; give how many there were.

        For records that have an outcome, that came again and needed no hold, or that were
        deleted at the source (version None: whatever version). A newer one stays.
        """
        return self._each(
            _settle,
            [
                {
                    **_of((stream, division, source_id)),
                    "up_to": None if modified is None else to_instant(modified),
                }
                for stream, division, source_id, modified in versions
            ],
        )

    def _each(self, statement: Any, parameters: list[dict[str, Any]]) -> int:  # noqa: ANN401 - an update or a delete
        if not parameters:
            return 0
        with self._database.writing() as connection:
            return int(connection.execute(statement, parameters).rowcount)

    def count(self, division: int | None = None) -> int:
        """How many records wait."""
        return sum(1 for _ in self._causes(division))

    def summary(self, division: int | None = None) -> list[Waiting]:
        """What the open holds wait for, the most frequent cause first; needs no key."""
        return summed(self._causes(division))

    def _causes(self, division: int | None) -> list[Row[Any]]:
        statement = select(
            table.c.reasons, table.c.waiting_for, table.c.amount, table.c.currency
        ).where(_is_open)
        if division is not None:
            statement = statement.where(table.c.division == division)
        with self._database.reading() as connection:
            return list(connection.execute(statement).all())


def _known(row: Row[Any]) -> Known:
    return Known(
        instant_of(row.source_modified),
        tuple(from_json(row.reasons)),
        pairs_of(row.waiting_for),
        row.released_run_id is not None,
    )


def _of(key: tuple[str, int, str]) -> dict[str, Any]:
    stream, division, source_id = key
    return {"of_stream": stream, "of_division": division, "of_source_id": source_id}


def _reasons(hold: Hold) -> dict[str, Any]:
    return {
        **_of(hold.key),
        "to_reasons": to_json_text(hold.reasons),
        "to_waiting_for": to_json_text(hold.waiting_for),
    }
