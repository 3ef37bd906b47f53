"""Amounts as ServiceNow stores and shows them.

A currency column keeps code and amount (``EUR;12.50``). Over the Table API it takes that form; a
bare number silently becomes zero (observed on a live instance). Staging columns hold plain decimal
strings beside a currency column; the AP Invoice API sample shows ``(100.00)`` for a negative one.
"""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["amount_of", "display", "parse_amount", "stored_from_rest", "stored_from_staging"]

_PAIR = re.compile(r"([A-Z]{3});(.+)")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def parse_amount(text: str) -> Decimal | None:
    """The number in ``1,234.50``, ``-3`` or ``(100.00)``; None when there is none."""
    plain = text.strip().replace(",", "")
    if plain.startswith("(") and plain.endswith(")"):
        plain = "-" + plain[1:-1]
    return Decimal(plain) if _NUMBER.fullmatch(plain) else None


def _pair(code: str, amount: Decimal) -> str:
    exponent = amount.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) else 0
    return f"{code};{amount:.{max(2, decimals)}f}"


def stored_from_rest(text: str, system_currency: str) -> str:
    """What a Table API write of ``text`` leaves in a currency column."""
    if not text:
        return ""
    match = _PAIR.fullmatch(text)
    amount = parse_amount(match[2]) if match else None
    if match is None or amount is None:
        return f"{system_currency};0.00"
    return _pair(match[1], amount)


def stored_from_staging(text: str, currency: str, system_currency: str) -> str | None:
    """What a transform makes of a staging amount and its currency; None when it is no number."""
    if not text:
        return ""
    match = _PAIR.fullmatch(text)
    if match:
        currency, text = match[1], match[2]
    amount = parse_amount(text)
    return None if amount is None else _pair(currency or system_currency, amount)


def amount_of(stored: str) -> str:
    """The amount of a stored pair, as REST's ``value`` shows it."""
    return stored.partition(";")[2]


def display(stored: str) -> str:
    """The amount with its currency's sign, as REST's ``display_value`` shows it."""
    if not stored:
        return ""
    code, _, amount = stored.partition(";")
    return f"{_SYMBOLS.get(code, code + ' ')}{Decimal(amount):,}"
