"""What share of codes, lines and amounts found a target, and which rules decided about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["Asked", "Coverage", "Share"]

_MOST_CODES = 5_000
"""Codes of one dimension kept one by one; the smallest of more are kept as one sum."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One code a line asked for: whether it found its target, and the key of the rule that decided.

    `code` is None where the line should have had one, and none could be derived.
    """

    dimension: str
    code: str | None
    found: bool
    rule: str | None = None


@dataclass(slots=True)
class Share:
    """How much there was, and how much of it was mapped.

    A code counts as mapped if all of its lines were. `amounts` holds, by currency (an empty text
    for the division's own), the sum and the mapped part of it, both of absolute amounts: a credit
    note is work to be mapped too, and must not cancel an invoice.
    """

    codes: int = 0
    mapped_codes: int = 0
    lines: int = 0
    mapped_lines: int = 0
    amounts: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def count(self, lines: int, currency: str, amount: Decimal, *, found: bool) -> None:
        """Count lines that all had the same answer."""
        self.lines += lines
        self.mapped_lines += lines if found else 0
        total, mapped = self.amounts.get(currency, (Decimal(0), Decimal(0)))
        self.amounts[currency] = (total + amount, mapped + amount if found else mapped)

    def add(self, other: Share) -> None:
        """Count what another share counts."""
        self.codes += other.codes
        self.mapped_codes += other.mapped_codes
        self.lines += other.lines
        self.mapped_lines += other.mapped_lines
        for currency, (total, mapped) in other.amounts.items():
            before, mapped_before = self.amounts.get(currency, (Decimal(0), Decimal(0)))
            self.amounts[currency] = (before + total, mapped_before + mapped)

    @property
    def weight(self) -> Decimal:
        """The largest amount in any one currency, by which codes are ranked."""
        return max((total for total, _ in self.amounts.values()), default=Decimal(0))


@dataclass(slots=True)
class Coverage:
    """What the mapper decided in one run about the lines of one division.

    Attributes:
        codes: by dimension and code; None as code for lines that had none.
        rules: how many answers each rule gave, by its key.
        first_seen: dimension and code of what no run before had met.
    """

    codes: dict[tuple[str, str | None], Share] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    first_seen: set[tuple[str, str]] = field(default_factory=set)

    def count(self, asked: Sequence[Asked], lines: int, currency: str, amount: Decimal) -> None:
        """Count lines that asked the same and were answered the same."""
        for each in asked:
            share = self.codes.setdefault((each.dimension, each.code), Share())
            share.count(lines, currency, amount, found=each.found)
            if each.rule is not None:
                self.rules[each.rule] = self.rules.get(each.rule, 0) + lines

    @property
    def named(self) -> Iterator[tuple[str, str]]:
        """Dimension and code of all codes that are kept one by one."""
        return ((dimension, code) for dimension, code in self.codes if code is not None)

    def totals(self) -> dict[str, Share]:
        """All codes together, by dimension."""
        totals: dict[str, Share] = {}
        for (dimension, code), share in self.codes.items():
            total = totals.setdefault(dimension, Share())
            total.add(share)
            if code is not None:
                total.codes += 1
                total.mapped_codes += share.lines == share.mapped_lines
        return totals

    def rows(self) -> Iterator[dict[str, Any]]:
        """As plain JSON rows of a bounded number, from which `from_rows` makes it again."""
        dimensions = dict.fromkeys(dimension for dimension, _ in self.codes)
        for dimension in dimensions:
            rest = Share()
            named = [(code, share) for (of, code), share in self.codes.items() if of == dimension]
            named.sort(key=lambda pair: (pair[1].lines == pair[1].mapped_lines, -pair[1].weight))
            for place, (code, share) in enumerate(named):
                if code is not None and place < _MOST_CODES:
                    new = (dimension, code) in self.first_seen
                    yield {**_share_row(dimension, code, share), "first_seen": new}
                    continue
                rest.add(share)
                if code is not None:
                    rest.codes += 1
                    rest.mapped_codes += share.lines == share.mapped_lines
            if rest.lines:
                yield {**_share_row(dimension, None, rest), "first_seen": False}
        for key, lines in self.rules.items():
            yield {"rule": key, "lines": lines}

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Coverage:
        """What `rows` gave; rows of another kind are left out."""
        made = cls()
        for row in rows:
            if "rule" in row:
                made.rules[row["rule"]] = row["lines"]
            elif "dimension" in row:
                key = (row["dimension"], row["code"])
                amounts = {
                    currency: (Decimal(total), Decimal(mapped))
                    for currency, (total, mapped) in row["amounts"].items()
                }
                made.codes[key] = Share(
                    row["codes"],
                    row["mapped_codes"],
                    row["lines"],
                    row["mapped_lines"],
                    amounts,
                )
                if row["first_seen"]:
                    made.first_seen.add(key)
        return made


def _share_row(dimension: str, code: str | None, share: Share) -> dict[str, Any]:
    return {
        "dimension": dimension,
        "code": code,
        "codes": share.codes,
        "mapped_codes": share.mapped_codes,
        "lines": share.lines,
        "mapped_lines": share.mapped_lines,
        # As text: a number of JSON need not keep the digits.
        "amounts": {
            currency: [str(total), str(mapped)]
            for currency, (total, mapped) in share.amounts.items()
        },
    }
