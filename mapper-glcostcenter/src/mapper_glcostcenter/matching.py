"""Invoice lines beside the order lines they bill: remembered over runs, judged as they come.

An invoice may come in another run than its order, and again in a later one: each line is counted
once, by its id, with what it said last. Exact lets nobody change the lines of a purchase invoice,
so a line keeps the order line it bills.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from mapper_glcostcenter.documents import Header, Index
from mapper_glcostcenter.exact import guid, text
from mapper_glcostcenter.streams import digits
from s2p_mapping.three_way import (
    BILLED,
    HELD,
    MATCHES,
    ORDERED,
    READY,
    READY_WITH_DEVIATION,
    Billed,
    Billing,
    Deviation,
    Ordered,
    Tolerances,
    decimal_of,
    deviations,
)

if TYPE_CHECKING:
    from mapper_glcostcenter.checks import Checks
    from s2p_store import Store

__all__ = ["CREDITS", "Match", "Matching"]

CREDITS = frozenset({"31", "8031", "8034"})
"""Types of entries and invoices that are credit notes."""


class Match(NamedTuple):
    """What became of the comparison."""

    status: str
    deviations: tuple[str, ...]


class Matching:
    """The order lines of all runs, and what was billed of them.

    Args:
        store: where they are remembered.
        orders: the headers of purchase orders.
        checks: the tolerances, and whether an order line has to be known.
    """

    def __init__(self, store: Store, orders: Index, checks: Checks) -> None:
        self._orders = orders
        self._required = checks.purchase_order
        self._tolerances = checks.tolerances
        self._ordered = Index(store, ORDERED, remember=False)
        self._billed = Index(store, BILLED, remember=True, sparse=True)
        self._matches = Index(store, MATCHES, remember=False)

    def learn(self, division: int, id_: str, fields: Any) -> None:  # noqa: ANN401 - made per stream
        """Remember an order line, in place of what was known of it."""
        texts = (
            guid(fields.Item) or "",
            guid(fields.PurchaseOrderID) or "",
            text(fields.LineNumber) or "",
            text(fields.Unit) or "",
            digits(fields.Quantity),
            digits(fields.ReceivedQuantity),
            _price(fields),
        )
        self._ordered.learn(division, id_.lower(), texts)

    def item(self, division: int, order_line: object) -> str | None:
        """The item that an order line orders; None if it is unknown."""
        found = self._ordered.find(division, guid(order_line) or "")
        return found[0] or None if found else None

    def misses(self, division: int, order_line: object) -> bool:
        """Whether an order line has to be known and was never read."""
        return self._required and self._ordered.find(division, guid(order_line) or "") is None

    def match(  # noqa: PLR0913 - all that is compared
        self,
        division: int,
        line_id: str,
        fields: Any,  # noqa: ANN401 - a record of a line stream, made per stream
        header: Header | None,
        supplier: object,
        *,
        held: bool,
    ) -> Match:
        """Compare an invoice line with the order line it names.

        Args:
            division: the line's division.
            line_id: its id.
            fields: its properties.
            header: its header, if that is known.
            supplier: its own supplier, or that of its header.
            held: whether it waits for something else.
        """
        of = guid(fields.PurchaseOrderLine) or ""
        found = self._ordered.find(division, of)
        ordered = Ordered.from_texts(found or ())
        quantity, price = _quantity(fields), decimal_of(_price(fields))
        total = self._bill(division, of, line_id.lower(), quantity or _NOTHING)
        differing: tuple[str, ...] = (Deviation.ORDER_UNKNOWN.value,)
        if found is not None:
            order = Header(*(self._orders.find(division, ordered.order) or ()))
            line = Billing(
                quantity=quantity,
                price=price,
                unit=text(fields.Unit) or "",
                suppliers=(guid(supplier) or "", order.supplier),
                currencies=(
                    text(fields.Currency) or (header.currency if header else ""),
                    order.currency,
                ),
            )
            within = self._tolerances.get(division) or self._tolerances.get(None) or _EXACT
            differing = tuple(each.value for each in deviations(line, ordered, total, within))
        judged = READY_WITH_DEVIATION if differing else READY
        status = HELD if held else judged
        texts = (of, _text(quantity), _price(fields), status, *differing)
        self._matches.learn(division, line_id.lower(), texts)
        return Match(status, differing)

    def _bill(self, division: int, of: str, line_id: str, quantity: Decimal) -> Decimal:
        """Remember what a line bills of an order line; gives what all lines bill of it."""
        before = self._billed.find(division, of)
        after: tuple[str, ...]
        # Most order lines are billed by one line.
        if before is None or before[::2] == (line_id,):
            total, after = quantity, (line_id, str(quantity))
        else:
            billed = Billed.from_texts(before).with_line(line_id, quantity)
            total, after = billed.total, billed.texts()
        if after != before:
            self._billed.learn(division, of, after)
        return total

    def save(self) -> None:
        """Bring what was learnt since the last time into the store."""
        for index in (self._ordered, self._billed, self._matches):
            index.save()


_EXACT = Tolerances()
_NOTHING = Decimal(0)


def _quantity(fields: Any) -> Decimal | None:  # noqa: ANN401 - made per stream
    """What the line adds to what is invoiced, in the item's own unit as orders count."""
    quantity = decimal_of(digits(fields.QuantityInDefaultUnits))
    if quantity is None:
        quantity = decimal_of(digits(fields.Quantity))
    if quantity is not None and str(fields.InvoiceType or fields.Type) in CREDITS:
        return -abs(quantity)
    return quantity


def _price(fields: Any) -> str:  # noqa: ANN401 - made per stream
    """The price after discount; else before it."""
    return digits(fields.NetPrice) or digits(fields.UnitPrice)


def _text(number: Decimal | None) -> str:
    return "" if number is None else str(number)
