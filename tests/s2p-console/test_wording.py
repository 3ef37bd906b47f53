from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2p_console.output import json_text, write_csv
from s2p_console.wording import amounts, cell, duration, instant, money, plain, value


@settings(deadline=None)
@given(st.text())
def test_plain_text_steers_no_terminal(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert len(shown) == len(text)


@settings(deadline=None)
@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15), max_value=10**15
    )
)
def test_money_keeps_every_digit(amount: Decimal) -> None:
    assert Decimal(money(amount).replace(",", "")) == amount


def test_money_is_grouped_with_two_decimals_at_least() -> None:
    assert money(Decimal("1234567.5")) == "1,234,567.50"
    assert money(Decimal("1E+3")) == "1,000.00"
    assert money(Decimal("0.125")) == "0.125"


def test_currencies_are_never_added_up() -> None:
    assert amounts({"GBP": Decimal(5), "EUR": Decimal("-7.5")}) == "-7.50 EUR + 5.00 GBP"
    assert amounts({"": Decimal(5)}) == "5.00"


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "@SUM(A1)", "-2+3", "-A1", "\t=1"])
def test_formulas_are_disarmed(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-12.50", "26700012", "a=b", "", "CC-12"])
def test_ordinary_cells_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


@settings(deadline=None)
@given(
    st.lists(
        st.lists(
            st.text().filter(lambda text: "\0" not in text and "\r" not in text),
            min_size=2,
            max_size=2,
        )
    )
)
def test_csv_comes_back_as_it_went(rows: list[list[str]]) -> None:
    out = io.StringIO()
    write_csv(("a", "b"), rows, out)
    read = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert read == [["a", "b"], *([cell(text) for text in row] for row in rows)]


def test_moments_are_shown_in_utc() -> None:
    cet = timezone(timedelta(hours=1))
    assert instant(datetime(2026, 1, 2, 0, 30, tzinfo=cet)) == "2026-01-01 23:30:00"
    assert instant(None) == ""


def test_durations() -> None:
    assert duration(None) == "not finished"
    assert duration(12.34) == "12.3 s"
    assert duration(3599.9) == "60 min 00 s"


def test_values_in_one_line() -> None:
    assert value({"a": [1, True, None], "b": "x\ny"}) == "a 1, yes, b x·y"


def test_json_keeps_amounts_digit_for_digit() -> None:
    assert '"amount": 100.10' in json_text({"amount": Decimal("100.10")})
    assert '"amount": 12345678901234567890.12' in json_text(
        {"amount": Decimal("12345678901234567890.12")}
    )
