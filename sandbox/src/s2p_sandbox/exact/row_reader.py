"""Rows as they lie in SQLite, and the look-ups that need no query language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from s2p_sandbox.database import Database

__all__ = ["ROWS_SCHEMA", "Row", "RowReader", "as_row"]

ROWS_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    id INTEGER PRIMARY KEY,
    resource TEXT NOT NULL,
    division INTEGER NOT NULL,
    key TEXT NOT NULL,
    parent TEXT,
    modified INTEGER,
    feed TEXT,
    rowversion INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS rows_key ON rows (resource, division, key);
CREATE INDEX IF NOT EXISTS rows_modified ON rows (resource, division, modified, key);
CREATE INDEX IF NOT EXISTS rows_parent ON rows (resource, division, parent);
CREATE INDEX IF NOT EXISTS rows_feed ON rows (feed, division, rowversion);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its values in stored form, without those that are null."""

    resource: str
    division: int
    key: str
    rowversion: int
    modified: int | None
    values: dict[str, Any]


class RowReader:
    """Reads the rows of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def get(self, resource: str, division: int, key: str) -> Row | None:
        """One row by its key."""
        with self.database.read() as connection:
            found = connection.execute(
                "SELECT * FROM rows WHERE resource = ? AND division = ? AND key = ?",
                (resource, division, key),
            ).fetchone()
        return None if found is None else as_row(found)

    def by_keys(self, resource: str, division: int, keys: Sequence[str]) -> list[Row]:
        """The rows that exist among these keys."""
        marks = ", ".join("?" * len(keys))
        with self.database.read() as connection:
            found = connection.execute(
                f"SELECT * FROM rows WHERE resource = ? AND division = ? AND key IN ({marks})",  # noqa: S608  # question marks only
                (resource, division, *keys),
            ).fetchall()
        return [as_row(one) for one in found]

    def all_of(self, resource: str, division: int | None = None) -> list[Row]:
        """All rows of a small resource, of one division or, with None, of all, by key."""
        with self.database.read() as connection:
            found = connection.execute(
                "SELECT * FROM rows WHERE resource = ?1 AND (?2 IS NULL OR division = ?2)"
                " ORDER BY division, key",
                (resource, division),
            ).fetchall()
        return [as_row(one) for one in found]

    def children(
        self, resource: str, division: int, parents: Sequence[str]
    ) -> dict[str, list[Row]]:
        """The lines of some headers by header key, in line order."""
        grouped: dict[str, list[Row]] = {parent: [] for parent in parents}
        marks = ", ".join("?" * len(parents))
        with self.database.read() as connection:
            found = connection.execute(
                f"SELECT * FROM rows WHERE resource = ? AND division = ? AND parent IN ({marks})",  # noqa: S608  # question marks only
                (resource, division, *parents),
            ).fetchall()
        for one in found:
            grouped[one["parent"]].append(as_row(one))
        for lines in grouped.values():
            lines.sort(key=lambda row: (row.values.get("LineNumber", 0), row.key))
        return grouped

    def counts(self) -> dict[str, int]:
        """Number of rows by resource."""
        with self.database.read() as connection:
            found = connection.execute(
                "SELECT resource, count(*) AS n FROM rows GROUP BY resource ORDER BY resource"
            ).fetchall()
        return {one["resource"]: one["n"] for one in found}


def as_row(found: sqlite3.Row) -> Row:
    """A row of the table as the rest of the stand-in sees it."""
    return Row(
        found["resource"],
        found["division"],
        found["key"],
        found["rowversion"],
        found["modified"],
        msgspec.json.decode(found["body"]),
    )
