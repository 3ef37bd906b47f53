"""One record that waits, and how it lies in its table."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from s2p_store.encoding import from_instant, from_json, to_instant, to_json_text
from s2p_store.holding import causes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Row

    from s2p_store.crypto import Cipher

__all__ = [
    "Hold",
    "HoldKey",
    "HoldVersion",
    "Waiver",
    "from_row",
    "instant_of",
    "pairs_of",
    "to_row",
    "waiver_text",
]


class HoldKey(NamedTuple):
    """Which source record."""

    stream: str
    division: int
    source_id: str


class HoldVersion(NamedTuple):
    """Which source record, up to which version."""

    stream: str
    division: int
    source_id: str
    source_modified: datetime | None


@dataclass(frozen=True, slots=True)
class Waiver:
    """A person's decision to let this version of a record go on although something holds it.

    `reasons` are the reason codes it sets aside, None for all; `at` is aware. It lies in clear.
    """

    by: str
    why: str
    at: datetime
    reasons: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """One record that waits.

    `waiting_for` names (dimension, code) pairs, e.g. (("cost_center", "CC12"),); `amount` is
    exact and counts in `currency`; `document` is the number people know; `record` is as it was
    read, numbers with a fraction as Decimal. `record` and `amount` do not show in `repr`.
    """

    stream: str
    division: int
    source_id: str
    source_modified: datetime | None
    reasons: tuple[str, ...]
    waiting_for: tuple[tuple[str, str], ...]
    amount: Decimal | None = field(repr=False)
    currency: str | None
    document: str | None
    run_id: str
    held_at: datetime
    record: Mapping[str, Any] = field(repr=False)
    waiver: Waiver | None = None

    @property
    def key(self) -> HoldKey:
        """Which source record this is."""
        return HoldKey(self.stream, self.division, self.source_id)

    @property
    def causes(self) -> tuple[tuple[str, str | None, str | None], ...]:
        """What holds it: (reason, dimension, code), as `Holds.summary` counts it."""
        return tuple(causes(self.reasons, self.waiting_for))


def to_row(hold: Hold, cipher: Cipher) -> dict[str, object]:
    """Write an open hold as a row of its table."""
    return {
        "stream": hold.stream,
        "division": hold.division,
        "source_id": hold.source_id,
        "source_modified": (
            None if hold.source_modified is None else to_instant(hold.source_modified)
        ),
        "reasons": to_json_text(hold.reasons),
        "waiting_for": to_json_text(hold.waiting_for),
        "amount": None if hold.amount is None else str(hold.amount),
        "currency": hold.currency,
        "document": hold.document,
        "run_id": hold.run_id,
        "held_at": to_instant(hold.held_at),
        "released_run_id": None,
        "released_at": None,
        "record": cipher.seal(_place(*hold.key), hold.record),
        "waiver": None,  # another version needs another decision
    }


def from_row(row: Row[Any], cipher: Cipher) -> Hold:
    """Read a hold from its row."""
    return Hold(
        stream=row.stream,
        division=row.division,
        source_id=row.source_id,
        source_modified=instant_of(row.source_modified),
        reasons=tuple(from_json(row.reasons)),
        waiting_for=pairs_of(row.waiting_for),
        amount=None if row.amount is None else Decimal(row.amount),
        currency=row.currency,
        document=row.document,
        run_id=row.run_id,
        held_at=from_instant(row.held_at),
        record=cipher.unseal(_place(row.stream, row.division, row.source_id), row.record),
        waiver=_waiver(row.waiver),
    )


def waiver_text(waiver: Waiver) -> str:
    """Write a waiver as it lies in its column."""
    return to_json_text(
        {
            "by": waiver.by,
            "why": waiver.why,
            "at": to_instant(waiver.at),
            "reasons": None if waiver.reasons is None else list(waiver.reasons),
        }
    )


def _waiver(text: str | None) -> Waiver | None:
    if text is None:
        return None
    kept = from_json(text)
    reasons = None if kept["reasons"] is None else tuple(kept["reasons"])
    return Waiver(kept["by"], kept["why"], from_instant(kept["at"]), reasons)


def _place(stream: str, division: int, source_id: str) -> tuple[str, ...]:
    return ("hold", stream, str(division), source_id)


def pairs_of(text: str) -> tuple[tuple[str, str], ...]:
    """Read what a hold waits for: (dimension, code) pairs."""
    return tuple((dimension, code) for dimension, code in from_json(text))


def instant_of(text: str | None) -> datetime | None:
    """Read a moment that may be missing."""
    return None if text is None else from_instant(text)
