from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_store import StoreDataInvalid
from s2p_store.encoding import from_instant, from_json, to_instant, to_json, to_json_text

_FIRST, _LAST = datetime(1900, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - hypothesis adds zones
_zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_moments = st.datetimes(min_value=_FIRST, max_value=_LAST, timezones=_zones)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_numbers = (
    st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.floats(allow_nan=False, allow_infinity=False)
)
_json = st.recursive(
    st.none() | st.booleans() | _numbers | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
)


@given(_moments)
def test_a_moment_comes_back_as_the_same_moment_in_utc(moment: datetime) -> None:
    found = from_instant(to_instant(moment))
    assert found == moment
    assert found.tzinfo is timezone.utc


@given(_moments, _moments)
def test_texts_of_moments_sort_as_the_moments_do(one: datetime, other: datetime) -> None:
    assert (to_instant(one) < to_instant(other)) == (one < other)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_keeps_every_digit(number: Decimal) -> None:
    found = from_json(to_json(number))
    assert found == number
    if number.as_tuple().exponent != 0:
        assert Decimal(found).as_tuple() == number.as_tuple()


@given(_json)
def test_json_comes_back_equal(value: Any) -> None:  # noqa: ANN401 - JSON
    def exact(part: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(part, float):
            return Decimal(repr(part))
        if isinstance(part, list):
            return [exact(item) for item in part]
        if isinstance(part, dict):
            return {name: exact(item) for name, item in part.items()}
        return part

    assert from_json(to_json(value)) == exact(value)


@given(st.dictionaries(_text, _numbers))
def test_equal_objects_give_equal_text_whatever_their_order(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    assert to_json_text(value) == to_json_text(turned)


@pytest.mark.parametrize("value", [float("inf"), Decimal("NaN"), b"", object(), {None: 1}, {1, 2}])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(StoreDataInvalid):
        to_json({"a": [value]})


def test_the_hour_that_comes_twice_is_two_moments() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Amsterdam"))
    second = first.replace(fold=1)
    assert first == second
    assert to_instant(first) == "2026-10-25T00:30:00.000000Z"
    assert to_instant(second) == "2026-10-25T01:30:00.000000Z"
