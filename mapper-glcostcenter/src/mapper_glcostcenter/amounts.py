"""Whether an invoice's lines add up to its header, with what earlier runs knew of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.documents import Index
from mapper_glcostcenter.streams import digits
from s2p_mapping.three_way import decimal_of
from s2p_mapping.totals import LineAmount, LineAmounts, Total, adds_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from mapper_glcostcenter.documents import Header
    from s2p_store import Store

__all__ = ["HEADER_AMOUNTS", "LINE_AMOUNTS", "Found", "Totals"]

HEADER_AMOUNTS: Mapping[str, tuple[str, ...]] = {
    "purchase_invoices": ("Amount", "VATAmount", "AmountFCExclVat"),
    "purchase_entries": ("AmountFC", "VATAmountFC"),
}
"""Of each stream of invoices: amount, VAT and net amount in the document's currency."""
LINE_AMOUNTS: Mapping[str, tuple[str, str]] = {
    "purchase_invoice_lines": ("Amount", "VATAmount"),
    "purchase_entry_lines": ("AmountFC", "VATAmountFC"),
}
"""The same of their lines: amount and VAT."""


class Found(Enum):
    """What is found out about an invoice.

    WHOLE: the lines that came together add up, so there are no others. FITS: they do with those
    that were known, or cannot be judged. WRONG: they do neither way.
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
        of_amount, of_vat = self._properties
        amount = decimal_of(digits(getattr(fields, of_amount)))
        if amount is None or not (header.amount or header.net):
            return None
        vat = decimal_of(digits(getattr(fields, of_vat)))
        line = LineAmount(amount) if vat is None else LineAmount(amount, vat)
        key = (division, id_)
        one = self._open.get(key)
        if one is None:
            one = self._open[key] = _Open(_total(header))
        one.fresh.take(line_id, line)
        if adds_up(one.total, one.fresh, self._tolerance):
            self._index.learn(division, id_, one.fresh.texts())
            return True
        if one.known is None:
            remembered = self._index.find(division, id_)
            one.known = LineAmounts.from_texts(remembered) if remembered else one.fresh
            for each, known in one.fresh.by_id.items():
                one.known.take(each, known)
        elif one.known is not one.fresh:
            one.known.take(line_id, line)
        return one.known is not one.fresh and adds_up(one.total, one.known, self._tolerance)

    def close(self, division: int, id_: str) -> Found:
        """Remember the lines of an invoice that is decided about, and say what was found."""
        one = self._open.pop((division, id_), None)
        if one is None:
            return Found.FITS
        if adds_up(one.total, one.fresh, self._tolerance):
            return Found.WHOLE
        known = one.known or one.fresh
        self._index.learn(division, id_, known.texts())
        return Found.FITS if adds_up(one.total, known, self._tolerance) else Found.WRONG

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
    return Total(*map(decimal_of, (header.amount, header.vat, header.net)))
