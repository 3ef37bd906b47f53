"""Audit events: as sentences, as JSON, and which of them speak of a document. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from s2p_console.reasons import what_frees
from s2p_console.wording import instant, plain, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from s2p_store import AuditEvent

__all__ = ["EVENT_COLUMNS", "event_cells", "event_data", "event_text", "speaks_of"]

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
    """Make the test whether an event concerns a document.

    It does if the natural key holds the number as a whole word (`EXACT-NL|26700012|1` for
    26700012), or if the source id or a value of the detail is the number or GUID itself.
    """
    sought = document.strip().lower()
    word = re.compile(rf"(?<![\w.-]){re.escape(sought)}(?![\w.-])")

    def fits(event: AuditEvent) -> bool:
        return (
            (event.source_id or "").lower() == sought
            or word.search((event.natural_key or "").lower()) is not None
            or any(_is(each, sought) for each in event.detail.values())
        )

    return fits


def _is(item: object, sought: str) -> bool:
    if isinstance(item, (list, tuple)):
        return any(_is(each, sought) for each in item)
    return isinstance(item, (str, int)) and str(item).lower() == sought


def event_text(event: AuditEvent) -> str:
    """Say in one line what happened; details that have no word of their own come last."""
    parts = [_KINDS.get(event.kind, plain(event.kind))]
    reasons = event.detail.get("reasons") or event.detail.get("hold_reasons")
    if isinstance(reasons, (list, tuple)) and reasons:
        parts.append("; ".join(f"{plain(str(each))} ({what_frees(str(each))})" for each in reasons))
    rest = sorted(event.detail.keys() - _WORDS.keys() - {"reasons", "hold_reasons"})
    words = {**_WORDS, **{name: plain(name).replace("_", " ") for name in rest}}
    shown = ((word, value(event.detail.get(name))) for name, word in words.items())
    parts += [f"{word} {text}" for word, text in shown if text]
    return " · ".join(parts)


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
