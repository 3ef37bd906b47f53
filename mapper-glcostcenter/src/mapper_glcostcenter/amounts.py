"""Whether an invoice's lines add up to its header, with what earlier runs knew of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.documents import Index
from mapper_glcostcenter.streams import digits
from s2p_mapping.three_way import decimal_of
from s2p_mapping.totals import LineAmount, LineAmounts, Total, adds_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapper_glcostcenter.documents import Header
    from s2p_store import Store

__all__ = ["HEADER_AMOUNTS", "LINE_AMOUNTS", "Found", "Totals"]

HEADER_AMOUNTS: Mapping[str, tuple[str, ...]] = {
    "purchase_invoices": (
        "Amount",
        "VATAmount",
        "AmountFCExclVat",
        "AmountDiscount",
        "AmountDiscountExclVat",
    ),
    "purchase_entries": ("AmountFC", "VATAmountFC"),
}
"""Of each stream of invoices: amount, VAT, net amount and discounts in the document's currency."""
LINE_AMOUNTS: Mapping[str, tuple[str, str, str | None]] = {
    "purchase_invoice_lines": ("Amount", "VATAmount", None),
    # Withheld in Spain, where documents in another currency are not met with it.
    "purchase_entry_lines": ("AmountFC", "VATAmountFC", "WithholdingAmountDC"),
}
"""The same of their lines: amount, VAT, and tax that is withheld from the supplier."""


_NOTHING = Decimal(0)


class Found(Enum):
    """What is found out about an invoice.

    FITS: its lines add up with those that were known, or cannot be judged. WHOLE: only those that
    came together do, so there are no others any more. WRONG: they do neither way.
    """

    WHOLE = "whole"
    FITS = "fits"
    WRONG = "wrong"


@dataclass(slots=True)
class _Open:
    """An invoice whose lines come: those of now, and all that are known (the same if no others)."""

    total: Total
    fresh: LineAmounts = field(default_factory=LineAmounts)
    known: LineAmounts | None = None


class Totals:
    """The invoices of one stream, over all runs.

    A header mostly comes with all its lines, and what came before counts no longer; or only one
    line has changed, and the others are as they were. An invoice that adds up either way does.

    Args:
        store: where line amounts are remembered.
        stream: the stream of lines.
        tolerance: by how much each line may be off.
    """

    def __init__(self, store: Store, stream: str, tolerance: Decimal) -> None:
        self._index = Index(store, f"{stream}:amounts", remember=True, sparse=True)
        self._properties = LINE_AMOUNTS[stream]
        self._tolerance = tolerance
        self._open: dict[tuple[int, str], _Open] = {}

    def take(
        self,
        division: int,
        id_: str,
        header: Header,
        line_id: str,
        fields: Any,  # noqa: ANN401 - a record of a line stream, made per stream
    ) -> bool | None:
        """Take up a line; whether its invoice adds up now. None: that cannot be judged.

        Args:
            division: its division.
            id_: the id of its header.
            header: what is known of that.
            line_id: its own id.
            fields: its properties.
        """
        of_amount, of_vat, of_withheld = self._properties
        amount = decimal_of(digits(getattr(fields, of_amount)))
        if amount is None or not (header.amount or header.net):
            return None
        vat = decimal_of(digits(getattr(fields, of_vat))) or _NOTHING
        withheld = decimal_of(digits(getattr(fields, of_withheld))) if of_withheld else None
        line = LineAmount(amount, vat - withheld if withheld else vat)
        key = (division, id_)
        one = self._open.get(key)
        if one is None:
            one = self._open[key] = _Open(_total(header))
        one.fresh.take(line_id, line)
        if one.known is None:
            remembered = self._index.find(division, id_)
            one.known = LineAmounts.from_texts(remembered) if remembered else one.fresh
        if one.known is not one.fresh:
            one.known.take(line_id, line)
            if adds_up(one.total, one.known, self._tolerance):
                return True
        return adds_up(one.total, one.fresh, self._tolerance)

    def counts(self, division: int, id_: str) -> bool:
        """Whether lines of an invoice have come that is not decided about yet."""
        return (division, id_) in self._open

    def close(self, division: int, id_: str, *, all_came: bool = False) -> Found:
        """Remember the lines of an invoice that is decided about, and say what was found.

        Args:
            division: its division.
            id_: the id of its header.
            all_came: whether all its lines come at once, so that others are there no more.
        """
        one = self._open.pop((division, id_), None)
        if one is None:
            return Found.FITS
        known = one.known or one.fresh
        whole = adds_up(one.total, one.fresh, self._tolerance)
        # Else lines that come to nothing may be there or not: they are kept.
        if not (whole and all_came) and adds_up(one.total, known, self._tolerance):
            found = Found.FITS
        elif whole:
            found, known = Found.WHOLE, one.fresh
        else:
            found = Found.WRONG
        self._index.learn(division, id_, known.texts())
        return found

    def knows(self, division: int, id_: str) -> bool:
        """Whether any line of an invoice was ever read."""
        return bool(self._index.find(division, id_))

    def adds_up(self, division: int, id_: str, header: Header) -> bool:
        """Whether nothing that is remembered of an invoice contradicts its header."""
        texts = self._index.find(division, id_)
        if not texts:
            return True
        return adds_up(_total(header), LineAmounts.from_texts(texts), self._tolerance)

    def save(self) -> None:
        """Bring what was learnt since the last time into the store."""
        self._index.save()


def _total(header: Header) -> Total:
    """What a header says, as numbers."""
    told = header.amount, header.vat, header.net, header.discount, header.net_discount
    return Total(*map(decimal_of, told))
