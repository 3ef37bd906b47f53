"""Reading: a page of rows out of the store, in the envelope that belongs to the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from s2p_sandbox.exact.errors import NotFoundError
from s2p_sandbox.exact.filters import matches, to_sql
from s2p_sandbox.exact.model import ORDERS_FEED, entities
from s2p_sandbox.exact.orders_feed import flat_orders
from s2p_sandbox.exact.query import Query, next_link, token_of
from s2p_sandbox.exact.row_reader import as_row
from s2p_sandbox.exact.rows import DELETED
from s2p_sandbox.exact.values import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s2p_sandbox.exact.model import Entity, Lines
    from s2p_sandbox.exact.query import Order
    from s2p_sandbox.exact.row_reader import Row
    from s2p_sandbox.exact.rows import RowStore
    from s2p_sandbox.exact.switches import Switches

__all__ = ["Page", "Reader", "envelope"]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in wire form, the address of the next page if there is one, the count if asked for."""

    rows: list[dict[str, Any]]
    next: str | None = None
    count: int | str | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one division; ``root`` is scheme, host and region prefix of the addresses made."""

    store: RowStore
    division: int
    root: str
    switches: Switches

    def page(
        self, entity: Entity, query: Query, *, size: int | None = None, parent: str | None = None
    ) -> Page:
        """One page of an endpoint.

        Args:
            entity: the endpoint.
            query: what was asked.
            size: rows per page where a fault shortens it.
            parent: only the lines of this header (a navigation address).
        """
        size = size or entity.page_size
        limit = size if query.top is None else min(size, query.top)
        found = self._select(entity, query, limit + 1, parent)
        more = len(found) > limit and (query.top is None or query.top > limit)
        kept = found[:limit]
        values = self._values(entity, kept)
        following = None
        if more:
            left = None if query.top is None else query.top - limit
            token = _token(entity, query.orders, kept[-1], values[-1])
            following = next_link(self._address(entity, parent), query, token, left)
        count = self.count(entity, query, parent) if query.inlinecount else None
        return Page(self._wired(entity, query, values), following, count)

    def held_page(self, entity: Entity, query: Query, values: Sequence[dict[str, Any]]) -> Page:
        """The page of the few rows that are made in memory; they never need a second one."""
        kept = [row for row in values if query.filter is None or matches(query.filter, row)]
        for order in reversed(query.orders):
            kept = _sorted(kept, order)
        kept = kept[query.skip :][: query.top if query.top is not None else entity.page_size]
        count = len(kept) if query.inlinecount else None
        return Page(self._wired(entity, query, kept), None, count)

    def single(self, entity: Entity, query: Query, key: str) -> dict[str, Any]:
        """One row by its key, in wire form.

        Raises:
            NotFoundError: there is none.
        """
        row = self.store.get(entity.rows_of, self.division, key)
        if row is None:
            raise NotFoundError("Resource not found for the segment '" + entity.name + "'.")
        return self._wired(entity, query, self._values(entity, [row]))[0]

    def count(self, entity: Entity, query: Query, parent: str | None = None) -> int:
        """How many rows the filter leaves, paging aside."""
        where, parameters = self._where(entity, query, parent)
        with self.store.database.read() as connection:
            sql = f"SELECT count(*) AS n FROM rows WHERE {where}"  # noqa: S608  # parameters apart
            return int(connection.execute(sql, parameters).fetchone()["n"])

    def _address(self, entity: Entity, parent: str | None) -> str:
        base = f"{self.root}/api/v1/{self.division}/"
        if parent is None:
            return base + entity.name
        for owner in entities().values():
            for name, lines in owner.lines.items():
                if lines.resource == entity.name:
                    return f"{base}{owner.name}(guid'{parent}')/{name}"
        return base + entity.name

    def _select(self, entity: Entity, query: Query, limit: int, parent: str | None) -> list[Row]:
        where, parameters = self._where(entity, query, parent)
        column = _column_of(entity)
        terms = [(column(order.field), order.descending) for order in query.orders]
        terms.append((column(entity.key), False))
        if query.after:
            condition, values = _after(terms, query.after)
            where, parameters = f"{where} AND {condition}", [*parameters, *values]
        ordered = ", ".join(f"{name}{' DESC' if down else ''}" for name, down in terms)
        sql = f"SELECT * FROM rows WHERE {where} ORDER BY {ordered} LIMIT ? OFFSET ?"  # noqa: S608  # parameters apart
        skip = 0 if query.after else query.skip
        with self.store.database.read() as connection:
            return [as_row(one) for one in connection.execute(sql, [*parameters, limit, skip])]

    def _where(self, entity: Entity, query: Query, parent: str | None) -> tuple[str, list[Any]]:
        where = "resource = ? AND division = ?"
        parameters: list[Any] = [entity.rows_of, self.division]
        if entity.kind == "sync":
            where, parameters[0] = "feed = ? AND division = ?", entity.name
        if entity.name == DELETED:
            where, parameters = (
                f"{where} AND modified >= ?",
                [*parameters, self.store.oldest_trace()],
            )
        if parent is not None:
            where, parameters = f"{where} AND parent = ?", [*parameters, parent]
        if query.filter is not None:
            condition, values = to_sql(query.filter, _column_of(entity))
            where, parameters = f"{where} AND {condition}", [*parameters, *values]
        return where, parameters

    def _values(self, entity: Entity, rows: Sequence[Row]) -> list[dict[str, Any]]:
        if entity.name == ORDERS_FEED:
            return flat_orders(rows, self.store, self.division, self.switches)
        for row in rows:
            row.values["Timestamp"] = row.rowversion
        return [row.values for row in rows]

    def _wired(
        self, entity: Entity, query: Query, values: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        lines = {name: self._expanded(entity, name, query, values) for name in query.expand}
        names = query.select if query.select is not None else tuple(entity.properties)
        plan = [(name, entity.properties[name]) for name in names]
        wired = []
        for row in values:
            uri = f"{self.root}/api/v1/{_place(entity, self.division)}{_key_form(entity, row)}"
            out: dict[str, Any] = {"__metadata": {"uri": uri, "type": entity.model}}
            for name, edm in plan:
                if edm != "Collection":
                    out[name] = wire(edm, row.get(name))
                elif name in lines:
                    out[name] = {"results": lines[name].get(str(row[entity.key]), [])}
                else:
                    out[name] = {"__deferred": {"uri": f"{uri}/{name}"}}
            wired.append(out)
        return wired

    def _expanded(
        self, entity: Entity, name: str, query: Query, values: Sequence[dict[str, Any]]
    ) -> dict[str, list[dict[str, Any]]]:
        lines: Lines = entity.lines[name]
        line = entities()[lines.resource]
        parents = [str(row[entity.key]) for row in values]
        grouped = self.store.children(lines.resource, self.division, parents)
        inner = Query(select=query.nested[name])
        limit = self.switches.expand_limit
        return {
            parent: self._wired(line, inner, [row.values for row in rows[:limit]])
            for parent, rows in grouped.items()
        }


def envelope(page: Page, entity: Entity, top: int | None) -> bytes:
    """The reply's body: ``{"d":{"results":[…]}}``, or a bare array where ``$top`` fits a page."""
    bare = top is not None and top <= entity.page_size and page.count is None
    if bare:
        return msgspec.json.encode({"d": page.rows})
    inner: dict[str, Any] = {"results": page.rows}
    if page.count is not None:
        inner["__count"] = page.count
    if page.next is not None:
        inner["__next"] = page.next
    return msgspec.json.encode({"d": inner})


def _column_of(entity: Entity) -> Any:  # noqa: ANN401  # a function of a name
    native = {"Timestamp": "rowversion"}
    if entity.key != "Timestamp":
        native[entity.key] = "key"
    if entity.modified:
        native[entity.modified] = "modified"
    if entity.parent:
        native[entity.parent] = "parent"

    def column(name: str) -> str:
        # Names come from the entity's own list: nothing of the request reaches the statement.
        return native.get(name) or f"json_extract(body, '$.{name}')"

    return column


def _after(terms: Sequence[tuple[str, bool]], after: Sequence[Any]) -> tuple[str, list[Any]]:
    """The keyset condition "beyond these values", nulls first as SQL Server sorts them."""
    if len(terms) == 1:
        return f"{terms[0][0]} > ?", [after[0]]
    if None not in after and not any(down for _name, down in terms):
        names = ", ".join(name for name, _down in terms)
        marks = ", ".join("?" * len(after))
        return f"({names}) > ({marks})", list(after)
    cases: list[str] = []
    parameters: list[Any] = []
    for place, ((name, down), value) in enumerate(zip(terms, after, strict=True)):
        beyond, values = _beyond(name, value, down=down)
        same = [f"{terms[earlier][0]} IS ?" for earlier in range(place)]
        cases.append("(" + " AND ".join([*same, beyond]) + ")")
        parameters += [*after[:place], *values]
    return "(" + " OR ".join(cases) + ")", parameters


def _beyond(name: str, value: Any, *, down: bool) -> tuple[str, list[Any]]:  # noqa: ANN401
    if value is None:
        return ("0" if down else f"{name} IS NOT NULL"), []
    if down:
        return f"({name} < ? OR {name} IS NULL)", [value]
    return f"{name} > ?", [value]


def _token(entity: Entity, orders: Sequence[Order], row: Row, values: dict[str, Any]) -> str:
    parts = [token_of(entity.properties[one.field], values.get(one.field)) for one in orders]
    key: Any = row.rowversion if entity.key == "Timestamp" else row.key
    return ",".join([*parts, token_of(entity.properties[entity.key], key)])


def _place(entity: Entity, division: int) -> str:
    return entity.name if entity.name == "current/Me" else f"{division}/{entity.name}"


def _key_form(entity: Entity, row: dict[str, Any]) -> str:
    return f"({token_of(entity.properties[entity.key], row.get(entity.key))})"


def _sorted(rows: list[dict[str, Any]], order: Order) -> list[dict[str, Any]]:
    def place(row: dict[str, Any]) -> tuple[bool, Any]:
        value = row.get(order.field)
        return value is not None, value

    return sorted(rows, key=place, reverse=order.descending)
