"""Import sets: their rows, their states and their transform.

Mode and state decide (import set mode page): asynchronous and *Loading*: rows stay pending;
asynchronous and *Loaded*: may be transformed; synchronous and *Loading*: each row is transformed
when it is inserted, and the set becomes *Processed* at midnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from s2p_sandbox.servicenow import storage
from s2p_sandbox.servicenow.dates import stamp_text
from s2p_sandbox.servicenow.outcomes import RowResult, copies, record
from s2p_sandbox.servicenow.storage import Stamp
from s2p_sandbox.servicenow.transform import Transformer, defaults

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from s2p_sandbox.servicenow.catalog import Catalog
    from s2p_sandbox.servicenow.maps import TransformMap
    from s2p_sandbox.servicenow.switches import Switches

__all__ = ["ImportSets"]

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class ImportSets:
    """What one call or one background job does with import sets, in its transaction."""

    connection: sqlite3.Connection
    catalog: Catalog
    maps: Mapping[str, tuple[TransformMap, ...]]
    switches: Switches
    now: datetime

    def create(self, table: str, user: str, **values: str) -> str:
        """A new set of that staging table; the sys_id."""
        full = {**defaults(self.connection, self.catalog, "sys_import_set"), "table_name": table}
        full.update(values)
        (sys_id,) = storage.insert(self.connection, "sys_import_set", [full], self._stamp(user))
        return sys_id

    def create_multi(self, user: str) -> str:
        """A new group of sets; the sys_id."""
        full = defaults(self.connection, self.catalog, "sys_multi_import_set")
        (made,) = storage.insert(self.connection, "sys_multi_import_set", [full], self._stamp(user))
        return made

    def synchronous_set(self, table: str, user: str) -> str:
        """The set of today that single rows of this table join; opened when there is none."""
        found = self.connection.execute(
            """SELECT sys_id FROM "sys_import_set" WHERE table_name = ? COLLATE NOCASE
               AND mode = 'synchronous' COLLATE NOCASE AND state = 'loading' LIMIT 1""",
            (table,),
        ).fetchone()
        if found is not None:
            joined: str = found["sys_id"]
            return joined
        return self.create(table, user, mode="synchronous", creation_source="rest")

    def add_rows(
        self, table: str, import_set: str, rows: Sequence[Mapping[str, str]], user: str
    ) -> list[str]:
        """Insert pending staging rows; their sys_ids."""
        (count,) = self.connection.execute(
            f'SELECT COUNT(*) FROM "{table}" WHERE sys_import_set = ?',  # noqa: S608
            (import_set,),
        ).fetchone()
        full = [
            {
                "sys_import_state": "pending",
                **row,
                "sys_import_set": import_set,
                "sys_import_row": str(count + number),
            }
            for number, row in enumerate(rows)
        ]
        return storage.insert(self.connection, table, full, self._stamp(user))

    def pending(self, table: str, import_set: str, limit: int) -> list[sqlite3.Row]:
        """The next rows of a set that wait for their transform."""
        return self.connection.execute(
            f"""SELECT * FROM "{table}" WHERE sys_import_set = ? AND sys_import_state = 'pending'
                ORDER BY CAST(sys_import_row AS INTEGER) LIMIT ?""",  # noqa: S608
            (import_set, limit),
        ).fetchall()

    def transform(
        self, table: str, import_set: str, rows: Sequence[sqlite3.Row]
    ) -> list[RowResult]:
        """Run all maps of the table over the rows, write their states and one run per map."""
        stamp = self._stamp(SYSTEM)
        transformer = Transformer(
            self.connection, self.catalog, stamp, self.switches.system_currency
        )
        results = []
        for number, mapping in enumerate(self.maps.get(table, ())):
            own = [
                RowResult(row["sys_id"], mapping, transformer.transform(mapping, row))
                for row in rows
            ]
            if number:
                own = copies(self.connection, table, rows, own, stamp)
            record(self.connection, table, import_set, rows, own, stamp)
            results.extend(own)
        return results

    def process(self, import_set: str) -> None:
        """The set has been transformed."""
        storage.update(
            self.connection,
            "sys_import_set",
            import_set,
            {"state": "processed"},
            self._stamp(SYSTEM),
        )

    def housekeeping(self) -> None:
        """Midnight ends synchronous sets; the clean-up job takes old sets and their rows away."""
        midnight = stamp_text(self.now)[:10]
        self.connection.execute(
            """UPDATE "sys_import_set" SET state = 'processed' WHERE mode = 'synchronous'
               AND state IN ('loading', 'loaded') AND sys_created_on < ?""",
            (midnight,),
        )
        oldest = stamp_text(self.now - timedelta(days=self.switches.import_set_days))
        old = self.connection.execute(
            'SELECT sys_id, table_name FROM "sys_import_set" WHERE sys_created_on < ?', (oldest,)
        ).fetchall()
        for found in old:
            if found["table_name"] in self.catalog.tables:
                self.connection.execute(
                    f'DELETE FROM "{found["table_name"]}" WHERE sys_import_set = ?',  # noqa: S608
                    (found["sys_id"],),
                )
            self.connection.execute(
                'DELETE FROM "sys_import_set" WHERE sys_id = ?', (found["sys_id"],)
            )

    def _stamp(self, user: str) -> Stamp:
        return Stamp(user, stamp_text(self.now))
