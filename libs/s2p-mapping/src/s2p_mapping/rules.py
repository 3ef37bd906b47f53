"""Explicit mapping rules and which of them decides.

Precedence, fixed: rules of the division with dates, rules of the division without, common rules
(`*`) with dates, common rules without. Within one of these: more conditions first (supplier before
item group before cost center), then the narrower source (code, range by width, prefix by length),
then the later start. The order of the rows never decides.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from s2p_mapping.dimensions import DIMENSIONS
from s2p_mapping.rule_index import RuleIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["NONE", "SAME", "Conditions", "Rule", "RuleSet"]

SAME = "-same-"
"""Target of a rule that passes the code through on purpose."""
NONE = "-none-"
"""Target of a rule that allows no target: a code, or its combination with the rule's conditions."""

_RANGE = re.compile(r"([0-9]+)-([0-9]+)")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What else a rule may ask of a line: supplier code, item group code, cost center code."""

    supplier: str | None = None
    item_group: str | None = None
    cost_center: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the rules file.

    `division` is None for every division. `source` is a code, a prefix (`70*`) or a range of
    equally long numbers (`7000-7099`). The validity includes its first and last day. `line` is
    where it stands in its file (0: nowhere); in another place it is still the same rule.
    """

    dimension: str
    source: str
    target: str
    division: int | None = None
    supplier: str | None = None
    item_group: str | None = None
    cost_center: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)

    @property
    def bounds(self) -> tuple[str, str] | None:
        """First and last code of a range; None if the source is no range."""
        match = _RANGE.fullmatch(self.source)
        if match is None or len(match[1]) != len(match[2]):
            return None
        return match[1], match[2]

    @property
    def is_code(self) -> bool:
        """Whether the source is one single code."""
        return not self.source.endswith("*") and self.bounds is None

    def covers(self, code: str) -> bool:
        """Whether the source stands for this code."""
        if self.source.endswith("*"):
            return code.startswith(self.source[:-1])
        if bounds := self.bounds:
            low, high = bounds
            return len(code) == len(low) and code.isdecimal() and low <= code <= high
        return code == self.source

    def applies(self, day: date, conditions: Conditions) -> bool:
        """Whether the rule is in force on that day for such a line."""
        return (
            (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
            and self.supplier in (None, conditions.supplier)
            and self.item_group in (None, conditions.item_group)
            and self.cost_center in (None, conditions.cost_center)
        )

    @property
    def precedence(self) -> tuple[object, ...]:
        """Sorts the deciding rule first; equal for no two different rules of a rule set."""
        dated = self.valid_from is not None or self.valid_to is not None
        asked = (self.supplier, self.item_group, self.cost_center)
        weight = sum(4 >> place for place, value in enumerate(asked) if value is not None)
        start = self.valid_from or date.min
        return (
            2 * (self.division is None) + (not dated),
            -weight,
            self._breadth(),
            -start.toordinal(),
            self.source,
            *(value or "" for value in asked),
            (self.valid_to or date.max).toordinal(),
            self.target,
        )

    def _breadth(self) -> tuple[int, int]:
        if self.source.endswith("*"):
            return 2, -len(self.source)
        if bounds := self.bounds:
            return 1, int(bounds[1]) - int(bounds[0])
        return 0, 0

    @property
    def key(self) -> str:
        """Identifies what the rule says, wherever it stands: 16 hexadecimal digits."""
        return hashlib.sha256(_fields(self).encode()).hexdigest()[:16]

    @override
    def __str__(self) -> str:
        """Division and source, then everything that gave the rule its place in the precedence."""
        where = "*" if self.division is None else str(self.division)
        more = [
            f"{word} {value}"
            for word, value in (
                ("supplier", self.supplier),
                ("item group", self.item_group),
                ("cost center", self.cost_center),
                ("from", self.valid_from),
                ("to", self.valid_to),
            )
            if value is not None
        ]
        return f"rule {where} {self.source}" + (f" ({', '.join(more)})" if more else "")


class RuleSet:
    """All rules in force for a run, found by code without looking at all of them."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(
            sorted(
                set(rules), key=lambda rule: (rule.dimension, rule.precedence, rule.division or 0)
            )
        )
        self._index = RuleIndex(self.rules)
        self.conditional = any(self.asks(dimension) for dimension in DIMENSIONS)

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def asks(self, dimension: str) -> frozenset[str]:
        """Which conditions (supplier, item_group, cost_center) rules of a dimension have."""
        return frozenset(
            name
            for rule in self.rules
            if rule.dimension == dimension
            for name in ("supplier", "item_group", "cost_center")
            if getattr(rule, name) is not None
        )

    def find(
        self,
        dimension: str,
        code: str,
        division: int,
        day: date,
        conditions: Conditions,
    ) -> Rule | None:
        """The rule that decides about this code, or None."""
        if not self.rules:
            return None
        best = len(self.rules)
        for scope in (division, None):
            for place in self._index.covering(dimension, scope, code):
                if place < best and self.rules[place].applies(day, conditions):
                    best = place
        return self.rules[best] if best < len(self.rules) else None

    def covering(self, dimension: str, code: str, division: int | None) -> Iterator[Rule]:
        """All rules of exactly this division (None: of `*`) whose source stands for the code."""
        for place in self._index.covering(dimension, division, code):
            yield self.rules[place]

    def boundaries(self) -> Iterator[date]:
        """The days on which a rule begins to hold, or no longer holds."""
        for rule in self.rules:
            if rule.valid_from:
                yield rule.valid_from
            if rule.valid_to and rule.valid_to < date.max:
                yield rule.valid_to + timedelta(days=1)

    @cached_property
    def digest(self) -> str:
        """Identifies this set of rules whatever the order of its rows: SHA-256, hexadecimal."""
        return hashlib.sha256("\n".join(sorted(map(_fields, self.rules))).encode()).hexdigest()


def _fields(rule: Rule) -> str:
    """All that decides in a rule, as one line."""
    return "\x1f".join(
        str(value)
        for value in (
            rule.division,
            rule.dimension,
            rule.source,
            rule.supplier,
            rule.item_group,
            rule.cost_center,
            rule.valid_from,
            rule.valid_to,
            rule.target,
        )
    )
