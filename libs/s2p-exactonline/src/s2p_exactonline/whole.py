"""All rows of a small resource, in plain values."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from exactonline_client import RowConverter, filters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exactonline_client import ExactClient, Kind

__all__ = ["whole"]

_OLDEST: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def whole(
    client: ExactClient,
    division: int,
    resource: str,
    kinds: Mapping[str, Kind],
    condition: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield all rows of a resource, or those that a condition selects.

    Args:
        client: asks.
        division: whose rows.
        resource: its path; Exact refuses the bulk ones without a filter, so they get one.
        kinds: the properties to read, with their kinds.
        condition: a ``$filter``.

    Raises:
        ExactError: it cannot be read; nothing is to be concluded from a part.
    """
    if condition is None and resource.startswith("bulk/"):
        condition = filters.modified_since(_OLDEST)
    convert = RowConverter(resource, kinds)
    for rows in client.pages(division, resource, select=tuple(kinds), filter=condition):
        yield from map(convert, rows)
