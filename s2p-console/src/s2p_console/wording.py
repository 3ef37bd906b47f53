"""How values look on a screen. Pure.

Texts from documents come from outside: what could steer a terminal or a spreadsheet is taken out.
"""

from __future__ import annotations

import re
from datetime import timezone
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

__all__ = ["amounts", "cell", "count", "duration", "instant", "money", "plain", "value"]

_FORMULA: Final = re.compile(r"[=+@\t\r]|-(?![0-9.,]+$)")
_MINUTE: Final = 60


def plain(text: str) -> str:
    """Replace everything that does not print: control and direction marks, line ends."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "·" for c in text)


def cell(text: str) -> str:
    """Give a text for a CSV file that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def instant(moment: datetime | None) -> str:
    """Give a moment in UTC to the second; an empty text for none."""
    if moment is None:
        return ""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float | None) -> str:
    """Give a duration as a person would say it."""
    if seconds is None:
        return "not finished"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    return f"{minutes} min {rest:02d} s"


def count(number: int, one: str, many: str | None = None) -> str:
    """Give "1 line", "2 lines"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def money(amount: Decimal) -> str:
    """Give an amount with thousands separated, its decimals as they are, at least two."""
    exponent = amount.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 2
    return f"{amount:,.{max(places, 2)}f}"


def amounts(by_currency: Mapping[str, Decimal]) -> str:
    """Give sums of several currencies, the largest first; they are never added up."""
    ordered = sorted(by_currency.items(), key=lambda item: (-abs(item[1]), item[0]))
    return " + ".join(f"{money(amount)} {plain(currency)}".rstrip() for currency, amount in ordered)


def value(item: Any) -> str:  # noqa: ANN401 - JSON is any of six types
    """Give a JSON value in one line."""
    if item is None:
        return ""
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, dict):
        return _listed([f"{name} {value(each)}".strip() for name, each in item.items()])
    if isinstance(item, (list, tuple)):
        return _listed([value(each) for each in item])
    return plain(str(item))


def _listed(texts: Sequence[str]) -> str:
    return ", ".join(text for text in texts if text)
