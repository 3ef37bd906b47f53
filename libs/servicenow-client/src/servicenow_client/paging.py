"""Pages of a table that ACLs thin out: an empty page is the end only where nothing matched.

ServiceNow takes the rows that the user may not see away after the limit was applied, so a page may
be empty although more follows. ``X-Total-Count`` counts before they are taken away: what it counts
is passed over, by an offset within the same condition. Counting costs the instance time, so it is
asked for only where the page may be the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["TOTAL", "Page", "Pages", "total_of"]

TOTAL = "x-total-count"


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it was answered.

    Attributes:
        total: rows that match the query, hidden ones among them; None where it was not told.
    """

    rows: Sequence[dict[str, Any]]
    total: int | None = None


class Read(Protocol):
    """Reads one page."""

    def __call__(self, query: str, offset: int, *, counted: bool) -> Page:
        """Return the rows of a query from an offset on; with ``counted``, ask how many match."""


class Pages:
    """Gives the pages of one table, none of which is empty before the end.

    Args:
        read: reads a page.
        size: rows that a page holds at most.
        hidden: called when rows turn out to be hidden from the user.
    """

    def __init__(self, read: Read, size: int, hidden: Callable[[], object]) -> None:
        self._read = read
        self._size = size
        self._hidden = hidden
        self._may_be_last = True

    def __call__(self, query: str) -> list[dict[str, Any]]:
        """Return the first rows of a query that the user may see; none: there are no more."""
        page = self._read(query, 0, counted=self._may_be_last)
        if not page.rows and not self._may_be_last:
            page = self._read(query, 0, counted=True)
        offset = 0
        while page.total is not None:
            if len(page.rows) < min(self._size, page.total - offset):
                self._hidden()
            offset += self._size
            if page.rows or offset >= page.total:
                break
            page = self._read(query, offset, counted=True)
        self._may_be_last = len(page.rows) < self._size
        return list(page.rows)


def total_of(headers: Mapping[str, str]) -> int | None:
    """Read how many rows match from an answer's headers (lower case)."""
    text = headers.get(TOTAL, "").strip()
    return int(text) if text.isascii() and text.isdecimal() else None
