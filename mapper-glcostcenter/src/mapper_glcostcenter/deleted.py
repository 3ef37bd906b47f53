"""What Exact has deleted waits for nothing any more: its held records are let go.

Exact tells the deletion of a document by its header (of an order perhaps also by a line); its lines
are gone with it. What had been handed on before is ended in ServiceNow by the target.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from mapper_glcostcenter.exact import guid
from mapper_glcostcenter.streams import LINES_OF, division_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mapper_glcostcenter.holdings import Holdings
    from s2p_store import HoldKey, Store

__all__ = ["Deleted"]

_STREAMS: Final[Mapping[str, str]] = {
    "PurchaseOrders": "purchase_orders",
    "PurchaseInvoices": "purchase_invoices",
    "PurchaseEntries": "purchase_entries",
}
"""Name of the entity in Exact's log → stream of its headers."""


class Deleted:
    """Lets go of what is held of documents that Exact has no more."""

    def __init__(self, store: Store, holdings: Holdings) -> None:
        self._store = store
        self._holdings = holdings
        self._held: dict[tuple[str, int], defaultdict[str, dict[HoldKey, str | None]]] = {}

    def take(self, fields: Any) -> None:  # noqa: ANN401 - a record of the stream, made per stream
        """Take a record of the stream `deletions`."""
        headers = _STREAMS.get(str(fields.EntityName))
        division, key = division_of(fields.Division), guid(fields.EntityKey)
        if headers is None or division is None or key is None:
            return
        if (headers, division) not in self._held:
            self._held[headers, division] = self._look(headers, division)
        for hold, document in self._held[headers, division].pop(key, {}).items():
            self._holdings.deleted(hold, document)

    def _look(self, headers: str, division: int) -> defaultdict[str, dict[HoldKey, str | None]]:
        """By the id of a header, and by their own: held records, and their document's number."""
        self._holdings.save()
        found: defaultdict[str, dict[HoldKey, str | None]] = defaultdict(dict)
        lines = LINES_OF[headers]
        for stream, of in ((headers, None), (lines.name, lines.header_id)):
            for read in (self._store.holds.open, self._store.holds.released):
                for hold in read(stream=stream, division=division):
                    for id_ in (hold.source_id, hold.record.get(of) if of else None):
                        found[guid(id_) or ""][hold.key] = hold.document
        return found
