"""One run of the mapper: a conversation of Singer messages, in the order they come.

What a STATE covers is in the store before that STATE leaves. Nothing is reordered; held lines of
earlier runs that have become valid follow the first SCHEMA of their stream, before its records, so
that a newer version of a line always comes after the older one.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from mapper_glcostcenter.derive import Line
from mapper_glcostcenter.documents import Header, Index
from mapper_glcostcenter.exact import KEPT, as_date, guid
from mapper_glcostcenter.holdings import Holdings, as_instant
from mapper_glcostcenter.mapping import HELD, LineMapping, Requirements, map_line
from mapper_glcostcenter.snapshot import Snapshot
from mapper_glcostcenter.splice import Envelope, add_properties, members, read_record
from mapper_glcostcenter.streams import (
    HEADER_DETAILS,
    LINE_PROPERTIES,
    PROVENANCE_PROPERTIES,
    STREAMS,
    LineStream,
    Stream,
)
from s2p_singer import InputError, encode_line
from s2p_store import HoldKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mapper_glcostcenter.resolve import Resolver
    from s2p_store import Hold, Store

__all__ = ["Session"]

logger = logging.getLogger("mapper-glcostcenter")

_MOST_ANSWERS = 20_000
"""Answers kept for lines that ask the same; then they are forgotten, so that memory stays flat."""

_ADVICE = "The plugin before this one in the pipe wrote it; nothing after the last STATE was taken."


class Session:
    """Takes messages one by one and writes them on, with what the mapper adds.

    Args:
        store: holds, snapshots and counters.
        resolver: ServiceNow's reference data and the rules.
        requirements: what a line may lack.
        write: takes one encoded message.
        flush: hands on everything written.
        run_id: this run.
        clock: now, aware.
        stage_held: whether held lines are written too, marked, or only kept.
    """

    def __init__(  # noqa: PLR0913 - what comes from outside is named, one by one
        self,
        store: Store,
        resolver: Resolver,
        requirements: Requirements,
        *,
        write: Callable[[bytes], None],
        flush: Callable[[], None],
        run_id: str,
        clock: Callable[[], datetime],
        stage_held: bool,
    ) -> None:
        self.write = write
        self._store = store
        self._resolver = resolver
        self._requirements = requirements
        self._flush = flush
        self._clock = clock
        self._stage_held = stage_held
        self._run = members({"s2p_run_id": run_id})
        self._snapshot = Snapshot(store)
        self._holdings = Holdings(store, run_id, clock)
        self._headers = {
            name: Index(store, f"{name}:headers", remember=True) for name in HEADER_DETAILS
        }
        self._order_lines = Index(store, "purchase_order_lines:items", remember=False)
        self._seen: set[str] = set()
        self._reads: Counter[str] = Counter()
        self._answers: dict[tuple[Any, ...], tuple[LineMapping, bytes]] = {}
        self._envelope = msgspec.json.Decoder(Envelope)
        self._line_number = 0
        self.messages: Counter[str] = Counter()

    def take(self, line: bytes) -> None:
        """Process one line of the input.

        Raises:
            InputError: it is not a Singer message, or comes in an impossible order.
        """
        self._line_number += 1
        try:
            envelope = self._envelope.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if not line.strip():
                return
            raise InputError(self._not_a_message(line, error)) from None
        kind = envelope.type
        self.messages[kind] += 1
        if kind == "RECORD":
            self._record(line, envelope)
        elif kind == "STATE":
            self.save()
            self.write(line if line.endswith(b"\n") else line + b"\n")
            self._flush()
        elif kind == "SCHEMA":
            self._schema(line, envelope.stream)
        elif kind in ("ACTIVATE_VERSION", "BATCH"):
            if kind == "BATCH" and envelope.stream in STREAMS:
                raise InputError(
                    f"Stream '{envelope.stream}' comes as BATCH files, which cannot be mapped. "
                    "Switch off the tap's batch_config."
                )
            self.write(line if line.endswith(b"\n") else line + b"\n")
        else:
            raise InputError(
                f"Line {self._line_number} of the input has the unknown message type "
                f"{kind!r:.40}. {_ADVICE}"
            )

    def pause(self) -> None:
        """Hand on what was written, as no more input is there for now."""
        self._flush()

    def save(self) -> None:
        """Hand on what was written and bring everything it rests on into the store."""
        self._flush()
        for stream, count in self._reads.items():
            self._holdings.counts[stream]["read"] += count
        self._reads.clear()
        with self._store.transaction():
            self._snapshot.save()
            self._order_lines.save()
            for index in self._headers.values():
                index.save()
            self._holdings.save()

    def _not_a_message(self, line: bytes, error: Exception) -> str:
        where = f"Line {self._line_number} of the input"
        if isinstance(error, msgspec.ValidationError):
            return f"{where} is not a Singer message: {_shape(error)}. {_ADVICE}"
        cut = "" if line.endswith(b"\n") else " It ends in the middle of the message."
        return f"{where} is not valid JSON.{cut} {_ADVICE}"

    # SCHEMA

    def _schema(self, line: bytes, name: str | None) -> None:
        stream = STREAMS.get(name or "")
        message = read_record(line)
        if not name or not isinstance(message.get("schema"), dict):
            raise InputError(
                f"The SCHEMA on line {self._line_number} of the input lacks its stream or schema. "
                f"{_ADVICE}"
            )
        self._snapshot.begin(name)
        first = name not in self._seen
        self._seen.add(name)
        if stream is None:
            self.write(line if line.endswith(b"\n") else line + b"\n")
            return
        added = {**PROVENANCE_PROPERTIES}
        if isinstance(stream, LineStream):
            added = {**LINE_PROPERTIES, **added}
        schema = message["schema"]
        schema["properties"] = {**(schema.get("properties") or {}), **added}
        self.write(encode_line(message))
        if first and isinstance(stream, LineStream):
            self._answers.clear()
            self._revalidate(stream)
        self._flush()

    # RECORD

    def _record(self, line: bytes, envelope: Envelope) -> None:
        name, record = envelope.stream, envelope.record
        data = bytes(record)
        if name is None or not data.startswith(b"{"):
            raise InputError(
                f"The RECORD on line {self._line_number} of the input lacks its stream or record. "
                f"{_ADVICE}"
            )
        if name not in self._seen:
            raise InputError(
                f"Line {self._line_number} of the input is a RECORD of stream '{name}' that no "
                f"SCHEMA announced. {_ADVICE}"
            )
        self._reads[name] += 1
        stream = STREAMS.get(name)
        if stream is None:
            self.write(line if line.endswith(b"\n") else line + b"\n")
            return
        try:
            fields = stream.decoder.decode(data)
        except msgspec.ValidationError as error:
            raise InputError(
                f"A RECORD of stream '{name}' on line {self._line_number} of the input has a value "
                f"of the wrong type: {_shape(error)}. {_ADVICE}"
            ) from None
        if isinstance(stream, LineStream):
            self._line(stream, line, data, fields)
            return
        self._learn(stream, fields)
        added = self._provenance(fields, None)
        replace = fields.s2p_source_id is not UNSET
        self.write(add_properties(line, data, added, replace=replace))

    def _learn(self, stream: Stream, fields: Any) -> None:  # noqa: ANN401 - made per stream
        name = stream.name
        if name in KEPT:
            id_, division = _raw_guid(fields.key), _division(fields.Division)
            if id_ is None or division is None:
                return
            if name == "accounts" and fields.IsSupplier is False:
                return
            self._answers.clear()
            self._snapshot.learn(name, division, id_, fields)
        elif name in HEADER_DETAILS:
            id_, division = _raw_guid(fields.key), _division(fields.Division)
            if id_ is None or division is None:
                return
            day, number = HEADER_DETAILS[name]
            texts = (
                guid(fields.Supplier),
                _text(getattr(fields, day)),
                _text(getattr(fields, number)),
                _text(fields.Currency),
                _raw_text(fields.modified),
            )
            self._headers[name].learn(division, id_, texts)

    def _provenance(self, fields: Any, modified: str | None) -> bytes:  # noqa: ANN401 - see above
        key, when, user = fields.key, fields.modified, fields.modifier
        raw_key = bytes(key)
        if not raw_key.startswith(b'"') and raw_key != b"null":
            raw_key = b'"' + raw_key + b'"'
        raw_when = bytes(when)
        if not raw_when.startswith(b'"'):
            raw_when = msgspec.json.encode(modified) if modified else b"null"
        raw_user = bytes(user)
        if not raw_user.startswith(b'"'):
            raw_user = b"null"
        return b"".join(
            (
                b'"s2p_source_id":',
                raw_key,
                b',"s2p_source_modified":',
                raw_when,
                b',"s2p_source_user":',
                raw_user,
                b",",
                self._run,
            )
        )

    # lines

    def _line(self, stream: LineStream, line: bytes, data: bytes, fields: Any) -> None:  # noqa: ANN401
        source_id = _raw_text(fields.key)
        if not source_id:
            raise InputError(
                f"A RECORD of stream '{stream.name}' on line {self._line_number} of the input "
                f"lacks its key {stream.key}. {_ADVICE}"
            )
        division = _division(fields.Division)
        header = self._header(stream, division, fields)
        mapping, added = self._answer(stream, division, fields, header)
        own = _raw_text(fields.modified)
        modified = own or (header.modified if header else None) or None
        key = HoldKey(stream.name, division or 0, source_id)
        if mapping.status == HELD:
            # Provenance is added anew when the line is released; it is no part of what was read.
            kept = {k: v for k, v in read_record(data).items() if not k.startswith("s2p_")}
            self._holdings.hold(key, as_instant(modified), kept, mapping, header)
            if self._holdings.full:
                self.save()
            if not self._stage_held:
                return
        else:
            self._holdings.counts[stream.name]["mapped"] += 1
            self._holdings.mapped(key, as_instant(modified))
        if stream.name == "purchase_order_lines" and division is not None and fields.Item:
            self._order_lines.learn(division, source_id.lower(), (guid(fields.Item),))
        whole = added + b"," + self._provenance(fields, modified)
        replace = fields.s2p_source_id is not UNSET
        self.write(add_properties(line, data, whole, replace=replace))

    def _header(self, stream: LineStream, division: int | None, fields: Any) -> Header | None:  # noqa: ANN401
        id_ = guid(getattr(fields, stream.header_id))
        if id_ is None or division is None:
            return None
        found = self._headers[stream.header].find(division, id_)
        return Header._make(found) if found else None

    def _answer(
        self,
        stream: LineStream,
        division: int | None,
        fields: Any,  # noqa: ANN401
        header: Header | None,
    ) -> tuple[LineMapping, bytes]:
        item = fields.Item
        if item is None and fields.PurchaseOrderLine and division is not None:
            item = self._ordered_item(division, fields.PurchaseOrderLine)
        supplier = fields.Supplier or (header.supplier if header else None)
        day = getattr(fields, stream.day) or (header.day if header else None)
        day = day or fields.ReceiptDate or fields.Created
        day = day[:10] if isinstance(day, str) else None
        asked = (
            division,
            item,
            supplier,
            fields.GLAccount,
            fields.GLAccountCode,
            fields.CostCenter,
            day,
        )
        answer = self._answers.get(asked)
        if answer is None:
            mapping = map_line(
                Line(
                    division=division,
                    item=guid(item),
                    supplier=guid(supplier),
                    gl_account=guid(fields.GLAccount),
                    gl_account_code=_text(fields.GLAccountCode),
                    gl_account_name=_text(fields.GLAccountDescription),
                    cost_center=_text(fields.CostCenter),
                    cost_center_name=_text(fields.CostCenterDescription),
                ),
                as_date(day) or self._clock().date(),
                self._snapshot.exact,
                self._resolver,
                self._requirements,
            )
            if len(self._answers) >= _MOST_ANSWERS:
                self._answers.clear()
            answer = self._answers[asked] = (mapping, members(_properties(mapping)))
        return answer

    def _ordered_item(self, division: int, order_line: object) -> str | None:
        id_ = guid(order_line)
        found = self._order_lines.find(division, id_) if id_ else None
        return found[0] or None if found else None

    # holds of earlier runs

    def _revalidate(self, stream: LineStream) -> None:
        """Write the held lines of earlier runs that have become valid."""
        waiting = released = 0
        for hold, handed_on in self._holdings.earlier(stream.name):
            fields, mapping, line, data = self._reconsider(stream, hold)
            if mapping.status == HELD:
                waiting += 1
                self._holdings.explain(hold, mapping, again=handed_on)
                continue
            released += not handed_on
            header = self._header(stream, _division(fields.Division), fields)
            modified = _raw_text(fields.modified) or (header.modified if header else None)
            added = members(_properties(mapping)) + b"," + self._provenance(fields, modified)
            self.write(add_properties(line, data, added))
            if not handed_on:
                self._holdings.release(hold, mapping)
            if self._holdings.full:
                self.save()
        if waiting or released:
            logger.info(
                "Held lines of earlier runs in %s: %d released, %d still waiting.",
                stream.name,
                released,
                waiting,
            )

    def _reconsider(self, stream: LineStream, hold: Hold) -> tuple[Any, LineMapping, bytes, bytes]:
        line = encode_line({"type": "RECORD", "stream": stream.name, "record": hold.record})
        envelope = self._envelope.decode(line)
        data = bytes(envelope.record)
        fields = stream.decoder.decode(data)
        division = _division(fields.Division)
        header = self._header(stream, division, fields)
        mapping, _ = self._answer(stream, division, fields, header)
        return fields, mapping, line, data


def _properties(mapping: LineMapping) -> Mapping[str, Any]:
    return {
        "s2p_gl_account": mapping.gl_account,
        "s2p_gl_account_sys_id": mapping.gl_account_sys_id,
        "s2p_cost_center": mapping.cost_center,
        "s2p_cost_center_sys_id": mapping.cost_center_sys_id,
        "s2p_mapping_status": mapping.status,
        "s2p_hold_reasons": [reason.value for reason in mapping.reasons],
        "s2p_mapping_rule": mapping.rule,
    }


def _division(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def _text(value: object) -> str | None:
    text = str(value).strip() if isinstance(value, (str, int)) else ""
    return text or None


def _raw_text(raw: msgspec.Raw) -> str | None:
    """The text, or the number as text, that a piece of raw JSON holds."""
    return _text(msgspec.json.decode(raw))


def _raw_guid(raw: msgspec.Raw) -> str | None:
    return guid(_raw_text(raw))


def _shape(error: msgspec.ValidationError) -> str:
    """What is wrong with a message; msgspec names places and types, never values."""
    return str(error).replace("`", "'")
