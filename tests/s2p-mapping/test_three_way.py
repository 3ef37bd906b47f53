"""Ordered, received, invoiced: what counts as a deviation, for any amounts and any order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_mapping.three_way import (
    Billed,
    Billing,
    Deviation,
    Ordered,
    Tolerance,
    Tolerances,
    decimal_of,
    deviations,
)

numbers = st.decimals(-1_000, 1_000, places=3)
positive = st.decimals(1, 1_000, places=3)
D = Decimal
TEN = Ordered(quantity=D(10), received=D(10), price=D("2.50"), unit="pc")


def billing(
    quantity: Decimal | None = TEN.quantity,
    price: Decimal | None = TEN.price,
    **more: Any,  # noqa: ANN401 - whatever a billing takes
) -> Billing:
    return Billing(quantity=quantity, price=price, **more)


@pytest.mark.parametrize(
    ("line", "ordered", "billed", "expected"),
    [
        (billing(), TEN, D(10), ()),
        (billing(D(4)), TEN, D(4), ()),
        (billing(D(4)), TEN, D(14), (Deviation.QUANTITY_ABOVE_ORDERED, "received")),
        (billing(price=D("2.51")), TEN, D(10), (Deviation.PRICE_DIFFERS,)),
        (billing(unit="box", price=D(25)), TEN, D(10), (Deviation.UNIT_DIFFERS,)),
        (billing(suppliers=("a", "b")), TEN, D(10), (Deviation.SUPPLIER_DIFFERS,)),
        (billing(currencies=("EUR", "USD")), TEN, D(10), (Deviation.CURRENCY_DIFFERS,)),
        (billing(currencies=("EUR", "")), TEN, D(10), ()),
        (billing(D(-4)), TEN, D(6), ()),
        (billing(D(-4)), TEN, D(-4), (Deviation.CREDIT_ABOVE_INVOICED,)),
        (billing(None), TEN, D(0), (Deviation.NOT_COMPARABLE,)),
        (billing(), Ordered(item="i"), D(10), (Deviation.NOT_COMPARABLE,)),
        (billing(), Ordered(quantity=D(10), received=D(3), price=D("2.5")), D(10), ("received",)),
        (billing(D(-10)), Ordered(quantity=D(-10), price=D("2.5")), D(-10), ()),
        (billing(D(-10)), Ordered(quantity=D(-5), price=D("2.5")), D(-10), ("ordered",)),
    ],
)
def test_deviations_by_example(
    line: Billing, ordered: Ordered, billed: Decimal, expected: tuple[str, ...]
) -> None:
    names = {
        "received": Deviation.QUANTITY_ABOVE_RECEIVED,
        "ordered": Deviation.QUANTITY_ABOVE_ORDERED,
    }
    wanted = tuple(names.get(each, each) for each in expected)
    assert deviations(line, ordered, billed, Tolerances()) == wanted


def test_the_larger_of_amount_and_percentage_is_tolerated() -> None:
    tolerance = Tolerance(D(5), D(10))
    assert tolerance.covers(D(5), D(20))
    assert tolerance.covers(D(10), D(100))
    assert not tolerance.covers(D("5.01"), D(20))


@given(positive, positive, st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_a_wider_tolerance_never_finds_more(
    quantity: Decimal, price: Decimal, narrow: Decimal, more: Decimal
) -> None:
    def found(percent: Decimal) -> set[Deviation]:
        within = Tolerances(Tolerance(percent=percent), Tolerance(percent=percent))
        return set(deviations(billing(quantity, price), TEN, quantity, within))

    assert found(narrow + more) <= found(narrow)


@given(st.lists(st.tuples(st.sampled_from("abc"), numbers), max_size=8), st.randoms())
def test_each_line_counts_once_in_any_order_and_however_often_it_is_read(
    lines: list[tuple[str, Decimal]], random: object
) -> None:
    last = dict(lines)
    billed = Billed()
    for id_, quantity in lines:
        billed = billed.with_line(id_, quantity)
    assert billed.total == sum(last.values(), D(0))
    again = list(last.items())
    random.shuffle(again)  # type: ignore[attr-defined]
    for id_, quantity in again:
        billed = billed.with_line(id_, quantity)
    assert billed.total == sum(last.values(), D(0))
    assert Billed.from_texts(billed.texts()) == billed


@given(st.text(max_size=12))
def test_any_text_is_a_finite_number_or_none(text: str) -> None:
    number = decimal_of(text)
    assert number is None or number.is_finite()
