"""Encoded queries: ``active=true^numberSTARTSWITHPO^ORname=x^NQ…^ORDERBYsys_id``.

The grammar is that of *Operators available for filters and queries* and of the Table API page:
``^`` and, ``^OR`` or (binds to the condition before it), ``^NQ`` a new query (or of whole groups),
``^ORDERBY`` and ``^ORDERBYDESC``. Names, operators and values are case-sensitive. A part that
cannot be read is reported, not refused: what happens then is a property of the instance.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["OPERATORS", "Condition", "Order", "Query", "parse"]

# Longest first: ``NOT LIKE`` before ``LIKE``, ``<=`` before ``<``.
OPERATORS = (
    "GT_OR_EQUALS_FIELD",
    "LT_OR_EQUALS_FIELD",
    "EMPTYSTRING",
    "ISNOTEMPTY",
    "STARTSWITH",
    "ENDSWITH",
    "ANYTHING",
    "GT_FIELD",
    "LT_FIELD",
    "NOT LIKE",
    "NOTLIKE",
    "BETWEEN",
    "ISEMPTY",
    "NSAMEAS",
    "NOT IN",
    "NOTIN",
    "SAMEAS",
    "LIKE",
    "IN",
    "ON",
    "!=",
    "!*",
    "<=",
    ">=",
    "=",
    "<",
    ">",
    "*",
    "%",
)
_SYNONYMS = {
    "NOTLIKE": "NOT LIKE",
    "!*": "NOT LIKE",
    "*": "LIKE",
    "%": "ENDSWITH",
    "NOTIN": "NOT IN",
}
_FIELD = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*")
_CARET = "\0"


@dataclass(frozen=True, slots=True)
class Condition:
    """``field operator value``; the field may walk references with dots."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Order:
    """One ORDERBY."""

    field: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """Any of ``groups``; a group holds when each of its clauses has one condition that holds.

    ``invalid`` are the parts that could not be read.
    """

    groups: tuple[tuple[tuple[Condition, ...], ...], ...]
    order: tuple[Order, ...]
    invalid: tuple[str, ...]


def parse(text: str) -> Query:
    """Read an encoded query; never fails. A doubled caret stands for one in a value."""
    groups: list[list[list[Condition]]] = [[]]
    order: list[Order] = []
    invalid: list[str] = []
    for raw in text.replace("^^", _CARET).split("^"):
        part = raw
        if not part or part == "EQ":
            continue
        if part.startswith("ORDERBY"):
            descending = part.startswith("ORDERBYDESC")
            order.append(Order(part[len("ORDERBYDESC" if descending else "ORDERBY") :], descending))
            continue
        alternative = part.startswith("OR")
        if alternative:
            part = part[2:]
        elif part.startswith("NQ"):
            part = part[2:]
            groups.append([])
            if not part:
                continue
        condition = _condition(part)
        if condition is None:
            invalid.append(raw.replace(_CARET, "^"))
        elif alternative and groups[-1]:
            groups[-1][-1].append(condition)
        else:
            groups[-1].append([condition])
    return Query(
        tuple(tuple(tuple(clause) for clause in group) for group in groups),
        tuple(order),
        tuple(invalid),
    )


def _condition(part: str) -> Condition | None:
    match = _FIELD.match(part)
    if match is None:
        return None
    rest = part[match.end() :]
    for operator in OPERATORS:
        if rest.startswith(operator):
            value = rest[len(operator) :].replace(_CARET, "^")
            return Condition(match[0], _SYNONYMS.get(operator, operator), value)
    return None
