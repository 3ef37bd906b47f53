"""The Table API: ``/api/now[/v1|/v2]/table/{table}[/{sys_id}]``.

What surprises a client is here on purpose: the limit counts before ACLs take rows away, unknown
fields vanish on read and write, a denied field write answers 200, an empty list is 404 in v1 only,
business records cannot be deleted, GL accounts cannot be created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from s2p_sandbox.servicenow import storage
from s2p_sandbox.servicenow.access import may_create, may_delete, may_read, may_write
from s2p_sandbox.servicenow.calls import Reply
from s2p_sandbox.servicenow.errors import Refusal, envelope
from s2p_sandbox.servicenow.sql import select
from s2p_sandbox.servicenow.storage import DuplicateSysIdError
from s2p_sandbox.servicenow.transform import defaults
from s2p_sandbox.servicenow.values import is_sys_id
from s2p_sandbox.servicenow.writing import incoming

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from s2p_sandbox.servicenow.calls import Call
    from s2p_sandbox.servicenow.catalog import Table
    from s2p_sandbox.servicenow.context import Context
    from s2p_sandbox.servicenow.sql import Selection

__all__ = ["handle"]

_DEFAULT_LIMIT = 10_000


def handle(context: Context, call: Call, version: str, name: str, sys_id: str) -> Reply:
    """Answer one Table API call."""
    table = context.table(name)
    method = call.headers.get("x-http-method-override", call.method).upper()
    if method in {"GET", "HEAD"}:
        return (
            _one(context, call, table, sys_id) if sys_id else _list(context, call, version, table)
        )
    if method == "POST" and not sys_id:
        return _create(context, call, table)
    if method in {"PUT", "PATCH"} and sys_id:
        return _update(context, call, table, sys_id)
    if method == "DELETE" and sys_id:
        return _delete(context, table, sys_id)
    raise Refusal(405, "Method not supported", f"{method} is not supported here")


def _selection(context: Context, table: Table, query: str) -> Selection:
    return select(
        context.catalog,
        table,
        query,
        now=context.now,
        case_sensitive=context.switches.case_sensitive_values,
        invalid_returns_nothing=context.switches.invalid_query_returns_no_rows,
    )


def _query(call: Call, table: Table) -> str:
    """The encoded query, or the name-value pairs that may stand in its place."""
    if "sysparm_query" in call.params:
        return call.params["sysparm_query"]
    parts = []
    for name, value in call.params.items():
        if name.startswith("sysparm_"):
            continue
        column = table.by_element.get(name)
        by_display = column is not None and column.type == "reference" and not is_sys_id(value)
        parts.append(f"{name}.name={value}" if by_display else f"{name}={value}")
    return "^".join(parts)


def _number(call: Call, name: str, default: int) -> int:
    text = call.params.get(name, "")
    if not text:
        return default
    if not text.isdigit():
        raise Refusal(400, f"Invalid value for parameter {name}", f"'{text}' is not allowed")
    return int(text)


def _list(context: Context, call: Call, version: str, table: Table) -> Reply:
    hidden_by_role = table.staging and not context.user.has("import_transformer", "import_admin")
    if not hidden_by_role and not may_read(context.user, table, context.switches):
        raise Refusal.read_denied()
    selection = _selection(context, table, _query(call, table))
    limit = _number(call, "sysparm_limit", _DEFAULT_LIMIT)
    offset = _number(call, "sysparm_offset", 0)
    fields = [one for one in call.params.get("sysparm_fields", "").split(",") if one]
    rows = _rows(context, table, selection, fields, limit, offset)
    # The limit has done its work; only now do ACLs take rows away.
    visible = [] if hidden_by_role else _visible(context, table, rows)
    if call.struck_by("short_page") and call.fault is not None:
        visible = visible[: -int(call.fault.params.get("rows", 1)) or None]
    if version == "v1" and not visible:
        raise Refusal.no_record()
    records = context.renderer(call).records(table, visible, fields)
    reply = Reply(200, {"result": records})
    if not call.flag("sysparm_no_count"):
        total = _total(context, table, selection)
        reply.headers["X-Total-Count"] = str(total)
        if not call.flag("sysparm_suppress_pagination_header"):
            reply.headers.update(_links(call, limit, offset, total))
    if call.struck_by("200_partial"):
        reply.body = {
            "result": records[: len(records) // 2],
            **envelope("Transaction cancelled: maximum execution time exceeded"),
        }
    return reply


def _rows(  # noqa: PLR0913, PLR0917  # a selection and its page
    context: Context,
    table: Table,
    selection: Selection,
    fields: list[str],
    limit: int,
    offset: int,
) -> list[sqlite3.Row]:
    heads = {field.partition(".")[0] for field in fields}
    wanted = {table.by_element[head].name for head in heads if head in table.by_element}
    columns = ", ".join(f'"{name}"' for name in sorted({*wanted, "sys_id"})) if fields else "*"
    order = selection.order or ("random()" if context.switches.unstable_order else "rowid")
    return context.connection.execute(
        f'SELECT {columns} FROM "{table.name}" WHERE {selection.where} '  # noqa: S608
        f"ORDER BY {order} LIMIT ? OFFSET ?",
        [*selection.parameters, limit, offset],
    ).fetchall()


def _total(context: Context, table: Table, selection: Selection) -> int:
    (count,) = context.connection.execute(
        f'SELECT COUNT(*) FROM "{table.name}" WHERE {selection.where}',  # noqa: S608
        selection.parameters,
    ).fetchone()
    return int(count)


def _visible(context: Context, table: Table, rows: list[sqlite3.Row]) -> list[sqlite3.Row]:
    hidden = context.switches.hidden_rows.get(table.name)
    if hidden is None:
        return rows
    selection = _selection(context, table, str(hidden))
    gone = {
        row["sys_id"]
        for row in context.connection.execute(
            f'SELECT sys_id FROM "{table.name}" WHERE {selection.where}',  # noqa: S608
            selection.parameters,
        )
    }
    return [row for row in rows if row["sys_id"] not in gone]


def _links(call: Call, limit: int, offset: int, total: int) -> dict[str, str]:
    if not limit or total <= limit:
        return {}
    last = (total - 1) // limit * limit
    targets = {"first": 0}
    if offset > 0:
        targets["prev"] = max(0, offset - limit)
    if offset + limit < total:
        targets["next"] = offset + limit
    targets["last"] = last
    links = []
    for relation, at in targets.items():
        query = urlencode({**call.params, "sysparm_limit": limit, "sysparm_offset": at})
        links.append(f'<{call.root}{call.path}?{query}>;rel="{relation}"')
    return {"Link": ",".join(links)}


def _fetch(context: Context, table: Table, sys_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = context.connection.execute(
        f'SELECT * FROM "{table.name}" WHERE sys_id = ?',  # noqa: S608
        (sys_id,),
    ).fetchone()
    if row is None or not _visible(context, table, [row]):
        raise Refusal.no_record()
    return row


def _one(context: Context, call: Call, table: Table, sys_id: str) -> Reply:
    if not may_read(context.user, table, context.switches):
        raise Refusal.no_record()
    fields = [one for one in call.params.get("sysparm_fields", "").split(",") if one]
    row = _fetch(context, table, sys_id)
    return Reply(200, {"result": context.renderer(call).records(table, [row], fields)[0]})


def _answer(context: Context, call: Call, table: Table, sys_id: str, status: int) -> Reply:
    headers = {"Location": f"{call.root}/api/now/table/{table.name}/{sys_id}"}
    if call.struck_by("201_empty"):
        return Reply(status, None, headers)
    if call.headers.get("x-no-response-body", "").lower() == "true":
        return Reply(status, None, headers)
    body = _one(context, call, table, sys_id).body
    return Reply(status, body, headers if status == 201 else {})  # noqa: PLR2004


def _create(context: Context, call: Call, table: Table) -> Reply:
    if not may_create(context.user, table):
        raise Refusal.insert_denied()
    body = call.json()
    values = incoming(context, table, body, display_values=call.flag("sysparm_input_display_value"))
    given = str(body.get("sys_id", ""))
    identity = {"sys_id": given} if is_sys_id(given) else {}
    try:
        sys_id = (
            _stage(context, table, {**values, **identity})
            if table.staging
            else _insert(context, table, {**values, **identity})
        )
    except DuplicateSysIdError as error:
        raise Refusal(
            context.switches.unique_violation_status,
            "Operation Failed",
            "Unique Key violation detected by database "
            f"(Duplicate entry '{given}' for key 'PRIMARY')",
        ) from error
    return _answer(context, call, table, sys_id, 201)


def _insert(context: Context, table: Table, values: Mapping[str, str]) -> str:
    full = defaults(context.connection, context.catalog, table.name)
    full.update({name: value for name, value in values.items() if value})
    (sys_id,) = storage.insert(context.connection, table.name, [full], context.stamp)
    return sys_id


def _stage(context: Context, table: Table, values: dict[str, str]) -> str:
    """A row inserted into a staging table: it joins the set it names, else today's single rows."""
    sets, named = context.sets, values.get("sys_import_set", "")
    target = named or sets.synchronous_set(table.name, context.user.name)
    (sys_id,) = sets.add_rows(table.name, target, [values], context.user.name)
    found = context.connection.execute(
        'SELECT mode, state FROM "sys_import_set" WHERE sys_id = ?', (target,)
    ).fetchone()
    if found is not None and (found["mode"], found["state"]) == ("synchronous", "loading"):
        row = _fetch(context, table, sys_id)
        if row["sys_import_state"] == "pending":
            sets.transform(table.name, target, [row])
    return sys_id


def _update(context: Context, call: Call, table: Table, sys_id: str) -> Reply:
    row = _fetch(context, table, sys_id)
    if not may_write(context.user, table):
        raise Refusal.update_denied()
    values = incoming(
        context, table, call.json(), display_values=call.flag("sysparm_input_display_value")
    )
    changes = {name: value for name, value in values.items() if row[name] != value}
    if changes:
        storage.update(context.connection, table.name, sys_id, changes, context.stamp)
        _audit(context, table, row, changes)
    return _answer(context, call, table, sys_id, 200)


def _audit(context: Context, table: Table, before: sqlite3.Row, changes: Mapping[str, str]) -> None:
    if table.kind != "primary":
        return
    records: list[dict[str, Any]] = [
        {
            "tablename": table.name,
            "documentkey": before["sys_id"],
            "fieldname": name,
            "oldvalue": before[name],
            "newvalue": value,
            "user": context.user.name,
        }
        for name, value in changes.items()
    ]
    storage.insert(context.connection, "sys_audit", records, context.stamp)


def _delete(context: Context, table: Table, sys_id: str) -> Reply:
    _fetch(context, table, sys_id)
    if not may_delete(context.user, table):
        raise Refusal.delete_denied()
    context.connection.execute(
        f'DELETE FROM "{table.name}" WHERE sys_id = ?',  # noqa: S608
        (sys_id,),
    )
    return Reply(204)
