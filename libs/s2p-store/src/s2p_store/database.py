"""One database, its connections and its transactions.

SQLite: write-ahead log, synchronous=FULL (a commit survives a power cut), writers queue on the
busy timeout, and every write transaction begins IMMEDIATE: a transaction that began by reading
could not wait for a writer, it would fail at once.
PostgreSQL: psycopg 3, the server's own durability, `lock_timeout` instead of the busy timeout.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, create_engine, event, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import ARRAY, Text

from s2p_store.encoding import to_json_text
from s2p_store.errors import StoreDataInvalid, StoreDriverMissing, StoreNotWritable, StoreUrlInvalid
from s2p_store.faults import told_as_store_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Column, Connection, Engine, Table
    from sqlalchemy.sql.dml import Insert
    from sqlalchemy.sql.elements import ColumnElement

    from s2p_store.urls import StorePlace

__all__ = ["LOCK_WAIT_SECONDS", "Database", "use_write_ahead_log"]

LOCK_WAIT_SECONDS = 60
_CONNECT_SECONDS = 10
_WRITES = "s2p_writes"


class Many:
    """A compiled statement for very many rows.

    SQLAlchemy looks at each parameter of each row; for the tables that get tens of thousands of
    rows a second that is most of the time. Values must be what the driver takes as they are.
    """

    __slots__ = ("_order", "_text")

    def __init__(self, text: str, order: Sequence[int] | None) -> None:
        self._text = text
        self._order = order

    def run(self, connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Execute for all `rows`, in their order."""
        if self._order is not None:
            rows = [tuple(row[index] for index in self._order) for row in rows]
        if rows:
            connection.exec_driver_sql(self._text, list(rows))


class Database:
    """Connections to one store; safe to use from several threads, not across a fork."""

    def __init__(self, place: StorePlace) -> None:
        """Prepare the connections; nothing is contacted yet."""
        self.place = place
        self.label = place.label
        self.is_sqlite = place.path is not None
        self.engine = _sqlite_engine(place) if self.is_sqlite else _postgres_engine(place)
        self._current = threading.local()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Everything inside is written together, or not at all.

        Inside another `writing` of the same thread it joins that one.
        """
        joined: Connection | None = getattr(self._current, "connection", None)
        if joined is not None:
            yield joined
            return
        with told_as_store_errors(self.label), self.engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                self._current.connection = connection
                try:
                    yield connection
                finally:
                    self._current.connection = None

    @contextmanager
    def reading(self, *, steady: bool = False) -> Iterator[Connection]:
        """One view of the data; inside `writing` it sees what was written there.

        With `steady`, all statements see the same moment on PostgreSQL too.
        """
        joined: Connection | None = getattr(self._current, "connection", None)
        if joined is not None:
            yield joined
            return
        with told_as_store_errors(self.label), self.engine.connect() as connection:
            if steady and not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    def upsert(
        self,
        table: Table,
        *,
        keys: Sequence[str] = (),
        add: Sequence[str] = (),
        where: ColumnElement[bool] | None = None,
        keep: Sequence[str] = (),
    ) -> Insert:
        """Insert, or overwrite the row of the same primary key, or of the same unique `keys`.

        `add` names columns that grow by the new value, `keep` those that stay as they are;
        `where` compares the row that is there (the table) with nothing else.
        """
        statement = self._insert(table)
        keys = keys or [column.name for column in table.primary_key]
        values = {
            column.name: (
                column + statement.excluded[column.name]
                if column.name in add
                else statement.excluded[column.name]
            )
            for column in table.columns
            if column.name not in keys and column.name not in keep
        }
        merged: Insert = statement.on_conflict_do_update(
            index_elements=keys, set_=values, where=where
        )
        return merged

    def insert_new(self, table: Table) -> Insert:
        """Insert, or leave the row of the same primary key alone."""
        statement: Insert = self._insert(table).on_conflict_do_nothing()
        return statement

    def _insert(self, table: Table) -> Any:  # noqa: ANN401 - of one of two dialects
        if self.is_sqlite:
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - slow, and for its stores only

        return postgresql.insert(table)

    def many(self, statement: Insert, names: Sequence[str]) -> Many:
        """Compile `statement` once, for rows given as tuples in the order of `names`."""
        dialect: Any = type(self.engine.dialect)
        positional = dialect(paramstyle="qmark" if self.is_sqlite else "format")
        compiled: Any = statement.compile(dialect=positional, column_keys=list(names))
        order = [names.index(name) for name in compiled.positiontup]
        return Many(str(compiled), None if order == list(range(len(names))) else order)

    def among(self, column: Column[str], name: str) -> ColumnElement[bool]:
        """`column` is one of a list given as one parameter, see `listed`.

        One statement text for lists of any length: it is compiled, and planned, once.
        """
        if self.is_sqlite:
            values = func.json_each(bindparam(name, type_=Text)).table_valued("value")
            return column.in_(select(values.c.value))
        return column == func.any(bindparam(name, type_=ARRAY(Text)))

    def listed(self, values: Sequence[str]) -> Any:  # noqa: ANN401 - what the driver takes
        """The parameter for `among`.

        Raises:
            StoreDataInvalid: one holds a NUL, at which SQLite would end it.
        """
        if any("\0" in value for value in values):
            raise StoreDataInvalid(
                "A key holds a NUL character, which no database keeps alike: leave it out."
            )
        if self.is_sqlite:
            return to_json_text(list(values))
        return list(values)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _sqlite_engine(place: StorePlace) -> Engine:
    _prepare_file(place)
    engine = create_engine(
        place.url,
        connect_args={"timeout": LOCK_WAIT_SECONDS},
        hide_parameters=True,
        max_overflow=-1,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        connection.isolation_level = None  # the module's own BEGIN comes too late, see below
        connection.execute("PRAGMA synchronous=FULL")
        # 16 MiB each: keys arrive in no order, and each checkpoint writes every page they touched
        connection.execute("PRAGMA cache_size=-16384")
        connection.execute("PRAGMA wal_autocheckpoint=4096")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _prepare_file(place: StorePlace) -> None:
    """Create folder (0700) and file (0600) where they are missing; leave existing ones alone."""
    path = place.path
    if path is None or path.is_file():
        return
    try:
        missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        for folder in reversed(missing):
            with suppress(FileExistsError):  # another process opens the same store
                folder.mkdir(mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreNotWritable(
            f"The store {place.label} cannot be created ({error.strerror}): give this user write "
            "permission to its folder, or set store_url to another place."
        ) from error


def _postgres_engine(place: StorePlace) -> Engine:
    try:
        engine = create_engine(
            place.url,
            connect_args={"connect_timeout": _CONNECT_SECONDS},
            hide_parameters=True,
            max_overflow=-1,
            pool_pre_ping=True,  # the server may have restarted between two batches
        )
    except ModuleNotFoundError as error:
        raise StoreDriverMissing(
            f"The store {place.label} is a PostgreSQL database and its driver is not installed: "
            "install 's2p-store[postgres]' or set store_url to an SQLite file."
        ) from error
    except (TypeError, ValueError) as error:
        raise StoreUrlInvalid(
            f"The setting store_url ({place.label}) has an option the database driver refuses."
        ) from error

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
        connection.execute(f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")
        connection.execute("SET application_name = 's2p'")
        connection.commit()

    return engine


def use_write_ahead_log(database: Database) -> None:
    """Turn the SQLite file to WAL mode; it stays so. The caller keeps other processes away."""
    if database.is_sqlite:
        with told_as_store_errors(database.label), database.engine.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is not None:
                raw.execute("PRAGMA journal_mode=WAL")
