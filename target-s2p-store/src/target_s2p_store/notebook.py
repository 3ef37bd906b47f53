"""What is news among the records read from ServiceNow, written down a portion at a time."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from s2p_store import AuditEvent, LedgerEntry
from target_s2p_store.sightings import Sighting, sighting_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s2p_store import Store

__all__ = ["OUTCOMES", "Notebook"]

OUTCOMES: Final = "staging_outcomes"
_SCOPE: Final = "target-s2p-store/"
_IN: Final = frozenset({"inserted", "updated", "ignored"})
_EVENTS_OF_A_KEY: Final = 20
"""Lines share the beginning of their header's key, not the key: few events have it exactly."""
_encode = msgspec.json.Encoder(order="sorted").encode


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Notebook:
    """Takes records, keeps what is news until `write`."""

    def __init__(self, store: Store, run_id: str, now: Callable[[], datetime] = _utc_now) -> None:
        self._store = store
        self._run_id = run_id
        self._now = now
        self._sightings: dict[str, dict[str, Sighting]] = {}
        self._outcomes: dict[str, Mapping[str, Any]] = {}
        self._open: dict[str, LedgerEntry] | None = None
        self.counts: dict[str, dict[str, int]] = {}

    @property
    def waiting(self) -> int:
        """How many records are not written down yet."""
        return len(self._outcomes) + sum(map(len, self._sightings.values()))

    def take(self, stream: str, record: Mapping[str, Any]) -> None:
        """Take one record; a later one of the same key counts."""
        self._count(stream, "read")
        if stream == OUTCOMES:
            self._outcomes[str(record.get("sys_id"))] = record
        elif sighting := sighting_of(stream, record):
            self._sightings.setdefault(sighting.table, {})[sighting.sys_id] = sighting
        else:
            self._count(stream, "not_written")

    def write(self) -> None:
        """Write down what is news: on disk when this returns, or not at all."""
        with self._store.transaction():
            events = []
            for table, sightings in self._sightings.items():
                events += self._news(table, sightings)
            events += self._settled()
            self._store.audit.append(events)
        self._sightings.clear()
        self._outcomes.clear()

    def _news(self, table: str, sightings: Mapping[str, Sighting]) -> list[AuditEvent]:
        """What stands otherwise than when it was seen last."""
        scope = _SCOPE + table
        known = self._store.memory.get_many(scope, list(sightings))
        now = {sys_id: _encode(each.told) for sys_id, each in sightings.items()}
        changed = {sys_id: told for sys_id, told in now.items() if known.get(sys_id) != told}
        events = [event for sys_id in changed if (event := self._seen(sightings[sys_id]))]
        self._store.memory.put_many(scope, changed)
        return events

    def _seen(self, sighting: Sighting) -> AuditEvent | None:
        """The event of a sighting; None for a document that was not staged from here."""
        staged = self._staged(sighting.natural_key, sighting.table)
        if staged is None:
            return None
        detail = {
            **sighting.told,
            "number": sighting.number,
            "document": staged.detail.get("document"),
            "target_table": sighting.table,
            "target_sys_id": sighting.sys_id,
        }
        return self._event(staged, "seen", sighting.natural_key, detail)

    def _settled(self) -> list[AuditEvent]:
        """What became of staged rows that had no good outcome when they were looked at last."""
        events = []
        for row, record in self._outcomes.items():
            entry = self._unsettled().get(row)
            state = str(record.get("sys_import_state") or "")
            if entry is None or state not in {*_IN, "error"}:
                continue
            good = state in _IN
            if not good and entry.state == "failed":
                continue  # known
            settled = replace(
                entry,
                state="done" if good else "failed",
                outcome=state,
                target_sys_id=record.get("sys_target_sys_id"),
                message=None if good else "refused when it was transformed later",
                run_id=self._run_id,
                updated_at=self._now(),
            )
            self._store.ledger.put_many([settled])
            self._unsettled().pop(row)
            self._count(OUTCOMES, "settled")
            staged = self._staged(entry.natural_key, None, entry.table)
            if staged is not None:
                detail = {
                    "outcome": state,
                    "staging_table": entry.table,
                    "import_set": record.get("sys_import_set"),
                    "target_table": record.get("sys_target_table"),
                    "target_sys_id": record.get("sys_target_sys_id"),
                    "document": staged.detail.get("document"),
                }
                kind = "staged" if good else "failed"
                events.append(self._event(staged, kind, entry.natural_key, detail))
        return events

    def _unsettled(self) -> dict[str, LedgerEntry]:
        """Ledger entries without a good outcome, by their staging row."""
        if self._open is None:
            ledger = self._store.ledger
            entries = (*ledger.in_flight(), *ledger.failed())
            self._open = {entry.row: entry for entry in entries if entry.row}
        return self._open

    def _staged(
        self, natural_key: str, target: str | None, staging: str | None = None
    ) -> AuditEvent | None:
        """The latest event that says where the record of a natural key comes from."""
        events = self._store.audit.events(
            natural_key=natural_key, newest_first=True, limit=_EVENTS_OF_A_KEY
        )
        for event in events:
            if staging is not None and event.detail.get("staging_table") == staging:
                return event
            if target is not None and event.detail.get("target_table") == target:
                return event
        return None

    def _event(
        self, origin: AuditEvent, kind: str, natural_key: str, detail: Mapping[str, Any]
    ) -> AuditEvent:
        return AuditEvent(
            self._run_id,
            self._now(),
            origin.stream,
            origin.division,
            origin.source_id,
            kind,
            natural_key,
            {name: value for name, value in detail.items() if value is not None},
        )

    def _count(self, stream: str, counter: str) -> None:
        counts = self.counts.setdefault(stream, {})
        counts[counter] = counts.get(counter, 0) + 1
