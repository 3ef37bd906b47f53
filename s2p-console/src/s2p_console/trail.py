"""Audit events: as sentences, as JSON, and which of them speak of a document. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from s2p_console.reasons import named
from s2p_console.wording import instant, plain, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from s2p_store import AuditEvent

__all__ = [
    "EVENT_COLUMNS",
    "below",
    "event_cells",
    "event_data",
    "event_text",
    "is_guid",
    "speaks_of",
]

_PAIR: Final = 2
_GUID: Final = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
_NAMES_DOCUMENT: Final = re.compile(r"document|order|invoice|entry|header|parent")
EVENT_COLUMNS: Final = ("time (UTC)", "stream", "division", "record", "what happened", "run")

_KINDS: Final[Mapping[str, str]] = {
    "read": "read from Exact Online",
    "mapped": "mapped",
    "held": "held back",
    "released": "released to go on",
    "parked": "shown in ServiceNow's staging table, not transformed",
    "staged": "staged in ServiceNow",
    "unchanged": "not sent: nothing changed since the last time",
    "failed": "refused by ServiceNow",
    "deleted": "deleted in Exact Online",
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
}
"""Details worth a word of their own, in the order a reader wants them."""


def speaks_of(document: str) -> Callable[[AuditEvent], bool]:
    """Make the test whether an event concerns a document, given by number or GUID.

    It does if the natural key holds it as a whole word (`EXACT-NL|26700012|1` for 26700012; the
    line number at the end of a line's key does not count), if it is the source id, or if the
    detail names it as a document. A GUID may stand anywhere in the detail.
    """
    sought = document.strip().lower()
    word = re.compile(rf"(?<![\w.-]){re.escape(sought)}(?![\w.-])")
    anywhere = is_guid(sought)

    def fits(event: AuditEvent) -> bool:
        return (
            (event.source_id or "").lower() == sought
            or any(
                _is_of_document(match, event)
                for match in word.finditer((event.natural_key or "").lower())
            )
            or any(
                _is(each, sought)
                for name, each in event.detail.items()
                if anywhere or _NAMES_DOCUMENT.search(name)
            )
        )

    return fits


def is_guid(text: str) -> bool:
    """Tell whether this is a GUID of Exact or a sys_id of ServiceNow."""
    return _GUID.fullmatch(text.strip().lower()) is not None


def below(parents: Iterable[AuditEvent]) -> Callable[[AuditEvent], bool]:
    """Make the test whether an event concerns a part of what these events are about.

    A line's natural key begins with its header's, in the same division.
    """
    keys = {(event.division, event.natural_key) for event in parents if event.natural_key}

    def fits(event: AuditEvent) -> bool:
        key = event.natural_key or ""
        return any(
            event.division == division
            and key.startswith(beginning)
            and not re.match(r"[\w.-]", key[len(beginning) :])
            for division, beginning in keys
        )

    return fits


def _is_of_document(match: re.Match[str], event: AuditEvent) -> bool:
    at_the_end = match.start() > 0 and match.end() == len(match.string)
    return not (at_the_end and event.stream.endswith("_lines"))


def _is(item: object, sought: str) -> bool:
    if isinstance(item, (list, tuple)):
        return any(_is(each, sought) for each in item)
    return isinstance(item, (str, int)) and str(item).lower() == sought


def event_text(event: AuditEvent) -> str:
    """Say in one line what happened; details that have no word of their own come last."""
    detail = event.detail
    others = sorted(detail.keys() - _WORDS.keys())
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
