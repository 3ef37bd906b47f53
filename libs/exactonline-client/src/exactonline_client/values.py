"""From Exact's JSON forms to plain values. Pure, and the inner loop of every read.

======== ======================================= ==========================================
kind     Exact sends                             becomes
======== ======================================= ==========================================
text     string                                  the same
code     string, padded left or right            trimmed
guid     string                                  lower case
number   number                                  the same (int or Decimal, see ``envelope``)
flag     true or false, some columns 1 or 0      bool
int64    string                                  int
instant  ``/Date(ms)/`` in Amsterdam wall clock  RFC 3339 text in UTC, or an aware datetime
date     ``/Date(ms)/`` at midnight              ``YYYY-MM-DD`` text, or a date
======== ======================================= ==========================================

``null`` stays None for each kind.
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal

from exactonline_client.errors import UnexpectedAnswer
from exactonline_client.wallclock import date_text, instant_text, to_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

__all__ = ["Kind", "RowConverter", "instant_of", "milliseconds"]

Kind = Literal["text", "code", "guid", "number", "flag", "int64", "instant", "date"]

_PREFIX: Final = "/Date("
_SUFFIX: Final = ")/"


def milliseconds(value: str) -> int:
    """Read the number out of ``/Date(ms)/``.

    Raises:
        ValueError: another form.
    """
    if value[:6] != _PREFIX or value[-2:] != _SUFFIX:
        raise ValueError("not of the form /Date(milliseconds)/")
    return int(value[6:-2])


def instant_of(value: str) -> datetime:
    """Read ``/Date(ms)/`` as an aware UTC date-time."""
    return to_instant(milliseconds(value))


def _date_of(value: str) -> date:
    """Read the day of a ``/Date(ms)/``; the wall clock's, whatever its hour."""
    from datetime import date  # noqa: PLC0415 - only for values that are asked for as objects

    return date.fromisoformat(date_text(milliseconds(value)))


# The same moments and days come again and again: Created with Modified, header with lines.
@lru_cache(maxsize=4096)
def _instant_text(value: str) -> str:
    return instant_text(milliseconds(value))


@lru_cache(maxsize=4096)
def _date_text(value: str) -> str:
    return date_text(milliseconds(value))


def _flag(value: bool | int) -> bool:  # noqa: FBT001 - a value, not an option
    if value in (0, 1):
        return value == 1
    raise ValueError("neither true nor false")


_AS_TEXT: Final[Mapping[str, Callable[[Any], Any]]] = {
    "code": str.strip,
    "flag": _flag,
    "guid": str.lower,
    "int64": int,
    "instant": _instant_text,
    "date": _date_text,
}
_AS_OBJECTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **_AS_TEXT,
    "instant": instant_of,
    "date": _date_of,
}


class RowConverter:
    """A conversion compiled once for the properties of one entity, then applied row by row."""

    __slots__ = ("_conversions", "_names", "_resource", "_take")

    def __init__(
        self, resource: str, kinds: Mapping[str, Kind], *, as_objects: bool = False
    ) -> None:
        """Compile.

        Args:
            resource: for messages.
            kinds: kind of each property that a converted row has; others are dropped, absent
                ones become None.
            as_objects: give ``datetime`` and ``date`` instead of their texts.
        """
        functions = _AS_OBJECTS if as_objects else _AS_TEXT
        self._resource = resource
        self._names = tuple(kinds)
        # Taking many values at once is twice as fast, but insists on all of them being there.
        self._take = itemgetter(*kinds) if len(kinds) > 1 else self._take_one
        self._conversions = tuple(
            (name, functions[kind]) for name, kind in kinds.items() if kind in functions
        )

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Convert one row.

        Raises:
            UnexpectedAnswer: a value is not of its property's form; names the property, not the
                value.
        """
        try:
            result = dict(zip(self._names, self._take(row), strict=False))
        except KeyError:
            get = row.get
            result = {name: get(name) for name in self._names}
        name = ""
        try:
            for name, function in self._conversions:
                value = result[name]
                if value is not None:
                    result[name] = function(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise UnexpectedAnswer(
                f"Exact Online sent a {name} in {self._resource} that is not of the documented "
                "form. Nothing was read past it; if it lasts, report the property to Exact."
            ) from error
        return result

    def _take_one(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in self._names)
