"""Documents as wholes: a header and all its lines go on together, or wait together.

What one line waits for, its header and the other lines wait for, too. A document is decided about
when it adds up, or when nothing more of it has come for a while. What has gone on in an earlier run
cannot be called back: lines that are added to such a document wait by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from typing_extensions import override

from mapper_glcostcenter.amounts import Found
from mapper_glcostcenter.checks import Waits, together
from mapper_glcostcenter.documents import Header
from mapper_glcostcenter.exact import guid
from mapper_glcostcenter.gathering import DocumentKey, Taken, TakenHeader
from mapper_glcostcenter.lines import (
    Lines,
    document_of,
    goes_with_its_lines,
    modified_of,
    of_wrong_amounts,
)
from mapper_glcostcenter.mapping import set_aside
from mapper_glcostcenter.splice import add_properties, members
from mapper_glcostcenter.streams import LINES_OF, LineStream, division_of, text_of
from s2p_mapping.three_way import decimal_of
from s2p_store import HoldKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from mapper_glcostcenter.mapping import LineMapping
    from mapper_glcostcenter.streams import Stream
    from s2p_store import Waiver

__all__ = ["WholeDocuments"]

_NOTHING = Waits()
_WITH_HEADERS = "purchase_entry_lines"
"""Of these Exact gives all lines of a document with its header; others come one by one."""


class WholeDocuments(Lines):
    """The documents of one run, see `Lines` for its arguments."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as the base class
        super().__init__(*args, **options)
        self._learnt: set[str] = set()
        # Streams of lines that are announced: no line may be written before.
        self._announced: set[str] = set()
        # Of each document with lines that wait: what each of them waits for by itself.
        self._waiting: defaultdict[DocumentKey, dict[str, Waits]] = defaultdict(dict)
        self._held_headers: dict[DocumentKey, HoldKey] = {}

    @override
    def begin(self, stream: LineStream) -> None:
        self._learn(stream)

    @override
    def take_header(
        self, stream: Stream, line: bytes, data: bytes, fields: Any, header: Header | None
    ) -> None:
        source_id, division = text_of(fields.key) or "", division_of(fields.Division)
        id_ = guid(source_id)
        if header is None or id_ is None or division is None:
            super().take_header(stream, line, data, fields, header)
            return
        lines = LINES_OF[stream.name]
        # What was found out about held lines rests on the headers known till now.
        self._learnt.discard(lines.name)
        key = DocumentKey(lines.name, division, id_)
        self._renew(key)
        self._gathering.add(key, TakenHeader(stream, source_id, line, data, fields, header))

    @override
    def take(
        self, stream: LineStream, source_id: str, line: bytes, data: bytes, fields: Any
    ) -> None:
        taken = self._taken(stream, source_id, line, data, fields)
        key = document_of(taken)
        self._gathering.tick(key)
        if key is None:
            self._put(*self._hand_on(taken, _NOTHING))
            return
        totals, whole = self._totals.get(stream.name), None
        if totals is not None and taken.header is not None:
            whole = totals.take(key.division, key.id, taken.header, source_id.lower(), fields)
        self._gathering.add(key, taken, whole=bool(whole))

    @override
    def revalidate(self, stream: LineStream, save: Callable[[], None]) -> None:
        self._announced.add(stream.name)
        if stream.name not in self._learnt:
            self._learn(stream)
        waiting = released = 0
        free: set[DocumentKey] = set()
        for hold, handed_on in self._holdings.earlier(stream.name):
            taken = self._recall(stream, hold)
            key = document_of(taken)
            waits = self._waits(key, taken.header) if key else _NOTHING
            if key and not waits.reasons:
                free.add(key)
                self._put(*self._held_header(key))
            messages = self._again(hold, taken, waits, handed_on=handed_on)
            self._put(*messages)
            waiting += not messages
            released += bool(messages) and not handed_on
            if self._holdings.full:
                save()
        for key in [key for key in self._held_headers if key.stream == stream.name]:
            self._put(*self._held_header(key))
        for key in free:
            self._waiting.pop(key, None)
        self._tell(stream, released, waiting)

    @override
    def _decide(
        self, key: DocumentKey, records: Sequence[Taken | TakenHeader]
    ) -> Iterator[Sequence[bytes]]:
        totals = self._totals.get(key.stream)
        headed = any(isinstance(record, TakenHeader) for record in records)
        all_came = headed and key.stream == _WITH_HEADERS
        found = (
            totals.close(key.division, key.id, all_came=all_came) if totals is not None else None
        )
        header = records[0].header
        own = {record.id: self._own(record) for record in records if isinstance(record, Taken)}
        wrong = found is Found.WRONG if own else self._is_wrong(key, header)
        others = self._waiting.pop(key, {})
        others = {id_: waits for id_, waits in others.items() if id_ not in own}
        if found is Found.WHOLE and own:
            self._forget(key, others)
            others = {}
        each = {**others, **own}
        waits = together(
            [*each.values(), of_wrong_amounts(key, header)] if wrong else each.values()
        )
        before: Sequence[bytes] = ()
        if waits.reasons:
            self._waiting[key] = each
        else:
            before = self._all_freed(key, others, records)
        for record in records:
            written = (
                self._hand_on(record, waits)
                if isinstance(record, Taken)
                else self._hand_on_header(key, record, waits)
            )
            yield (*before, *written)
            before = ()

    def _hand_on_header(
        self, document: DocumentKey, record: TakenHeader, waits: Waits
    ) -> Sequence[bytes]:
        key = HoldKey(record.stream.name, document.division, record.id)
        known = self._holdings.knows(key)
        modified = modified_of(record)
        waiver = self._holdings.waiver(key, modified) if known else None
        mapping = _with_lines(waits, waiver)
        self._held_headers.pop(document, None)
        if mapping.reasons:
            self._held_headers[document] = key
            self._hold(key, record, mapping)
            if not self._stage_held:
                return ()
        elif known:
            self._holdings.mapped(key, modified)
        return (self._header_message(record, mapping),)

    def _held_header(self, key: DocumentKey) -> Sequence[bytes]:
        """The header that is held, if it can go on."""
        found = self._held_headers.get(key)
        for hold in self._holdings.find([found] if found else []):
            header = self._headers.of(hold.stream, key.division, key.id) or Header()
            mapping = _with_lines(self._waits(key, header), hold.waiver)
            if mapping.reasons:
                self._holdings.explain(hold, mapping, again=False)
                continue
            self._holdings.release(hold, mapping)
            del self._held_headers[key]
            return (self._header_message(self._recall_header(hold, header), mapping),)
        return ()

    def _all_freed(
        self,
        key: DocumentKey,
        others: Collection[str],
        records: Sequence[Taken | TakenHeader],
    ) -> Sequence[bytes]:
        """What of a document that can go on now had been held before."""
        if key.stream not in self._announced:
            return ()  # they are looked at as soon as their stream is announced
        if not others and key not in self._held_headers:
            return ()
        messages: list[bytes] = []
        if not any(isinstance(record, TakenHeader) for record in records):
            messages.extend(self._held_header(key))
        messages.extend(self._freed(key, others))
        return messages

    def _learn(self, stream: LineStream) -> None:
        """Find out what the held lines of all documents wait for by themselves."""
        self._learnt.add(stream.name)
        for hold, _ in self._holdings.earlier(stream.header):
            id_ = guid(hold.source_id)
            if id_ is not None:
                self._held_headers[DocumentKey(stream.name, hold.division, id_)] = hold.key
        for hold, _ in self._holdings.earlier(stream.name):
            taken = self._recall(stream, hold)
            key = document_of(taken)
            if key is not None:
                mapping = self._weigh(taken, _NOTHING, hold.waiver).mapping
                self._waiting[key][hold.source_id] = Waits(mapping.reasons, mapping.waiting_for)

    def _own(self, taken: Taken) -> Waits:
        """What a line waits for by itself."""
        key = HoldKey(taken.stream.name, taken.division or 0, taken.id)
        known = self._holdings.knows(key)
        waiver = self._holdings.waiver(key, modified_of(taken)) if known else None
        mapping = self._weigh(taken, _NOTHING, waiver).mapping
        return Waits(mapping.reasons, mapping.waiting_for)

    def _waits(self, key: DocumentKey, header: Header | None) -> Waits:
        """What a document waits for of which no line has come in this run."""
        waits = list(self._waiting.get(key, {}).values())
        if self._is_wrong(key, header):
            waits.append(of_wrong_amounts(key, header))
        return together(waits)

    def _is_wrong(self, key: DocumentKey, header: Header | None) -> bool:
        """Whether an invoice's lines, as they are remembered, do not add up, or none has come."""
        totals = self._totals.get(key.stream)
        if totals is None or header is None:
            return False
        if totals.knows(key.division, key.id):
            return not totals.adds_up(key.division, key.id, header)
        return not self._waiting.get(key) and bool(decimal_of(header.amount or header.net))

    def _forget(self, key: DocumentKey, lines: Iterable[str]) -> None:
        """Let go of held lines that their document has no longer."""
        for id_ in lines:
            self._holdings.mapped(HoldKey(key.stream, key.division, id_), None)

    def _header_message(self, record: TakenHeader, mapping: LineMapping) -> bytes:
        reasons = [reason.value for reason in mapping.reasons]
        told = members({"s2p_mapping_status": mapping.status, "s2p_hold_reasons": reasons})
        added = told + b"," + self._provenance.of(record.fields)
        replace = record.fields.s2p_source_id is not UNSET
        return add_properties(record.line, record.data, added, replace=replace)


def _with_lines(waits: Waits, waiver: Waiver | None) -> LineMapping:
    """What becomes of a header whose lines wait for `waits`, after what a person decided."""
    mapping = goes_with_its_lines(waits)
    if waiver is None:
        return mapping
    return set_aside(mapping, waiver.by, waiver.why, waiver.reasons)
