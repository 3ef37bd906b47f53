"""What the instance says about its own tables: columns, transform maps, staging behaviour.

Column names of the ``sn_fcms_intg_*`` staging tables are not published, only labels; the
instance's ``sys_dictionary`` is the authority. So are ``sys_transform_entry`` for coalesce and
``sys_rest_insert_multiple`` for whether ``insertMultiple`` takes labels or column names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Column", "FieldMap", "TransformMap", "columns_by_table", "keys_of", "maps_of"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column as ``sys_dictionary`` has it; ``max_length`` is 0 where it is not stated."""

    element: str
    label: str
    type: str
    max_length: int
    mandatory: bool
    reference: str


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One entry of a transform map: staging column → column of the target table."""

    source_field: str
    target_field: str
    coalesce: bool
    choice_action: str


@dataclass(frozen=True, slots=True)
class TransformMap:
    """One transform map of a staging table."""

    name: str
    active: bool
    order: int
    target_table: str
    enforce_mandatory: str
    fields: tuple[FieldMap, ...]
    copies_empty: bool = False

    @property
    def coalesces_on(self) -> tuple[str, ...]:
        """Staging columns that decide between insert and update; empty means always insert."""
        return tuple(entry.source_field for entry in self.fields if entry.coalesce)


def columns_by_table(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Column]]:
    """Sort ``sys_dictionary`` rows into columns per table."""
    tables: dict[str, list[Column]] = {}
    for row in rows:
        element = _text(row, "element")
        if not element:
            continue
        tables.setdefault(_text(row, "name"), []).append(
            Column(
                element,
                _text(row, "column_label"),
                _text(row, "internal_type"),
                _number(row, "max_length"),
                _text(row, "mandatory") == "true",
                _text(row, "reference"),
            )
        )
    return tables


def maps_of(rows: Iterable[Mapping[str, Any]]) -> list[TransformMap]:
    """Gather ``sys_transform_entry`` rows into their maps, lowest order first."""
    heads: dict[str, Mapping[str, Any]] = {}
    entries: dict[str, list[FieldMap]] = {}
    for row in rows:
        name = _text(row, "map.name")
        heads.setdefault(name, row)
        entries.setdefault(name, []).append(
            FieldMap(
                _text(row, "source_field"),
                _text(row, "target_field"),
                _text(row, "coalesce") == "true",
                _text(row, "choice_action"),
            )
        )
    maps = [
        TransformMap(
            name,
            _text(head, "map.active") != "false",
            _number(head, "map.order"),
            _text(head, "map.target_table"),
            _text(head, "map.enforce_mandatory_fields"),
            tuple(entries[name]),
            _text(head, "map.copy_empty_fields") == "true",
        )
        for name, head in heads.items()
    ]
    return sorted(maps, key=lambda found: (found.order, found.name))


def keys_of(rows: Iterable[Mapping[str, Any]]) -> Literal["label", "name"]:
    """Tell from ``sys_rest_insert_multiple`` rows what ``insertMultiple`` takes as keys.

    The names of the record's columns are not published; the choice *Column mapping* is found by
    its column's name and read by its value ("Column name" in any spelling).
    """
    for row in rows:
        for element, value in row.items():
            if "mapping" in element and "name" in str(value).lower():
                return "name"
    return "label"


def _text(row: Mapping[str, Any], element: str) -> str:
    value = row.get(element)
    if isinstance(value, dict):
        value = value.get("value")
    return value if isinstance(value, str) else ""


def _number(row: Mapping[str, Any], element: str) -> int:
    text = _text(row, element).replace(",", "")
    return int(text) if text.lstrip("-").isdecimal() else 0
