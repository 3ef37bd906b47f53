"""A request body on its way into a record: what the Table API takes, changes and drops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow import money
from s2p_sandbox.servicenow.values import boolean, is_sys_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s2p_sandbox.servicenow.catalog import Column, Table
    from s2p_sandbox.servicenow.context import Context

__all__ = ["fitted", "incoming", "text_of"]

_WRITABLE_SYSTEM = frozenset(
    {
        "sys_import_set",
        "sys_import_row",
        "sys_import_state",
        "sys_import_state_comment",
    }
)


def text_of(value: Any) -> str:  # noqa: ANN401  # any JSON
    """The string a JSON value becomes. Nested values come out mangled, colons as equals signs."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return str(value).replace("'", "").replace(": ", "=")
    return str(value)


def fitted(column: Column, text: str, too_long: str) -> str:
    """The text as long as the column allows."""
    return text if too_long == "keep" else text[: column.max_length]


def incoming(
    context: Context, table: Table, body: Mapping[str, Any], *, display_values: bool
) -> dict[str, str]:
    """The column values a write leaves, by their names in the database.

    Unknown, computed and write-protected fields are dropped without a word.
    """
    values = {}
    for element, raw in body.items():
        column = table.by_element.get(element)
        if column is None or column.computed:
            continue
        if column.system and column.name not in _WRITABLE_SYSTEM:
            continue
        if f"{table.name}.{element}" in context.switches.silent_fields:
            continue
        text = _stored(context, column, text_of(raw), display_values=display_values)
        if text is not None:
            values[column.name] = text
    return values


def _stored(context: Context, column: Column, text: str, *, display_values: bool) -> str | None:
    """The stored form, None when the value is dropped."""
    switches = context.switches
    if not text:
        return "" if column.type != "choice" else None
    if column.type == "reference" and not is_sys_id(text):
        if display_values:
            return _by_display(context, column, text)
        return text if switches.non_sys_id_reference == "stored" else None
    if column.type == "choice" and text not in column.choices:
        return text if switches.unknown_choice == "saved" else None
    if column.type == "currency":
        return money.stored_from_rest(text, switches.system_currency)
    return boolean(text) if column.type == "boolean" else fitted(column, text, switches.too_long)


def _by_display(context: Context, column: Column, text: str) -> str | None:
    table = context.catalog.get(column.reference)
    if table is None or table.display not in table.by_name:
        return None
    found = context.connection.execute(
        f'SELECT sys_id FROM "{table.name}" WHERE "{table.display}" = ? COLLATE NOCASE LIMIT 1',  # noqa: S608
        (text,),
    ).fetchone()
    return None if found is None else str(found["sys_id"])
