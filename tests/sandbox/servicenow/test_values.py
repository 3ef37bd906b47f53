from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_sandbox.servicenow import money
from s2p_sandbox.servicenow.values import BadValueError, is_sys_id, typed

AMOUNTS = st.decimals(
    allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12
)


@given(AMOUNTS, st.sampled_from(["EUR", "GBP", "USD"]))
def test_an_amount_keeps_its_value_and_currency(amount: Decimal, code: str) -> None:
    staged = money.stored_from_staging(f"{amount:f}", code, "USD")
    assert staged is not None
    assert staged.partition(";")[0] == code
    assert Decimal(money.amount_of(staged)) == amount
    assert money.stored_from_rest(staged, "USD") == staged


@given(AMOUNTS.filter(lambda one: one > 0))
def test_parentheses_mean_a_negative_amount(amount: Decimal) -> None:
    assert money.parse_amount(f"({amount:f})") == -amount


@given(st.text())
def test_any_text_is_an_amount_or_none(text: str) -> None:
    found = money.parse_amount(text)
    assert found is None or found.is_finite()
    assert money.stored_from_rest(text, "EUR") == "" or ";" in money.stored_from_rest(text, "EUR")


@given(st.sampled_from(["integer", "decimal", "date", "datetime", "boolean", "string"]), st.text())
def test_a_value_is_stored_the_same_again_or_refused(kind: str, text: str) -> None:
    try:
        stored = typed(kind, text)
    except BadValueError:
        return
    assert typed(kind, stored) == stored


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("date", "2026-02-03", "2026-02-03"),
        ("date", "2026-02-03 14:00:00", "2026-02-03"),
        ("datetime", "2026-02-03", "2026-02-03 00:00:00"),
        ("integer", "30", "30"),
        ("integer", "30.0", "30"),
        ("decimal", "1,234.50", "1234.50"),
        ("boolean", "Yes", "true"),
        ("boolean", "0", "false"),
        ("boolean", "", ""),
    ],
)
def test_typed_values(kind: str, text: str, stored: str) -> None:
    assert typed(kind, text) == stored


@pytest.mark.parametrize(
    ("kind", "text"), [("date", "3-2-2026"), ("integer", "1.5"), ("decimal", "x")]
)
def test_refused_values(kind: str, text: str) -> None:
    with pytest.raises(BadValueError):
        typed(kind, text)


def test_sys_ids() -> None:
    assert is_sys_id("0123456789abcdef" * 2)
    assert not is_sys_id("0123456789ABCDEF" * 2)
    assert not is_sys_id("abc")
