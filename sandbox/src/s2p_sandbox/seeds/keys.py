"""Deterministic keys, choices and moments: the same seed on every machine, every time."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from uuid import UUID, uuid5

__all__ = ["cents", "guid", "moment", "number_text", "share"]

_NAMESPACE: Final = UUID("5a0b6f3e-6c1d-5c58-9d0a-2f1f4d0b7e11")
_CENT: Final = Decimal("0.01")

# Rows written by one import job carry one Modified; nightly at this wall-clock time, which no
# daylight-saving change of Amsterdam skips or repeats.
_NIGHTLY: Final = time(4, 30, 0, 617000)
_NIGHTLY_SHARE: Final = 0.2


def share(*parts: object) -> float:
    """A number in [0, 1) that depends on `parts` alone; used wherever a seed has to choose."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def guid(*parts: object) -> str:
    """A lower-case GUID, as Exact writes them, that depends on `parts` alone."""
    return str(uuid5(_NAMESPACE, "/".join(map(str, parts))))


def moment(day: date, *parts: object, days: int = 0) -> datetime:
    """A naive Amsterdam wall-clock time in working hours of `day` (+ up to `days` days), with ms.

    One in five falls on the nightly import job and so shares its value with the others of the day.
    """
    if days:
        day += timedelta(days=int(share("days", *parts) * (days + 1)))
    if share("nightly", *parts) < _NIGHTLY_SHARE:
        return datetime.combine(day, _NIGHTLY)
    milliseconds = int(share("moment", *parts) * 11 * 3600 * 1000)
    return datetime.combine(day, time(7)) + timedelta(milliseconds=milliseconds)


def cents(amount: Decimal) -> Decimal:
    """`amount` rounded half up to two decimals, as Exact books it."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def number_text(value: int, width: int) -> str:
    """`value` with leading zeros."""
    return str(value).zfill(width)
