"""One value on its way into a column."""

from __future__ import annotations

import re
from datetime import datetime

from s2p_sandbox.servicenow.money import parse_amount

__all__ = ["BadValueError", "boolean", "is_sys_id", "typed"]

_SYS_ID = re.compile(r"[0-9a-f]{32}")
_TRUE = frozenset({"true", "1", "yes", "y", "t"})
_DATE_LENGTH = 10


class BadValueError(ValueError):
    """The text is no value of the column's type."""


def is_sys_id(text: str) -> bool:
    """Whether this is 32 lower-case hexadecimal digits."""
    return _SYS_ID.fullmatch(text) is not None


def boolean(text: str) -> str:
    """``true`` or ``false``; empty stays empty."""
    return "" if not text else str(text.strip().lower() in _TRUE).lower()


def typed(kind: str, text: str) -> str:
    """The stored form of a staging text for a column of that type.

    Dates are ``YYYY-MM-DD`` and date-times ``YYYY-MM-DD HH:MM:SS``, in UTC; a date alone is the
    beginning of its day.

    Raises:
        BadValueError: the text is no such value.
    """
    if not text:
        return ""
    if kind == "boolean":
        return boolean(text)
    if kind in {"integer", "decimal"}:
        return _number(kind, text)
    if kind in {"date", "datetime"}:
        return _moment(kind, text.strip())
    return text


def _number(kind: str, text: str) -> str:
    found = parse_amount(text)
    if found is None or (kind == "integer" and found != found.to_integral_value()):
        raise BadValueError(f"'{text}' is no {kind} number")
    return f"{found.to_integral_value() if kind == 'integer' else found:f}"


def _moment(kind: str, text: str) -> str:
    form = "%Y-%m-%d" if len(text) == _DATE_LENGTH else "%Y-%m-%d %H:%M:%S"
    try:
        found = datetime.strptime(text, form)  # noqa: DTZ007  # the instance keeps UTC without zone
    except ValueError as error:
        raise BadValueError(f"'{text}' is no date as yyyy-mm-dd") from error
    return found.strftime("%Y-%m-%d" if kind == "date" else "%Y-%m-%d %H:%M:%S")
