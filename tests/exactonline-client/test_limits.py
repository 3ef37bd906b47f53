# ruff: noqa: ANN001 - what fixtures give stands in conftest.py
from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_client.limits import (
    Limits,
    day_is_spent,
    merge,
    next_day,
    read_limits,
    seconds_to_wait,
)

NOW = datetime(2023, 5, 12, 8, 18, 30, tzinfo=timezone.utc)
RECORDED = {
    "X-RateLimit-Minutely-Limit": "60",
    "X-RateLimit-Minutely-Remaining": "58",
    "X-RateLimit-Minutely-Reset": "1683879540000",
    "X-RateLimit-Limit": "5000",
    "X-RateLimit-Remaining": "4766",
    "X-RateLimit-Reset": "1683936000000",
}


def test_recorded_headers() -> None:
    limits = read_limits(RECORDED)
    assert limits.day_left == 4766
    assert limits.day_resets_at == datetime(2023, 5, 13, tzinfo=timezone.utc)
    assert limits.minute_left == 58
    assert limits.minute_resets_at == datetime(2023, 5, 12, 8, 19, tzinfo=timezone.utc)


def test_missing_and_malformed_headers_tell_nothing() -> None:
    assert read_limits({}) == Limits()
    assert read_limits(dict.fromkeys(RECORDED, "soon")) == Limits()
    assert read_limits({"X-RateLimit-Reset": "9" * 30}) == Limits()


def test_a_refusal_with_one_family_keeps_what_is_known_of_the_other() -> None:
    known = read_limits(RECORDED)
    told = Limits(minute_left=0, minute_resets_at=NOW)
    assert merge(known, told) == Limits(4766, known.day_resets_at, 0, NOW)


@pytest.mark.parametrize(("left", "spent"), [(251, False), (250, True), (0, True)])
def test_the_reserve_is_left_to_others(left, spent) -> None:
    limits = Limits(day_left=left, day_resets_at=next_day(NOW))
    assert bool(day_is_spent(limits, NOW, 250)) is spent
    assert day_is_spent(limits, next_day(NOW), 250) is None


@given(
    st.integers(0, 200_000),
    st.none() | st.integers(-(10**6), 10**6),
    st.none() | st.integers(0, 60),
    st.booleans(),
)
def test_waits_are_never_negative_nor_endless(now, reset, left, refused) -> None:
    moment = NOW + timedelta(seconds=now)
    resets_at = None if reset is None else moment + timedelta(seconds=reset)
    wait = seconds_to_wait(Limits(None, None, left, resets_at), moment, refused=refused)
    assert 0 <= wait <= 65
    if not refused and left != 0:
        assert wait == 0
    if refused:
        assert wait > 0


def test_it_waits_for_the_next_minute_with_a_margin() -> None:
    limits = Limits(minute_left=0, minute_resets_at=NOW + timedelta(seconds=30))
    assert seconds_to_wait(limits, NOW) == 32
    assert seconds_to_wait(Limits(minute_left=0), NOW) == 32
