"""Encoded queries as SQL over the sandbox's tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from s2p_sandbox.servicenow.dates import resolve
from s2p_sandbox.servicenow.query import parse

if TYPE_CHECKING:
    from s2p_sandbox.servicenow.catalog import Catalog, Column, Table
    from s2p_sandbox.servicenow.query import Condition, Query

__all__ = ["Selection", "select"]

_NUMBERS = frozenset({"integer", "decimal"})
_COMPARISONS = {"=": "=", "!=": "IS NOT", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_FIELD_COMPARISONS = {
    "SAMEAS": "=",
    "NSAMEAS": "<>",
    "GT_FIELD": ">",
    "LT_FIELD": "<",
    "GT_OR_EQUALS_FIELD": ">=",
    "LT_OR_EQUALS_FIELD": "<=",
}
_NOTHING = "0"


@dataclass(frozen=True, slots=True)
class Selection:
    """A WHERE clause with its parameters, an ORDER BY (may be empty), the parts ignored."""

    where: str
    parameters: tuple[str, ...]
    order: str
    ignored: tuple[str, ...]


class _InvalidError(Exception):
    """A condition names a column that does not exist or a value that cannot be read."""


@dataclass(slots=True)
class _Compiler:
    catalog: Catalog
    now: datetime
    case_sensitive: bool
    utc_offset: timedelta
    parameters: list[str]

    def condition(self, table: Table, condition: Condition) -> str:
        head, _, rest = condition.field.partition(".")
        column = table.by_element.get(head)
        if column is None:
            raise _InvalidError
        if not rest:
            return self._compare(table, column, condition)
        walked = self.catalog.get(column.reference)
        if walked is None:
            raise _InvalidError
        inner = self.condition(walked, type(condition)(rest, condition.operator, condition.value))
        return f'"{column.name}" IN (SELECT sys_id FROM "{walked.name}" WHERE {inner})'  # noqa: S608

    def _compare(self, table: Table, column: Column, condition: Condition) -> str:
        operator, name = condition.operator, f'"{column.name}"'
        if operator == "ANYTHING":
            return "1"
        if operator in {"ISEMPTY", "EMPTYSTRING"}:
            return f"{name} = ''"
        if operator == "ISNOTEMPTY":
            return f"{name} <> ''"
        if operator in _FIELD_COMPARISONS:
            other = table.by_element.get(condition.value)
            if other is None:
                raise _InvalidError
            return f'{name} {_FIELD_COMPARISONS[operator]} "{other.name}"'
        value = resolve(condition.value, self.now)
        if value is None:
            raise _InvalidError
        if column.type == "datetime" and self.utc_offset:
            value = _in_utc(value, self.utc_offset)
        if operator in {"LIKE", "NOT LIKE", "STARTSWITH", "ENDSWITH"}:
            return self._text(column, operator, value)
        return self._value(column, operator, value)

    def _value(self, column: Column, operator: str, value: str) -> str:
        left, mark = self._operand(column), self._mark(column)
        if operator in {"IN", "NOT IN"}:
            values = [one.strip() for one in value.split(",")]
            self.parameters.extend(self._folded(one) for one in values)
            within = f"{left} IN ({', '.join([mark] * len(values))})"
            return within if operator == "IN" else f"({within}) IS NOT 1"
        if operator in {"BETWEEN", "ON"}:
            bounds = [resolve(one, self.now) for one in value.split("@")][-2:]
            if len(bounds) != 2 or None in bounds:  # noqa: PLR2004  # from and to
                raise _InvalidError
            self.parameters.extend(self._folded(one) for one in bounds if one is not None)
            return f"{left} BETWEEN {mark} AND {mark}"
        if column.type == "currency":
            value = value.replace(",", ";").partition(";")[2] or value
        if value == "" and operator in {"=", "!="}:
            return f"\"{column.name}\" {_COMPARISONS[operator]} ''"
        self.parameters.append(self._folded(value))
        return f"{left} {_COMPARISONS[operator]} {mark}"

    def _text(self, column: Column, operator: str, value: str) -> str:
        shown = self.catalog.get(column.reference) if column.reference else None
        if shown is not None and shown.display in shown.by_name:
            display = shown.by_name[shown.display]
            inner = self._text(display, operator.removeprefix("NOT "), value)
            negated = "NOT " if operator.startswith("NOT") else ""
            return f'"{column.name}" {negated}IN (SELECT sys_id FROM "{shown.name}" WHERE {inner})'  # noqa: S608
        left = self._operand(column, text=True)
        folded = self._folded(value)
        if operator == "STARTSWITH":
            self.parameters.extend((folded, folded))
            return f"substr({left}, 1, length(?)) = ?"
        if operator == "ENDSWITH":
            if not folded:
                return "1"
            self.parameters.extend((folded, folded))
            return f"substr({left}, -length(?)) = ?"
        self.parameters.append(folded)
        return f"instr({left}, ?) {'=' if operator == 'NOT LIKE' else '>'} 0"

    def _operand(self, column: Column, *, text: bool = False) -> str:
        name = f'"{column.name}"'
        if column.type == "currency" and not text:
            return f"CAST(NULLIF(substr({name}, instr({name}, ';') + 1), '') AS REAL)"
        if column.type in _NUMBERS and not text:
            return f"CAST(NULLIF({name}, '') AS REAL)"
        return name if self.case_sensitive else f"lower({name})"

    def _mark(self, column: Column) -> str:
        return "CAST(? AS REAL)" if column.type in {*_NUMBERS, "currency"} else "?"

    def _folded(self, value: str) -> str:
        return value if self.case_sensitive else value.lower()


def select(  # noqa: PLR0913  # a table, a query and the instance's properties
    catalog: Catalog,
    table: Table,
    query: str,
    *,
    now: datetime,
    case_sensitive: bool = True,
    invalid_returns_nothing: bool = False,
    utc_offset: timedelta = timedelta(0),
) -> Selection:
    """Translate a query; an invalid part is left out, or the property makes it match nothing."""
    parsed = parse(query)
    compiler = _Compiler(catalog, now, case_sensitive, utc_offset, [])
    ignored = list(parsed.invalid)
    where = _where(compiler, table, parsed, ignored)
    order = _order(table, parsed, ignored)
    if ignored and invalid_returns_nothing:
        return Selection(_NOTHING, (), order, tuple(ignored))
    return Selection(where, tuple(compiler.parameters), order, tuple(ignored))


def _in_utc(value: str, offset: timedelta) -> str:
    """A literal in the user's time zone, as it is stored."""
    try:
        return f"{datetime.fromisoformat(value) - offset:%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return value


def _where(compiler: _Compiler, table: Table, query: Query, ignored: list[str]) -> str:
    groups = []
    for group in query.groups:
        clauses = []
        for clause in group:
            conditions = []
            for condition in clause:
                before = len(compiler.parameters)
                try:
                    conditions.append(compiler.condition(table, condition))
                except _InvalidError:
                    del compiler.parameters[before:]
                    ignored.append(f"{condition.field}{condition.operator}{condition.value}")
            if conditions:
                clauses.append(f"({' OR '.join(conditions)})")
        groups.append(" AND ".join(clauses) or "1")
    return " OR ".join(f"({group})" for group in groups)


def _order(table: Table, query: Query, ignored: list[str]) -> str:
    parts = []
    for one in query.order:
        column = table.by_element.get(one.field)
        if column is None:
            ignored.append(f"ORDERBY{one.field}")
            continue
        numeric = column.type in _NUMBERS
        name = f'CAST("{column.name}" AS REAL)' if numeric else f'"{column.name}"'
        parts.append(f"{name} DESC" if one.descending else name)
    return ", ".join(parts)
