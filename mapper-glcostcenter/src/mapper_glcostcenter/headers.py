"""The headers of documents, as far as their lines need them: learnt now, found later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.amounts import HEADER_AMOUNTS
from mapper_glcostcenter.documents import Header, Index
from mapper_glcostcenter.duplicates import Numbers, reference_of
from mapper_glcostcenter.exact import guid, text
from mapper_glcostcenter.streams import HEADER_DETAILS, digits, division_of, text_of

if TYPE_CHECKING:
    from mapper_glcostcenter.streams import LineStream
    from s2p_store import Store

__all__ = ["Headers"]


class Headers:
    """The headers of all streams of documents, over all runs."""

    def __init__(self, store: Store) -> None:
        self._indexes = {
            name: Index(store, f"{name}:headers", remember=True) for name in HEADER_DETAILS
        }
        self._numbers = {name: Numbers(store, name, self._indexes[name]) for name in HEADER_AMOUNTS}

    def index(self, stream: str) -> Index:
        """All headers of one stream."""
        return self._indexes[stream]

    def learn(self, stream: str, fields: Any) -> Header | None:  # noqa: ANN401 - made per stream
        """Remember what the lines of a document need of its header, and give it."""
        id_, division = guid(text_of(fields.key)), division_of(fields.Division)
        if id_ is None or division is None:
            return None
        day, number = HEADER_DETAILS[stream]
        header = Header(
            guid(fields.Supplier) or "",
            (text(getattr(fields, day)) or "")[:10],
            text(getattr(fields, number)) or "",
            text(fields.Currency) or "",
            # Only the lines of purchase entries have no time of their own.
            (text_of(fields.modified) or "") if stream == "purchase_entries" else "",
        )
        if numbers := self._numbers.get(stream):
            amounts = (digits(getattr(fields, name)) for name in HEADER_AMOUNTS[stream])
            names = ("amount", "vat", "net", "discount", "net_discount")
            told = dict(zip(names, amounts, strict=False))
            header = header._replace(reference=reference_of(fields), **told)
            header = numbers.check(division, id_, header)
        self._indexes[stream].learn(division, id_, header)
        return header

    def find(self, stream: LineStream, division: int | None, fields: Any) -> Header | None:  # noqa: ANN401 - as above
        """What is known of the header of a line."""
        id_ = guid(getattr(fields, stream.header_id))
        if id_ is None or division is None:
            return None
        return self.of(stream.header, division, id_)

    def of(self, stream: str, division: int, id_: str) -> Header | None:
        """What is known of a header."""
        found = self._indexes[stream].find(division, id_)
        if found is None or isinstance(found, Header):
            return found
        # A store of an earlier version remembers less of a header.
        return Header(*found)

    def save(self) -> None:
        """Bring what was learnt since the last time into the store."""
        for index in self._indexes.values():
            index.save()
        for numbers in self._numbers.values():
            numbers.save()
