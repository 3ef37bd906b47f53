"""What a transform leaves behind: row states, comments, errors, the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow import storage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from s2p_sandbox.servicenow.maps import TransformMap
    from s2p_sandbox.servicenow.storage import Stamp
    from s2p_sandbox.servicenow.transform import Outcome

__all__ = ["RowResult", "copies", "record"]


@dataclass(frozen=True, slots=True)
class RowResult:
    """One map's outcome for one staging row."""

    row: str
    mapping: TransformMap
    outcome: Outcome


def copies(
    connection: sqlite3.Connection,
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
    made = storage.insert(connection, table, copies, stamp)
    return [
        RowResult(sys_id, result.mapping, result.outcome)
        for sys_id, result in zip(made, results, strict=True)
    ]


def record(  # noqa: PLR0913, PLR0917  # the rows, their outcomes and where they belong
    connection: sqlite3.Connection,
    table: str,
    import_set: str,
    rows: Sequence[sqlite3.Row],
    results: Sequence[RowResult],
    stamp: Stamp,
) -> None:
    """Write one map's results: the run, an error record per refused row, the rows' states."""
    if not results:
        return
    mapping = results[0].mapping
    states = [result.outcome.state for result in results]
    (run,) = storage.insert(
        connection, "sys_import_set_run", [_run(import_set, mapping, states, stamp)], stamp
    )
    failed = [
        (row, result)
        for row, result in zip(rows, results, strict=True)
        if result.outcome.state == "error"
    ]
    errors = storage.insert(
        connection,
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
    connection.executemany(
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
    _own_status(connection, table, mapping, results)


def _own_status(
    connection: sqlite3.Connection, table: str, mapping: TransformMap, results: Sequence[RowResult]
) -> None:
    """The application's own *Status* beside the row state, where the table has one."""
    if "integration_status" in mapping.after:
        pairs: list[tuple[Any, ...]] = [
            ("Failed", result.outcome.comment, result.row)
            if result.outcome.state == "error"
            else ("New", "", result.row)
            for result in results
        ]
        connection.executemany(
            f"""UPDATE "{table}" SET integration_status = ?, processing_message = ?
                WHERE sys_id = ?""",  # noqa: S608
            pairs,
        )
    elif table.startswith("sn_spend_intg_imp_invoice") and not table.endswith("_detail"):
        connection.executemany(
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
