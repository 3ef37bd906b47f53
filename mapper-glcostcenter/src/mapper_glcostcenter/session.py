"""One run of the mapper: a conversation of Singer messages, in the order they come.

What a STATE covers is in the store before that STATE leaves. Nothing is reordered: while a line
waits for the rest of its document, what comes after it waits too. Held lines of earlier runs that
have become valid follow the first SCHEMA of their stream, before its records, so that a newer
version of a line always comes after the older one.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from mapper_glcostcenter.answers import Answers
from mapper_glcostcenter.checks import Checks
from mapper_glcostcenter.deleted import Deleted
from mapper_glcostcenter.exact import KEPT, guid
from mapper_glcostcenter.headers import Headers
from mapper_glcostcenter.holdings import Holdings
from mapper_glcostcenter.judging import Judge
from mapper_glcostcenter.lines import Lines
from mapper_glcostcenter.outbox import Outbox
from mapper_glcostcenter.provenance import Provenance
from mapper_glcostcenter.snapshot import Snapshot
from mapper_glcostcenter.splice import Envelope, add_properties, read_record
from mapper_glcostcenter.streams import (
    HEADER_DETAILS,
    HEADER_PROPERTIES,
    LINE_PROPERTIES,
    LINES_OF,
    MATCH_PROPERTIES,
    PROVENANCE_PROPERTIES,
    STREAMS,
    LineStream,
    division_of,
    text_of,
)
from mapper_glcostcenter.tally import Tally
from mapper_glcostcenter.whole_documents import WholeDocuments
from s2p_singer import RUN_ID, InputError, encode_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mapper_glcostcenter.mapping import Requirements
    from s2p_mapping.resolve import Resolver
    from s2p_store import Store

__all__ = ["Session"]

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
        checks: what holds a line beside its codes.
        whole_documents: whether a header and all its lines wait together.
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
        checks: Checks | None = None,
        whole_documents: bool = False,
    ) -> None:
        self.write = write
        self.messages: Counter[str] = Counter()
        self._store = store
        self._flush = flush
        self._snapshot = Snapshot(store)
        self._holdings = Holdings(store, run_id, clock)
        self._deleted = Deleted(store, self._holdings)
        self._run_id = run_id
        self._clock = clock
        self._rules = resolver.rules
        self._tally = Tally()
        self._provenance = Provenance(run_id)
        # Whoever drives the plugin message by message changes `write` as it goes.
        self._outbox = Outbox(lambda message: self.write(message))  # noqa: PLW0108
        self._headers = Headers(store)
        checks = checks or Checks()
        exact = self._snapshot.exact
        answers = Answers(exact, resolver, requirements, lambda: clock().date())
        self._lines = (WholeDocuments if whole_documents else Lines)(
            store,
            Judge(store, answers, exact, self._headers, checks),
            self._headers,
            self._holdings,
            outbox=self._outbox,
            provenance=self._provenance,
            checks=checks,
            tally=self._tally,
            stage_held=stage_held,
        )
        self._whole_documents = whole_documents
        self._seen: set[str] = set()
        self._reads: Counter[str] = Counter()
        self._envelope = msgspec.json.Decoder(Envelope)
        self._line_number = 0

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
        if kind != "RECORD" or not isinstance(STREAMS.get(envelope.stream or ""), LineStream):
            self._lines.tick()
        if kind == "RECORD":
            self._record(line, envelope)
        elif kind == "STATE":
            if not bytes(envelope.value):
                raise InputError(f"{self._here()} is a STATE without value. {_ADVICE}")
            self._outbox.then(partial(self._state, line))
        elif kind == "SCHEMA":
            self._schema(line, envelope.stream)
        elif kind == "BATCH" and envelope.stream in STREAMS:
            raise InputError(
                f"Stream '{envelope.stream}' comes as BATCH files, which cannot be mapped. "
                "Switch off the tap's batch_config."
            )
        elif kind in ("ACTIVATE_VERSION", "BATCH"):
            self._pass(line)
        else:
            raise InputError(
                f"{self._here()} has the unknown message type {kind!r:.40}. {_ADVICE}",
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
            self._lines.save()
            self._holdings.save()

    def finish(self) -> None:
        """Settle everything as the input has come to its end, and tell the coverage."""
        self._lines.settle()
        self.save()
        self._tally.finish(self._store, self._rules, self._run_id, self._clock())

    def _state(self, line: bytes) -> None:
        """Everything before this STATE has been written."""
        self.save()
        self.write(_whole(line))
        self._flush()

    def _schema(self, line: bytes, name: str | None) -> None:
        message = read_record(line)
        schema = message.get("schema")
        if not name or not isinstance(schema, dict):
            raise InputError(f"{self._here()} is a SCHEMA without stream or schema. {_ADVICE}")
        self._snapshot.begin(name)
        first = name not in self._seen
        self._seen.add(name)
        stream = STREAMS.get(name)
        if stream is None:
            self._pass(line)
            return
        lines = isinstance(stream, LineStream)
        added = {**(LINE_PROPERTIES if lines else {}), **PROVENANCE_PROPERTIES}
        if lines and name != "purchase_order_lines":
            added |= MATCH_PROPERTIES
        if self._whole_documents and name in HEADER_DETAILS:
            added |= HEADER_PROPERTIES
        schema["properties"] = {**(schema.get("properties") or {}), **added}
        # For the next plugin, whether or not the one before announced the run.
        head = {"type": "SCHEMA", RUN_ID: self._run_id}
        self._outbox.put(encode_line({**head, **message, **head}))
        if first and name in LINES_OF:
            self._lines.begin(LINES_OF[name])
        if first and isinstance(stream, LineStream):
            self._lines.revalidate(stream, self.save)
        self._flush()

    def _record(self, line: bytes, envelope: Envelope) -> None:
        name, data = envelope.stream, bytes(envelope.record)
        if name is None or not data.startswith(b"{"):
            raise InputError(f"{self._here()} is a RECORD without stream or record. {_ADVICE}")
        if name not in self._seen:
            raise InputError(
                f"{self._here()} is a RECORD of stream '{name}' that no SCHEMA announced. {_ADVICE}"
            )
        self._reads[name] += 1
        stream = STREAMS.get(name)
        if stream is None:
            self._pass(line)
            return
        try:
            fields = stream.decoder.decode(data)
        except msgspec.ValidationError as error:
            raise InputError(
                f"{self._here()} is a RECORD of stream '{name}' with a value of the wrong type: "
                f"{_shape(error)}. {_ADVICE}"
            ) from None
        if isinstance(stream, LineStream):
            self._line(stream, line, data, fields)
            return
        if name in KEPT:
            self._learn(name, fields)
        elif name == "deletions":
            self._deleted.take(fields)
        elif name in HEADER_DETAILS:
            header = self._headers.learn(name, fields)
            self._lines.take_header(stream, line, data, fields, header)
            return
        replace = fields.s2p_source_id is not UNSET
        self._outbox.put(add_properties(line, data, self._provenance.of(fields), replace=replace))

    def _line(self, stream: LineStream, line: bytes, data: bytes, fields: Any) -> None:  # noqa: ANN401
        source_id = text_of(fields.key)
        if not source_id:
            raise InputError(
                f"{self._here()} is a RECORD of stream '{stream.name}' without its key "
                f"{stream.key}. {_ADVICE}"
            )
        self._lines.take(stream, source_id, line, data, fields)
        if self._holdings.full:
            self.save()

    def _learn(self, stream: str, fields: Any) -> None:  # noqa: ANN401 - made per stream
        id_, division = guid(text_of(fields.key)), division_of(fields.Division)
        if id_ is None or division is None:
            return
        if stream == "accounts" and fields.IsSupplier is False:
            return
        self._snapshot.learn(stream, division, id_, fields)

    def _pass(self, line: bytes) -> None:
        self._outbox.put(_whole(line))

    def _here(self) -> str:
        return f"Line {self._line_number} of the input"

    def _not_a_message(self, line: bytes, error: Exception) -> str:
        if isinstance(error, msgspec.ValidationError):
            return f"{self._here()} is not a Singer message: {_shape(error)}. {_ADVICE}"
        cut = "" if line.endswith(b"\n") else " It ends in the middle of the message."
        return f"{self._here()} is not valid JSON.{cut} {_ADVICE}"


def _whole(line: bytes) -> bytes:
    """The line; the last one of an input may lack its line break."""
    return line if line.endswith(b"\n") else line + b"\n"


def _shape(error: msgspec.ValidationError) -> str:
    """What is wrong with a message; msgspec names places and types, never values."""
    return str(error).replace("`", "'")
