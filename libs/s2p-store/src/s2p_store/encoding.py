"""How values lie in the database: exact JSON, UTC instants as text (pure).

JSON numbers with a fraction or exponent come back as Decimal, digit for digit; Decimals go out
as JSON numbers. An integral Decimal such as Decimal("5") comes back as the int 5: the same
JSON number, so a record re-emitted from the store is the one that was read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from s2p_store.errors import StoreDataInvalid

__all__ = [
    "from_instant",
    "from_json",
    "plain_json",
    "to_instant",
    "to_json",
    "to_json_text",
]

_encoder = msgspec.json.Encoder(decimal_format="number")
_sorted_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
_PLAIN = frozenset({str, int, bool, type(None)})
_TEXT = frozenset({str})
_text_format = "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ"


def to_json(value: object) -> bytes:
    """Encode; mappings keep their order.

    Raises:
        StoreDataInvalid: something in it has no exact JSON form. The value is not named,
            for it may be personal data.
    """
    plain_json(value)
    return _encode(_encoder, value)


def to_json_text(value: object) -> str:
    """Encode with sorted keys: equal values give equal text."""
    plain_json(value)
    return _encode(_sorted_encoder, value).decode()


def from_json(data: bytes | str) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Decode what `to_json` or `to_json_text` made."""
    return _decoder.decode(data)


def plain_json(value: object, path: str = "") -> None:  # noqa: C901 - a branch per kind of JSON
    """Refuse everything JSON cannot hold exactly: dates, bytes, sets, NaN, keys that are no text.

    msgspec would turn them into text or null by itself; what came back would not be what went in.
    """
    kind = type(value)
    if kind in _PLAIN or (kind is dict and _is_flat(value)):  # type: ignore[arg-type] # as below
        return
    if isinstance(value, (Decimal, float)):
        if not math.isfinite(value):
            raise StoreDataInvalid(f"The number at {path or 'the top'} is not finite.")
    elif kind is dict or isinstance(value, Mapping):
        for key, item in value.items():  # type: ignore[attr-defined] # mypy loses `kind is dict`
            if type(key) is not str:
                raise StoreDataInvalid(f"A name at {path or 'the top'} is not text.")
            if type(item) not in _PLAIN:
                plain_json(item, f"{path}.{key}" if path else key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if type(item) not in _PLAIN:
                plain_json(item, f"{path}[]")
    elif not isinstance(value, (str, int)):
        raise StoreDataInvalid(
            f"The value at {path or 'the top'} is of type {kind.__name__}, which is not JSON: "
            "hand over text, numbers, booleans, null, lists and objects."
        )


def to_instant(moment: datetime) -> str:
    """Write an aware moment as 2026-11-23T04:45:00.000000Z: fixed width, sorts as it passes.

    Raises:
        StoreDataInvalid: the moment carries no time zone.
    """
    if moment.tzinfo is not timezone.utc:
        if moment.utcoffset() is None:
            raise StoreDataInvalid("A moment without a time zone cannot be stored: use UTC.")
        moment = moment.astimezone(timezone.utc)
    return _utc_text(moment)


def from_instant(text: str) -> datetime:
    """Read what `to_instant` wrote, as an aware moment in UTC."""
    return _utc_moment(text)


# All rows of a batch carry the same moment or two. Only moments in UTC are looked up by equality:
# elsewhere the hour that comes twice in autumn equals itself and is not the same.
@lru_cache(maxsize=256)
def _utc_text(moment: datetime) -> str:
    return _text_format % (
        moment.year,
        moment.month,
        moment.day,
        moment.hour,
        moment.minute,
        moment.second,
        moment.microsecond,
    )


@lru_cache(maxsize=256)
def _utc_moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc)


def _is_flat(value: Mapping[object, object]) -> bool:
    """Whether it is texts and plain values by texts; most are, and one by one takes longer."""
    return _TEXT.issuperset(map(type, value)) and _PLAIN.issuperset(map(type, value.values()))


def _encode(encoder: msgspec.json.Encoder, value: object) -> bytes:
    try:
        return encoder.encode(value)
    except (OverflowError, TypeError):
        # an integer beyond 64 bits, or a Mapping that is no dict: both rare, both have JSON
        return encoder.encode(_plain(value))
    except UnicodeEncodeError:
        # the error itself would show the text
        raise StoreDataInvalid(
            "A text holds half of a surrogate pair, which is no character and cannot be stored."
        ) from None


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if type(value) is int and not -(2**63) <= value < 2**64:
        return Decimal(value)  # msgspec writes integers up to 64 bits, decimals of any length
    return value
