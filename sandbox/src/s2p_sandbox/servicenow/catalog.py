"""The instance's tables and columns, read from ``catalog.json``.

Labels, types and mandatory marks of the staging tables are those of ServiceNow's product
documentation (Source-to-Pay Integration Framework, *… inbound staging table* pages). Column names
stand there for the invoice tables only (AP Invoice API reference); the others are derived from the
label, in the style the switches choose. ``gate`` marks columns and tables that a switch takes away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from s2p_sandbox.servicenow.switches import Switches

__all__ = ["Catalog", "Column", "Made", "Table", "catalog_for", "physical_tables"]

_INTERNAL_TYPES = {
    "datetime": "glide_date_time",
    "date": "glide_date",
    "choice": "string",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: its name in the sandbox's database, the same in every style.
        element: its name on the instance, as REST and ``sys_dictionary`` show it.
        type: string, integer, decimal, boolean, date, datetime, currency, reference, choice, …
        auto: prefix of the numbers the instance gives itself (``PO0001001``).
        computed: calculated by the instance; REST writes are discarded without a word.
    """

    name: str
    element: str
    label: str
    type: str = "string"
    max_length: int = 255
    mandatory: bool = False
    reference: str = ""
    choices: tuple[str, ...] = ()
    default: str = ""
    auto: str = ""
    computed: bool = False
    system: bool = False

    @property
    def internal_type(self) -> str:
        """The type's name in ``sys_dictionary``."""
        return _INTERNAL_TYPES.get(self.type, self.type)


@dataclass(frozen=True, slots=True)
class Table:
    """One table with its columns by element name and, for ``insertMultiple``, by label."""

    name: str
    label: str
    kind: str
    display: str
    columns: tuple[Column, ...]
    by_element: Mapping[str, Column]
    by_name: Mapping[str, Column]
    by_label: Mapping[str, tuple[Column, ...]]

    @property
    def staging(self) -> bool:
        """Whether it extends ``sys_import_set_row``."""
        return self.kind == "staging"


@dataclass(frozen=True, slots=True)
class Catalog:
    """All tables of the instance as the switches make them."""

    tables: Mapping[str, Table]

    def get(self, name: str) -> Table | None:
        """The table of that name, or None."""
        return self.tables.get(name)


def _system(name: str, label: str, kind: str = "string", reference: str = "") -> Column:
    return Column(name, name, label, kind, reference=reference, system=True)


_EVERY_TABLE = (
    _system("sys_id", "Sys ID", "GUID"),
    _system("sys_created_on", "Created", "datetime"),
    _system("sys_created_by", "Created by"),
    _system("sys_updated_on", "Updated", "datetime"),
    _system("sys_updated_by", "Updated by"),
    _system("sys_mod_count", "Updates", "integer"),
)
_SPARE = tuple(f"spare_{number}" for number in range(1, 9))
"""Where the values of columns lie that an administrator adds to a staging table."""
Made = tuple[tuple[str, str, str, int], ...]
"""Columns added to staging tables: table, element, label, length."""
_STAGING_TABLES = (
    _system("sys_import_set", "Set", "reference", "sys_import_set"),
    _system("sys_import_row", "Row", "integer"),
    _system("sys_import_state", "State"),
    _system("sys_import_state_comment", "Comment"),
    _system("sys_target_table", "Target table"),
    _system("sys_target_sys_id", "Target record"),
    _system("sys_row_error", "Row error", "reference", "sys_import_set_row_error"),
    _system("sys_transform_map", "Transform map", "reference", "sys_transform_map"),
    _system("template_import_log", "Import log"),
)


@lru_cache(maxsize=1)
def _definitions() -> dict[str, dict[str, Any]]:
    text = files("s2p_sandbox.servicenow").joinpath("catalog.json").read_text(encoding="utf-8")
    definitions: dict[str, dict[str, Any]] = json.loads(text)
    return definitions


@lru_cache(maxsize=1)
def physical_tables() -> dict[str, tuple[list[str], list[list[str]]]]:
    """Table → its columns in the database, whatever the switches show, and its lookup keys."""
    shaped = {}
    for name, definition in _definitions().items():
        own = [column["name"] for column in definition["columns"]]
        staging = definition["kind"] == "staging"
        extra = _STAGING_TABLES if staging else ()
        columns = [column.name for column in (*_EVERY_TABLE, *extra)] + own
        columns += _SPARE if staging else ()
        shaped[name] = (columns, definition.get("keys", []))
    return shaped


def catalog_for(switches: Switches, made: Made = ()) -> Catalog:
    """The catalog under these switches with the columns made since; equal ones share one."""
    return _catalog(
        made,
        "" if switches.column_style == "plain" else switches.column_style,
        switches.duplicate_supplier_label,
        frozenset(
            gate
            for gate, shown in (
                ("order_line", switches.order_line_columns),
                ("supplier_entity", switches.supplier_entity_columns),
                ("cost_center_source", switches.cost_center_erp_source),
                ("customer_account", switches.customer_accounts),
                ("held_lines", switches.held_lines_table),
            )
            if not shown
        ),
    )


@lru_cache(maxsize=16)
def _catalog(made: Made, prefix: str, duplicate_label: bool, hidden: frozenset[str]) -> Catalog:  # noqa: FBT001
    tables = {}
    for name, definition in _definitions().items():
        if definition.get("gate") in hidden:
            continue
        staging = definition["kind"] == "staging"
        own = [
            _column(column, prefix if staging else "", duplicate_label=duplicate_label)
            for column in definition["columns"]
            if column.get("gate") not in hidden
        ]
        if staging:
            more = [one[1:] for one in made if one[0] == name]
            own += [
                Column(spare, element, label, max_length=longest)
                for spare, (element, label, longest) in zip(_SPARE, more, strict=False)
            ]
        columns = (*own, *(_STAGING_TABLES if staging else ()), *_EVERY_TABLE)
        labels: dict[str, list[Column]] = {}
        for column in own:
            labels.setdefault(column.label, []).append(column)
        tables[name] = Table(
            name,
            definition["label"],
            definition["kind"],
            definition.get("display", "sys_id"),
            columns,
            MappingProxyType({column.element: column for column in columns}),
            MappingProxyType({column.name: column for column in columns}),
            MappingProxyType({label: tuple(found) for label, found in labels.items()}),
        )
    return Catalog(MappingProxyType(tables))


def _column(given: dict[str, Any], prefix: str, *, duplicate_label: bool) -> Column:
    label = given["label"]
    if given.get("gate") == "duplicate" and not duplicate_label:
        label = "ERP supplier code"
    return Column(
        given["name"],
        given.get("element", prefix + given["name"]),
        label,
        given.get("type", "string"),
        given.get("max_length", 255),
        given.get("mandatory", False),
        given.get("reference", ""),
        tuple(given.get("choices", ())),
        str(given.get("default", "")),
        given.get("auto", ""),
        given.get("computed", False),
    )
