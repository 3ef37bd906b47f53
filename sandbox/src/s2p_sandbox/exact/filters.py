"""What a ``$filter`` means: a tree that is true or false of a row, or an SQL condition.

A comparison with a row's null is never true, except ``eq null``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["OPERATORS", "Both", "Call", "Comparison", "Filter", "fields_of", "matches", "to_sql"]

OPERATORS: dict[str, str] = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@dataclass(frozen=True, slots=True)
class Call:
    """A field, or a function of one: ``argument`` is the text beside the field, if any."""

    field: str
    function: str = ""
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field or function against a literal in its stored form."""

    left: Call
    operator: str
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Both:
    """Two conditions joined by ``and`` or ``or``."""

    left: Filter
    word: str
    right: Filter


Filter = Comparison | Both


def fields_of(tree: Filter) -> set[str]:
    """The properties a filter looks at."""
    if isinstance(tree, Comparison):
        return {tree.left.field}
    return fields_of(tree.left) | fields_of(tree.right)


def matches(tree: Filter, row: Mapping[str, Any]) -> bool:
    """Whether a row of stored values satisfies the filter."""
    if isinstance(tree, Both):
        if tree.word == "and":
            return matches(tree.left, row) and matches(tree.right, row)
        return matches(tree.left, row) or matches(tree.right, row)
    found = row.get(tree.left.field)
    if tree.value is None:
        return (
            (found is None)
            if tree.operator == "eq"
            else tree.operator == "ne" and found is not None
        )
    if found is None:
        return False
    return bool(_COMPARE[tree.operator](_applied(tree.left, found), tree.value))


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def _applied(call: Call, found: Any) -> Any:  # noqa: ANN401  # Edm values
    if call.function == "trim":
        return found.strip(" ")
    if call.function == "indexof":
        return found.find(call.argument)
    if call.function == "startswith":
        return found.startswith(call.argument)
    if call.function == "endswith":
        return found.endswith(call.argument)
    return call.argument in found if call.function else found


def to_sql(tree: Filter, column: Callable[[str], str]) -> tuple[str, list[Any]]:
    """The filter as an SQL condition with its parameters; ``column`` names a field's SQL."""
    if isinstance(tree, Both):
        left, first = to_sql(tree.left, column)
        right, second = to_sql(tree.right, column)
        return f"({left} {tree.word.upper()} {right})", [*first, *second]
    name = column(tree.left.field)
    if tree.value is None:
        condition = {"eq": f"{name} IS NULL", "ne": f"{name} IS NOT NULL"}
        return condition.get(tree.operator, "0"), []
    shown, parameters = _sql_call(tree.left, name)
    value = int(tree.value) if isinstance(tree.value, bool) else tree.value
    return f"{shown} {OPERATORS[tree.operator]} ?", [*parameters, value]


def _sql_call(call: Call, name: str) -> tuple[str, list[Any]]:
    if call.function == "trim":
        return f"trim({name})", []
    if call.function == "indexof":
        return f"(instr({name}, ?) - 1)", [call.argument]
    if call.function == "substringof":
        return f"(instr({name}, ?) > 0)", [call.argument]
    if call.function == "startswith":
        return f"(substr({name}, 1, length(?)) = ?)", [call.argument, call.argument]
    if call.function == "endswith":
        ending = (
            f"(length({name}) >= length(?) AND substr({name}, length({name}) - length(?) + 1) = ?)"
        )
        return ending, [call.argument] * 3
    return name, []
