"""What became of the records of one stream and division in one run, with what they are worth. Pure.

The target counts what it read when it has read it, and what became of it when that is known: the
two are added up apart, so that what is lost between them shows by count or by amount.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from s2p_console.wording import amounts, count, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from s2p_store import RunAmount

__all__ = [
    "SHARE_COLUMNS",
    "Part",
    "Share",
    "share_cells",
    "share_data",
    "share_troubles",
    "shares",
]

_PARTS: Final = {
    "staged": ("inserted", "updated", "ignored", "pending"),
    "unchanged": ("unchanged",),
    "held": ("held",),
    "refused": ("failed", "skipped"),
    "left out": ("not_written", "duplicates"),
}
_PART_OF: Final = {counter: part for part, counters in _PARTS.items() for counter in counters}
SHARE_COLUMNS: Final = (
    "stream",
    "division",
    "read",
    "amount read",
    *(column for part in _PARTS for column in (part, f"amount {part}")),
    "unaccounted",
    "amount unaccounted",
)


@dataclass(slots=True)
class Part:
    """Some records and what they are worth, by currency."""

    records: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)

    def add(self, records: int, currency: str, amount: Decimal) -> None:
        """Add records of one currency; those that are worth nothing have none."""
        self.records += records
        if currency or amount:
            self.amounts[currency] = self.amounts.get(currency, Decimal(0)) + amount


@dataclass(slots=True)
class Share:
    """One stream of one division: what was read, and what became of it."""

    stream: str
    division: int
    read: Part = field(default_factory=Part)
    parts: dict[str, Part] = field(default_factory=lambda: {name: Part() for name in _PARTS})

    @property
    def gap(self) -> Part:
        """What nothing accounts for; below zero where there are more outcomes than records."""
        found = Part(self.read.records, dict(self.read.amounts))
        for part in self.parts.values():
            found.records -= part.records
            for currency, amount in part.amounts.items():
                found.add(0, currency, -amount)
        found.amounts = {currency: left for currency, left in found.amounts.items() if left}
        return found


def shares(counted: Iterable[RunAmount]) -> list[Share]:
    """Add up what one plugin counted in a run; further tables of a stream are left aside."""
    found: dict[tuple[str, int], Share] = {}
    for each in counted:
        share = found.setdefault((each.stream, each.division), Share(each.stream, each.division))
        if each.counter == "read":
            share.read.add(each.records, each.currency, each.amount)
        elif part := _PART_OF.get(each.counter):
            share.parts[part].add(each.records, each.currency, each.amount)
    return [share for _, share in sorted(found.items()) if share.read.records]


def share_cells(share: Share) -> list[str]:
    """Give a row of `SHARE_COLUMNS`."""
    pairs = [share.read, *share.parts.values(), share.gap]
    numbers = [(f"{part.records:,}" if part.records else "-", _worth(part)) for part in pairs]
    division = str(share.division) if share.division else ""
    return [plain(share.stream), division, *(text for pair in numbers for text in pair)]


def share_data(share: Share) -> dict[str, Any]:
    """Give it as JSON takes it."""
    parts = {"read": share.read, **share.parts, "unaccounted": share.gap}
    return {
        "stream": share.stream,
        "division": share.division or None,
        **{
            name.replace(" ", "_"): {"records": part.records, "amounts": part.amounts}
            for name, part in parts.items()
        },
    }


def share_troubles(all_of_them: Iterable[Share]) -> Iterator[str]:
    """Say what does not add up, one sentence each."""
    for share in all_of_them:
        gap = share.gap
        if not gap.records and not gap.amounts:
            continue
        lost = [count(abs(gap.records), "record")] if gap.records else []
        lost += [amounts(gap.amounts)] if gap.amounts else []
        yield (
            f"Of {plain(share.stream)} in division {share.division}, what was read and its "
            f"outcomes differ by {', '.join(lost)}: "
            + ("there are more outcomes." if gap.records < 0 else "that much has no outcome.")
        )


def _worth(part: Part) -> str:
    return amounts(part.amounts) or "-"
