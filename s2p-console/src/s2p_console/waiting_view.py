"""Held lines and what would free them, as table rows and as JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from s2p_console.reasons import named, what_frees
from s2p_console.waiting import key_text
from s2p_console.wording import amounts, instant, plain

if TYPE_CHECKING:
    from s2p_console.waiting import Group
    from s2p_store import Hold

__all__ = [
    "GROUP_COLUMNS",
    "LINE_COLUMNS",
    "SHORT_COLUMNS",
    "group_cells",
    "group_data",
    "line_cells",
    "line_data",
    "short_cells",
]

GROUP_COLUMNS: Final = (
    "division",
    "waits for",
    "reason",
    "lines",
    "amount",
    "since (UTC)",
    "frees",
)
LINE_COLUMNS: Final = (
    "key",
    "document",
    "amount",
    "currency",
    "reasons",
    "waits for",
    "held at (UTC)",
)
SHORT_COLUMNS: Final = ("key", "stream", "division", "document", "amount", "reasons", "waits for")


def group_cells(group: Group) -> list[str]:
    """Give a group as a row of `GROUP_COLUMNS`."""
    total = amounts(group.amounts)
    if group.without_amount:
        total = f"{total} (+ {group.without_amount} without amount)".strip()
    return [
        str(group.division),
        named(group.cause.dimension, group.cause.code) or "-",
        group.cause.reason,
        f"{group.lines:,}",
        total,
        instant(group.since),
        what_frees(group.cause.reason),
    ]


def group_data(group: Group) -> dict[str, Any]:
    """Give a group as JSON."""
    return {
        "division": group.division,
        "reason": group.cause.reason,
        "dimension": group.cause.dimension or None,
        "code": group.cause.code or None,
        "lines": group.lines,
        "amounts": group.amounts,
        "lines_without_amount": group.without_amount,
        "since": group.since,
        "frees": what_frees(group.cause.reason),
    }


def line_cells(hold: Hold) -> list[str]:
    """Give a line as a row of `LINE_COLUMNS`."""
    return [
        plain(key_text(hold)),
        plain(hold.document or ""),
        "" if hold.amount is None else f"{hold.amount:f}",
        plain(hold.currency or ""),
        ", ".join(hold.reasons),
        ", ".join(named(*pair) for pair in hold.waiting_for),
        instant(hold.held_at),
    ]


def short_cells(hold: Hold) -> list[str]:
    """Give a line as a row of `SHORT_COLUMNS`, for a screen; its key can be copied whole."""
    amount = {} if hold.amount is None else {hold.currency or "": hold.amount}
    return [
        plain(hold.source_id),
        plain(hold.stream),
        str(hold.division),
        plain(hold.document or ""),
        amounts(amount),
        ", ".join(hold.reasons),
        ", ".join(named(*pair) for pair in hold.waiting_for),
    ]


def line_data(hold: Hold, *, with_record: bool = False) -> dict[str, Any]:
    """Give a line as JSON; the record, which may hold personal data, only on demand."""
    data: dict[str, Any] = {
        "key": key_text(hold),
        "stream": hold.stream,
        "division": hold.division,
        "source_id": hold.source_id,
        "source_modified": hold.source_modified,
        "document": hold.document,
        "amount": hold.amount,
        "currency": hold.currency,
        "reasons": list(hold.reasons),
        "waiting_for": [
            {"dimension": dimension, "code": code} for dimension, code in hold.waiting_for
        ],
        "run_id": hold.run_id,
        "held_at": hold.held_at,
        "waived_by": None if hold.waiver is None else hold.waiver.by,
    }
    return {**data, "record": hold.record} if with_record else data
