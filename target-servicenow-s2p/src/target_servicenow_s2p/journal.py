"""What is written down before and after each batch, so that a dead run can be picked up.

Before a batch leaves, one ledger entry per batch (``batch:…``, state sending) names its rows; once
ServiceNow has taken it, its import set (state sent); at the end every row has an entry of its own,
an audit event, and the intent is closed, all in one transaction.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from s2p_staging.definitions import KEY_SEPARATOR
from s2p_store import AuditEvent, LedgerEntry
from target_servicenow_s2p.batches import GOOD, PENDING, Batch, Result
from target_servicenow_s2p.refusals import remedy_of
from target_servicenow_s2p.rows import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from s2p_store import Store
    from target_servicenow_s2p.report import Tally
    from target_servicenow_s2p.rows import Row

__all__ = ["PLUGIN", "Intent", "IntentRow", "Journal"]

PLUGIN: Final = "target-servicenow-s2p"
_INTENT: Final = "batch:"
_GIVEN_UP: Final = "given up"
_ONCE_MORE: Final = "error again"
_SECONDS_BETWEEN_TRIES: Final = 3600.0
_EVENTS_OF_A_KEY: Final = 20
"""A natural key may stand for records of several staging tables; their events are mixed."""


class IntentRow(msgspec.Struct, array_like=True):
    """What an intent says about one row."""

    key: str
    digest: str
    version: str | None
    stream: str
    division: int | None
    source_id: str | None
    known_set: str | None
    parked_row: str | None = None
    document: str | None = None
    units: int | None = None
    currency: str = ""


class Intent(msgspec.Struct):
    """What is about to be sent: by whom (a slot, see `slots`), from which run, which rows."""

    slot: int
    run: str
    output: str
    rows: list[IntentRow]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Intent).decode


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Journal:
    """The target's side of ledger, audit trail and run statistics."""

    def __init__(
        self,
        store: Store,
        run_id: str,
        slot: int,
        tally: Tally,
        *,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._store = store
        self._slot = slot
        self._tally = tally
        self._now = now
        self._began = now()
        self.run_id = run_id

    def known(self, table: str, keys: Iterable[str]) -> dict[str, LedgerEntry]:
        """Return what the ledger says about these natural keys."""
        return self._store.ledger.get_many(table, keys)

    def intend(self, batch: Batch) -> None:
        """Write down that this batch is about to be sent."""
        self._put_intent(batch, "sending")

    def posted(self, batch: Batch, import_set: str) -> None:
        """Write down which import set ServiceNow has made of it."""
        batch.import_set = import_set
        self._put_intent(batch, "sent")

    def finish(self, batch: Batch, results: Sequence[Result], *, earlier: bool = False) -> None:
        """Write down what became of every row, and close the intent.

        Args:
            batch: what was sent.
            results: one per row; rows without one come again by themselves.
            earlier: another run has sent it, so it is none of the records this run reads.
        """
        table = batch.table.output.staging_table
        now = self._now()
        told = self._count_earlier(results) if earlier else self._count(results)
        with self._store.transaction():
            self._store.ledger.put_many(
                [
                    *(self._entry(table, result, now) for result in results),
                    self._closed(table, _INTENT + batch.id, now),
                ]
            )
            self._store.audit.append([self._event(table, result, now) for result in told])
            self._flush_counts()

    def _count(self, results: Sequence[Result]) -> Sequence[Result]:
        """Count results; return those that are news: not a refusal that was on record already."""
        again = [result for result in results if result.row.refused is not None]
        if not again:
            self._tally.outcomes((result.row, result.outcome) for result in results)
            return results
        for result in again:
            let_in = result.outcome in GOOD or result.outcome == PENDING
            self._tally.rows("let_in" if let_in else "still_refused", (result.row,))
        first = [result for result in results if result.row.refused is None]
        self._tally.outcomes((result.row, result.outcome) for result in first)
        return [result for result in results if message_of(result) != result.row.refused]

    def _count_earlier(self, results: Sequence[Result]) -> Sequence[Result]:
        """Count results of what an earlier run had sent; all of them are news."""
        for result in results:
            if result.outcome != PENDING:
                good = result.outcome in GOOD
                self._tally.count(
                    result.row.output.counted_as, "settled" if good else "still_refused"
                )
        return results

    def abandoned(self, batch: Batch) -> None:
        """Close the intent of a batch that is known not to have been taken."""
        table = batch.table.output.staging_table
        self._store.ledger.put_many([self._closed(table, _INTENT + batch.id, self._now())])

    def refused(self, row: Row, table: str, why: str) -> None:
        """Write down a row that was not sent because ServiceNow could not take it."""
        now = self._now()
        # These words are ours and hold no value of the row: nothing in them is to be masked.
        result = Result(replace(row, values={}), "error", why, target_table=table)
        self._tally.rows("failed", (row,))
        with self._store.transaction():
            self._store.ledger.put_many([self._entry(table, result, now)])
            self._store.audit.append([self._event(table, result, now)])

    def parked(self, table: str, waiting: Sequence[tuple[Row, str | None, str | None]]) -> None:
        """Write down that held rows wait: each with its import set and staging row, if any."""
        now = self._now()
        entries, events = [], []
        for row, import_set, staging_row in waiting:
            entries.append(
                LedgerEntry(
                    table,
                    row.key,
                    row.origin.version,
                    parked_digest(row),
                    "parked",
                    import_set,
                    staging_row,
                    "held",
                    None,
                    ", ".join(row.origin.reasons) or None,
                    self.run_id,
                    now,
                    row.units,
                    row.currency or None,
                )
            )
            detail = {"staging_table": table, **_mapping(row.origin)}
            if import_set:
                detail["import_set"] = import_set
            events.append(self._audit(row, "parked" if staging_row else "held", now, detail))
        with self._store.transaction():
            self._store.ledger.put_many(entries)
            self._store.audit.append(events)

    def adopted(self, row: Row, table: str, sys_id: str) -> None:
        """Write down that a record of ServiceNow was given a row's natural key."""
        detail = {"target_table": table, "target_sys_id": sys_id}
        self._store.audit.append([self._audit(row, "adopted", self._now(), detail)])

    def parked_in(self, staging: str) -> list[LedgerEntry]:
        """Rows of a staging table that wait there, each with its staging row."""
        return [entry for entry in self._store.ledger.parked(staging) if entry.row]

    def intents(self) -> Iterator[tuple[LedgerEntry, Intent]]:
        """Yield the intents that nobody has closed."""
        for entry in self._store.ledger.in_flight():
            if entry.natural_key.startswith(_INTENT) and entry.message:
                yield entry, _decode(entry.message)

    def unsettled(self) -> Iterator[LedgerEntry]:
        """Yield the rows whose transform was not over when the time to wait was."""
        for entry in self._store.ledger.in_flight():
            if not entry.natural_key.startswith(_INTENT) and entry.import_set:
                yield entry

    def refused_before(self) -> Iterator[LedgerEntry]:
        """Yield rows that were refused before this run began and are not given up."""
        for entry in self._store.ledger.failed():
            if entry.updated_at < self._began and entry.outcome != _GIVEN_UP:
                yield entry

    def is_due(self, entry: LedgerEntry) -> bool:
        """Whether a refused row was not tried again yet, or not for an hour."""
        return entry.outcome != _ONCE_MORE or self.age(entry) > _SECONDS_BETWEEN_TRIES

    def give_up(self, entries: Sequence[LedgerEntry]) -> None:
        """Try these rows no more: ServiceNow has no staged row of them left."""
        self._store.ledger.put_many([replace(entry, outcome=_GIVEN_UP) for entry in entries])

    def origin(self, entry: LedgerEntry) -> Origin | None:
        """Where the record of a ledger entry comes from, as its last event says."""
        events = self._store.audit.events(
            natural_key=entry.natural_key, newest_first=True, limit=_EVENTS_OF_A_KEY
        )
        for event in events:
            if event.detail.get("staging_table") == entry.table:
                return Origin(
                    event.stream,
                    event.division,
                    event.source_id,
                    entry.source_version,
                    rule=event.detail.get("mapping_rule"),
                    gl_account=event.detail.get("gl_account"),
                    cost_center=event.detail.get("cost_center"),
                    document=event.detail.get("document"),
                )
        return None

    def close_intent(self, entry: LedgerEntry) -> None:
        """Close an intent of a dead run after it was looked up."""
        self._store.ledger.put_many([self._closed(entry.table, entry.natural_key, self._now())])

    def age(self, entry: LedgerEntry) -> float:
        """Return how many seconds ago an entry was written."""
        return (self._now() - entry.updated_at).total_seconds()

    def calls(self, number: int) -> None:
        """Count API calls."""
        if number:
            self._store.runs.calls(self.run_id, "servicenow", number)

    def start(self) -> None:
        """Begin the run's statistics."""
        self._store.runs.start(self.run_id, PLUGIN)

    def end(self, *, ok: bool) -> None:
        """Close the run's statistics."""
        self._flush_counts()
        self._store.runs.finish(self.run_id, PLUGIN, ok)

    def _flush_counts(self) -> None:
        for stream, counters in self._tally.take().items():
            self._store.runs.count(self.run_id, PLUGIN, stream, **counters)
        self._store.runs.add_up(self.run_id, PLUGIN, self._tally.take_amounts())

    def _put_intent(self, batch: Batch, state: Any) -> None:  # noqa: ANN401 - a ledger state
        output = batch.table.output
        if batch.intent is None:
            batch.intent = self._intent_of(batch)
        self._store.ledger.put_many(
            [
                LedgerEntry(
                    output.staging_table,
                    _INTENT + batch.id,
                    None,
                    None,
                    state,
                    batch.import_set,
                    None,
                    None,
                    None,
                    batch.intent,
                    self.run_id,
                    self._now(),
                )
            ]
        )

    def _intent_of(self, batch: Batch) -> str:
        rows = [
            IntentRow(
                row.key,
                row.digest,
                row.origin.version,
                row.origin.stream,
                row.origin.division,
                row.origin.source_id,
                row.known_set,
                row.parked_row,
                row.origin.document,
                row.units,
                row.currency,
            )
            for row in batch.rows
        ]
        return _encode(Intent(self._slot, self.run_id, batch.table.output.name, rows)).decode()

    def _closed(self, table: str, key: str, now: datetime) -> LedgerEntry:
        return LedgerEntry(
            table, key, None, None, "done", None, None, None, None, None, self.run_id, now
        )

    def _entry(self, table: str, result: Result, now: datetime) -> LedgerEntry:
        row = result.row
        good = result.outcome in GOOD
        pending = result.outcome == PENDING
        return LedgerEntry(
            table,
            row.key,
            row.origin.version,
            row.digest,
            "sent" if pending else ("done" if good else "failed"),
            result.import_set,
            result.staging_row,
            result.outcome if good or pending or row.refused is None else _ONCE_MORE,
            result.target_sys_id,
            message_of(result) or None,
            self.run_id,
            now,
            row.units,
            row.currency or None,
        )

    def _event(self, table: str, result: Result, now: datetime) -> AuditEvent:
        row = result.row
        good = result.outcome in GOOD or result.outcome == PENDING
        # Only what is there, one by one: each staged row comes by here.
        detail = _mapping(row.origin)
        detail["outcome"] = result.outcome
        detail["staging_table"] = table
        if row.digest:
            detail["hash"] = row.digest
        if row.origin.version:
            detail["version"] = row.origin.version
        if result.import_set:
            detail["import_set"] = result.import_set
        if result.target_table:
            detail["target_table"] = result.target_table
        if result.target_sys_id:
            detail["target_sys_id"] = result.target_sys_id
        if result.message:
            detail["message"] = message_of(result)
        if not good:
            detail["remedy"] = remedy_of(result.message)
        if row.cut:
            detail["cut"] = list(row.cut)
        return self._audit(row, "staged" if good else "failed", now, detail)

    def _audit(self, row: Row, kind: str, now: datetime, detail: dict[str, Any]) -> AuditEvent:
        origin = row.origin
        return AuditEvent(
            self.run_id,
            now,
            origin.stream,
            origin.division,
            origin.source_id,
            kind,
            row.key,
            detail,
        )


def parked_digest(row: Row) -> str:
    """Return the digest of a held row: it changes with the content and with the reasons."""
    return "held:" + row.digest + ":" + ",".join(row.origin.reasons)


def message_of(result: Result) -> str:
    """ServiceNow's words without the row's own: they may name a person, the ledger lies in clear.

    What identifies the record, and what was mapped, may stay: they are what a remedy needs.
    """
    message = result.message
    if not message:
        return ""
    row = result.row
    stays = {row.origin.gl_account, row.origin.cost_center, row.origin.document}
    stays.update(row.key.split(KEY_SEPARATOR))
    for label, value in row.values.items():
        if len(value) >= _TELLING and value not in stays and value in message:
            message = message.replace(value, f"[{label}]")
    return message


_TELLING = 3
"""Characters from which on a value can tell something about a person."""


def _mapping(origin: Origin) -> dict[str, Any]:
    """Tell how a record was mapped, and its number: what there is of it."""
    told: dict[str, Any] = {}
    if origin.rule:
        told["mapping_rule"] = origin.rule
    if origin.gl_account:
        told["gl_account"] = origin.gl_account
    if origin.cost_center:
        told["cost_center"] = origin.cost_center
    if origin.reasons:
        told["hold_reasons"] = list(origin.reasons)
    if origin.document:
        told["document"] = origin.document
    return told
