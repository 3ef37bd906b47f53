"""The named functions of field expressions: plain functions from values to values.

Every function takes whatever JSON gave (text, number, boolean, None) and never raises for a value
it cannot use: it returns None, which an expression's ``??`` can catch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timezone
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

__all__ = ["FUNCTIONS", "Function", "is_missing", "text_of", "texts_of"]

Function = Callable[..., object]

_TRUE: Final = frozenset({"1", "true", "yes"})
_FALSE: Final = frozenset({"0", "false", "no"})
_LENGTHS_IN_UTC: Final = frozenset({20, 24})
"""Characters of a date-time with Z, in seconds and in milliseconds: all Pythons read these."""
_FOUR_DIGITS: Final = 1000
_RESERVED: Final = "NULL"
"""ServiceNow's import reads this word as "empty"; it must not be used as a value."""


def is_missing(value: object) -> bool:
    """True for None and for text of nothing but blanks."""
    return value is None or (isinstance(value, str) and not value.strip())


def text_of(value: object) -> str:
    """Write a value as ServiceNow's import takes it: always text, numbers without exponent."""
    if isinstance(value, str):  # by far the most frequent, so it comes first
        text = value.strip()
        return text.lower() if text == _RESERVED else text
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def texts_of(values: Sequence[object]) -> list[str]:
    """Write the values of one column, each as `text_of` does."""
    kinds = set(map(type, values))
    # Most columns hold values of one type, which are written without looking at each.
    write = _WRITERS.get(kinds.pop()) if len(kinds) == 1 else None
    if write is None:
        texts = [value.strip() if type(value) is str else text_of(value) for value in values]
    else:
        texts = list(map(write, values))
    return list(map(text_of, texts)) if _RESERVED in texts else texts


_WRITERS: Final[Mapping[type, Callable[[Any], str]]] = {
    str: str.strip,
    int: str,
    Decimal: "{:f}".format,
}


def number_of(value: object) -> Decimal | None:
    """Read a finite number exactly; a float by its shortest digits."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, bool) or is_missing(value):
        return None
    if isinstance(value, int):
        return Decimal(value)
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def code(value: object) -> object:
    """A code without the blanks Exact pads it with; 0 stays 0."""
    return text_of(value) or None


def money(value: object) -> object:
    """A plain decimal number with all its digits; negative with a minus sign."""
    return number_of(value)


def minus(first: object, second: object) -> object:
    """First less second; a missing second counts as 0."""
    left = number_of(first)
    if left is None:
        return None
    return left - (number_of(second) or Decimal(0))


def plus(first: object, second: object) -> object:
    """First and second; a missing second counts as 0."""
    left = number_of(first)
    if left is None:
        return None
    return left + (number_of(second) or Decimal(0))


def percent(value: object) -> object:
    """A fraction (0.02) as percentage (2)."""
    number = number_of(value)
    if number is None:
        return None
    scaled = (number * 100).normalize()
    return Decimal(format(scaled, "f"))


def ratio(first: object, second: object) -> object:
    """First divided by second to eight places; None where second is missing or 0."""
    left, right = number_of(first), number_of(second)
    if left is None or not right:
        return None
    try:
        return (left / right).quantize(Decimal("0.00000001")).normalize() + Decimal(0)
    except InvalidOperation:
        return None


def day(value: object) -> object:
    """The date of a date or of a date-time, as ``YYYY-MM-DD``."""
    return _day_of_text(value) if isinstance(value, str) else _day(value)


@lru_cache(4096)  # the documents of a portion share a few dates
def _day_of_text(text: str) -> str | None:
    return _day(text)


def _day(value: object) -> str | None:
    moment = _moment(value)
    return None if moment is None else moment.date().isoformat()


def moment(value: object) -> object:
    """A date-time in UTC as ``YYYY-MM-DD HH:MM:SS``, ServiceNow's stored form."""
    # Each record has one, nearly always as the tap writes it: a short way for it.
    if isinstance(value, str) and len(value) in _LENGTHS_IN_UTC and value[-1] == "Z":
        try:
            plain = datetime.fromisoformat(value[:-1])
        except ValueError:
            return None
        if plain.tzinfo is None and plain.year >= _FOUR_DIGITS:
            return plain.isoformat(" ", "seconds")
    found = _moment(value)
    return None if found is None else found.strftime("%Y-%m-%d %H:%M:%S")


def yesno(value: object) -> object:
    """``true`` or ``false`` from a boolean, Exact's Byte 0/1 or their words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    word = text_of(value).lower()
    if word in _TRUE:
        return "true"
    return "false" if word in _FALSE else None


def inverse(value: object) -> object:
    """The other of ``true`` and ``false``."""
    answer = yesno(value)
    return None if answer is None else ("false" if answer == "true" else "true")


def choose(value: object, *pairs: object) -> object:
    """The partner of the first choice that equals value; a last single choice is the default."""
    word = text_of(value)
    for position in range(0, len(pairs) - 1, 2):
        if text_of(pairs[position]) == word:
            return pairs[position + 1]
    return pairs[-1] if len(pairs) % 2 else None


def when(condition: object, then: object, otherwise: object = None) -> object:
    """Then where the condition is true, else otherwise."""
    return then if yesno(condition) == "true" else otherwise


def present(value: object, then: object, otherwise: object = None) -> object:
    """Then where the value is not missing, else otherwise."""
    return otherwise if is_missing(value) else then


def join(separator: object, *values: object) -> object:
    """The values that are not missing, joined."""
    words = [text_of(value) for value in values if not is_missing(value)]
    return str(separator).join(words) if words else None


def alphanumeric(value: object) -> object:
    """Letters and digits only: a GUID without its hyphens."""
    return "".join(filter(str.isalnum, text_of(value))) or None


def shorten(value: object, length: object) -> object:
    """At most so many characters."""
    text, bound = text_of(value), number_of(length)
    return text if bound is None else text[: int(bound)]


FUNCTIONS: Final[Mapping[str, Function]] = {
    function.__name__: function
    for function in (
        alphanumeric,
        choose,
        code,
        inverse,
        join,
        minus,
        money,
        percent,
        plus,
        present,
        ratio,
        shorten,
        when,
        yesno,
    )
} | {"date": day, "datetime": moment}


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    elif isinstance(value, str) and value.strip():
        try:
            # Python 3.10 reads neither Z nor fractions of another length than 3 or 6.
            found = _parse(value.strip())
        except ValueError:
            return None
    else:
        return None
    if found.tzinfo is None:
        return found.replace(tzinfo=timezone.utc)
    try:
        return found.astimezone(timezone.utc)
    except OverflowError:
        return None


def _parse(text: str) -> datetime:
    if text[-1] in "Zz":
        text = text[:-1] + "+00:00"
    head, dot, tail = text.partition(".")
    if dot:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[:digits][:6]:0<6}{tail[digits:]}"
    return datetime.fromisoformat(text)
