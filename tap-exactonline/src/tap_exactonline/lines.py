"""Lines that come on the page of their header."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exactonline_client import check_division, expanded, filters
from tap_exactonline.rows import RowPlan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_exactonline.definitions import StreamDefinition
    from tap_exactonline.output import Output
    from tap_exactonline.session import Session

__all__ = ["LineReader"]

_EXPANDED_PAGE: Final = 60
"""Expanded lists beyond one page are not documented: one of exactly this size may be cut."""


class LineReader:
    """Takes the lines out of header rows of one division, and asks again where some may lack.

    Attributes:
        output: where the lines go.
        select: what to add to the header's ``$select``.
    """

    def __init__(
        self, session: Session, division: int, source: StreamDefinition, output: Output
    ) -> None:
        """Prepare.

        Args:
            session: the run's connection.
            division: whose rows.
            source: the headers.
            output: takes the lines.
        """
        definition = output.definition
        self.output = output
        self._session = session
        self._division = division
        self._property = source.expands or ""
        self._header_id = source.id
        self._plan = RowPlan(definition, definition.endpoint, output.names)
        self._resource = definition.endpoint.resource
        self.select = tuple(f"{self._property}/{name}" for name in self._plan.select)

    def write(self, headers: Iterable[tuple[dict[str, Any], str]], read_at: str) -> int:
        """Emit the lines of header rows.

        Args:
            headers: each row as Exact sent it, and its id.
            read_at: RFC 3339, UTC.

        Returns:
            how many lines.
        """
        records = [line for row, entry in headers for line in self._lines(row, entry)]
        self.output.write(records, read_at)
        return len(records)

    def _lines(self, row: dict[str, Any], entry: str) -> list[dict[str, Any]]:
        envelope = expanded(row.get(self._property))
        rows = envelope.rows if envelope else []
        whole = envelope is not None and envelope.next_url is None
        if not whole or (rows and len(rows) % _EXPANDED_PAGE == 0):
            pages = self._session.client(self._division).walk(
                self._division,
                self._resource,
                select=self._plan.select,
                filter=filters.equals(self._header_id, entry),
            )
            rows = [line for page in self.output.pages(pages) for line in page.rows]
        else:
            check_division(rows, self._division, self._resource)
        return [self._plan.convert(line, self._division) for line in rows]
