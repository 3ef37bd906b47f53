"""Values of both systems in one comparable form. Pure and total: whatever comes, no error."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

__all__ = ["balance_type", "code", "day", "flag", "inverse", "name", "squeezed"]

_SPACES: Final = re.compile(r"\s+")
_DAY_LENGTH: Final = 10
_NO_END: Final = "9999-12-31"
_TYPES: Final = {
    "b": "B",
    "balance sheet": "B",
    "asset": "B",
    "liability": "B",
    "equity": "B",
    "w": "W",
    "profit and loss": "W",
    "revenue": "W",
    "income": "W",
    "expense": "W",
}
"""What the forward way writes, and what ServiceNow's own data calls it; B and W are Exact's."""


def code(value: object) -> str:
    """A code without the padding Exact may keep around it."""
    return str(value).strip() if isinstance(value, (str, int)) else ""


def name(value: object) -> str | None:
    """A name with single spaces, in one Unicode form; None for none."""
    if not isinstance(value, str):
        return None
    return _SPACES.sub(" ", unicodedata.normalize("NFC", value)).strip() or None


def day(value: object) -> str | None:
    """YYYY-MM-DD of a date or moment in text; None for none, no date, and the last day there is.

    An import into ServiceNow cannot empty a date: what has no end again gets that last day.
    """
    text = str(value)[:_DAY_LENGTH] if isinstance(value, str) else ""
    if text == _NO_END:
        return None
    try:
        return date.fromisoformat(text).isoformat() if len(text) == _DAY_LENGTH else None
    except ValueError:
        return None


def flag(*values: object) -> bool | None:
    """The first that is true or false, in any of their spellings; None if none is."""
    for value in values:
        text = str(value).strip().lower()
        if text in {"true", "1", "yes"}:
            return True
        if text in {"false", "0", "no"}:
            return False
    return None


def inverse(value: object) -> bool | None:
    """True for false and the other way round."""
    known = flag(value)
    return None if known is None else not known


def balance_type(value: object) -> str | None:
    """Exact's B (balance sheet) or W (profit and loss); None for a word it has no word for."""
    return _TYPES.get(str(value).strip().lower()) if isinstance(value, str) else None


def squeezed(text: str) -> str:
    """A code as a person would mistake it for another: no case, no signs, no leading zeros."""
    letters = "".join(char for char in text.casefold() if char.isalnum())
    return letters.lstrip("0") or letters or text
