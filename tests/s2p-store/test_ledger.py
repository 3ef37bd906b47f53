from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_store import (
    LedgerEntry,
    LedgerSum,
    LedgerTarget,
    Store,
    StoreDataInvalid,
    from_units,
    to_units,
)

NOW = datetime(2026, 11, 23, 4, 45, tzinfo=timezone.utc)


def entry(natural_key: str = "EXACT-1:PO-1", **changes: object) -> LedgerEntry:
    plain = LedgerEntry(
        table="u_purchase_order",
        natural_key=natural_key,
        source_version="2026-11-23T00:00:00Z",
        content_hash="ab" * 32,
        state="sending",
        import_set=None,
        row=None,
        outcome=None,
        target_sys_id=None,
        message=None,
        run_id="run-1",
        updated_at=NOW,
    )
    return msgspec.structs.replace(plain, **changes)  # type: ignore[arg-type]


def test_entries_come_back_as_given_from_another_opening(url: str) -> None:
    done = entry(
        "b", state="done", import_set="ISET1", row="r1", outcome="inserted", target_sys_id="t1"
    )
    with Store.open(url) as store:
        store.ledger.put_many([entry("a"), done])
    with Store.open(url) as store:
        assert store.ledger.get_many("u_purchase_order", ["a", "b", "missing"]) == {
            "a": entry("a"),
            "b": done,
        }


def test_a_later_entry_takes_the_place_of_the_earlier(store: Store) -> None:
    store.ledger.put_many([entry()])
    failed = entry(state="failed", message="Supplier unknown", updated_at=NOW + timedelta(1))
    store.ledger.put_many([failed])
    assert store.ledger.get_many(failed.table, [failed.natural_key]) == {failed.natural_key: failed}


def test_of_several_entries_of_one_key_in_one_call_the_last_counts(store: Store) -> None:
    store.ledger.put_many([entry(state="sending"), entry("z"), entry(state="sent")])
    assert (
        store.ledger.get_many(entry().table, [entry().natural_key])[entry().natural_key].state
        == "sent"
    )


def test_the_same_key_in_another_table_is_another_entry(store: Store) -> None:
    store.ledger.put_many([entry(), entry(table="u_invoice", state="done")])
    assert (
        store.ledger.get_many("u_invoice", [entry().natural_key])[entry().natural_key].state
        == "done"
    )
    assert store.ledger.get_many("u_other", [entry().natural_key]) == {}


def test_asking_for_nothing_gives_nothing(store: Store) -> None:
    store.ledger.put_many([])
    assert store.ledger.get_many("u_purchase_order", []) == {}


@pytest.mark.parametrize("text", ["", "O'Neill; DROP TABLE x", "ключ", '"quoted" \\ %s ? :x'])
def test_keys_are_any_text(store: Store, text: str) -> None:
    store.ledger.put_many([entry(text)])
    assert store.ledger.get_many("u_purchase_order", [text]) == {text: entry(text)}


def test_in_flight_gives_what_has_no_outcome_yet(store: Store) -> None:
    store.ledger.put_many(
        [
            entry("a", state="sending"),
            entry("b", state="sent"),
            entry("c", state="done"),
            entry("d", state="failed"),
            entry("e", state="parked"),
            entry("f", state="sent", table="u_invoice"),
        ]
    )
    assert [e.natural_key for e in store.ledger.in_flight()] == ["f", "a", "b"]
    assert [e.natural_key for e in store.ledger.in_flight("u_purchase_order")] == ["a", "b"]


def test_thousands_in_flight_are_settled_while_they_are_read(store: Store) -> None:
    store.ledger.put_many([entry(f"{n:05}", state="sent") for n in range(2100)])
    for each in store.ledger.in_flight():
        if each.natural_key.endswith("00"):
            store.ledger.put_many([msgspec.structs.replace(each, state="done")])
    assert sum(1 for _ in store.ledger.in_flight()) == 2079


def test_lists_longer_than_any_parameter_limit_are_found(store: Store) -> None:
    keys = [str(n) for n in range(40_000)]
    store.ledger.put_many([entry(key) for key in keys[::1000]])
    assert len(store.ledger.get_many("u_purchase_order", keys)) == 40


def test_an_unknown_state_is_refused_with_the_whole_call(store: Store) -> None:
    with pytest.raises(StoreDataInvalid, match="'gone'"):
        store.ledger.put_many([entry("a"), entry("b", state="gone")])
    assert store.ledger.get_many("u_purchase_order", ["a"]) == {}


def test_amounts_come_back_and_are_added_up_to_the_digit(store: Store) -> None:
    amounts = ["0.1", "0.2", "-0.3", "1234567890.12", "0.0001"]
    store.ledger.put_many(
        [
            entry(f"{n}|EXACT-1", state="done", units=to_units(text), currency="EUR")
            for n, text in enumerate(amounts)
        ]
    )
    store.ledger.put_many(
        [
            entry("5|EXACT-1", state="failed", units=to_units("7"), currency="USD"),
            entry("6|EXACT-1", state="done"),
            entry("7|EXACT-10", state="done", units=to_units("1"), currency="EUR"),
        ]
    )
    assert store.ledger.sums("EXACT-1") == [
        LedgerSum("u_purchase_order", "done", "", 1, 1, Decimal(0)),
        LedgerSum("u_purchase_order", "done", "EUR", 5, 0, Decimal("1234567890.1201")),
        LedgerSum("u_purchase_order", "failed", "USD", 1, 0, Decimal(7)),
    ]
    found = store.ledger.get_many("u_purchase_order", ["0|EXACT-1", "6|EXACT-1"])
    assert (found["0|EXACT-1"].units, found["0|EXACT-1"].currency) == (1000, "EUR")
    assert found["6|EXACT-1"].units is None


def test_what_is_done_is_told_with_record_and_amount(store: Store) -> None:
    done = {"state": "done", "target_sys_id": "t", "units": to_units("12.5"), "currency": "EUR"}
    store.ledger.put_many([entry("a|E", **done), entry("b|E"), entry("c|F", **done)])
    assert list(store.ledger.targets("u_purchase_order", "E")) == [
        LedgerTarget("a|E", "t", Decimal("12.50"), "EUR")
    ]


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "1E+30", "-1E+999999", "9" * 20, "n/a"])
def test_what_is_no_amount_of_money_has_none(text: str) -> None:
    assert to_units(text) is None


@pytest.mark.parametrize(
    ("text", "units"),
    [("12", 120_000), ("-0.5", -5_000), (".5", 5_000), ("1.00005", 10_000), ("1E+2", 1_000_000)],
)
def test_an_amount_is_read_from_its_text(text: str, units: int) -> None:
    assert to_units(text) == units


@given(st.decimals(-(10**12), 10**12, places=4))
def test_an_amount_of_four_places_is_kept_exactly(amount: Decimal) -> None:
    units = to_units(amount)
    assert units is not None
    assert from_units(units) == amount
    assert to_units(f"{amount:f}") == units
    exponent = from_units(units).as_tuple().exponent
    assert isinstance(exponent, int)
    assert exponent <= -2  # cents are always shown
