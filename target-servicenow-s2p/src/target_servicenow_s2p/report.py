"""Counters per stream and further table, and the summary a person reads at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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
    "settled",
    "let_in",
    "still_refused",
    "duplicates",
    "not_written",
    "new",
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
        self._total: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._fresh: defaultdict[str, Counter[str]] = defaultdict(Counter)

        self.cuts: Counter[tuple[str, str, int]] = Counter()
        """Values cut to their column's length: staging table, label, length → how many."""

    def expect(self, *names: str) -> None:
        """Give streams and tables their place in the summary."""
        for name in names:
            self._total[name].update(())

    def count(self, stream: str, counter: str, number: int = 1) -> None:
        """Add to a counter."""
        if number:
            self._total[stream][counter] += number
            self._fresh[stream][counter] += number

    def outcomes(self, stream_and_outcome: Iterable[tuple[str, str]]) -> None:
        """Count staged rows and what became of them: pairs of stream and outcome."""
        for (stream, outcome), number in Counter(stream_and_outcome).items():
            self.count(stream, "staged", number)
            self.count(stream, _OF_OUTCOME.get(outcome, "failed"), number)

    def take(self) -> dict[str, dict[str, int]]:
        """Return what was counted since the last call."""
        fresh, self._fresh = self._fresh, defaultdict(Counter)
        return {stream: dict(counter) for stream, counter in fresh.items()}

    def total(self, counter: str) -> int:
        """Return a counter over all streams."""
        return sum(counts[counter] for counts in self._total.values())

    def lines(self) -> Iterator[str]:
        """Yield one readable line per stream or further table, in the order they were expected."""
        counted = {stream: counts for stream, counts in self._total.items() if counts.total()}
        width = max((len(stream) for stream in counted), default=0)
        for stream, counts in counted.items():
            words = ", ".join(
                f"{counts[name]} {name.replace('_', ' ')}" for name in COUNTERS if counts[name]
            )
            yield f"{stream:<{width}}  {words}"
