"""Lines on their way through: mapped or held, each by itself, and released.

A line of an invoice waits until the lines of its invoice add up to its header.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from mapper_glcostcenter.amounts import LINE_AMOUNTS, Found, Totals
from mapper_glcostcenter.checks import Waits, of_amounts, waiting_too
from mapper_glcostcenter.documents import Header
from mapper_glcostcenter.exact import guid
from mapper_glcostcenter.gathering import DocumentKey, Gathering, Taken, TakenHeader
from mapper_glcostcenter.holdings import as_instant
from mapper_glcostcenter.judging import ORDER_LINES
from mapper_glcostcenter.mapping import HELD, LineMapping, set_aside
from mapper_glcostcenter.splice import Envelope, add_properties, read_record
from mapper_glcostcenter.streams import LINES_OF, STREAMS, LineStream, division_of, text_of
from s2p_singer import encode_line
from s2p_store import HoldKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from mapper_glcostcenter.checks import Checks
    from mapper_glcostcenter.headers import Headers
    from mapper_glcostcenter.holdings import Holdings
    from mapper_glcostcenter.judging import Judge, Judged
    from mapper_glcostcenter.outbox import Outbox
    from mapper_glcostcenter.provenance import Provenance
    from mapper_glcostcenter.streams import Stream
    from mapper_glcostcenter.tally import Tally
    from s2p_store import Hold, Store, Waiver

__all__ = ["Lines", "document_of", "modified_of", "of_wrong_amounts"]

logger = logging.getLogger("mapper-glcostcenter")

_NOTHING = Waits()


class Lines:
    """The line streams of one run.

    Args:
        store: where line amounts of earlier runs are remembered.
        judge: what becomes of a line.
        headers: the headers of documents.
        holdings: where held lines go.
        outbox: where messages go.
        provenance: what every record gets.
        checks: whether amounts have to add up.
        tally: counts what becomes of lines.
        stage_held: whether held lines are handed on too, marked, or only kept.
    """

    def __init__(  # noqa: PLR0913 - what comes from outside is named, one by one
        self,
        store: Store,
        judge: Judge,
        headers: Headers,
        holdings: Holdings,
        *,
        outbox: Outbox,
        provenance: Provenance,
        checks: Checks,
        tally: Tally,
        stage_held: bool,
    ) -> None:
        self._judge = judge
        self._headers = headers
        self._holdings = holdings
        self._outbox = outbox
        self._provenance = provenance
        self._tally = tally
        self._stage_held = stage_held
        self._totals = {
            name: Totals(store, name, checks.amount_tolerance)
            for name in (LINE_AMOUNTS if checks.amounts else ())
        }
        # Of each invoice that does not add up: its lines that are held.
        self._wrong: defaultdict[DocumentKey, set[str]] = defaultdict(set)
        self._gathering: Gathering[Taken | TakenHeader] = Gathering(outbox, self._decide)
        self._envelope = msgspec.json.Decoder(Envelope)

    def take(
        self,
        stream: LineStream,
        source_id: str,
        line: bytes,
        data: bytes,
        fields: Any,  # noqa: ANN401 - a record of a line stream, made per stream
    ) -> None:
        """Map or hold a line, now or when its invoice is whole.

        Args:
            stream: its stream.
            source_id: its key.
            line: the RECORD message.
            data: its record, as it stands in the message.
            fields: what was read of the record.
        """
        taken = self._taken(stream, source_id, line, data, fields)
        totals, key = self._totals.get(stream.name), document_of(taken)
        self._gathering.tick(key)
        if totals is None or taken.header is None or key is None:
            self._put(*self._hand_on(taken, _NOTHING))
            return
        whole = totals.take(key.division, key.id, taken.header, source_id.lower(), fields)
        if whole is None:
            self._put(*self._hand_on(taken, _NOTHING))
            return
        self._gathering.add(key, taken, whole=whole)

    def begin(self, stream: LineStream) -> None:
        """The headers of a stream of lines are about to come.

        Those that were held as wholes with their lines wait no longer.
        """
        for hold, handed_on in self._holdings.earlier(stream.header):
            held = self._recall_header(hold, Header())
            self._put(add_properties(held.line, held.data, self._provenance.of(held.fields)))
            if not handed_on:
                self._holdings.release(hold, goes_with_its_lines(_NOTHING))

    def take_header(
        self,
        stream: Stream,
        line: bytes,
        data: bytes,
        fields: Any,  # noqa: ANN401 - a record of a header stream, made per stream
        header: Header | None,
    ) -> None:
        """Take a header, which goes on as it is.

        Args:
            stream: its stream.
            line: the RECORD message.
            data: its record, as it stands in the message.
            fields: what was read of the record.
            header: what is remembered of it; None if it has no key.
        """
        source_id, division = text_of(fields.key) or "", division_of(fields.Division)
        if header is not None and division is not None:
            self._renew(DocumentKey(LINES_OF[stream.name].name, division, source_id.lower()))
            key = HoldKey(stream.name, division, source_id)
            if self._holdings.knows(key):
                self._holdings.mapped(key, as_instant(text_of(fields.modified)))
        replace = fields.s2p_source_id is not UNSET
        self._put(add_properties(line, data, self._provenance.of(fields), replace=replace))

    def tick(self) -> None:
        """Something else than a line has come: what has waited long enough is decided about."""
        self._gathering.tick()

    def settle(self) -> None:
        """Decide about everything that waits, as no more is to come."""
        self._gathering.settle_all()

    def save(self) -> None:
        """Bring what was learnt since the last time into the store."""
        self._judge.save()
        self._headers.save()
        for totals in self._totals.values():
            totals.save()

    def revalidate(self, stream: LineStream, save: Callable[[], None]) -> None:
        """Write the held lines of earlier runs that have become valid."""
        waiting = released = 0
        for hold, handed_on in self._holdings.earlier(stream.name):
            taken = self._recall(stream, hold)
            waits = self._remembered(taken)
            messages = self._again(hold, taken, waits, handed_on=handed_on)
            if waits.reasons and not messages and (key := document_of(taken)):
                self._wrong[key].add(hold.source_id)
            self._put(*messages)
            waiting += not messages
            released += bool(messages) and not handed_on
            if self._holdings.full:
                save()
        self._tell(stream, released, waiting)

    def _again(
        self, hold: Hold, taken: Taken, waits: Waits, *, handed_on: bool = False
    ) -> Sequence[bytes]:
        """The message of a held line that goes on now; none if it still waits."""
        judged = self._weigh(taken, waits, hold.waiver)
        added = self._added(taken, judged)
        if judged.mapping.status == HELD:
            self._holdings.explain(hold, judged.mapping, again=handed_on)
            return ()
        if not handed_on:
            self._holdings.release(hold, judged.mapping)
        return (add_properties(taken.line, taken.data, added),)

    @staticmethod
    def _tell(stream: LineStream, released: int, waiting: int) -> None:
        if waiting or released:
            logger.info(
                "Held lines of earlier runs in %s: %d released, %d still waiting.",
                stream.name,
                released,
                waiting,
            )

    def _decide(
        self, key: DocumentKey, records: Sequence[Taken | TakenHeader]
    ) -> Iterator[Sequence[bytes]]:
        """What is written for each record of a document that has been gathered."""
        wrong = self._totals[key.stream].close(key.division, key.id) is Found.WRONG
        waits = of_wrong_amounts(key, records[0].header) if wrong else _NOTHING
        own = {record.id for record in records}
        before: Sequence[bytes] = ()
        if wrong:
            self._wrong[key] |= own
        elif key in self._wrong:
            before = self._freed(key, self._wrong.pop(key) - own)
        for record in records:
            written = self._hand_on(record, waits) if isinstance(record, Taken) else ()
            yield (*before, *written)
            before = ()

    def _freed(self, key: DocumentKey, ids: Iterable[str]) -> list[bytes]:
        """The messages of held lines that nothing of their document keeps any more."""
        stream = STREAMS[key.stream]
        if not isinstance(stream, LineStream):
            return []
        holds = self._holdings.find(HoldKey(key.stream, key.division, id_) for id_ in ids)
        return [
            message
            for hold in holds
            for message in self._again(hold, self._recall(stream, hold), _NOTHING)
        ]

    def _hand_on(self, taken: Taken, waits: Waits) -> Sequence[bytes]:
        """The message of a line that waits for `waits`, too; none if it stays in the store."""
        key = HoldKey(taken.stream.name, taken.division or 0, taken.id)
        # Most lines are no held ones, and their time matters to nobody.
        known = self._holdings.knows(key)
        waiver = self._holdings.waiver(key, modified_of(taken)) if known else None
        judged = self._weigh(taken, waits, waiver)
        added = self._added(taken, judged)
        if judged.mapping.reasons:
            self._hold(key, taken, judged.mapping)
            if not self._stage_held:
                return ()
        else:
            self._holdings.counts[key.stream]["mapped"] += 1
            if known:
                self._holdings.mapped(key, modified_of(taken))
        replace = taken.fields.s2p_source_id is not UNSET
        return (add_properties(taken.line, taken.data, added, replace=replace),)

    def _hold(self, key: HoldKey, taken: Taken | TakenHeader, mapping: LineMapping) -> None:
        # Provenance is added anew when the line is released; it is no part of what was read.
        kept = {k: v for k, v in read_record(taken.data).items() if not k.startswith("s2p_")}
        self._holdings.hold(key, modified_of(taken), kept, mapping, taken.header)

    def _weigh(self, taken: Taken, waits: Waits, waiver: Waiver | None) -> Judged:
        """What becomes of a line that waits for `waits`, too, after what a person decided."""
        judged = self._judge.judge(taken.stream, taken.division, taken.fields, taken.header)
        mapping = waiting_too(judged.mapping, waits)
        if waiver is not None:
            mapping = set_aside(mapping, waiver.by, waiver.why, waiver.reasons)
        return judged.with_mapping(mapping)

    def _taken(
        self,
        stream: LineStream,
        source_id: str,
        line: bytes,
        data: bytes,
        fields: Any,  # noqa: ANN401 - a record of a line stream, made per stream
    ) -> Taken:
        """A line that has come, with what is known of its header."""
        division = division_of(fields.Division)
        if stream.name == ORDER_LINES and division is not None:
            self._judge.learn(division, source_id, fields)
        header = self._headers.find(stream, division, fields)
        return Taken(stream, source_id, line, data, fields, division, header)

    def _renew(self, key: DocumentKey) -> None:
        """A newer header comes, and its lines with it: the ones that wait are of the older one."""
        totals = self._totals.get(key.stream)
        if totals is not None and totals.counts(key.division, key.id):
            self._gathering.settle(key)

    def _recall_header(self, hold: Hold, header: Header) -> TakenHeader:
        """A held header, as if it had been taken just now."""
        stream = STREAMS[hold.stream]
        line = encode_line({"type": "RECORD", "stream": stream.name, "record": hold.record})
        data = bytes(self._envelope.decode(line).record)
        fields = stream.decoder.decode(data)
        return TakenHeader(stream, hold.source_id, line, data, fields, header)

    def _recall(self, stream: LineStream, hold: Hold) -> Taken:
        """A held line, as if it had been taken just now."""
        line = encode_line({"type": "RECORD", "stream": stream.name, "record": hold.record})
        data = bytes(self._envelope.decode(line).record)
        fields = stream.decoder.decode(data)
        division = division_of(fields.Division)
        header = self._headers.find(stream, division, fields)
        return Taken(stream, hold.source_id, line, data, fields, division, header)

    def _remembered(self, taken: Taken) -> Waits:
        """What a line of an earlier run waits for as its invoice does not add up."""
        key = document_of(taken)
        totals = self._totals.get(taken.stream.name)
        if totals is None or taken.header is None or key is None:
            return _NOTHING
        if totals.adds_up(key.division, key.id, taken.header):
            return _NOTHING
        return of_wrong_amounts(key, taken.header)

    def _added(self, taken: Taken, judged: Judged) -> bytes:
        """What a line gets, as the inside of a JSON object."""
        fields, division, header = taken.fields, taken.division, taken.header
        match = b""
        if division is not None:
            match = self._judge.match(taken, judged)
            self._tally.count(division, judged.mapping, fields, header)
        provenance = self._provenance.of(fields, header.modified if header else None)
        return judged.added + match + b"," + provenance

    def _put(self, *messages: bytes) -> None:
        for message in messages:
            self._outbox.put(message)


def goes_with_its_lines(waits: Waits) -> LineMapping:
    """What becomes of a header whose lines wait for `waits`."""
    rule = "waits with its lines" if waits.reasons else "goes with its lines"
    return LineMapping(None, None, None, None, waits.reasons, waits.waiting_for, rule)


def of_wrong_amounts(key: DocumentKey, header: Header | None) -> Waits:
    """What the records of an invoice wait for that does not add up."""
    return of_amounts((header.number if header else "") or key.id)


def document_of(taken: Taken) -> DocumentKey | None:
    """Which document a line belongs to; None if it names none."""
    id_ = guid(getattr(taken.fields, taken.stream.header_id))
    if id_ is None or taken.division is None:
        return None
    return DocumentKey(taken.stream.name, taken.division, id_)


def modified_of(taken: Taken | TakenHeader) -> datetime | None:
    """When a record was changed last, or its header where it has no time itself."""
    own = text_of(taken.fields.modified)
    return as_instant(own or (taken.header.modified if taken.header else None))
