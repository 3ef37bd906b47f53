# ruff: noqa: DTZ001 - Exact's wall clock has no zone
from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from exactonline_client.filters import instant_literal, modified_since
from exactonline_client.wallclock import (
    date_text,
    earliest_wall_clock,
    instant_text,
    to_instant,
    to_wall_clock,
)

INSTANTS = st.datetimes(
    datetime(1990, 1, 1), datetime(2036, 12, 31), timezones=st.just(timezone.utc)
)
AROUND_THE_CHANGE = st.integers(-7200, 7200).map(
    lambda s: datetime(2026, 10, 25, 1, tzinfo=timezone.utc) + timedelta(seconds=s)
)


def test_a_recorded_row_was_created_when_the_reply_says_it_was() -> None:
    # Recorded: HTTP date 14:19:37 GMT, Created /Date(1782404376547)/, summer time.
    assert instant_text(1782404376547) == "2026-06-25T14:19:36.547Z"
    assert to_instant(1782404376547) == datetime(
        2026, 6, 25, 14, 19, 36, 547000, tzinfo=timezone.utc
    )


def test_winter_is_one_hour_from_utc_and_before_1970_works() -> None:
    assert instant_text(1_768_435_200_000) == "2026-01-14T23:00:00.000Z"
    assert instant_text(-1) == "1969-12-31T22:59:59.999Z"


def test_a_moment_that_was_never_set_is_the_first_one() -> None:
    assert instant_text(-62_135_596_800_000) == "0001-01-01T00:00:00.000Z"
    assert date_text(-62_135_596_800_000) == "0001-01-01"


def test_a_day_is_the_wall_clocks_day() -> None:
    assert date_text(1717027200000) == "2024-05-30"


@given(INSTANTS)
def test_text_and_instant_agree(moment: datetime) -> None:
    wall = to_wall_clock(moment).replace(microsecond=0)
    ms = int((wall - datetime(1970, 1, 1)).total_seconds() * 1000)
    assert datetime.fromisoformat(instant_text(ms).replace("Z", "+00:00")) == to_instant(ms)


@given(st.one_of(INSTANTS, AROUND_THE_CHANGE))
def test_reading_a_wall_clock_never_gives_a_later_moment(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    wall = to_wall_clock(moment)
    ms = int((wall - datetime(1970, 1, 1)).total_seconds() * 1000)
    assert moment - to_instant(ms) in (timedelta(), timedelta(hours=1))


@given(st.one_of(INSTANTS, AROUND_THE_CHANGE), st.integers(0, 4 * 3600))
def test_no_later_moment_has_an_earlier_wall_clock_than_the_filter(
    moment: datetime, later: int
) -> None:
    assert earliest_wall_clock(moment) <= to_wall_clock(moment + timedelta(seconds=later))


def test_filters_speak_the_wall_clock() -> None:
    moment = datetime(2026, 6, 25, 14, 19, 36, 999999, tzinfo=timezone.utc)
    assert modified_since(moment) == "Modified ge datetime'2026-06-25T16:19:36'"
    doubled = datetime(2026, 10, 25, 0, 40, tzinfo=timezone.utc)
    assert instant_literal(doubled) == "datetime'2026-10-25T02:00:00'"
