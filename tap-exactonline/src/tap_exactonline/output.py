"""What a reader writes to, and how far it is to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from exactonline_client import Page
    from tap_exactonline.definitions import StreamDefinition

__all__ = ["Limit", "Output", "RowLimitReached", "Span"]


class Output(Protocol):
    """Where the records of one stream go."""

    definition: StreamDefinition

    @property
    def names(self) -> frozenset[str]:
        """Properties the user selected."""

    def write(self, records: list[dict[str, Any]], read_at: str) -> None:
        """Emit records."""

    def state_of(self, division: int) -> dict[str, Any] | None:
        """Give the division's part of the state, to be changed in place; None: keep none."""

    def pages(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Pass pages on, open to a signal while waiting for one."""

    def commit(self, rows: int) -> None:
        """Emit the state when enough rows have gone out since the last one."""


class RowLimitReached(Exception):  # noqa: N818 - not an error: a dry run has seen enough
    """As many rows were read as a dry run wants."""


@dataclass(slots=True)
class Limit:
    """How many rows a dry run wants still; None: all."""

    left: int | None = None

    def take(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give the part of ``records`` that is wanted."""
        if self.left is None:
            return records
        wanted = records[: self.left]
        self.left -= len(wanted)
        return wanted

    def check(self) -> None:
        """Stop a dry run that has enough; its state must not move any more."""
        if self.left is not None and self.left <= 0:
            raise RowLimitReached


@dataclass(frozen=True, slots=True)
class Span:
    """From when on to read: the settings ``start_date`` and ``overlap_seconds``."""

    start: datetime | None
    overlap: timedelta
