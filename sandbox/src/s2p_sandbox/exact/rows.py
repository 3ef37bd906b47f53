"""Exact Online's rows in SQLite: one table for all resources, one rowversion counter.

Every change gives a row the next rowversion, "higher than the highest available value at that
time"; sync endpoints read in its order. A change of a purchase order or of one of its lines gives
header and lines new rowversions, as the order feed promises.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from s2p_sandbox.database import Database
from s2p_sandbox.exact.model import ORDERS_FEED, entities
from s2p_sandbox.exact.row_reader import ROWS_SCHEMA, RowReader
from s2p_sandbox.exact.values import milliseconds, stored, wall_clock

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from s2p_sandbox.clock import Clock
    from s2p_sandbox.exact.model import Entity
    from s2p_sandbox.exact.row_reader import Row

__all__ = ["DELETED", "RowStore"]

DELETED = "sync/Deleted"
_ORDERS = "purchaseorder/PurchaseOrders"
_ORDER_LINES = "purchaseorder/PurchaseOrderLines"
_CHUNK = 2000
_INSERT = """
INSERT INTO rows (resource, division, key, parent, modified, feed, rowversion, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (resource, division, key) DO UPDATE SET parent = excluded.parent,
    modified = excluded.modified, rowversion = excluded.rowversion, body = excluded.body
"""


class RowStore(RowReader):
    """All rows of the stand-in.

    Args:
        path: the SQLite file.
        clock: gives ``Modified`` and ``DeletedDate`` of changes made here.

    Attributes:
        on_change: told resource, division, key and Create, Update or Delete of each change.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(Database(path, ROWS_SCHEMA))
        self._clock = clock
        self.on_change: Callable[[str, int, str, str], object] = lambda *_: None
        self._feeds = {
            entity.rows_of: name for name, entity in entities().items() if entity.kind == "sync"
        }
        self._feeds[_ORDER_LINES] = ORDERS_FEED
        self._feeds[DELETED] = DELETED

    def load(self, resource: str, rows: Iterable[Mapping[str, Any]], division: int = 0) -> int:
        """Put rows in as they are given, ``Modified`` included; returns how many.

        Args:
            resource: the regular resource, such as ``crm/Accounts``.
            rows: Python values by property name (naive Amsterdam date-times, Decimal amounts,
                unpadded codes); ``_division`` names the division where there is no ``Division``.
            division: used for rows that carry neither.

        Raises:
            ValueError: an unknown resource or property, or a value of another type.
        """
        return self.load_mixed(((resource, row) for row in rows), division)

    def load_mixed(self, rows: Iterable[tuple[str, Mapping[str, Any]]], division: int = 0) -> int:
        """As ``load`` for rows of several resources, in one transaction."""
        count = 0
        with self.database.transaction() as connection:
            version = self._version(connection)
            chunk: list[tuple[Any, ...]] = []
            for resource, row in rows:
                version += 1
                chunk.append(self._record(resource, row, division, version))
                count += 1
                if len(chunk) >= _CHUNK:
                    connection.executemany(_INSERT, chunk)
                    chunk.clear()
            connection.executemany(_INSERT, chunk)
            self._set_version(connection, version)
        return count

    def change(self, resource: str, division: int, key: str, values: Mapping[str, Any]) -> Row:
        """Write some properties of a row, new or not, and stamp it now; null clears a property.

        Raises:
            ValueError: an unknown property or a value of another type.
        """
        entity = entities()[resource]
        now = wall_clock(self._clock.now())
        with self.database.transaction() as connection:
            before = self.get(resource, division, key)
            body = dict(before.values) if before else {}
            fresh = {entity.key: key, **values}
            if "Modified" in entity.properties:
                fresh["Modified"] = now
            if before is None and "Created" in entity.properties:
                fresh.setdefault("Created", now)
            if before is None and "Division" in entity.properties:
                fresh.setdefault("Division", division)
            for name, value in fresh.items():
                body[name] = _stored(entity, name, value)
            version = self._version(connection) + 1
            kept = {name: value for name, value in body.items() if value is not None}
            connection.execute(_INSERT, self._stored_record(entity, kept, division, version))
            self._set_version(connection, version)
            self._bump_order(connection, resource, division, kept)
        self.on_change(resource, division, key, "Update" if before else "Create")
        after = self.get(resource, division, key)
        assert after is not None  # noqa: S101  # it was written above
        return after

    def delete(self, resource: str, division: int, key: str, by: str | None = None) -> bool:
        """Delete a row with its lines; traced in ``sync/Deleted`` where Exact does so."""
        entity = entities()[resource]
        with self.database.transaction() as connection:
            row = self.get(resource, division, key)
            if row is None:
                return False
            for lines in entity.lines.values():
                for line in self.children(lines.resource, division, [key])[key]:
                    self.delete(lines.resource, division, line.key, by)
            connection.execute(
                "DELETE FROM rows WHERE resource = ? AND division = ? AND key = ?",
                (resource, division, key),
            )
            if entity.deleted_type is not None:
                self._trace(connection, entity, division, key, by)
            self._bump_order(connection, resource, division, row.values)
        self.on_change(resource, division, key, "Delete")
        return True

    def touch(self, resource: str, division: int, key: str) -> None:
        """Give a row ``Modified`` = now, as a change of its lines may."""
        if self.get(resource, division, key) is not None:
            self.change(resource, division, key, {})

    def move_division(self, division: int) -> int:
        """A division move: every timestamp is regenerated, ``DivisionMoveDate`` is now."""
        with self.database.transaction() as connection:
            ids = connection.execute(
                "SELECT id FROM rows WHERE division = ? ORDER BY resource, key", (division,)
            ).fetchall()
            version = self._version(connection)
            connection.executemany(
                "UPDATE rows SET rowversion = ? WHERE id = ?",
                [(version + place, one["id"]) for place, one in enumerate(ids, start=1)],
            )
            self._set_version(connection, version + len(ids))
            if self.get("system/Divisions", division, str(division)) is not None:
                moved = {"DivisionMoveDate": wall_clock(self._clock.now())}
                self.change("system/Divisions", division, str(division), moved)
        return len(ids)

    def oldest_trace(self) -> int:
        """``DeletedDate`` before which ``sync/Deleted`` forgets: two months ago."""
        return milliseconds(wall_clock(self._clock.now()) - timedelta(days=61))

    def clear(self) -> None:
        """Forget all rows; the counter starts anew."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM rows")
            connection.execute("DELETE FROM meta")

    def note(self, name: str, value: str | None = None) -> str | None:
        """Read a small remark about the whole; with a value, write it first."""
        with self.database.transaction() as connection:
            if value is not None:
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
            found = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found["value"])

    def _record(
        self, resource: str, row: Mapping[str, Any], division: int, version: int
    ) -> tuple[Any, ...]:
        entity = entities().get(resource)
        if entity is None or entity.rows_of != resource:
            raise ValueError(f"There is no regular resource '{resource}'.")
        where = int(row.get("_division") or row.get("Division") or division)
        body = {
            name: shaped
            for name, value in row.items()
            if name != "_division" and (shaped := _stored(entity, name, value)) is not None
        }
        return self._stored_record(entity, body, where, version)

    def _stored_record(
        self, entity: Entity, body: Mapping[str, Any], division: int, version: int
    ) -> tuple[Any, ...]:
        return (
            entity.name,
            division,
            str(body["ID" if entity.name == DELETED else entity.key]),
            body.get(entity.parent) if entity.parent else None,
            body.get(entity.modified) if entity.modified else None,
            self._feeds.get(entity.name),
            version,
            msgspec.json.encode(body).decode(),
        )

    def _trace(
        self,
        connection: sqlite3.Connection,
        entity: Entity,
        division: int,
        key: str,
        by: str | None,
    ) -> None:
        version = self._version(connection) + 1
        body = {
            "ID": str(uuid.uuid4()),
            "EntityKey": key,
            "EntityType": entity.deleted_type,
            "DeletedDate": milliseconds(wall_clock(self._clock.now())),
            "Division": division,
        }
        if by:
            body["DeletedBy"] = by
        record = self._stored_record(entities()[DELETED], body, division, version)
        connection.execute(_INSERT, record)
        self._set_version(connection, version)

    def _bump_order(
        self,
        connection: sqlite3.Connection,
        resource: str,
        division: int,
        values: Mapping[str, Any],
    ) -> None:
        if resource not in {_ORDERS, _ORDER_LINES}:
            return
        order = values.get("PurchaseOrderID")
        found = connection.execute(
            "SELECT id FROM rows WHERE division = ? AND ((resource = ? AND key = ?)"
            " OR (resource = ? AND parent = ?)) ORDER BY resource DESC,"
            " json_extract(body, '$.LineNumber'), rowversion",
            (division, _ORDERS, order, _ORDER_LINES, order),
        ).fetchall()
        version = self._version(connection)
        for one in found:
            version += 1
            connection.execute("UPDATE rows SET rowversion = ? WHERE id = ?", (version, one["id"]))
        self._set_version(connection, version)

    @staticmethod
    def _version(connection: sqlite3.Connection) -> int:
        found = connection.execute("SELECT value FROM meta WHERE name = 'rowversion'").fetchone()
        return 1000 if found is None else int(found["value"])

    @staticmethod
    def _set_version(connection: sqlite3.Connection, version: int) -> None:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('rowversion', ?)", (str(version),))


def _stored(entity: Entity, name: str, value: Any) -> Any:  # noqa: ANN401  # Edm values
    edm = entity.properties.get(name)
    if edm is None:
        raise ValueError(f"{entity.name} has no property '{name}'.")
    return stored(entity.name, name, edm, value)
