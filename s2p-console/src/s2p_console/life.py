"""The life of a document: what the audit trail, the holds and the ledger say of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from s2p_console import downstream
from s2p_console.reasons import named, what_frees
from s2p_console.trail import LINES, Family, event_data, event_text, family_of
from s2p_console.waiting import key_text
from s2p_console.waiting_view import line_data
from s2p_console.wording import count, instant, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from s2p_store import AuditEvent, Hold, LedgerEntry

__all__ = [
    "MOMENT_COLUMNS",
    "Life",
    "Moment",
    "families_of_holds",
    "hold_belongs",
    "ledger_keys",
    "life_data",
    "moment_cells",
    "moments",
    "needs_attention",
    "standing",
]

MOMENT_COLUMNS: Final = ("time (UTC)", "record", "what happened")
_HEADER_IDS: Final[Mapping[str, str]] = {
    "purchase_entries": "EntryID",
    "purchase_invoices": "InvoiceID",
    "purchase_orders": "PurchaseOrderID",
}
"""The property of a line that names its header."""
_STATES: Final[Mapping[str, str]] = {
    "sending": "being sent; if no run is going on, the next one finds out whether it arrived",
    "sent": "sent, with no outcome known yet",
    "done": "in ServiceNow",
    "failed": "refused by ServiceNow",
    "parked": "in ServiceNow's staging table, not transformed",
}
_NEEDS_SOMEONE: Final = frozenset({"failed", "parked"})


@dataclass(frozen=True, slots=True)
class Life:
    """All that the store knows of one document.

    Attributes:
        document: what was asked for.
        events: of the audit trail, as they were added.
        waiting: its lines that are held.
        released: its lines that were handed on and have no outcome yet.
        ledger: the last word on each of its records.
    """

    document: str
    events: Sequence[AuditEvent]
    waiting: Sequence[Hold]
    released: Sequence[Hold]
    ledger: Sequence[LedgerEntry]

    def __bool__(self) -> bool:
        """Tell whether anything is known."""
        return bool(self.events or self.waiting or self.released or self.ledger)


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to one record of the document."""

    at: datetime
    record: str
    text: str


def hold_belongs(hold: Hold, document: str) -> bool:
    """Tell whether a held line is of this document: by number, own id, or its header's id."""
    sought = document.strip().lower()
    ids = [hold.source_id, hold.document, key_text(hold)]
    ids += [str(hold.record.get(name, "")) for name in _HEADER_IDS.values()]
    return sought in {each.lower() for each in ids if each}


def families_of_holds(holds: Iterable[Hold]) -> set[Family]:
    """Give what identifies the invoices that held lines belong to, by the ids of their headers."""
    return {
        family
        for hold in holds
        for header, name in _HEADER_IDS.items()
        if LINES[header] == hold.stream and hold.record.get(name)
        for family in family_of(header, hold.division, str(hold.record[name]).lower())
    }


def ledger_keys(events: Iterable[AuditEvent]) -> dict[str, list[str]]:
    """Give the natural keys to look up in the ledger, by table."""
    keys: dict[str, dict[str, None]] = {}
    for event in events:
        if event.natural_key:
            tables = {
                str(event.detail[name])
                for name in ("staging_table", "table", "output")
                if event.detail.get(name)
            }
            for table in sorted(tables | {event.stream}):
                keys.setdefault(table, {})[event.natural_key] = None
    return {table: list(found) for table, found in keys.items()}


def moments(life: Life) -> list[Moment]:
    """Give everything that happened, in time order; equal times stay in the order recorded."""
    told = {(event.stream, event.source_id, event.run_id, event.kind) for event in life.events}
    found = [
        Moment(event.at, _record(event.stream, event.natural_key or event.source_id), text)
        for event in life.events
        for text in [event_text(event)]
    ]
    # A hold whose audit event is there already would only be told twice.
    found += [
        Moment(hold.held_at, _record(hold.stream, hold.source_id), f"held back · {reasons}")
        for hold in (*life.waiting, *life.released)
        if (hold.stream, hold.source_id, hold.run_id, "held") not in told
        for reasons in [", ".join(hold.reasons)]
    ]
    keys = {event.natural_key for event in life.events if event.kind in _LEDGER_KINDS}
    found += [
        Moment(entry.updated_at, _record(entry.table, entry.natural_key), _last_word(entry))
        for entry in life.ledger
        if entry.natural_key not in keys
    ]
    return sorted(found, key=lambda moment: moment.at)


_LEDGER_KINDS: Final = frozenset({"staged", "failed", "parked", "unchanged"})


def standing(life: Life) -> list[str]:
    """Say where the document stands now, one sentence per fact."""
    alike: dict[tuple[str, str], int] = {}
    for hold in life.waiting:
        cause = (hold.stream, _why(hold))
        alike[cause] = alike.get(cause, 0) + 1
    sentences = [
        f"{plain(stream)}: {count(lines, 'line waits', 'lines wait')}, {why}."
        for (stream, why), lines in alike.items()
    ]
    if life.released:
        sentences.append(
            f"{count(len(life.released), 'line')} handed on, with no outcome recorded yet."
        )
    by_state: dict[tuple[str, str], int] = {}
    for entry in life.ledger:
        key = (entry.table, entry.state)
        by_state[key] = by_state.get(key, 0) + 1
    sentences += [
        f"{plain(table)}: {count(number, 'record')} {_STATES[state]}."
        for (table, state), number in sorted(by_state.items())
    ]
    sentences += [
        f"{plain(entry.natural_key)} was refused: {plain(entry.message)}"
        for entry in life.ledger
        if entry.state == "failed" and entry.message
    ]
    return [*sentences, *downstream.sentences(life.events)]


def needs_attention(life: Life) -> bool:
    """Tell whether something of the document waits for a person."""
    return bool(life.waiting) or any(entry.state in _NEEDS_SOMEONE for entry in life.ledger)


def moment_cells(moment: Moment) -> list[str]:
    """Give a moment as a row of `MOMENT_COLUMNS`."""
    return [instant(moment.at), moment.record, moment.text]


def life_data(life: Life) -> dict[str, Any]:
    """Give a life as JSON; held records themselves are left out."""
    return {
        "document": life.document,
        "moments": [
            {"at": moment.at, "record": moment.record, "text": moment.text}
            for moment in moments(life)
        ],
        "standing": standing(life),
        "events": [event_data(event) for event in life.events],
        "held": [line_data(hold) for hold in life.waiting],
        "released": [line_data(hold) for hold in life.released],
        "ledger": [_entry_data(entry) for entry in life.ledger],
    }


def _record(where: str, what: str | None) -> str:
    return f"{plain(where)} {plain(what or '')}".rstrip()


def _why(hold: Hold) -> str:
    codes = ", ".join(named(*pair) for pair in hold.waiting_for)
    reasons = "; ".join(f"{each} ({what_frees(each)})" for each in hold.reasons)
    return f"for {codes}: {reasons}" if codes else reasons


def _last_word(entry: LedgerEntry) -> str:
    words = [_STATES[entry.state]]
    if entry.outcome:
        words.append(f"outcome {plain(entry.outcome)}")
    if entry.import_set:
        words.append(f"import set {plain(entry.import_set)}")
    if entry.target_sys_id:
        words.append(f"became {plain(entry.target_sys_id)}")
    if entry.message:
        words.append(f"message {plain(entry.message)}")
    return " · ".join(words)


def _entry_data(entry: LedgerEntry) -> dict[str, Any]:
    names = ("table", "natural_key", "state", "outcome", "import_set", "row")
    more = ("target_sys_id", "message", "run_id", "updated_at")
    return {name: getattr(entry, name) for name in (*names, *more)}
