"""Counters per stream, and the summary a person reads at the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["COUNTERS", "Tally"]

COUNTERS: Final = (
    "read",
    "staged",
    "inserted",
    "updated",
    "ignored",
    "unchanged",
    "held",
    "failed",
    "skipped",
    "pending",
    "duplicates",
    "not_written",
    "changed",
)
_OF_OUTCOME: Final[Mapping[str, str]] = {
    "inserted": "inserted",
    "updated": "updated",
    "ignored": "ignored",
    "skipped": "skipped",
    "pending": "pending",
}


class Tally:
    """Counts per stream; what was not yet taken to the store is kept apart."""

    def __init__(self) -> None:
        self._total: dict[str, Counter[str]] = {}
        self._fresh: dict[str, Counter[str]] = {}

    def count(self, stream: str, counter: str, number: int = 1) -> None:
        """Add to a counter."""
        if number:
            for book in (self._total, self._fresh):
                book.setdefault(stream, Counter())[counter] += number

    def outcome(self, stream: str, outcome: str) -> None:
        """Count a staged row and what became of it."""
        self.count(stream, "staged")
        self.count(stream, _OF_OUTCOME.get(outcome, "failed"))

    def take(self) -> dict[str, dict[str, int]]:
        """Return what was counted since the last call."""
        fresh, self._fresh = self._fresh, {}
        return {stream: dict(counter) for stream, counter in fresh.items()}

    def total(self, counter: str) -> int:
        """Return a counter over all streams."""
        return sum(counts[counter] for counts in self._total.values())

    def lines(self) -> Iterator[str]:
        """Yield one readable line per stream, in the order they first appeared."""
        width = max((len(stream) for stream in self._total), default=0)
        for stream, counts in self._total.items():
            words = ", ".join(
                f"{counts[name]} {name.replace('_', ' ')}" for name in COUNTERS if counts[name]
            )
            yield f"{stream:<{width}}  {words}"
