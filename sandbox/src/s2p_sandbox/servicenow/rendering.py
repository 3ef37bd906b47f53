"""Records as the Table API shows them: everything a string, references with their links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s2p_sandbox.servicenow import money

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from s2p_sandbox.servicenow.catalog import Catalog, Column, Table
    from s2p_sandbox.servicenow.storage import Record

__all__ = ["Renderer"]

_CHUNK = 500
_LISTED = frozenset({"sys_import_state", "choice"})


@dataclass(frozen=True, slots=True)
class Renderer:
    """Shapes records for one call.

    Attributes:
        display: ``false``, ``true`` or ``all``, as ``sysparm_display_value`` says.
        links: whether references carry a link.
        money_pairs: whether a currency value shows its code.
        unreadable: ``table.column`` the caller may not read.
    """

    connection: sqlite3.Connection
    catalog: Catalog
    root: str
    display: str = "false"
    links: bool = True
    money_pairs: bool = False
    unreadable: frozenset[str] = frozenset()

    def records(
        self, table: Table, rows: Sequence[Record], fields: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """The rows with the wanted fields (all when none is named); unknown names are left out.

        A field may walk references with dots. Fields the caller may not read are left out.
        """
        shaped: list[dict[str, Any]] = [{} for _ in rows]
        for field in fields or table.by_element:
            column = self._readable(table, field.partition(".")[0])
            values = None if column is None else self._values(column, field, rows)
            for record, value in zip(shaped, values or (), strict=False):
                record[field] = value
        return shaped

    def _readable(self, table: Table, element: str) -> Column | None:
        if f"{table.name}.{element}" in self.unreadable:
            return None
        return table.by_element.get(element)

    def _values(self, column: Column, field: str, rows: Sequence[Record]) -> list[Any] | None:
        _, _, rest = field.partition(".")
        if rest:
            return self._walk(column, rest, rows)
        raw = [row[column.name] for row in rows]
        if column.type != "reference":
            return [self._plain(column, value) for value in raw]
        shown = self._displays(column.reference, raw) if self.display != "false" else {}
        return [self._reference(column, value, shown) for value in raw]

    def _walk(self, column: Column, rest: str, rows: Sequence[Record]) -> list[Any] | None:
        walked = self.catalog.get(column.reference)
        inner = None if walked is None else self._readable(walked, rest.partition(".")[0])
        if walked is None or inner is None:
            return None
        found = self._by_id(walked, {row[column.name] for row in rows if row[column.name]})
        order = list(found)
        values = self._values(inner, rest, [found[one] for one in order])
        if values is None:
            return None
        known = dict(zip(order, values, strict=True))
        return [known.get(row[column.name], "") for row in rows]

    def _plain(self, column: Column, value: str) -> Any:  # noqa: ANN401  # string or object
        if column.type == "password2":
            value = ""
        shown = value
        if column.type == "currency" and value:
            shown = money.display(value)
            value = value if self.money_pairs else money.amount_of(value)
        elif (column.type == "choice" or column.name in _LISTED) and value.islower():
            shown = value.replace("_", " ").capitalize()
        if self.display == "all":
            return {"display_value": shown, "value": value}
        return shown if self.display == "true" else value

    def _reference(self, column: Column, value: str, shown: Mapping[str, str]) -> Any:  # noqa: ANN401
        link = f"{self.root}/api/now/table/{column.reference}/{value}"
        if self.display == "all":
            found = {"display_value": shown.get(value, ""), "value": value}
            return {**found, "link": link} if self.links and value else found
        if not value:
            return ""
        if self.display == "true":
            display = shown.get(value, "")
            return {"display_value": display, "link": link} if self.links else display
        return {"link": link, "value": value} if self.links else value

    def _displays(self, reference: str, values: Iterable[str]) -> dict[str, str]:
        table = self.catalog.get(reference)
        if table is None:
            return {}
        column = table.by_name.get(table.display, table.by_name["sys_id"])
        found = self._by_id(table, {value for value in values if value})
        if column.type == "reference":
            inner = self._displays(column.reference, (row[column.name] for row in found.values()))
            return {one: inner.get(row[column.name], "") for one, row in found.items()}
        return {one: row[column.name] for one, row in found.items()}

    def _by_id(self, table: Table, wanted: set[str]) -> dict[str, Record]:
        listed = sorted(wanted)
        found: dict[str, Record] = {}
        for start in range(0, len(listed), _CHUNK):
            chunk = listed[start : start + _CHUNK]
            marks = ", ".join("?" * len(chunk))
            for row in self.connection.execute(
                f'SELECT * FROM "{table.name}" WHERE sys_id IN ({marks})',  # noqa: S608
                chunk,
            ):
                found[row["sys_id"]] = row
        return found
