"""Rows from outside on their way into the instance: seeds, tests, the control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow import storage
from s2p_sandbox.servicenow.transform import defaults

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from s2p_sandbox.servicenow.catalog import Catalog, Table
    from s2p_sandbox.servicenow.storage import Stamp

__all__ = ["LoadError", "load_rows"]


class LoadError(ValueError):
    """A row names a table, a column or a referenced record that does not exist."""


def load_rows(
    connection: sqlite3.Connection,
    catalog: Catalog,
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    stamp: Stamp,
    key: Sequence[str] = (),
) -> list[str]:
    """Write rows past ACLs and transforms; returns their sys_ids.

    A value may be ``{"ref": [table, column, value]}``: the sys_id of that record, which must have
    been loaded before. With ``key`` a row whose key columns match an existing record updates it.

    Raises:
        LoadError: nothing of the call is kept when the caller's transaction is undone.
    """
    known: dict[tuple[str, str, str], str] = {}
    made = []
    for name, row in rows:
        table = catalog.get(name)
        if table is None:
            raise LoadError(f"The instance has no table '{name}'.")
        values = {
            _column(table, column): _value(connection, catalog, value, known)
            for column, value in row.items()
        }
        made.append(_write(connection, catalog, table, values, stamp, key))
    return made


def _column(table: Table, name: str) -> str:
    column = table.by_name.get(name) or table.by_element.get(name)
    if column is None:
        raise LoadError(f"Table '{table.name}' has no column '{name}'.")
    return column.name


def _value(
    connection: sqlite3.Connection,
    catalog: Catalog,
    value: Any,  # noqa: ANN401  # any JSON
    known: dict[tuple[str, str, str], str],
) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, dict):
        return str(value)
    reference = (str(value["ref"][0]), str(value["ref"][1]), str(value["ref"][2]))
    if reference not in known:
        table = catalog.get(reference[0])
        if table is None:
            raise LoadError(f"The instance has no table '{reference[0]}'.")
        found = connection.execute(
            f'SELECT sys_id FROM "{table.name}" WHERE "{_column(table, reference[1])}" = ?',  # noqa: S608
            (reference[2],),
        ).fetchone()
        if found is None:
            raise LoadError(f"No {reference[0]} with {reference[1]} '{reference[2]}' to refer to.")
        known[reference] = found["sys_id"]
    return known[reference]


def _write(  # noqa: PLR0913, PLR0917  # where, what, when and how to recognise it
    connection: sqlite3.Connection,
    catalog: Catalog,
    table: Table,
    values: dict[str, str],
    stamp: Stamp,
    key: Sequence[str],
) -> str:
    if key:
        names = [_column(table, name) for name in key]
        where = " AND ".join(f'"{name}" = ?' for name in names)
        found = connection.execute(
            f'SELECT sys_id FROM "{table.name}" WHERE {where}',  # noqa: S608
            [values.get(name, "") for name in names],
        ).fetchone()
        if found is not None:
            sys_id: str = found["sys_id"]
            changes = {name: value for name, value in values.items() if name != "sys_id"}
            storage.update(connection, table.name, sys_id, changes, stamp)
            return sys_id
    full = {**defaults(connection, catalog, table.name), **values}
    (sys_id,) = storage.insert(connection, table.name, [full], stamp)
    return sys_id
