"""Ordered, received, invoiced: what a line of an invoice bills against the line it was ordered by.

Pure, on exact decimals. What is found here is a sign for people and for ServiceNow's own matching,
which looks at the same things (unit price, quantity, receipt, currency); it never holds a line.

Facts: `Quantity` of an order line is in the item's own unit, as `QuantityInDefaultUnits` of an
invoice line; credit notes have types of their own (8031, 8034), mostly with negative quantities.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BILLED",
    "DEVIATIONS",
    "HELD",
    "MATCHES",
    "ORDERED",
    "ORDERS",
    "READY",
    "READY_WITH_DEVIATION",
    "Billed",
    "Billing",
    "Deviation",
    "Ordered",
    "Tolerance",
    "Tolerances",
    "decimal_of",
    "deviations",
    "memory_scope",
]

READY = "ready"
READY_WITH_DEVIATION = "ready_with_deviation"
HELD = "held"
"""The values of `s2p_match_status`."""

ORDERS = "purchase_orders:headers"
ORDERED = "purchase_order_lines:items"
BILLED = "purchase_order_lines:billed"
MATCHES = "purchase_invoice_lines:matches"
"""Under these names the store remembers headers of orders (their number is the third text),
`Ordered` and `Billed` by order line, and by invoice line
(order line, quantity, price, match status, deviations …)."""

_NOTHING = Decimal(0)
_MOST_DIGITS = 1_000
"""Numbers of more digits before the point are no amounts."""


class Deviation(str, Enum):
    """In what an invoice line differs from its order: the values of `s2p_match_deviations`."""

    ORDER_UNKNOWN = "ORDER_UNKNOWN"
    SUPPLIER_DIFFERS = "SUPPLIER_DIFFERS"
    CURRENCY_DIFFERS = "CURRENCY_DIFFERS"
    UNIT_DIFFERS = "UNIT_DIFFERS"
    PRICE_DIFFERS = "PRICE_DIFFERS"
    QUANTITY_ABOVE_ORDERED = "QUANTITY_ABOVE_ORDERED"
    QUANTITY_ABOVE_RECEIVED = "QUANTITY_ABOVE_RECEIVED"
    CREDIT_ABOVE_INVOICED = "CREDIT_ABOVE_INVOICED"
    NOT_COMPARABLE = "NOT_COMPARABLE"


DEVIATIONS: Mapping[Deviation, str] = {
    Deviation.ORDER_UNKNOWN: "the order line it bills was never read",
    Deviation.SUPPLIER_DIFFERS: "the invoice is from another supplier than the order is for",
    Deviation.CURRENCY_DIFFERS: "the invoice is in another currency than the order",
    Deviation.UNIT_DIFFERS: "the invoice counts in another unit than the order",
    Deviation.PRICE_DIFFERS: "the price differs from the order's by more than is tolerated",
    Deviation.QUANTITY_ABOVE_ORDERED: "more is invoiced than was ordered",
    Deviation.QUANTITY_ABOVE_RECEIVED: "more is invoiced than was received",
    Deviation.CREDIT_ABOVE_INVOICED: "more is credited than was invoiced",
    Deviation.NOT_COMPARABLE: "quantity or price of the invoice or the order is not known",
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a value may lie above another: the larger of an amount and a percentage of it."""

    absolute: Decimal = _NOTHING
    percent: Decimal = _NOTHING

    def covers(self, difference: Decimal, base: Decimal) -> bool:
        """Whether a difference (nothing below zero counts) is within the tolerance of `base`."""
        return difference <= max(self.absolute, abs(base) * self.percent / 100)


@dataclass(frozen=True, slots=True)
class Tolerances:
    """The tolerances of one division."""

    quantity: Tolerance = field(default_factory=Tolerance)
    price: Tolerance = field(default_factory=Tolerance)


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order line as it was read last; None where Exact or an older store tells nothing."""

    item: str = ""
    order: str = ""
    number: str = ""
    unit: str = ""
    quantity: Decimal | None = None
    received: Decimal | None = None
    price: Decimal | None = None

    @staticmethod
    def from_texts(texts: tuple[str, ...]) -> Ordered:
        """From what the store remembers: older entries know the item only."""
        item, order, number, unit, quantity, received, price = (*texts, *_SEVEN)[:7]
        numbers = map(decimal_of, (quantity, received, price))
        return Ordered(item, order, number, unit, *numbers)


_SEVEN = ("",) * 7


@dataclass(frozen=True, slots=True)
class Billed:
    """What all invoice lines bill of one order line: by their id, credits below zero."""

    quantities: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        """What is invoiced, less what is credited."""
        return sum(self.quantities.values(), _NOTHING)

    def with_line(self, id_: str, quantity: Decimal | None) -> Billed:
        """With one line more; what was known of the same line does not count any longer."""
        return Billed({**self.quantities, id_: quantity or _NOTHING})

    def texts(self) -> tuple[str, ...]:
        """As the store remembers it: id and quantity in turn."""
        return tuple(text for id_, each in self.quantities.items() for text in (id_, str(each)))

    @staticmethod
    def from_texts(texts: tuple[str, ...]) -> Billed:
        """From what the store remembers."""
        pairs = zip(texts[::2], texts[1::2], strict=False)
        return Billed({id_: decimal_of(quantity) or _NOTHING for id_, quantity in pairs})


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """An invoice line and what it is compared by; "" where something is not known.

    `quantity` is what it adds to what is invoiced: below zero for a credit.
    """

    quantity: Decimal | None
    price: Decimal | None
    unit: str = ""
    suppliers: tuple[str, str] = ("", "")
    currencies: tuple[str, str] = ("", "")


def deviations(
    line: Billing, ordered: Ordered, billed: Decimal, tolerances: Tolerances
) -> tuple[Deviation, ...]:
    """In what the line differs from its order by more than is tolerated.

    Args:
        line: the invoice line; of its pairs the first is the invoice's, the second the order's.
        ordered: the order line.
        billed: what all invoice lines bill of it, this one included.
        tolerances: those of the division.
    """
    found = []
    if _differ(line.suppliers):
        found.append(Deviation.SUPPLIER_DIFFERS)
    if _differ(line.currencies):
        found.append(Deviation.CURRENCY_DIFFERS)
    if _differ((line.unit, ordered.unit)):
        # A price per piece and one per box say nothing of each other.
        found.append(Deviation.UNIT_DIFFERS)
    elif line.price is not None and ordered.price is not None:
        difference = abs(abs(line.price) - abs(ordered.price))
        if not tolerances.price.covers(difference, ordered.price):
            found.append(Deviation.PRICE_DIFFERS)
    if ordered.quantity is not None and line.quantity is not None:
        found.extend(_by_quantity(line.quantity, ordered, billed, tolerances.quantity))
    if None in (line.quantity, line.price, ordered.quantity, ordered.price):
        found.append(Deviation.NOT_COMPARABLE)
    return tuple(found)


def _by_quantity(
    quantity: Decimal, ordered: Ordered, billed: Decimal, tolerance: Tolerance
) -> list[Deviation]:
    wanted = ordered.quantity or _NOTHING
    # A return is ordered with a quantity below zero, and all of it runs the other way round.
    sign = -1 if wanted < 0 else 1
    total = sign * billed
    if sign * quantity < 0:
        over = not tolerance.covers(-total, wanted)
        return [Deviation.CREDIT_ABOVE_INVOICED] if over else []
    found = []
    if not tolerance.covers(total - abs(wanted), wanted):
        found.append(Deviation.QUANTITY_ABOVE_ORDERED)
    received = ordered.received
    if received is not None and not tolerance.covers(total - sign * received, received):
        found.append(Deviation.QUANTITY_ABOVE_RECEIVED)
    return found


def _differ(pair: tuple[str, str]) -> bool:
    """Whether both are known and not the same."""
    return bool(pair[0] and pair[1] and pair[0] != pair[1])


def decimal_of(text: str) -> Decimal | None:
    """The number a text holds; None for what is none, or is too large to be added to another."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < _MOST_DIGITS else None


def memory_scope(division: int, name: str) -> str:
    """Under which scope the mapper remembers something of a division in the store."""
    return f"mapper-glcostcenter/{division}/{name}"
