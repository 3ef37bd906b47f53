"""Which rows of a batch to send next after a request was refused for good; pure.

A refused request has staged nothing, so its rows may be sent again: in halves, until those that
are fine are staged and each that is not was refused alone. What refuses everything looks the same
at first: so after a row that was refused alone one far from it goes alone, and when a few such are
refused alike with nothing taken in between, it is not about a row.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from servicenow_client import ContentRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicenow_client import AmbiguousWrite
    from target_servicenow_s2p.rows import Row

__all__ = ["Halving", "check_not_all", "is_stopped", "stopped", "why_refused"]

_FORBIDDEN: Final = 403

_ALIKE: Final = 3
"""Rows refused alone and alike, none taken in between, after which it is not about a row: a
document with two lines of the same text may come alone."""


class Halving:
    """The rows of one batch that still have to be sent, and those that were refused alone.

    Attributes:
        refused: each with what it was refused with.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.refused: list[tuple[Row, ContentRefused]] = []
        self._pieces = deque([rows] if rows else [])
        self._since_taken: list[ContentRefused] = []

    @property
    def is_over(self) -> bool:
        """Whether every row was taken or refused."""
        return not self._pieces

    def next(self) -> Sequence[Row]:
        """Return the rows to send in one request."""
        if not self._since_taken:
            return self._pieces.popleft()
        piece = self._pieces.pop()
        middle = len(piece) // 2
        self._pieces.extend(part for part in (piece[:middle], piece[middle + 1 :]) if part)
        return piece[middle : middle + 1]

    def note_taken(self) -> None:
        """Take note that ServiceNow took what was sent last."""
        self._since_taken.clear()

    def note_refused(self, rows: Sequence[Row], refusal: ContentRefused) -> None:
        """Take note that a request of these rows was refused.

        Raises:
            ContentRefused: everything is.
        """
        if len(rows) > 1:
            middle = len(rows) // 2
            self._pieces.extendleft((rows[middle:], rows[:middle]))
            return
        self.refused.extend((row, refusal) for row in rows)
        self._since_taken.append(refusal)
        check_not_all(self._since_taken)


def check_not_all(refusals: Sequence[ContentRefused]) -> None:
    """Make sure that rows refused alone, none taken in between, say something about the rows.

    Raises:
        ContentRefused: they were refused alike, so the same would happen to any other.
    """
    if len(refusals) >= _ALIKE and len({(one.status, one.said) for one in refusals}) == 1:
        last = refusals[-1]
        raise ContentRefused(
            f"{last} So it did with {len(refusals)} different rows, each sent alone: it is not "
            f"about a row. {_remedy(last)}",
            last.status,
            last.said,
        )


def is_stopped(doubt: AmbiguousWrite) -> bool:
    """Whether something before ServiceNow refused: a 403 that is a page and no API answer."""
    return doubt.foreign and doubt.status == _FORBIDDEN


def stopped(table: str) -> ContentRefused:
    """Return the refusal of what was stopped on its way to a table and was not found there."""
    return ContentRefused(
        f"Something before ServiceNow refused rows for {table} with status {_FORBIDDEN}.",
        _FORBIDDEN,
    )


def why_refused(refusal: ContentRefused) -> str:
    """Return what to write down of a row that was refused alone."""
    if refusal.said:
        return f"{refusal.said} (status {refusal.status})"
    return f"refused with status {refusal.status} and without a word of ServiceNow. " + _remedy(
        refusal
    )


def _remedy(refusal: ContentRefused) -> str:
    if refusal.said:
        return "Check the table and the rights of the integration user."
    return "Let whoever runs the firewall or proxy before ServiceNow see what it stops."
