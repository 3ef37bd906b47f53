"""``$filter`` expressions as Exact's OData dialect wants them. Pure."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from exactonline_client.errors import SettingError
from exactonline_client.wallclock import earliest_wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

__all__ = [
    "any_of",
    "equals",
    "guid_literal",
    "instant_literal",
    "modified_since",
    "text_equals",
    "timestamp_after",
]


def guid_literal(value: str) -> str:
    """Give ``guid'…'``.

    Raises:
        SettingError: not a GUID; nothing else may get into a filter this way.
    """
    try:
        return f"guid'{uuid.UUID(value)}'"
    except (ValueError, AttributeError, TypeError) as error:
        raise SettingError("A GUID was expected for a filter on Exact Online.") from error


def instant_literal(instant: datetime) -> str:
    """Give ``datetime'…'`` in Exact's wall clock, whole seconds, never later than the instant."""
    return f"datetime'{earliest_wall_clock(instant).replace(microsecond=0).isoformat()}'"


def modified_since(instant: datetime, field: str = "Modified") -> str:
    """Select all rows changed at ``instant`` (aware) or after, and perhaps some from before."""
    return f"{field} ge {instant_literal(instant)}"


def timestamp_after(version: int) -> str:
    """Select what changed after a row version, on the sync endpoints; the first call wants 1."""
    return f"Timestamp gt {version:d}L"


def equals(field: str, guid: str) -> str:
    """Select the rows whose GUID property has this value."""
    return f"{field} eq {guid_literal(guid)}"


def text_equals(field: str, text: str) -> str:
    """Select the rows whose text property has this value; quotes in it stand for themselves."""
    quoted = text.replace("'", "''")
    return f"{field} eq '{quoted}'"


def any_of(field: str, guids: Iterable[str], *, at_most: int = 60) -> Iterator[str]:
    """Select rows by many values of a GUID property, as several filters that fit into URLs.

    Exact knows no ``in``; ``at_most`` terms of 60 leave room in the 6,000 characters of a URL.
    """
    terms: list[str] = []
    for guid in guids:
        terms.append(equals(field, guid))
        if len(terms) == at_most:
            yield " or ".join(terms)
            terms = []
    if terms:
        yield " or ".join(terms)
