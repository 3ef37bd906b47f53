"""What becomes of a line: its codes, and what it must meet beside them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from mapper_glcostcenter.answers import added_by
from mapper_glcostcenter.checks import by_supplier, of_duplicate, with_reason
from mapper_glcostcenter.exact import guid
from mapper_glcostcenter.matching import Matching
from mapper_glcostcenter.splice import members
from s2p_mapping.reasons import Reason

if TYPE_CHECKING:
    from mapper_glcostcenter.answers import Answers
    from mapper_glcostcenter.checks import Checks
    from mapper_glcostcenter.documents import Header
    from mapper_glcostcenter.exact import ExactReference
    from mapper_glcostcenter.gathering import Taken
    from mapper_glcostcenter.headers import Headers
    from mapper_glcostcenter.mapping import LineMapping
    from mapper_glcostcenter.streams import LineStream
    from s2p_store import Store

__all__ = ["ORDER_LINES", "Judge", "Judged"]

ORDER_LINES = "purchase_order_lines"


class Judged(NamedTuple):
    """What becomes of a line, and what that adds to it as the inside of a JSON object."""

    mapping: LineMapping
    added: bytes
    supplier: object = None

    def with_mapping(self, mapping: LineMapping) -> Judged:
        """The same line with another mapping."""
        if mapping is self.mapping:
            return self
        return self._replace(mapping=mapping, added=members(added_by(mapping)))


class Judge:
    """Judges lines one by one; what a line waits for because of others is told from outside.

    Args:
        store: where order lines of earlier runs are remembered.
        answers: which codes a line gets.
        exact: which suppliers are known.
        headers: the headers of documents.
        checks: what holds a line beside its codes.
    """

    def __init__(
        self,
        store: Store,
        answers: Answers,
        exact: ExactReference,
        headers: Headers,
        checks: Checks,
    ) -> None:
        self._answers = answers
        self._exact = exact
        self._checks = checks
        self._matching = Matching(store, headers.index("purchase_orders"), checks)

    def judge(
        self,
        stream: LineStream,
        division: int | None,
        fields: Any,  # noqa: ANN401 - a record of a line stream, made per stream
        header: Header | None,
    ) -> Judged:
        """Say what becomes of a line that is looked at by itself."""
        item = fields.Item
        ordered = fields.PurchaseOrderLine
        if not item and ordered and division is not None:
            item = self._matching.item(division, ordered)
        supplier = fields.Supplier or (header.supplier if header else None)
        day = getattr(fields, stream.day) or (header.day if header else None)
        day = day or fields.ReceiptDate or fields.Created
        day = day[:10] if isinstance(day, str) else None
        mapping, added = self._answers.find(fields, division, item, supplier, day)
        if division is None:
            return Judged(mapping, added)
        checked = mapping
        if supplier and self._checks.supplier:
            checked = by_supplier(checked, division, supplier, self._exact)
        if header and header.duplicate_of and self._checks.duplicates:
            checked = of_duplicate(checked, header)
        if _bills(stream, fields) and self._matching.misses(division, ordered):
            order_line = ("purchase_order_line", guid(ordered) or "")
            checked = with_reason(checked, Reason.PURCHASE_ORDER_NOT_STAGED, order_line)
        return Judged(mapping, added, supplier).with_mapping(checked)

    def match(self, taken: Taken, judged: Judged) -> bytes:
        """Compare a line with the order line it bills; gives what is added about that."""
        if taken.division is None or not _bills(taken.stream, taken.fields):
            return b""
        match = self._matching.match(
            taken.division,
            taken.id,
            taken.fields,
            taken.header,
            judged.supplier,
            held=bool(judged.mapping.reasons),
        )
        return _added_by_match(match.status, match.deviations)

    def learn(self, division: int, id_: str, fields: Any) -> None:  # noqa: ANN401 - as above
        """Remember an order line, for the lines that bill it."""
        self._matching.learn(division, id_, fields)

    def save(self) -> None:
        """Bring what was learnt since the last time into the store."""
        self._matching.save()


def _bills(stream: LineStream, fields: Any) -> bool:  # noqa: ANN401 - as above
    ordered = fields.PurchaseOrderLine
    return bool(ordered) and stream.name != ORDER_LINES and guid(ordered) is not None


@lru_cache(maxsize=1_000)
def _added_by_match(status: str, deviations: tuple[str, ...]) -> bytes:
    return b"," + members({"s2p_match_status": status, "s2p_match_deviations": deviations})
