"""Finds the rules whose source stands for a code, among ten thousand, without asking each."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from s2p_mapping.rules import Rule

__all__ = ["RuleIndex"]

_Scope = tuple[str, int | None]
"""Dimension and division; None for rules of every division."""


class RuleIndex:
    """Gives places in a sequence of rules.

    Codes and prefixes are looked up as text, a prefix by each length that occurs. Ranges lie sorted
    by their first code; from the last that begins before the code one goes back only as far as
    some range still reaches.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._codes: defaultdict[tuple[_Scope, str], list[int]] = defaultdict(list)
        self._prefixes: defaultdict[tuple[_Scope, str], list[int]] = defaultdict(list)
        lengths: defaultdict[_Scope, set[int]] = defaultdict(set)
        ranges: defaultdict[tuple[_Scope, int], list[tuple[str, str, int]]] = defaultdict(list)
        for place, rule in enumerate(rules):
            scope = (rule.dimension, rule.division)
            if rule.source.endswith("*"):
                prefix = rule.source[:-1]
                self._prefixes[scope, prefix].append(place)
                lengths[scope].add(len(prefix))
            elif bounds := rule.bounds:
                low, high = bounds
                ranges[scope, len(low)].append((low, high, place))
            else:
                self._codes[scope, rule.source].append(place)
        self._lengths = {scope: sorted(found) for scope, found in lengths.items()}
        self._ranges = {where: _Ranges(found) for where, found in ranges.items()}

    def covering(self, dimension: str, division: int | None, code: str) -> Iterator[int]:
        """Places of the rules of exactly this scope that stand for the code, in no order."""
        scope = (dimension, division)
        yield from self._codes.get((scope, code), ())
        for length in self._lengths.get(scope, ()):
            if length > len(code):
                break
            yield from self._prefixes.get((scope, code[:length]), ())
        ranges = self._ranges.get((scope, len(code)))
        # As `Rule.covers`: other digits than these would sort in between.
        if ranges is not None and code.isdecimal():
            yield from ranges.covering(code)


class _Ranges:
    """Ranges of equally long numbers."""

    def __init__(self, ranges: list[tuple[str, str, int]]) -> None:
        ranges.sort()
        self._lows = [low for low, _, _ in ranges]
        self._highs = [high for _, high, _ in ranges]
        self._places = [place for _, _, place in ranges]
        # How far the ranges up to each one reach.
        self._reach: list[str] = []
        for high in self._highs:
            self._reach.append(max(high, self._reach[-1]) if self._reach else high)

    def covering(self, code: str) -> Iterator[int]:
        for at in range(bisect_right(self._lows, code) - 1, -1, -1):
            if self._reach[at] < code:
                return
            if code <= self._highs[at]:
                yield self._places[at]
