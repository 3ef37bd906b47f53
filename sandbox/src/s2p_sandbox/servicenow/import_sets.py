"""Import sets: their rows, their states and their transform.

Mode and state decide (import set mode page): asynchronous and *Loading*: rows stay pending;
asynchronous and *Loaded*: may be transformed; synchronous and *Loading*: each row is transformed
when it is inserted, and the set becomes *Processed* at midnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow import storage
from s2p_sandbox.servicenow.dates import stamp_text
from s2p_sandbox.servicenow.storage import Stamp
from s2p_sandbox.servicenow.transform import Outcome, Transformer, defaults

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from s2p_sandbox.servicenow.catalog import Catalog
    from s2p_sandbox.servicenow.maps import TransformMap
    from s2p_sandbox.servicenow.switches import Switches

__all__ = ["ImportSets", "RowResult"]

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class RowResult:
    """One map's outcome for one staging row."""

    row: str
    mapping: TransformMap
    outcome: Outcome


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
                own = self._copies(table, rows, own, stamp)
            self._record(table, import_set, rows, own, stamp)
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

    def _copies(
        self,
        table: str,
        rows: Sequence[sqlite3.Row],
        results: Sequence[RowResult],
        stamp: Stamp,
    ) -> list[RowResult]:
        """A second map leaves staging rows of its own: one row per map (KB0747613)."""
        copies = [
            {k: row[k] for k in row.keys() if k not in {"sys_id", "sys_mod_count"}}  # noqa: SIM118
            for row in rows
        ]
        made = storage.insert(self.connection, table, copies, stamp)
        return [
            RowResult(sys_id, result.mapping, result.outcome)
            for sys_id, result in zip(made, results, strict=True)
        ]

    def _record(
        self,
        table: str,
        import_set: str,
        rows: Sequence[sqlite3.Row],
        results: Sequence[RowResult],
        stamp: Stamp,
    ) -> None:
        if not results:
            return
        mapping = results[0].mapping
        states = [result.outcome.state for result in results]
        (run,) = storage.insert(
            self.connection, "sys_import_set_run", [_run(import_set, mapping, states, stamp)], stamp
        )
        failed = [
            (row, result)
            for row, result in zip(rows, results, strict=True)
            if result.outcome.state == "error"
        ]
        errors = storage.insert(
            self.connection,
            "sys_import_set_row_error",
            [
                {
                    "import_set": import_set,
                    "import_set_run": run,
                    "source_table": table,
                    "source_sys_id": result.row,
                    "row": row["sys_import_row"],
                    "error_code": str(result.outcome.code) if result.outcome.code else "",
                    "error_message": result.outcome.comment,
                }
                for row, result in failed
            ],
            stamp,
        )
        error_of = {result.row: error for (_, result), error in zip(failed, errors, strict=True)}
        self.connection.executemany(
            f"""UPDATE "{table}" SET sys_import_state = ?, sys_import_state_comment = ?,
                sys_target_table = ?, sys_target_sys_id = ?, sys_transform_map = ?,
                sys_row_error = ?, sys_updated_on = ?, sys_updated_by = ?,
                sys_mod_count = CAST(sys_mod_count AS INTEGER) + 1 WHERE sys_id = ?""",  # noqa: S608
            [
                (
                    result.outcome.state,
                    result.outcome.comment,
                    mapping.target,
                    result.outcome.sys_id,
                    mapping.sys_id,
                    error_of.get(result.row, ""),
                    stamp.at,
                    stamp.user,
                    result.row,
                )
                for result in results
            ],
        )
        self._own_status(table, mapping, results)

    def _own_status(self, table: str, mapping: TransformMap, results: Sequence[RowResult]) -> None:
        """The application's own *Status* beside the row state, where the table has one."""
        if "integration_status" in mapping.after:
            pairs: list[tuple[Any, ...]] = [
                ("Failed", result.outcome.comment, result.row)
                if result.outcome.state == "error"
                else ("New", "", result.row)
                for result in results
            ]
            self.connection.executemany(
                f"""UPDATE "{table}" SET integration_status = ?, processing_message = ?
                    WHERE sys_id = ?""",  # noqa: S608
                pairs,
            )
        elif table.startswith("sn_spend_intg_imp_invoice") and not table.endswith("_detail"):
            self.connection.executemany(
                f'UPDATE "{table}" SET status = ? WHERE sys_id = ?',  # noqa: S608
                [(result.outcome.state, result.row) for result in results],
            )


def _run(
    import_set: str, mapping: TransformMap, states: Sequence[str], stamp: Stamp
) -> dict[str, str]:
    return {
        "sys_import_set": import_set,
        "sys_transform_map": mapping.sys_id,
        "state": "complete_with_errors" if "error" in states else "complete",
        "total": str(len(states)),
        "inserts": str(states.count("inserted")),
        "updates": str(states.count("updated")),
        "ignored": str(states.count("ignored")),
        "skipped": str(states.count("skipped")),
        "errors": str(states.count("error")),
        "completed": stamp.at,
    }
