"""Held lines on their way into the store and out of it again.

A line is put into the store before the STATE that covers it leaves: if the process dies earlier,
that STATE has not left either and the tap reads the line again. A released line is marked released
only after it has been written, and the store keeps it until its outcome is known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mapper_glcostcenter.streams import HEADER_DETAILS
from s2p_store import AuditEvent, Hold, HoldKey, HoldVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mapper_glcostcenter.documents import Header
    from mapper_glcostcenter.mapping import LineMapping
    from s2p_store import Store, Waiver

__all__ = ["Holdings", "as_instant"]

PLUGIN = "mapper-glcostcenter"
_HANDED_ON = "handed_on"
_ENOUGH = 500
"""Held lines gathered before they are written even without a STATE."""


class Holdings:
    """What one run holds and releases, and how many records of each stream it read."""

    def __init__(self, store: Store, run_id: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._run_id = run_id
        self._clock = clock
        # Hashes, for there may be many: to settle a line wrongly taken for a held one does nothing.
        self._known: set[int] = set()
        self._waivers: dict[HoldKey, tuple[datetime | None, Waiver]] = {}
        self._put: list[Hold] = []
        self._release: list[HoldKey] = []
        self._settle: dict[tuple[str, int, str], HoldVersion] = {}
        self._events: list[AuditEvent] = []
        self._handed_on: set[str] = set()
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    @property
    def full(self) -> bool:
        """Whether so much has gathered that it should be saved."""
        return len(self._put) + len(self._events) >= _ENOUGH

    def earlier(self, stream: str) -> Iterator[tuple[Hold, bool]]:
        """Held lines of earlier runs: (hold, whether a run has already handed it on).

        A line that was handed on is given too unless it is known to have arrived: the run that
        handed it on may have died before that.
        """
        self._settle_arrived(stream)
        # These first: what is released from the others below must not be met here again.
        handed_on = set()
        for hold in self._store.holds.released(stream=stream):
            self._learn(hold)
            self._handed_on.add(stream)
            handed_on.add(hold.key)
            yield hold, True
        for hold in self._store.holds.open(stream=stream):
            self._learn(hold)
            if hold.key not in handed_on:
                yield hold, False

    def waiver(self, key: HoldKey, modified: datetime | None) -> Waiver | None:
        """What a person decided about this very version of a line."""
        version, waiver = self._waivers.get(key, (None, None))
        return waiver if version == modified else None

    def _learn(self, hold: Hold) -> None:
        self._known.add(hash(hold.key))
        if hold.waiver is not None:
            self._waivers[hold.key] = (hold.source_modified, hold.waiver)

    def hold(
        self,
        key: HoldKey,
        modified: datetime | None,
        record: Mapping[str, Any],
        mapping: LineMapping,
        header: Header | None,
    ) -> None:
        """Keep a line, as it was read, until what it waits for exists."""
        # A header's amount is that of its lines, which wait with it.
        amount, currency = (
            _amount(record, header) if key.stream not in HEADER_DETAILS else (None, None)
        )
        number = record.get("OrderNumber") or (header.number if header else None)
        self._put.append(
            Hold(
                stream=key.stream,
                division=key.division,
                source_id=key.source_id,
                source_modified=modified,
                reasons=tuple(reason.value for reason in mapping.reasons),
                waiting_for=mapping.waiting_for,
                amount=amount,
                currency=currency,
                document=str(number) if number else None,
                run_id=self._run_id,
                held_at=self._clock(),
                record=record,
            ),
        )
        self._known.add(hash(key))
        # It may have come mapped in between: what came last counts.
        self._settle.pop(key, None)
        self._event("held", key, str(number) if number else None, mapping)
        count = self.counts[key.stream]
        count["held"] += 1
        for reason in mapping.reasons:
            count[reason.value] += 1

    def explain(self, hold: Hold, mapping: LineMapping, *, again: bool) -> None:
        """Note that a line of an earlier run waits, if for something else than before.

        With `again` it had been handed on, without an outcome yet, and waits anew.
        """
        reasons = tuple(reason.value for reason in mapping.reasons)
        if not again and (reasons, mapping.waiting_for) == (hold.reasons, hold.waiting_for):
            return
        self._put.append(
            Hold(
                hold.stream,
                hold.division,
                hold.source_id,
                hold.source_modified,
                reasons,
                mapping.waiting_for,
                hold.amount,
                hold.currency,
                hold.document,
                hold.run_id,
                hold.held_at,
                hold.record,
            ),
        )
        self._event("held", hold.key, hold.document, mapping)

    def release(self, hold: Hold, mapping: LineMapping) -> None:
        """Note that a held line has been written as a mapped one."""
        self._release.append(hold.key)
        self._handed_on.add(hold.stream)
        self._event("released", hold.key, hold.document, mapping)
        self.counts[hold.stream]["released"] += 1

    def knows(self, key: tuple[str, int, str]) -> bool:
        """Whether the line is held, or was handed on without an outcome yet."""
        return hash(key) in self._known

    def mapped(self, key: HoldKey, modified: datetime | None) -> None:
        """Note that a held line came again and needs no hold any more."""
        self._known.discard(hash(key))
        self._settle[key] = HoldVersion(*key, modified)

    def find(self, keys: Iterable[HoldKey]) -> list[Hold]:
        """What is held of these records, also if it was held a moment ago."""
        wanted = set(keys)
        if any(hold.key in wanted for hold in self._put):
            self.save()
        return self._store.holds.find(wanted) if wanted else []

    def deleted(self, key: HoldKey, document: str | None) -> None:
        """Note that a held record is none of Exact's any more, whatever its version."""
        self.mapped(key, None)
        self._events.append(
            AuditEvent(
                run_id=self._run_id,
                at=self._clock(),
                stream=key.stream,
                division=key.division,
                source_id=key.source_id,
                kind="deleted",
                natural_key=document,
                detail={},
            ),
        )

    def save(self) -> None:
        """Bring everything gathered into the store."""
        store = self._store
        # Releases first: a newer version of a released line that is held again stays held.
        if self._release:
            store.holds.release(self._release, self._run_id)
        if self._put:
            store.holds.put(self._put)
        for stream in self._handed_on:
            # Each run hands on all that has not arrived: the last run that did answers for all.
            run = {"id": "run", "run_id": self._run_id}
            store.reference.save(PLUGIN, stream, _HANDED_ON, [run])
        if self._settle:
            store.holds.settle(self._settle.values())
        store.audit.append(self._events)
        for stream, counters in self.counts.items():
            store.runs.count(self._run_id, PLUGIN, stream, **counters)
        self._put, self._release, self._settle, self._events = [], [], {}, []
        self._handed_on.clear()
        self.counts.clear()

    def _settle_arrived(self, stream: str) -> None:
        """Forget what was handed on by a run that the target, too, has ended well."""
        for row in self._store.reference.load(PLUGIN, stream, _HANDED_ON):
            if row["run_id"] == self._run_id:
                continue
            plugins = self._store.runs.report(row["run_id"]).plugins
            targets = [plugin for plugin in plugins if plugin.plugin.startswith("target-")]
            if targets and all(plugin.ok for plugin in plugins):
                released = self._store.holds.released(stream=stream)
                self._store.holds.settle([(*hold.key, hold.source_modified) for hold in released])

    def _event(self, kind: str, key: HoldKey, document: str | None, mapping: LineMapping) -> None:
        self._events.append(
            AuditEvent(
                run_id=self._run_id,
                at=self._clock(),
                stream=key.stream,
                division=key.division,
                source_id=key.source_id,
                kind=kind,
                natural_key=document,
                detail={
                    "reasons": [reason.value for reason in mapping.reasons],
                    "waiting_for": [list(pair) for pair in mapping.waiting_for],
                    "rule": mapping.rule,
                    "gl_account": mapping.gl_account,
                    "cost_center": mapping.cost_center,
                },
            ),
        )


def as_instant(text: object) -> datetime | None:
    """An RFC 3339 text as an aware moment; without zone it counts as UTC. None for what is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _amount(record: Mapping[str, Any], header: Header | None) -> tuple[Decimal | None, str | None]:
    """Amount in the document's currency where both are known, else in the division's."""
    currency = record.get("Currency") or (header.currency if header else None) or None
    for name in ("AmountFC", "Amount", "AmountDC"):
        value = record.get(name)
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return Decimal(value), currency if name != "AmountDC" else None
    return None, None
