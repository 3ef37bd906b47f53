"""Whether the lines of an invoice add up to what its header says; pure.

What Exact's amounts contain is not documented: samples show headers with and without VAT, and VAT
rounded per line or once. So an invoice adds up if it does so in one of the ways of `adds_up`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from s2p_mapping.three_way import decimal_of

__all__ = ["LineAmount", "LineAmounts", "Total", "adds_up"]

_NOTHING = Decimal(0)


class LineAmount(NamedTuple):
    """What one line of an invoice says, in the document's currency.

    `vat` is what comes on top of the amount: VAT, less tax that is withheld from the supplier.
    """

    amount: Decimal
    vat: Decimal = _NOTHING


class Total(NamedTuple):
    """What the header of an invoice says, in the document's currency; None where it says nothing.

    `net` is the amount that is named as being without VAT; `discount` and `net_discount` are what
    is taken off the invoice as a whole, with and without VAT.
    """

    amount: Decimal | None = None
    vat: Decimal | None = None
    net: Decimal | None = None
    discount: Decimal | None = None
    net_discount: Decimal | None = None


@dataclass(slots=True)
class LineAmounts:
    """The lines of one invoice that are known, by their id, and their sums."""

    by_id: dict[str, LineAmount] = field(default_factory=dict)
    amount: Decimal = _NOTHING
    vat: Decimal = _NOTHING

    def take(self, id_: str, line: LineAmount) -> None:
        """Take up a line, in place of what was known of it."""
        before = self.by_id.get(id_)
        if before is not None:
            self.amount -= before.amount
            self.vat -= before.vat
        self.by_id[id_] = line
        self.amount += line.amount
        self.vat += line.vat

    def texts(self) -> tuple[str, ...]:
        """As the store remembers them: id, amount and VAT in turn."""
        return tuple(text for id_, line in self.by_id.items() for text in (id_, *map(str, line)))

    @staticmethod
    def from_texts(texts: tuple[str, ...]) -> LineAmounts:
        """From what the store remembers."""
        found = LineAmounts()
        for id_, amount, vat in zip(texts[::3], texts[1::3], texts[2::3], strict=False):
            line = LineAmount(decimal_of(amount) or _NOTHING, decimal_of(vat) or _NOTHING)
            found.take(id_, line)
        return found


def adds_up(total: Total, lines: LineAmounts, tolerance: Decimal = _NOTHING) -> bool:
    """Whether the lines come to what the header says, give or take `tolerance` for each line.

    The header's amount may be the lines' amounts, those with the lines' VAT, or those with the
    header's own VAT; its net amount is the lines' amounts. Each may be less by a discount on the
    whole invoice. Signs do not count: credit notes are written both ways. A header that names no
    amount is not contradicted.
    """
    amount, vat, net, *discounts = total
    if amount is None and net is None:
        return True
    without = abs(lines.amount)
    differences = [] if net is None else [without - abs(net)]
    if amount is not None:
        amount = abs(amount)
        differences += [without - amount, abs(lines.amount + lines.vat) - amount]
        if vat is not None:
            differences.append(without + abs(vat) - amount)
    within = tolerance * max(1, len(lines.by_id))
    off = [_NOTHING, *(abs(discount) for discount in discounts if discount)]
    return any(abs(each - less) <= within for less in off for each in differences)
