"""The Import Set API: ``/api/now/import/{staging}``, its ``/{sys_id}`` and ``/insertMultiple``.

A single row is transformed at once and answered with one result per transform map: the status is
201 whatever became of it. ``insertMultiple`` takes column labels, transforms in the background and
answers with the import set only. Names or labels it does not know are dropped without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow.access import may_create
from s2p_sandbox.servicenow.calls import Reply
from s2p_sandbox.servicenow.errors import Refusal
from s2p_sandbox.servicenow.writing import fitted, text_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from s2p_sandbox.servicenow.calls import Call
    from s2p_sandbox.servicenow.catalog import Column, Table
    from s2p_sandbox.servicenow.context import Context
    from s2p_sandbox.servicenow.outcomes import RowResult

__all__ = ["handle"]

_MULTIPLE = "insertMultiple"


def handle(context: Context, call: Call, name: str, rest: str) -> Reply:
    """Answer one Import Set API call."""
    table = context.table(name)
    if not table.staging:
        raise Refusal.invalid_table(name)
    if call.method == "POST" and rest == _MULTIPLE:
        return _multiple(context, call, table)
    if call.method == "POST" and not rest:
        return _single(context, call, table)
    if call.method == "GET" and rest:
        return _reread(context, call, table, rest)
    raise Refusal(405, "Method not supported", f"{call.method} is not supported here")


def _sees_results(context: Context) -> bool:
    return context.user.has("import_transformer", "import_admin")


def _single(context: Context, call: Call, table: Table) -> Reply:
    if not may_create(context.user, table):
        raise Refusal.insert_denied()
    body = call.json()
    sets, switches = context.sets, context.switches
    values = {
        column.name: fitted(column, text_of(body[element]), switches.too_long)
        for element, column in table.by_element.items()
        if element in body and not column.system
    }
    import_set = sets.synchronous_set(table.name, context.user.name)
    (row_id,) = sets.add_rows(table.name, import_set, [values], context.user.name)
    results = sets.transform(table.name, import_set, [_row(context, table, row_id)])
    if call.struck_by("201_empty") or not _sees_results(context):
        return Reply(201)
    return Reply(201, _body(context, call, table, import_set, results))


def _row(context: Context, table: Table, sys_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = context.connection.execute(
        f'SELECT * FROM "{table.name}" WHERE sys_id = ?',  # noqa: S608
        (sys_id,),
    ).fetchone()
    if row is None:
        raise Refusal.no_record()
    return row


def _number(context: Context, import_set: str) -> str:
    found = context.connection.execute(
        'SELECT number FROM "sys_import_set" WHERE sys_id = ?', (import_set,)
    ).fetchone()
    return "" if found is None else str(found["number"])


def _body(
    context: Context, call: Call, table: Table, import_set: str, results: list[RowResult]
) -> dict[str, Any]:
    return {
        "import_set": _number(context, import_set),
        "staging_table": table.name,
        "result": [
            _result(
                context,
                call,
                result.mapping.name,
                result.mapping.target,
                result.outcome.state,
                result.outcome.comment,
                result.outcome.sys_id,
            )
            for result in results
        ],
    }


def _result(  # noqa: PLR0913, PLR0917  # the parts of one result
    context: Context,
    call: Call,
    transform_map: str,
    target: str,
    state: str,
    comment: str,
    sys_id: str,
) -> dict[str, str]:
    if state == "error":
        return {"transform_map": transform_map, "table": target, "status": state,
                "error_message": comment}  # fmt: skip
    found = {"transform_map": transform_map, "table": target, "status": state}
    if comment:
        found["status_message"] = comment
    if not sys_id:
        return found
    shown = context.catalog.tables[target]
    display = context.connection.execute(
        f'SELECT "{shown.display}" AS shown FROM "{target}" WHERE sys_id = ?',  # noqa: S608
        (sys_id,),
    ).fetchone()
    return {
        **found,
        "display_name": shown.display,
        "display_value": display["shown"] if display is not None else "",
        "record_link": f"{call.root}/api/now/table/{target}/{sys_id}",
        "sys_id": sys_id,
    }


def _reread(context: Context, call: Call, table: Table, sys_id: str) -> Reply:
    row = _row(context, table, sys_id)
    if not _sees_results(context):
        raise Refusal.no_record()
    known = {one.sys_id: one.name for one in context.maps.get(table.name, ())}
    result = _result(
        context,
        call,
        known.get(row["sys_transform_map"], ""),
        # Until an asynchronous set is transformed, the entry names the staging table itself.
        row["sys_target_table"] or table.name,
        row["sys_import_state"],
        row["sys_import_state_comment"],
        row["sys_target_sys_id"],
    )
    return Reply(
        200,
        {
            "import_set": _number(context, row["sys_import_set"]),
            "staging_table": table.name,
            "result": [result],
        },
    )


def _multiple(context: Context, call: Call, table: Table) -> Reply:
    if context.switches.insert_multiple_optimize:
        if not context.user.has("import_transformer"):
            raise Refusal(403, "User Not Authorized", "Failed API level ACL Validation")
    elif not may_create(context.user, table):
        raise Refusal.insert_denied()
    body = call.json()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise Refusal(400, "Invalid payload", "The payload must hold an array 'records'")
    rule = context.connection.execute(
        """SELECT * FROM "sys_rest_insert_multiple" WHERE source_table = ? COLLATE NOCASE
           AND active = 'true' LIMIT 1""",
        (table.name,),
    ).fetchone()
    by_name = rule is not None and rule["column_mapping"] == "column_name"
    targets = _by_name(table) if by_name else _by_label(context, table)
    rows = [_mapped(context, targets, record) for record in records]
    return _stored(context, call, table, rows, at_once=rule is not None
                   and rule["transformation"] == "synchronous")  # fmt: skip


def _by_name(table: Table) -> dict[str, Column]:
    return {element: one for element, one in table.by_element.items() if not one.system}


def _by_label(context: Context, table: Table) -> dict[str, Column]:
    """Label, as the dictionary spells it now → the column it fills.

    What two columns with one label do is not documented.
    """
    labelled: dict[str, list[Column]] = {}
    for element, label in context.connection.execute(
        'SELECT element, column_label FROM "sys_dictionary" WHERE name = ? ORDER BY rowid',
        (table.name,),
    ):
        column = table.by_element.get(element)
        if column is not None and not column.system:
            labelled.setdefault(label, []).append(column)
    found = {}
    for label, columns in labelled.items():
        if len(columns) == 1 or context.switches.ambiguous_label == "first":
            found[label] = columns[0]
        elif context.switches.ambiguous_label == "last":
            found[label] = columns[-1]
    return found


def _mapped(
    context: Context, targets: Mapping[str, Column], record: Mapping[str, Any]
) -> dict[str, str]:
    return {
        targets[name].name: fitted(targets[name], text_of(value), context.switches.too_long)
        for name, value in record.items()
        if name in targets
    }


def _stored(
    context: Context, call: Call, table: Table, rows: list[dict[str, str]], *, at_once: bool
) -> Reply:
    sets, user = context.sets, context.user.name
    run_after = call.params.get("run_after", "")
    multi = call.params.get("multi_import_set_id", "")
    for name, value, kind in (
        ("run_after", run_after, "sys_import_set"),
        ("multi_import_set_id", multi, "sys_multi_import_set"),
    ):
        if value and not _exists(context, kind, value):
            raise Refusal(400, f"Invalid value for parameter {name}", f"No record '{value}'")
    import_set = sets.create(
        table.name,
        user,
        mode="asynchronous",
        state="loaded",
        creation_source="insertMultiple",
        multi_import_set=multi or sets.create_multi(user),
        run_after=run_after,
    )
    sets.add_rows(table.name, import_set, rows, user)
    if at_once:
        found = sets.pending(table.name, import_set, len(rows))
        sets.transform(table.name, import_set, found)
        sets.process(import_set)
    elif not call.struck_by("stuck_transform"):
        delay = context.switches.transform_delay_ms / 1000
        if call.struck_by("slow_transform") and call.fault is not None:
            delay += float(call.fault.params.get("seconds", 5))
        context.schedule(import_set, delay)
    if call.struck_by("201_empty"):
        return Reply(201)
    group = context.connection.execute(
        'SELECT multi_import_set FROM "sys_import_set" WHERE sys_id = ?', (import_set,)
    ).fetchone()
    return Reply(
        201, {"import_set_id": import_set, "multi_import_set_id": group["multi_import_set"]}
    )


def _exists(context: Context, table: str, sys_id: str) -> bool:
    found = context.connection.execute(
        f'SELECT 1 FROM "{table}" WHERE sys_id = ?',  # noqa: S608  # two names of this module
        (sys_id,),
    ).fetchone()
    return found is not None
