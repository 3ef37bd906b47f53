"""The Table API: ``/api/now[/v1|/v2]/table/{table}[/{sys_id}]``.

What surprises a client is here on purpose: the limit counts before ACLs take rows away, unknown
fields vanish on read and write, a denied field write answers 200, an empty list is 404 in v1 only,
business records cannot be deleted, GL accounts cannot be created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow import storage
from s2p_sandbox.servicenow.access import may_create, may_delete, may_read, may_write
from s2p_sandbox.servicenow.calls import Reply
from s2p_sandbox.servicenow.errors import Refusal
from s2p_sandbox.servicenow.reading import fetched, listed
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

__all__ = ["handle"]


def handle(context: Context, call: Call, version: str, name: str, sys_id: str) -> Reply:
    """Answer one Table API call."""
    table = context.table(name)
    method = call.headers.get("x-http-method-override", call.method).upper()
    if method in {"GET", "HEAD"}:
        return (
            _one(context, call, table, sys_id) if sys_id else listed(context, call, version, table)
        )
    if method == "POST" and not sys_id:
        return _create(context, call, table)
    if method in {"PUT", "PATCH"} and sys_id:
        return _update(context, call, table, sys_id)
    if method == "DELETE" and sys_id:
        return _delete(context, table, sys_id)
    raise Refusal(405, "Method not supported", f"{method} is not supported here")


def _one(context: Context, call: Call, table: Table, sys_id: str) -> Reply:
    if not may_read(context.user, table, context.switches):
        raise Refusal.no_record()
    fields = [one for one in call.params.get("sysparm_fields", "").split(",") if one]
    row = fetched(context, table, sys_id)
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
        row = fetched(context, table, sys_id)
        if row["sys_import_state"] == "pending":
            sets.transform(table.name, target, [row])
    return sys_id


def _update(context: Context, call: Call, table: Table, sys_id: str) -> Reply:
    row = fetched(context, table, sys_id)
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
    fetched(context, table, sys_id)
    if not may_delete(context.user, table):
        raise Refusal.delete_denied()
    context.connection.execute(
        f'DELETE FROM "{table.name}" WHERE sys_id = ?',  # noqa: S608
        (sys_id,),
    )
    return Reply(204)
