"""Lines on their way through: header and item found, mapped or held, and released when they fit."""

from __future__ import annotations

import logging
from datetime import timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from mapper_glcostcenter.answers import Answers, added_by
from mapper_glcostcenter.checks import by_supplier, of_duplicate, with_reason
from mapper_glcostcenter.documents import Header, Index
from mapper_glcostcenter.duplicates import Numbers, reference_of
from mapper_glcostcenter.exact import guid, text
from mapper_glcostcenter.holdings import as_instant
from mapper_glcostcenter.mapping import HELD, set_aside
from mapper_glcostcenter.matching import Matching
from mapper_glcostcenter.splice import Envelope, add_properties, members, read_record
from mapper_glcostcenter.streams import HEADER_DETAILS, LineStream, division_of, text_of
from s2p_mapping.reasons import Reason
from s2p_singer import encode_line
from s2p_store import HoldKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from mapper_glcostcenter.checks import Checks
    from mapper_glcostcenter.exact import ExactReference
    from mapper_glcostcenter.holdings import Holdings
    from mapper_glcostcenter.mapping import LineMapping
    from mapper_glcostcenter.tally import Tally
    from s2p_store import Hold, Store, Waiver

__all__ = ["Lines", "Provenance"]

logger = logging.getLogger("mapper-glcostcenter")

_ORDER_LINES = "purchase_order_lines"
_INVOICES = ("purchase_invoices", "purchase_entries")


class Provenance:
    """The properties that say where a record comes from, as the inside of a JSON object."""

    def __init__(self, run_id: str) -> None:
        self._run = b"," + members({"s2p_run_id": run_id})

    def of(self, fields: Any, modified: str | None = None) -> bytes:  # noqa: ANN401 - made per stream
        """Id, last change and user of a record; `modified` where the record has no time itself."""
        key, when, user = bytes(fields.key), bytes(fields.modified), bytes(fields.modifier)
        if not key.startswith(b'"') and key != b"null":
            key = b'"' + key + b'"'
        if not when.endswith((b'Z"', b'+00:00"')):
            when = _in_utc(text_of(fields.modified) or modified)
        if not user.startswith(b'"'):
            user = b"null"
        return b"".join(
            (
                b'"s2p_source_id":',
                key,
                b',"s2p_source_modified":',
                when,
                b',"s2p_source_user":',
                user,
                self._run,
            )
        )


def _in_utc(moment: str | None) -> bytes:
    """The moment as JSON: RFC 3339 in UTC, or null for what is no moment."""
    instant = as_instant(moment)
    return b"null" if instant is None else msgspec.json.encode(instant.astimezone(timezone.utc))


class Lines:
    """The line streams of one run.

    Args:
        store: where headers and order lines of earlier runs are remembered.
        answers: what becomes of a line.
        exact: which suppliers are known.
        checks: what holds a line beside its codes.
        holdings: where held lines go.
        provenance: what every record gets.
        tally: counts what becomes of lines.
        stage_held: whether held lines are handed on too, marked, or only kept.
    """

    def __init__(  # noqa: PLR0913 - what comes from outside is named, one by one
        self,
        store: Store,
        answers: Answers,
        exact: ExactReference,
        holdings: Holdings,
        provenance: Provenance,
        *,
        checks: Checks,
        tally: Tally,
        stage_held: bool,
    ) -> None:
        self._tally = tally
        self._answers = answers
        self._exact = exact
        self._checks = checks
        self._holdings = holdings
        self._provenance = provenance
        self._stage_held = stage_held
        self._headers = {
            name: Index(store, f"{name}:headers", remember=True) for name in HEADER_DETAILS
        }
        self._numbers = {name: Numbers(store, name, self._headers[name]) for name in _INVOICES}
        self._matching = Matching(store, self._headers["purchase_orders"], checks)
        self._envelope = msgspec.json.Decoder(Envelope)

    def learn_header(self, stream: str, fields: Any) -> None:  # noqa: ANN401 - made per stream
        """Remember what the lines of a document need of its header."""
        id_, division = guid(text_of(fields.key)), division_of(fields.Division)
        if id_ is None or division is None:
            return
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
            header = numbers.check(division, id_, header._replace(reference=reference_of(fields)))
        self._headers[stream].learn(division, id_, header)

    def save(self) -> None:
        """Bring what was learnt since the last time into the store."""
        self._matching.save()
        for index in self._headers.values():
            index.save()
        for numbers in self._numbers.values():
            numbers.save()

    def take(self, stream: LineStream, line: bytes, data: bytes, fields: Any) -> bytes | None:  # noqa: ANN401
        """Map or hold a line.

        Args:
            stream: its stream.
            line: the RECORD message.
            data: its record, as it stands in the message.
            fields: what was read of the record; its key is there.

        Returns:
            The message to hand on; None if the line is held in the store only.
        """
        source_id: str = text_of(fields.key) or ""
        division = division_of(fields.Division)
        header = self._header(stream, division, fields)
        mapping, added, match = self._map(stream, division, fields, header)
        modified = header.modified if header else None
        key = (stream.name, division or 0, source_id)
        if mapping.reasons and self._holdings.knows(key):
            when = as_instant(text_of(fields.modified) or modified)
            if waiver := self._holdings.waiver(HoldKey(*key), when):
                mapping = _waived(mapping, waiver)
                added = members(added_by(mapping))
        if mapping.reasons:
            # Provenance is added anew when the line is released; it is no part of what was read.
            kept = {k: v for k, v in read_record(data).items() if not k.startswith("s2p_")}
            when = as_instant(text_of(fields.modified) or modified)
            self._holdings.hold(HoldKey(*key), when, kept, mapping, header)
        else:
            self._holdings.counts[stream.name]["mapped"] += 1
            if self._holdings.knows(key):
                when = as_instant(text_of(fields.modified) or modified)
                self._holdings.mapped(HoldKey(*key), when)
        if stream.name == _ORDER_LINES and division is not None:
            self._matching.learn(division, source_id, fields)
        if mapping.reasons and not self._stage_held:
            return None
        whole = added + match + b"," + self._provenance.of(fields, modified)
        return add_properties(line, data, whole, replace=fields.s2p_source_id is not UNSET)

    def revalidate(
        self,
        stream: LineStream,
        write: Callable[[bytes], None],
        save: Callable[[], None],
    ) -> None:
        """Write the held lines of earlier runs that have become valid."""
        waiting = released = 0
        for hold, handed_on in self._holdings.earlier(stream.name):
            mapping, message = self._reconsider(stream, hold)
            if mapping.status == HELD:
                waiting += 1
                self._holdings.explain(hold, mapping, again=handed_on)
            else:
                write(message)
                if not handed_on:
                    released += 1
                    self._holdings.release(hold, mapping)
            if self._holdings.full:
                save()
        if waiting or released:
            logger.info(
                "Held lines of earlier runs in %s: %d released, %d still waiting.",
                stream.name,
                released,
                waiting,
            )

    def _reconsider(self, stream: LineStream, hold: Hold) -> tuple[LineMapping, bytes]:
        line = encode_line({"type": "RECORD", "stream": stream.name, "record": hold.record})
        data = bytes(self._envelope.decode(line).record)
        fields = stream.decoder.decode(data)
        division = division_of(fields.Division)
        header = self._header(stream, division, fields)
        mapping, added, match = self._map(stream, division, fields, header)
        if hold.waiver is not None:
            mapping = _waived(mapping, hold.waiver)
            added = members(added_by(mapping))
        modified = header.modified if header else None
        added += match + b"," + self._provenance.of(fields, modified)
        return mapping, add_properties(line, data, added)

    def _header(self, stream: LineStream, division: int | None, fields: Any) -> Header | None:  # noqa: ANN401
        id_ = guid(getattr(fields, stream.header_id))
        if id_ is None or division is None:
            return None
        found = self._headers[stream.header].find(division, id_)
        if found is None or isinstance(found, Header):
            return found
        # A store of an earlier version remembers less of a header.
        return Header(*found)

    def _map(
        self,
        stream: LineStream,
        division: int | None,
        fields: Any,  # noqa: ANN401
        header: Header | None,
    ) -> tuple[LineMapping, bytes, bytes]:
        """What becomes of a line, and what is added about its codes and about its match."""
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
            return mapping, added, b""
        checked = mapping
        if supplier and self._checks.supplier:
            checked = by_supplier(checked, division, supplier, self._exact)
        if header and header.duplicate_of and self._checks.duplicates:
            checked = of_duplicate(checked, header)
        match = b""
        if stream.name != _ORDER_LINES and guid(ordered):
            checked, match = self._match(division, fields, header, supplier, checked)
        if checked is not mapping:
            added = members(added_by(checked))
        self._tally.count(division, checked, fields, header)
        return checked, added, match

    def _match(
        self,
        division: int,
        fields: Any,  # noqa: ANN401 - made per stream
        header: Header | None,
        supplier: object,
        mapping: LineMapping,
    ) -> tuple[LineMapping, bytes]:
        """The mapping, held if the order line is unknown, and what is added about the match."""
        line_id = text_of(fields.key) or ""
        held = bool(mapping.reasons)
        match = self._matching.match(division, line_id, fields, header, supplier, held=held)
        if match.missed:
            order_line = guid(fields.PurchaseOrderLine) or ""
            mapping = with_reason(
                mapping, Reason.PURCHASE_ORDER_NOT_STAGED, ("purchase_order_line", order_line)
            )
        return mapping, _added_by_match(match.status, match.deviations)


@lru_cache(maxsize=1_000)
def _added_by_match(status: str, deviations: tuple[str, ...]) -> bytes:
    return b"," + members({"s2p_match_status": status, "s2p_match_deviations": deviations})


def _waived(mapping: LineMapping, waiver: Waiver) -> LineMapping:
    return set_aside(mapping, waiver.by, waiver.why, waiver.reasons)
