"""Counters per stream and further table, and the summary a person reads at the end.

What is a row is counted by division, too, with its amount: `s2p reconcile` adds them up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import repeat
from typing import TYPE_CHECKING, Final

from s2p_store import RunAmount, from_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from target_servicenow_s2p.rows import Row

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
_Key = tuple[str, int | None, str, str]
"""Stream or further table, division, currency, counter."""


class Tally:
    """Counts per stream; what was not yet taken to the store is kept apart."""

    def __init__(self) -> None:
        self._total: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._fresh: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._amounts: dict[_Key, tuple[int, int]] = {}

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

    def rows(self, counter: str, rows: Iterable[Row]) -> None:
        """Count rows, by their division too, and add up what they are worth."""
        for key, number, units in _summed(zip(rows, repeat(counter))):
            self.count(key[0], counter, number)
            self._add(key, number, units)

    def without_row(self, stream: str, counter: str, divisions: Mapping[int | None, int]) -> None:
        """Count records that make no row: how many of each division."""
        for division, number in divisions.items():
            self.count(stream, counter, number)
            self._add((stream, division, "", counter), number, 0)

    def outcomes(self, rows_and_outcomes: Iterable[tuple[Row, str]]) -> None:
        """Count staged rows and what became of them."""
        for (stream, division, currency, outcome), number, units in _summed(rows_and_outcomes):
            counter = _OF_OUTCOME.get(outcome, "failed")
            self.count(stream, "staged", number)
            self.count(stream, counter, number)
            self._add((stream, division, currency, counter), number, units)

    def _add(self, key: _Key, number: int, units: int) -> None:
        records, total = self._amounts.get(key, (0, 0))
        self._amounts[key] = (records + number, total + units)

    def take(self) -> dict[str, dict[str, int]]:
        """Return what was counted since the last call."""
        fresh, self._fresh = self._fresh, defaultdict(Counter)
        return {stream: dict(counter) for stream, counter in fresh.items()}

    def take_amounts(self) -> list[RunAmount]:
        """Return what was counted by division since the last call."""
        fresh, self._amounts = self._amounts, {}
        return [
            RunAmount(stream, division or 0, currency, counter, records, from_units(units))
            for (stream, division, currency, counter), (records, units) in fresh.items()
        ]

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


def _summed(rows: Iterable[tuple[Row, str]]) -> Iterator[tuple[_Key, int, int]]:
    """Count rows and add up their amounts by what is said of them; most are of one group."""
    groups: dict[_Key, list[int | None]] = {}
    for row, said in rows:
        key = (row.output.counted_as, row.origin.division, row.currency, said)
        try:
            groups[key].append(row.units)
        except KeyError:
            groups[key] = [row.units]
    for key, amounts in groups.items():
        yield key, len(amounts), sum(filter(None, amounts))
