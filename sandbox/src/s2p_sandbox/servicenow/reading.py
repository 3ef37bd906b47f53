"""Lists of the Table API: query, page, what ACLs take away, links."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from s2p_sandbox.servicenow.access import may_read
from s2p_sandbox.servicenow.calls import Reply
from s2p_sandbox.servicenow.errors import Refusal, envelope
from s2p_sandbox.servicenow.sql import select
from s2p_sandbox.servicenow.values import is_sys_id

if TYPE_CHECKING:
    import sqlite3

    from s2p_sandbox.servicenow.calls import Call
    from s2p_sandbox.servicenow.catalog import Table
    from s2p_sandbox.servicenow.context import Context
    from s2p_sandbox.servicenow.sql import Selection

__all__ = ["fetched", "listed"]

_DEFAULT_LIMIT = 10_000


def _selection(context: Context, table: Table, query: str) -> Selection:
    return select(
        context.catalog,
        table,
        query,
        now=context.now,
        case_sensitive=context.switches.case_sensitive_values,
        invalid_returns_nothing=context.switches.invalid_query_returns_no_rows,
        utc_offset=timedelta(hours=context.switches.user_utc_offset_hours),
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


def listed(context: Context, call: Call, version: str, table: Table) -> Reply:
    """Answer a list call: the query's page, less the rows ACLs hide.

    Raises:
        Refusal: no read access, a bad parameter, or in version 1 an empty list.
    """
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


def fetched(context: Context, table: Table, sys_id: str) -> sqlite3.Row:
    """One record the caller may see.

    Raises:
        Refusal: 404.
    """
    row: sqlite3.Row | None = context.connection.execute(
        f'SELECT * FROM "{table.name}" WHERE sys_id = ?',  # noqa: S608
        (sys_id,),
    ).fetchone()
    if row is None or not _visible(context, table, [row]):
        raise Refusal.no_record()
    return row
