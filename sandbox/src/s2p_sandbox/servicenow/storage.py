"""Records in SQLite: one database table per instance table, every value a string.

Values are kept as the instance would give them to REST; an empty field is ``""``, never NULL.
Functions take the connection of a transaction, so that a caller decides what is one change.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from s2p_sandbox.servicenow.catalog import physical_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "DuplicateSysIdError",
    "Record",
    "Stamp",
    "insert",
    "new_sys_id",
    "next_numbers",
    "schema",
    "update",
]

_PRIVATE = """
CREATE TABLE IF NOT EXISTS "_counters" (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS "_tokens" (
  token TEXT PRIMARY KEY, kind TEXT NOT NULL, client_id TEXT NOT NULL, user TEXT NOT NULL,
  redirect_uri TEXT NOT NULL DEFAULT '', expires_at REAL NOT NULL);
"""


class DuplicateSysIdError(Exception):
    """A record with that sys_id exists already."""


class Record(Protocol):
    """Column name → text: a database row or a mapping."""

    def __getitem__(self, key: str, /) -> Any:  # noqa: ANN401  # sqlite3.Row says no more
        """The column's text."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who writes and when (``YYYY-MM-DD HH:MM:SS``, UTC, whole seconds)."""

    user: str
    at: str


def new_sys_id() -> str:
    """32 lower-case hexadecimal digits."""
    return uuid4().hex


def schema() -> str:
    """The statements that make all tables and the indexes of their natural keys."""
    statements = [_PRIVATE]
    for table, (columns, keys) in physical_tables().items():
        own = ", ".join(
            f"\"{name}\" TEXT NOT NULL DEFAULT ''" for name in columns if name != "sys_id"
        )
        statements.append(
            f'CREATE TABLE IF NOT EXISTS "{table}" (sys_id TEXT PRIMARY KEY NOT NULL, {own});'
        )
        if "sys_import_set" in columns:
            statements.append(
                f'CREATE INDEX IF NOT EXISTS "{table}_set" ON "{table}" (sys_import_set);'
            )
        for number, key in enumerate(keys):
            # Coalesce compares without regard to case, so does its index.
            parts = ", ".join(f'"{name}" COLLATE NOCASE' for name in key)
            statements.append(
                f'CREATE INDEX IF NOT EXISTS "{table}_{number}" ON "{table}" ({parts});'
            )
    return "\n".join(statements)


def next_numbers(connection: sqlite3.Connection, prefix: str, count: int = 1) -> list[str]:
    """The next numbers of a table that numbers its records itself: ``PO0001001`` and on."""
    connection.execute(
        'INSERT INTO "_counters" VALUES (?, ?) '
        "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        (prefix, count),
    )
    (last,) = connection.execute(
        'SELECT value FROM "_counters" WHERE name = ?', (prefix,)
    ).fetchone()
    return [f"{prefix}{1000 + last - count + 1 + index:07d}" for index in range(count)]


def insert(
    connection: sqlite3.Connection,
    table: str,
    records: Iterable[Mapping[str, str]],
    stamp: Stamp,
) -> list[str]:
    """Insert records (column → value; absent columns are empty) and return their sys_ids.

    Raises:
        DuplicateSysIdError: a record brought a sys_id that is taken; nothing is inserted.
    """
    columns, _ = physical_tables()[table]
    full = [_stamped(record, stamp) for record in records]
    marks = ", ".join("?" * len(columns))
    named = ", ".join(f'"{name}"' for name in columns)
    try:
        connection.executemany(
            f'INSERT INTO "{table}" ({named}) VALUES ({marks})',  # noqa: S608  # names from the catalog
            [[record.get(name, "") for name in columns] for record in full],
        )
    except sqlite3.IntegrityError as error:
        raise DuplicateSysIdError(table) from error
    return [record["sys_id"] for record in full]


def _stamped(record: Mapping[str, str], stamp: Stamp) -> dict[str, str]:
    return {
        "sys_created_on": stamp.at,
        "sys_created_by": stamp.user,
        "sys_updated_on": stamp.at,
        "sys_updated_by": stamp.user,
        "sys_mod_count": "0",
        **record,
        "sys_id": record.get("sys_id") or new_sys_id(),
    }


def update(
    connection: sqlite3.Connection,
    table: str,
    sys_id: str,
    changes: Mapping[str, str],
    stamp: Stamp,
) -> None:
    """Change some columns of one record and count the update."""
    names = list(changes)
    assignments: Sequence[str] = [f'"{name}" = ?' for name in names]
    connection.execute(
        f'UPDATE "{table}" SET {", ".join(assignments)}'  # noqa: S608  # names from the catalog
        f"{',' if names else ''} sys_updated_on = ?, sys_updated_by = ?, "
        "sys_mod_count = CAST(sys_mod_count AS INTEGER) + 1 WHERE sys_id = ?",
        [*changes.values(), stamp.at, stamp.user, sys_id],
    )
