"""Whether lines add up to their header, whatever their order and whatever VAT is in it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_mapping.totals import LineAmount, LineAmounts, Total, adds_up

AMOUNTS = st.decimals(-10_000, 10_000, places=2)
LINES = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.tuples(AMOUNTS, AMOUNTS))


def amounts(lines: dict[str, tuple[Decimal, Decimal]]) -> LineAmounts:
    found = LineAmounts()
    for id_, line in lines.items():
        found.take(id_, LineAmount(*line))
    return found


def sums(lines: dict[str, tuple[Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    net = sum((amount for amount, _ in lines.values()), Decimal(0))
    return net, sum((vat for _, vat in lines.values()), Decimal(0))


@given(LINES)
def test_with_or_without_vat_and_with_either_sign_it_adds_up(
    lines: dict[str, tuple[Decimal, Decimal]],
) -> None:
    net, vat = sums(lines)
    for total in (Total(net), Total(net + vat), Total(-net), Total(net=net), Total()):
        assert adds_up(total, amounts(lines))


@given(LINES, st.decimals("0.01", 100, places=2))
def test_what_is_off_by_more_than_is_tolerated_does_not(
    lines: dict[str, tuple[Decimal, Decimal]], off: Decimal
) -> None:
    lines = {id_: (abs(amount), Decimal(0)) for id_, (amount, _) in lines.items()}
    total = Total(sums(lines)[0] + off)
    assert not adds_up(total, amounts(lines), (off - Decimal("0.001")) / max(1, len(lines)))
    assert adds_up(total, amounts(lines), off)


@given(LINES, st.data())
def test_a_line_told_again_counts_once_and_order_does_not_matter(
    lines: dict[str, tuple[Decimal, Decimal]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(list(lines.items())))
    other = LineAmounts()
    for id_, _ in shuffled:
        other.take(id_, LineAmount(Decimal(1), Decimal(2)))
    for id_, line in shuffled:
        other.take(id_, LineAmount(*line))
    assert (other.amount, other.vat) == sums(lines)
    assert LineAmounts.from_texts(other.texts()) == other


@pytest.mark.parametrize(
    ("total", "whole"),
    [
        (Total(Decimal(121)), True),
        (Total(Decimal(100)), True),
        (Total(Decimal(130), vat=Decimal(30)), True),
        (Total(Decimal(130)), False),
        (Total(Decimal(130), net=Decimal(100)), True),
        (Total(Decimal(0)), False),
    ],
)
def test_the_ways_in_which_a_header_may_be_meant(total: Total, whole: bool) -> None:  # noqa: FBT001
    assert adds_up(total, amounts({"a": (Decimal(100), Decimal(21))})) is whole
