"""Audit events: as sentences, as JSON, and which of them speak of a document. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from s2p_console.errors import ConsoleError
from s2p_console.reasons import named
from s2p_console.wording import instant, plain, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from s2p_store import AuditEvent

__all__ = [
    "EVENT_COLUMNS",
    "LINES",
    "Family",
    "event_cells",
    "event_data",
    "event_text",
    "families",
    "family_of",
    "first_of_key",
    "is_document",
    "is_guid",
    "moment_of",
    "speaks_of",
    "speaks_of_code",
]

_PAIR: Final = 2
_AGO: Final = re.compile(r"([0-9]{1,6})([dhm])")
_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes"}
_GUID: Final = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
_DOCUMENTS: Final = ("purchase_", "bank_")
LINES: Final[Mapping[str, str]] = {
    "purchase_orders": "purchase_order_lines",
    "purchase_invoices": "purchase_invoice_lines",
    "purchase_entries": "purchase_entry_lines",
}
"""The streams of headers, each with that of its lines."""

Family = tuple[str, "int | None", str]
"""Stream, division and first part of the natural key."""

_NAMES_DOCUMENT: Final = re.compile(r"document|order|invoice|entry|header|parent")
EVENT_COLUMNS: Final = ("time (UTC)", "stream", "division", "record", "what happened", "run")

_KINDS: Final[Mapping[str, str]] = {
    "read": "read from Exact Online",
    "login": "login at Exact Online",
    "rule_accepted": "mapping rule accepted",
    "adopted": "given to a supplier that ServiceNow had",
    "mapped": "mapped",
    "held": "held back",
    "released": "released to go on",
    "waived": "let go on by a person's decision",
    "parked": "shown in ServiceNow's staging table, not transformed",
    "staged": "staged in ServiceNow",
    "unchanged": "not sent: nothing changed since the last time",
    "failed": "refused by ServiceNow",
    "deleted": "deleted in Exact Online",
    "seen": "seen in ServiceNow",
}
_WORDS: Final[Mapping[str, str]] = {
    "reasons": "",
    "hold_reasons": "",
    "outcome": "outcome",
    "staging_table": "table",
    "table": "table",
    "import_set": "import set",
    "target_table": "target table",
    "target_sys_id": "became",
    "gl_account": "GL account",
    "cost_center": "cost center",
    "mapping_rule": "by",
    "rule": "by",
    "waiting_for": "waits for",
    "message": "message",
    "actor": "by",
}
"""Details worth a word of their own, in the order a reader wants them."""
_FOR_PROGRAMS: Final = frozenset({"hash", "version"})
"""Which version and content an event is about: for proofs, not for people."""


def speaks_of(document: str) -> Callable[[AuditEvent], bool]:
    """Make the test whether an event concerns a document, given by number or GUID.

    It does if the natural key begins with it (`10001|1|EXACT-NL` for order 10001), if it is the
    source id, or if the detail names it as a document. A GUID may stand anywhere in the detail.
    """
    sought = document.strip().lower()
    anywhere = is_guid(sought)

    def fits(event: AuditEvent) -> bool:
        return bool(sought) and (
            sought in {(event.source_id or "").lower(), (event.natural_key or "").lower()}
            or first_of_key(event) == sought
            or any(
                _is(each, sought)
                for name, each in event.detail.items()
                if anywhere or _NAMES_DOCUMENT.search(name)
            )
        )

    return fits


def speaks_of_code(code: str) -> Callable[[AuditEvent], bool]:
    """Make the test whether an event names a GL account or cost center: found, or waited for."""

    def fits(event: AuditEvent) -> bool:
        detail = event.detail
        waited = detail.get("waiting_for")
        pairs = waited if isinstance(waited, (list, tuple)) else ()
        return code in {detail.get("gl_account"), detail.get("cost_center")} or any(
            isinstance(pair, (list, tuple)) and len(pair) == _PAIR and pair[1] == code
            for pair in pairs
        )

    return fits


def moment_of(text: str | None, now: datetime) -> datetime | None:
    """Read a moment: a date or date-time (UTC without a zone), or so long ago (`2d`, `8h`, `30m`).

    Raises:
        ConsoleError: it is neither.
    """
    if text is None:
        return None
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise ConsoleError(
            f"{plain(text)!r} is no moment: write 2026-06-01, 2026-06-01T08:00, or 2d, 8h, 30m for "
            "so long ago."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def is_guid(text: str) -> bool:
    """Tell whether this is a GUID of Exact or a sys_id of ServiceNow."""
    return _GUID.fullmatch(text.strip().lower()) is not None


def is_document(event: AuditEvent) -> bool:
    """Tell whether the event is about a document or a line of one, not about reference data."""
    return event.stream.startswith(_DOCUMENTS)


def first_of_key(event: AuditEvent) -> str:
    """Give the first part of the natural key: what a header shares with its lines."""
    return (event.natural_key or "").partition("|")[0].lower()


def families(events: Iterable[AuditEvent]) -> set[Family]:
    """Give what identifies the records that belong to the headers among these events."""
    return {
        family
        for event in events
        if event.stream in LINES and event.natural_key
        for family in family_of(event.stream, event.division, first_of_key(event))
    }


def family_of(header_stream: str, division: int | None, first: str) -> Iterator[Family]:
    """Give what identifies a header and its lines."""
    yield header_stream, division, first
    yield LINES[header_stream], division, first


def _is(item: object, sought: str) -> bool:
    if isinstance(item, (list, tuple)):
        return any(_is(each, sought) for each in item)
    return isinstance(item, (str, int)) and str(item).lower() == sought


def event_text(event: AuditEvent) -> str:
    """Say in one line what happened; details that have no word of their own come last."""
    detail = event.detail
    others = sorted(detail.keys() - _WORDS.keys() - _FOR_PROGRAMS)
    words = {**_WORDS, **{name: plain(name).replace("_", " ") for name in others}}
    shown = ((word, _shown(name, detail.get(name))) for name, word in words.items())
    parts = [_KINDS.get(event.kind, plain(event.kind))]
    parts += [f"{word} {text}".strip() for word, text in shown if text]
    return " · ".join(parts)


def _shown(name: str, item: object) -> str:
    if name == "waiting_for" and isinstance(item, (list, tuple)):
        pairs = [pair for pair in item if isinstance(pair, (list, tuple)) and len(pair) == _PAIR]
        if len(pairs) == len(item):
            return ", ".join(named(str(dimension), str(code)) for dimension, code in pairs)
    return value(item)


def event_cells(event: AuditEvent) -> list[str]:
    """Give an event as a row of `EVENT_COLUMNS`."""
    return [
        instant(event.at),
        plain(event.stream),
        "" if event.division is None else str(event.division),
        plain(event.natural_key or event.source_id or ""),
        event_text(event),
        plain(event.run_id),
    ]


def event_data(event: AuditEvent) -> dict[str, Any]:
    """Give an event as JSON."""
    return {
        "at": event.at,
        "run_id": event.run_id,
        "stream": event.stream,
        "division": event.division,
        "source_id": event.source_id,
        "natural_key": event.natural_key,
        "kind": event.kind,
        "detail": event.detail,
    }
