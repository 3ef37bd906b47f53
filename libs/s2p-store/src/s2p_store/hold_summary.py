"""What the held records wait for, counted and summed; pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from s2p_store.encoding import from_json
from s2p_store.holding import causes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Row

__all__ = ["Waiting", "summed"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for one cause: `reason`, and the (dimension, code) it waits for, if any.

    `amounts` sums per currency ("" where the record names none). A hold with several causes
    counts under each of them.
    """

    reason: str
    dimension: str | None
    code: str | None
    holds: int
    amounts: Mapping[str, Decimal]


def summed(rows: Iterable[Row[Any]]) -> list[Waiting]:
    """Sum rows of reasons, waiting_for, amount and currency, the most frequent cause first."""
    totals: dict[tuple[str, str | None, str | None], tuple[int, dict[str, Decimal]]] = {}
    for row in rows:
        for cause in causes(from_json(row.reasons), from_json(row.waiting_for)):
            holds, amounts = totals.setdefault(cause, (0, {}))
            if row.amount is not None:
                currency = row.currency or ""
                amounts[currency] = amounts.get(currency, Decimal(0)) + Decimal(row.amount)
            totals[cause] = (holds + 1, amounts)
    found = [Waiting(*cause, holds, amounts) for cause, (holds, amounts) in totals.items()]
    return sorted(
        found,
        key=lambda each: (-each.holds, each.reason, each.dimension or "", each.code or ""),
    )
