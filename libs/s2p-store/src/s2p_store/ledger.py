"""What was last sent for a natural key, and what became of it: one effect per version."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import msgspec
from msgspec.structs import astuple
from sqlalchemy import bindparam, func, select, tuple_

from s2p_store.amounts import from_units
from s2p_store.encoding import from_instant, to_instant
from s2p_store.errors import StoreDataInvalid
from s2p_store.schema import ledger as table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from decimal import Decimal

    from sqlalchemy import Row
    from sqlalchemy.sql.elements import ColumnElement

    from s2p_store.database import Database

__all__ = ["Ledger", "LedgerEntry", "LedgerState", "LedgerSum", "LedgerTarget"]

LedgerState = Literal["sending", "sent", "done", "failed", "parked"]
_STATES = frozenset(get_args(LedgerState))
_PAGE = 1000


class LedgerEntry(msgspec.Struct, frozen=True, gc=False):
    """The last word about one natural key of one table of the receiving system.

    `state`: sending (about to be written: after a crash nobody knows whether it was), sent (the
    receiver has it, its outcome is open), done, failed, parked (given up until someone acts).
    `source_version` is any text that changes with the source record; `updated_at` is aware.
    `units` is what the record is worth in `currency`, as whole ten-thousandths (`to_units`).
    """

    table: str
    natural_key: str
    source_version: str | None
    content_hash: str | None
    state: LedgerState
    import_set: str | None
    row: str | None
    outcome: str | None
    target_sys_id: str | None
    message: str | None
    run_id: str
    updated_at: datetime
    units: int | None = None
    currency: str | None = None


class LedgerSum(NamedTuple):
    """Entries of one table, state and currency: how many, how many without amount, their sum."""

    table: str
    state: str
    currency: str
    entries: int
    without: int
    amount: Decimal


class LedgerTarget(NamedTuple):
    """An entry that is done: its record in the receiving system, and what it is worth."""

    natural_key: str
    sys_id: str
    amount: Decimal | None
    currency: str | None


_in_flight = table.c.state.in_(("sending", "sent"))
_failed = table.c.state == "failed"
_parked = table.c.state == "parked"
_by_key = itemgetter(0, 1)
_position = tuple_(table.c.table_name, table.c.natural_key)


class Ledger:
    """The ledger of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._upsert = database.many(database.upsert(table), table.columns.keys())
        self._many = select(table).where(
            table.c.table_name == bindparam("of_table"),
            database.among(table.c.natural_key, "keys"),
        )

    def get_many(self, table_name: str, natural_keys: Iterable[str]) -> dict[str, LedgerEntry]:
        """Give the entries there are, by natural key."""
        keys = list(natural_keys)
        if not keys:
            return {}
        parameters = {"of_table": table_name, "keys": self._database.listed(keys)}
        with self._database.reading() as connection:
            rows = connection.execute(self._many, parameters).all()
        return {entry.natural_key: entry for entry in map(_entry, rows)}

    def put_many(self, entries: Iterable[LedgerEntry]) -> None:
        """Write `entries` over what was there; when this returns they are on disk.

        Of several entries of one key the last one counts.

        Raises:
            StoreDataInvalid: an unknown state, a moment without a time zone, a NUL in a key.
        """
        # one order for all writers: two of them cannot wait for each other
        rows = sorted(map(_row, entries), key=_by_key)
        if rows:
            with self._database.writing() as connection:
                self._upsert.run(connection, rows)

    def in_flight(self, table_name: str | None = None) -> Iterator[LedgerEntry]:
        """All entries whose outcome is open (sending, sent), ordered by table and natural key.

        Read page by page: writing outcomes while reading is fine.
        """
        return self._pages(_in_flight, table_name)

    def failed(self) -> Iterator[LedgerEntry]:
        """All entries that failed, in the same order and manner."""
        return self._pages(_failed, None)

    def parked(self, table_name: str) -> Iterator[LedgerEntry]:
        """All entries of a table that are parked, in the same order and manner."""
        return self._pages(_parked, table_name)

    def sums(self, ending: str) -> list[LedgerSum]:
        """Add up the entries whose natural key ends with `|ending`, by table, state, currency."""
        groups = (table.c.table_name, table.c.state, table.c.currency)
        statement = (
            select(
                *groups,
                func.count().label("entries"),
                func.count(table.c.amount).label("valued"),
                func.sum(table.c.amount).label("units"),
            )
            .where(table.c.natural_key.endswith(f"|{ending}", autoescape=True))
            .group_by(*groups)
        )
        with self._database.reading() as connection:
            found = [
                LedgerSum(
                    row.table_name,
                    row.state,
                    row.currency or "",
                    row.entries,
                    row.entries - row.valued,
                    from_units(int(row.units or 0)),
                )
                for row in connection.execute(statement)
            ]
        return sorted(found)

    def targets(self, table_name: str, ending: str) -> Iterator[LedgerTarget]:
        """What is done and has a record in the receiving system, of the entries `sums` adds up."""
        statement = (
            select(table.c.natural_key, table.c.target_sys_id, table.c.amount, table.c.currency)
            .where(
                table.c.table_name == table_name,
                table.c.state == "done",
                table.c.target_sys_id.is_not(None),
                table.c.natural_key.endswith(f"|{ending}", autoescape=True),
            )
            .order_by(table.c.natural_key)
            .execution_options(yield_per=_PAGE)
        )
        with self._database.reading() as connection:
            for key, sys_id, units, currency in connection.execute(statement):
                amount = None if units is None else from_units(units)
                yield LedgerTarget(key, sys_id, amount, currency)

    def _pages(self, state: ColumnElement[bool], table_name: str | None) -> Iterator[LedgerEntry]:
        statement = select(table).where(state).order_by(*_position.clauses).limit(_PAGE)
        if table_name is not None:
            statement = statement.where(table.c.table_name == table_name)
        page = statement
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(page).all()
            yield from map(_entry, rows)
            if len(rows) < _PAGE:
                return
            page = statement.where(_position > (rows[-1].table_name, rows[-1].natural_key))


def _row(entry: LedgerEntry) -> tuple[object, ...]:
    if entry.state not in _STATES:
        raise StoreDataInvalid(
            f"The ledger knows no state {entry.state!r}: use one of {', '.join(sorted(_STATES))}."
        )
    if "\0" in entry.natural_key:
        raise StoreDataInvalid(
            "A natural key holds a NUL character, which no database keeps alike: leave it out."
        )
    message = entry.message
    if message is not None and "\0" in message:
        message = message.replace("\0", "")  # written for people, and PostgreSQL would refuse it
    # Fields and columns have the same order, with these five last.
    return (
        *astuple(entry)[:-5],
        message,
        entry.run_id,
        to_instant(entry.updated_at),
        entry.units,
        entry.currency,
    )


def _entry(row: Row[Any]) -> LedgerEntry:
    moment, units, currency = row[-3:]
    values: tuple[Any, ...] = (*row[:-3], from_instant(moment), units, currency)
    return LedgerEntry(*values)
