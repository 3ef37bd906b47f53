"""Reference data as it was last seen: JSON rows per (system, scope, entity), whole or not at all.

Rows lie in clear. They are codes, names of accounts, flags: never keep personal data here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, func, insert, select

from s2p_store.encoding import from_instant, from_json, to_instant, to_json
from s2p_store.errors import StoreDataInvalid
from s2p_store.schema import reference_row as row_table
from s2p_store.schema import reference_snapshot as snapshot_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from s2p_store.database import Database

__all__ = ["Reference"]

_here = and_(
    row_table.c.system == bindparam("of_system"),
    row_table.c.scope == bindparam("of_scope"),
    row_table.c.entity == bindparam("of_entity"),
)
_bodies = select(row_table.c.body).where(_here).order_by(row_table.c.position)
_clear = delete(row_table).where(_here)
_last_position = select(func.max(row_table.c.position)).where(_here)
_saved_at = select(snapshot_table.c.saved_at).where(
    snapshot_table.c.system == bindparam("of_system"),
    snapshot_table.c.scope == bindparam("of_scope"),
    snapshot_table.c.entity == bindparam("of_entity"),
)


class Reference:
    """The reference snapshots of one store.

    `system` is the one that was asked, `scope` what divides it there (a division, an ERP
    source), `entity` what the rows are.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._upsert = database.upsert(snapshot_table)
        self._add = database.many(insert(row_table), row_table.columns.keys())
        self._remove = delete(row_table).where(_here, database.among(row_table.c.row_id, "ids"))

    def save(
        self,
        system: str,
        scope: str,
        entity: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        at: datetime | None = None,
    ) -> int:
        """Put `rows` in place of all there were; give how many. Readers see the old or the new.

        `at` is the moment the rows were true, by default now. An empty snapshot is one too.

        Raises:
            StoreDataInvalid: a row is not JSON.
        """
        # encoded before the transaction: `rows` may come from a network, and writers wait
        encoded = [(_row_id(row), to_json(row)) for row in rows]
        with self._database.writing() as connection:
            connection.execute(_clear, _of(system, scope, entity))
            self._add.run(connection, _rows(system, scope, entity, encoded, 0))
            connection.execute(self._upsert, self._stamp(system, scope, entity, at))
        return len(encoded)

    def merge(
        self,
        system: str,
        scope: str,
        entity: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        at: datetime | None = None,
    ) -> int:
        """Put each row in place of the one with the same `id`, or add it; give how many.

        Merged rows come last in `load`. Of several rows of one id the last one counts.

        Raises:
            StoreDataInvalid: a row is not JSON or has no `id`.
        """
        encoded: dict[str, bytes] = {}
        for row in rows:
            row_id = _row_id(row)
            if row_id is None:
                raise StoreDataInvalid(f"A row of {entity} to be merged has no id.")
            encoded[row_id] = to_json(row)
        of = _of(system, scope, entity)
        with self._database.writing() as connection:
            # the stamp first: on PostgreSQL its row lock makes two merges take turns
            connection.execute(self._upsert, self._stamp(system, scope, entity, at))
            if encoded:
                ids = self._database.listed(list(encoded))
                connection.execute(self._remove, {**of, "ids": ids})
                last = connection.execute(_last_position, of).scalar()
                first = 0 if last is None else last + 1
                self._add.run(connection, _rows(system, scope, entity, encoded.items(), first))
        return len(encoded)

    def load(self, system: str, scope: str, entity: str) -> list[dict[str, Any]]:
        """Give the rows in the order saved, numbers with a fraction as Decimal.

        [] both for an empty snapshot and for none: `saved_at` tells them apart.
        """
        with self._database.reading() as connection:
            bodies = connection.execute(_bodies, _of(system, scope, entity)).scalars().all()
        return [from_json(body) for body in bodies]

    def scopes(self, system: str, entity: str) -> list[str]:
        """Of which scopes there is a snapshot of this entity, in order."""
        statement = (
            select(snapshot_table.c.scope)
            .where(snapshot_table.c.system == system, snapshot_table.c.entity == entity)
            .order_by(snapshot_table.c.scope)
        )
        with self._database.reading() as connection:
            return [row.scope for row in connection.execute(statement)]

    def saved_at(self, system: str, scope: str, entity: str) -> datetime | None:
        """When the rows were true (UTC), None if there never were any."""
        with self._database.reading() as connection:
            text = connection.execute(_saved_at, _of(system, scope, entity)).scalar_one_or_none()
        return None if text is None else from_instant(text)

    def _stamp(
        self, system: str, scope: str, entity: str, at: datetime | None
    ) -> dict[str, object]:
        return {
            "system": system,
            "scope": scope,
            "entity": entity,
            "saved_at": to_instant(self._clock() if at is None else at),
        }


def _row_id(row: Mapping[str, Any]) -> str | None:
    row_id = row.get("id")
    return None if row_id is None else str(row_id)


def _of(system: str, scope: str, entity: str) -> dict[str, Any]:
    return {"of_system": system, "of_scope": scope, "of_entity": entity}


def _rows(
    system: str,
    scope: str,
    entity: str,
    encoded: Iterable[tuple[str | None, bytes]],
    first: int,
) -> list[tuple[object, ...]]:
    return [
        (system, scope, entity, position, row_id, body)
        for position, (row_id, body) in enumerate(encoded, first)
    ]
