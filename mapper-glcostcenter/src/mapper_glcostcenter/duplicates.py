"""Which invoice came with a number of its supplier that another one had before.

ServiceNow calls two invoices of the same supplier with the same supplier invoice number suspected
duplicates; here the lines of the second wait before they get there. A purchase invoice and the
purchase entry that books it are two sides of one document, so each stream is looked at by itself;
a credit note may bear the number of the invoice it takes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.documents import Header, Index
from mapper_glcostcenter.exact import text
from mapper_glcostcenter.matching import CREDITS

if TYPE_CHECKING:
    from s2p_store import Store

__all__ = ["Numbers", "reference_of"]

_REJECTED = 5


def reference_of(fields: Any) -> str:  # noqa: ANN401 - a record of a header stream, made per stream
    """The supplier's number of an invoice, in the form in which two are compared.

    "" for what has none, and for what does not count: entries that were rejected or reversed.
    """
    number = " ".join((text(fields.YourRef) or "").split()).casefold()
    if not number or fields.Reversal is True or str(fields.Status) == str(_REJECTED):
        return ""
    return ("credit " if str(fields.Type) in CREDITS else "invoice ") + number


class Numbers:
    """The numbers of one stream of invoices, over all runs.

    Args:
        store: where they are remembered.
        stream: the stream.
        headers: its headers, as they are known now.
    """

    def __init__(self, store: Store, stream: str, headers: Index) -> None:
        self._headers = headers
        self._index = Index(store, f"{stream}:numbers", remember=True, sparse=True)

    def check(self, division: int, id_: str, header: Header) -> Header:
        """The header, with `duplicate_of` if another invoice has its number already.

        A number that its first invoice no longer bears, or that came with this invoice before, is
        this invoice's.
        """
        if not header.supplier or not header.reference:
            return header
        key = f"{header.supplier} {header.reference}"
        first = self._index.find(division, key)
        if first is not None and first[0] != id_:
            other = Header(*(self._headers.find(division, first[0]) or ()))
            if (other.supplier, other.reference) == (header.supplier, header.reference):
                return header._replace(duplicate_of=other.number or first[0])
        if first is None or first[0] != id_:
            self._index.learn(division, key, (id_,))
        return header

    def save(self) -> None:
        """Bring what was learnt since the last time into the store."""
        self._index.save()
