"""Value forms, from the recorded replies."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_sandbox.exact.values import (
    iso_of,
    milliseconds,
    milliseconds_of,
    padded,
    stored,
    wall_clock,
    wire,
)


def test_a_moment_is_the_amsterdam_wall_clock_taken_for_utc() -> None:
    summer = datetime(2026, 6, 25, 14, 19, 36, 547000, tzinfo=timezone.utc)
    assert milliseconds(wall_clock(summer)) == 1782404376547
    winter = datetime(2026, 1, 5, 23, 30, tzinfo=timezone.utc)
    assert wall_clock(winter) == datetime(2026, 1, 6, 0, 30)  # noqa: DTZ001


def test_the_repeated_hour_of_october_comes_twice() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=timezone.utc)
    second = datetime(2026, 10, 25, 1, 30, tzinfo=timezone.utc)
    assert wall_clock(first) == wall_clock(second)


def test_date_only() -> None:
    assert wire("DateTime", stored("x", "EntryDate", "DateTime", "2024-05-30")) == (
        "/Date(1717027200000)/"
    )


@pytest.mark.parametrize(
    ("edm", "value", "json_value"),
    [
        ("Int64", 128, "128"),
        ("Int32", 128, 128),
        ("Byte", True, 1),
        ("Boolean", True, True),
        ("Double", Decimal("0.20"), 0.2),
        ("Double", Decimal("1148.70"), 1148.7),
        ("Double", Decimal("-1200.00"), -1200),
        ("Guid", "0B6BD3D0-3A5C-4B3E-9D2F-0123456789AB", "0b6bd3d0-3a5c-4b3e-9d2f-0123456789ab"),
        ("Binary", "aGk=", None),
        ("String", None, None),
    ],
)
def test_forms_by_type(edm: str, value: object, json_value: object) -> None:
    shown = wire(edm, stored("x", "P", edm, value))
    assert shown == json_value
    assert type(shown) is type(json_value)


def test_padding_is_per_column() -> None:
    assert padded("crm/Accounts", "Code", "8") == " " * 17 + "8"
    assert padded("financial/GLAccounts", "Code", "4000") == "4000"
    assert padded("vat/VATCodes", "Code", "AB") == "AB "
    assert padded("logistics/Items", "Unit", "pc") == "pc      "
    assert padded("crm/Accounts", "Country", "") == ""


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Edm\.Int32"):
        stored("crm/Accounts", "InvoicingMethod", "Int32", "many")


@given(st.datetimes().map(lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000)))
def test_skip_token_times_come_back(moment: datetime) -> None:
    assert milliseconds_of(iso_of(milliseconds(moment))) == milliseconds(moment)


@given(st.decimals(min_value=-(10**11), max_value=10**11, places=2))
def test_cents_survive_the_wire(amount: Decimal) -> None:
    assert Decimal(str(wire("Double", stored("x", "AmountFC", "Double", amount)))) == amount
