"""Records the instance ships with: its dictionary, its transform maps, its users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from s2p_sandbox.servicenow import storage
from s2p_sandbox.servicenow.maps import fixed_sys_id
from s2p_sandbox.servicenow.storage import Stamp

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from s2p_sandbox.servicenow.access import Access
    from s2p_sandbox.servicenow.catalog import Catalog, Column, Made, Table
    from s2p_sandbox.servicenow.maps import Entry, TransformMap

__all__ = ["made_columns", "write_shipped"]

_STAMP = Stamp("system", "2026-01-01 00:00:00")
_REWRITTEN = (
    "sys_db_object",
    "sys_dictionary",
    "sys_choice",
    "sys_transform_map",
    "sys_transform_entry",
)


def write_shipped(
    connection: sqlite3.Connection,
    catalog: Catalog,
    maps: Mapping[str, tuple[TransformMap, ...]],
    access: Access,
) -> None:
    """Write them anew, as the switches make them."""
    for table in _REWRITTEN:
        connection.execute(
            f'DELETE FROM "{table}" WHERE sys_created_by = ?',  # noqa: S608  # names from this module
            (_STAMP.user,),
        )
    root = {"sys_id": _table_id("sys_import_set_row"), "name": "sys_import_set_row",
            "label": "Import Set Row"}  # fmt: skip
    tables = [root, *(_table(table) for table in catalog.tables.values())]
    storage.insert(connection, "sys_db_object", tables, _STAMP)
    listed = [
        (table, column)
        for table in catalog.tables.values()
        for column in table.columns
        if not column.name.startswith("spare_")  # added: they have records of their own
    ]
    storage.insert(connection, "sys_dictionary", (_column(*one) for one in listed), _STAMP)
    storage.insert(
        connection,
        "sys_choice",
        (
            {
                "sys_id": fixed_sys_id("choice", table.name, column.name, choice),
                "name": table.name,
                "element": column.element,
                "value": choice,
                "label": choice.replace("_", " ").capitalize() if choice.islower() else choice,
                "inactive": "false",
                "sequence": str(number),
            }
            for table, column in listed
            for number, choice in enumerate(column.choices)
        ),
        _STAMP,
    )
    shown = [one for own in maps.values() for one in own]
    storage.insert(connection, "sys_transform_map", (_map(one) for one in shown), _STAMP)
    storage.insert(
        connection,
        "sys_transform_entry",
        (_entry(one, number, entry) for one in shown for number, entry in enumerate(one.entries)
         if not entry.target.startswith("@") and entry.source),
        _STAMP,
    )  # fmt: skip
    _users(connection, access)


def made_columns(connection: sqlite3.Connection) -> Made:
    """Columns that somebody added to staging tables since the instance was shipped."""
    found = connection.execute(
        """SELECT name, element, column_label, max_length FROM "sys_dictionary"
           WHERE sys_created_by <> ? AND element <> '' ORDER BY sys_created_on, rowid""",
        (_STAMP.user,),
    )
    return tuple(
        (row["name"], row["element"], row["column_label"], int(row["max_length"] or 40))
        for row in found
    )


def _users(connection: sqlite3.Connection, access: Access) -> None:
    known = {row["user_name"] for row in connection.execute('SELECT user_name FROM "sys_user"')}
    storage.insert(
        connection,
        "sys_user",
        (
            {
                "sys_id": fixed_sys_id("user", name),
                "user_name": name,
                "name": name,
                "active": "true",
            }
            for name in access.passwords
            if name not in known
        ),
        _STAMP,
    )


def _table_id(name: str) -> str:
    return fixed_sys_id("table", name)


def _table(table: Table) -> dict[str, str]:
    return {
        "sys_id": _table_id(table.name),
        "name": table.name,
        "label": table.label,
        "super_class": _table_id("sys_import_set_row") if table.staging else "",
    }


def _column(table: Table, column: Column) -> dict[str, str]:
    return {
        "sys_id": fixed_sys_id("column", table.name, column.name),
        "name": table.name,
        "element": column.element,
        "column_label": column.label,
        "internal_type": column.internal_type,
        "max_length": str(32 if column.type in {"reference", "GUID"} else column.max_length),
        "mandatory": str(column.mandatory).lower(),
        "reference": column.reference,
        "choice": "1" if column.choices else "0",
        "active": "true",
    }


def _map(one: TransformMap) -> dict[str, str]:
    return {
        "sys_id": one.sys_id,
        "name": one.name,
        "source_table": one.source,
        "target_table": one.target,
        "active": "true",
        "order": str(one.order),
        "run_business_rules": "true",
        "enforce_mandatory_fields": one.enforce_mandatory_fields,
        "copy_empty_fields": str(one.copy_empty).lower(),
        "create_new_record_on_empty_coalesce_fields": "false",
    }


def _entry(one: TransformMap, number: int, entry: Entry) -> dict[str, str]:
    scripted = bool(entry.within)
    return {
        "sys_id": fixed_sys_id("entry", one.sys_id, str(number)),
        "map": one.sys_id,
        "source_table": one.source,
        "target_table": one.target,
        "source_field": entry.element,
        "target_field": entry.target,
        "coalesce": str(entry.coalesce).lower(),
        "coalesce_case_sensitive": "false",
        "coalesce_empty_fields": "false",
        "choice_action": entry.action if entry.by or entry.column.choices else "",
        "reference_value_field": entry.by[0] if entry.by else "",
        "use_source_script": str(scripted).lower(),
        "source_script": _script(entry) if scripted else "",
    }


def _script(entry: Entry) -> str:
    by = " or ".join(entry.by)
    within = " and ".join(name for name, _ in entry.within)
    return f"// {entry.column.reference} by {by}, within {within}"
