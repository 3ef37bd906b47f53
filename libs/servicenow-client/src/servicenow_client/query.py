"""Encoded queries, built so that a value cannot change the query's meaning.

ServiceNow ignores an invalid part of a query and runs the rest, which can return a whole table.
So values that would break out of their condition are refused here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from servicenow_client.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["after", "all_of", "chunks", "equals", "is_searchable", "one_of"]

_NEW_QUERY: Final = "^NQ"
_SCRIPT: Final = "javascript:"


def equals(field: str, value: str) -> str:
    """Return ``field=value``; an empty value asks for an empty field."""
    return f"{field}={_literal(field, value)}" if value else f"{field}ISEMPTY"


def one_of(field: str, values: Sequence[str]) -> str:
    """Return a condition that holds for any of the values.

    ``IN`` where no value holds a comma, otherwise a chain of ``^OR``.
    """
    literals = [_literal(field, value) for value in values]
    if any("," in literal or not literal for literal in literals):
        return "^OR".join(equals(field, value) for value in values)
    return f"{field}IN{','.join(literals)}"


def all_of(*conditions: str) -> str:
    """Join conditions with AND; empty ones fall away."""
    return "^".join(condition for condition in conditions if condition)


def after(query: str, last: str) -> str:
    """Return the query for the page behind ``last``, in the order of ``sys_id``.

    The condition is put before every part of a ``^NQ`` union, because each part stands alone.
    """
    if "^ORDERBY" in query or query.startswith("ORDERBY"):
        raise Rejected("A query read page by page is ordered by sys_id: leave ORDERBY out of it.")
    if last:
        parts = query.split(_NEW_QUERY)
        query = _NEW_QUERY.join(all_of(f"sys_id>{last}", part) for part in parts)
    return f"{query}^ORDERBYsys_id" if query else "ORDERBYsys_id"


def chunks(
    values: Iterable[str], *, characters: int = 1500, count: int = 200
) -> Iterator[list[str]]:
    """Cut values into lists that keep a URL below the length proxies accept."""
    piece: list[str] = []
    size = 0
    for value in values:
        cost = 3 * len(value.encode()) + 3  # the worst case after URL encoding
        if piece and (size + cost > characters or len(piece) == count):
            yield piece
            piece, size = [], 0
        piece.append(value)
        size += cost
    if piece:
        yield piece


def is_searchable(value: str) -> bool:
    """Whether a condition can hold a value at all: of others nothing can be found again."""
    return not any(sign in value for sign in "^\n\r") and not value.startswith(_SCRIPT)


def _literal(field: str, value: str) -> str:
    if is_searchable(value):
        return value
    if not value.startswith(_SCRIPT):
        raise Rejected(
            f"A value of {field} holds '^' or a line break, which ServiceNow's query language "
            "cannot express: correct the code at its source."
        )
    raise Rejected(f"A value of {field} begins with '{_SCRIPT}', which is never sent.")
