"""How amounts lie in the database: as whole ten-thousandths, which both databases add exactly.

SQLite has no decimals: it would add texts as binary floats. Such a number is also what costs least
to carry along with tens of thousands of records a second.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

__all__ = ["from_units", "to_units"]

_PLACES: Final = 4
_CENT: Final = 100
_LARGEST: Final = Decimal(10) ** 13
"""No document is worth more, and nearly a hundred such fit into 64 bits."""
_SHORT: Final = 16
"""Characters of a text whose amount is not too large, whatever its digits."""


def to_units(amount: Decimal | str) -> int | None:
    """Give an amount as it is kept, rounded to four places; None for what is no amount of money.

    Args:
        amount: a number, or its text: digits, with a point and a sign where there are any.
    """
    if type(amount) is str and amount[-3:-2] == "." and len(amount) <= _SHORT:
        # Nearly every amount has two places, and reading digits is quicker than a decimal.
        try:
            return int(amount[:-3] + amount[-2:]) * _CENT
        except ValueError:
            pass
    try:
        number = Decimal(amount)
        units = round(number.scaleb(_PLACES)) if -_LARGEST < number < _LARGEST else None
    except InvalidOperation:  # no number, or one that cannot be compared
        return None
    return units


def from_units(units: int) -> Decimal:
    """Give what `to_units` made, with two decimals where these are enough."""
    cents, rest = divmod(units, _CENT)
    return Decimal(units).scaleb(-_PLACES) if rest else Decimal(cents).scaleb(-2)
