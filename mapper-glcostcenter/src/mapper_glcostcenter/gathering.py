"""Documents whose records are gathered until it can be said what becomes of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mapper_glcostcenter.documents import Header
    from mapper_glcostcenter.outbox import Outbox, Place
    from mapper_glcostcenter.streams import LineStream, Stream

__all__ = ["DocumentKey", "Gathering", "Taken", "TakenHeader"]

_PATIENCE = 2_000
"""Messages after its last record for which a document waits for more."""


class DocumentKey(NamedTuple):
    """Which document; `stream` is that of its lines."""

    stream: str
    division: int
    id: str


class Taken(NamedTuple):
    """A line as it was taken: its message, the record in it, and what was read of that."""

    stream: LineStream
    id: str
    line: bytes
    data: bytes
    fields: Any
    division: int | None
    header: Header | None


class TakenHeader(NamedTuple):
    """A header as it was taken."""

    stream: Stream
    id: str
    line: bytes
    data: bytes
    fields: Any
    header: Header


Record = TypeVar("Record")


@dataclass(slots=True)
class _Document(Generic[Record]):
    records: list[tuple[Place, Record]] = field(default_factory=list)
    last: int = 0


class Gathering(Generic[Record]):
    """The documents that are not whole yet, the one that has waited longest first.

    Args:
        outbox: where their records keep their places.
        decide: gives, for the records of a document, what is written for each.
    """

    def __init__(
        self,
        outbox: Outbox,
        decide: Callable[[DocumentKey, Sequence[Record]], Iterable[Sequence[bytes]]],
        *,
        patience: int = _PATIENCE,
    ) -> None:
        self._outbox = outbox
        self._decide = decide
        self._patience = patience
        self._documents: OrderedDict[DocumentKey, _Document[Record]] = OrderedDict()
        self._whole: DocumentKey | None = None
        self._now = 0

    def add(self, key: DocumentKey, record: Record, *, whole: bool = False) -> None:
        """Let a record wait for the rest of its document.

        Args:
            key: the document.
            record: of it.
            whole: it seems to be the last one: the document is decided about when something else
                comes, for lines that come to nothing may follow.
        """
        document = self._documents.get(key)
        if document is None:
            document = self._documents[key] = _Document()
        else:
            self._documents.move_to_end(key)
        document.records.append((self._outbox.reserve(), record))
        document.last = self._now
        if whole:
            self._whole = key
        elif self._whole == key:
            self._whole = None

    def settle(self, key: DocumentKey) -> None:
        """Decide about what has come of a document."""
        if key == self._whole:
            self._whole = None
        self._settle(key, self._documents.pop(key))
        self._outbox.advance()

    def tick(self, of: DocumentKey | None = None) -> None:
        """One message more has come: decide about what is whole or has waited long enough.

        Args:
            of: the document of which it is a line.
        """
        self._now += 1
        if self._whole is not None and self._whole != of:
            self.settle(self._whole)
        while self._documents:
            key, document = next(iter(self._documents.items()))
            if self._now - document.last <= self._patience:
                return
            self.settle(key)

    def settle_all(self) -> None:
        """Decide about everything, as no more is to come."""
        self._whole = None
        while self._documents:
            self._settle(*self._documents.popitem(last=False))
        self._outbox.advance()

    def _settle(self, key: DocumentKey, document: _Document[Record]) -> None:
        messages = self._decide(key, [record for _, record in document.records])
        for (place, _), written in zip(document.records, messages, strict=True):
            self._outbox.decide(place, written)
