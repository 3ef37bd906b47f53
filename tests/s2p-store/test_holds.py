from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2p_store import Hold, Store, StoreDataInvalid, StoreKeyMissing, Waiting, Waiver
from s2p_store.holding import Known, Put, decide

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Clock

NOW = datetime(2026, 11, 23, 4, 45, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def hold(source_id: str = "guid-1", **changes: object) -> Hold:
    plain = Hold(
        stream="purchase_order_lines",
        division=1234567,
        source_id=source_id,
        source_modified=NOW,
        reasons=("COST_CENTER_MISSING",),
        waiting_for=(("cost_center", "CC12"),),
        amount=Decimal("12.30"),
        currency="EUR",
        document="PO-1",
        run_id="run-1",
        held_at=NOW,
        record={"ID": source_id, "AmountDC": Decimal("12.30"), "Created": "2026-11-01T00:00:00Z"},
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def test_a_hold_comes_back_as_it_was_put(url: str, key: str) -> None:
    one = hold(
        record={
            "Description": "Jansen & Zn. ✓",
            "Quantity": Decimal("1.000"),
            "Price": Decimal("1E-7"),
            "Long": 12345678901234567890123,
            "Date": "2026-11-01",
            "None": None,
            "Lines": [{"deep": True}],
        }
    )
    with Store.open(url, key) as store:
        assert store.holds.put([one]) == 1
    with Store.open(url, key) as store:
        (found,) = store.holds.open()
    assert found == one
    assert str(found.record["Quantity"]) == "1.000"
    assert list(found.record) == list(one.record)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), _json, max_size=4))
def test_any_json_record_comes_back_exactly(store: Store, record: dict[str, Any]) -> None:
    store.holds.settle([(*hold().key, None)])
    store.holds.put([hold(record=record)])
    (found,) = store.holds.open()
    assert found.record == record


def test_a_newer_version_replaces_the_older_one(store: Store) -> None:
    store.holds.put([hold()])
    newer = hold(source_modified=NOW + HOUR, amount=Decimal(99), run_id="run-2", held_at=NOW + HOUR)
    assert store.holds.put([newer]) == 1
    assert list(store.holds.open()) == [newer]


def test_an_older_version_that_arrives_late_is_ignored(store: Store) -> None:
    store.holds.put([hold()])
    assert store.holds.put([hold(source_modified=NOW - HOUR, amount=Decimal(99))]) == 0
    assert list(store.holds.open()) == [hold()]


def test_the_same_version_again_changes_nothing(store: Store) -> None:
    store.holds.put([hold()])
    assert store.holds.put([hold(run_id="run-2", held_at=NOW + HOUR)]) == 0
    assert list(store.holds.open()) == [hold()]


def test_the_same_version_with_other_reasons_keeps_its_place_in_the_queue(store: Store) -> None:
    store.holds.put([hold()])
    again = hold(
        reasons=("COST_CENTER_INACTIVE",), waiting_for=(), run_id="run-2", held_at=NOW + HOUR
    )
    assert store.holds.put([again]) == 1
    assert list(store.holds.open()) == [hold(reasons=("COST_CENTER_INACTIVE",), waiting_for=())]


def test_versions_of_one_record_within_one_call_follow_the_same_rules(store: Store) -> None:
    newer = hold(source_modified=NOW + HOUR)
    store.holds.put([hold(), newer, hold(source_modified=NOW - HOUR)])
    assert list(store.holds.open()) == [newer]


def test_the_same_id_in_another_stream_or_division_is_another_record(store: Store) -> None:
    holds = [hold(), hold(division=2), hold(stream="purchase_entry_lines")]
    assert store.holds.put(holds) == 3
    assert {each.key for each in store.holds.open()} == {each.key for each in holds}
    assert [h.division for h in store.holds.open(division=2)] == [2]
    assert [h.stream for h in store.holds.open(stream="purchase_entry_lines")] == [
        "purchase_entry_lines"
    ]


def test_a_released_hold_is_no_longer_open_but_not_forgotten(store: Store) -> None:
    store.holds.put([hold(), hold("guid-2")])
    assert store.holds.release([hold().key], "run-2") == 1
    assert store.holds.release([hold().key], "run-3") == 0
    assert [each.source_id for each in store.holds.open()] == ["guid-2"]
    assert list(store.holds.released()) == [hold()]


def test_releasing_what_is_not_there_does_nothing(store: Store) -> None:
    assert store.holds.release([("s", 1, "x")], "run-1") == 0
    assert store.holds.release([], "run-1") == 0


def test_a_released_version_put_again_is_open_again(store: Store) -> None:
    store.holds.put([hold()])
    store.holds.release([hold().key], "run-2")
    assert store.holds.put([hold(run_id="run-3")]) == 1
    assert list(store.holds.open()) == [hold(run_id="run-3")]
    assert list(store.holds.released()) == []


def test_settling_forgets_up_to_the_version_given(store: Store) -> None:
    store.holds.put([hold("a"), hold("b"), hold("c"), hold("d", source_modified=None)])
    store.holds.release([hold("a").key], "run-2")
    settled = store.holds.settle(
        [
            (*hold("a").key, NOW),
            (*hold("b").key, NOW - HOUR),  # a later version waits: it stays
            (*hold("c").key, None),
            (*hold("d").key, NOW),
        ]
    )
    assert settled == 3
    assert [each.source_id for each in store.holds.open()] == ["b"]
    assert list(store.holds.released()) == []


def test_releasing_while_reading_reaches_every_hold(store: Store) -> None:
    store.holds.put([hold(f"guid-{n:04}") for n in range(1201)])
    for each in store.holds.open():
        store.holds.release([each.key], "run-2")
    assert list(store.holds.open()) == []
    assert sum(1 for _ in store.holds.released()) == 1201


def test_the_summary_counts_holds_and_adds_amounts_per_cause(store: Store) -> None:
    store.holds.put(
        [
            hold("a"),
            hold("b", amount=Decimal("0.10")),
            hold("c", currency="GBP"),
            hold("d", amount=None, division=2),
            hold(
                "e",
                reasons=("GL_ACCOUNT_MISSING", "COST_CENTER_MISSING"),
                waiting_for=(("gl_account", "4000"), ("cost_center", "CC99")),
            ),
            hold("f", reasons=("AMOUNT_MISMATCH",), waiting_for=()),
            hold("g"),
        ]
    )
    store.holds.release([hold("g").key], "run-2")
    assert store.holds.summary(1234567) == [
        Waiting(
            "COST_CENTER_MISSING",
            "cost_center",
            "CC12",
            3,
            {"EUR": Decimal("12.40"), "GBP": Decimal("12.30")},
        ),
        Waiting("AMOUNT_MISMATCH", None, None, 1, {"EUR": Decimal("12.30")}),
        Waiting("COST_CENTER_MISSING", "cost_center", "CC99", 1, {"EUR": Decimal("12.30")}),
        Waiting("GL_ACCOUNT_MISSING", "gl_account", "4000", 1, {"EUR": Decimal("12.30")}),
    ]
    assert store.holds.summary()[0].holds == 4
    assert (store.holds.count(), store.holds.count(2)) == (6, 1)


@pytest.mark.parametrize(
    ("reasons", "waiting_for", "expected"),
    [
        (
            ("GL_ACCOUNT_UNDERIVABLE",),
            (("item", "BOX"),),
            [("GL_ACCOUNT_UNDERIVABLE", "item", "BOX")],
        ),
        (
            ("GL_ACCOUNT_UNDERIVABLE", "COST_CENTER_REQUIRED"),
            (("supplier", "V-1"),),
            [("GL_ACCOUNT_UNDERIVABLE", "supplier", "V-1"), ("COST_CENTER_REQUIRED", None, None)],
        ),
        (
            ("GL_ACCOUNT_UNDERIVABLE", "COST_CENTER_MISSING"),
            (("item", "BOX"), ("cost_center", "CC12"), ("item", "BOX")),
            [
                ("GL_ACCOUNT_UNDERIVABLE", "item", "BOX"),
                ("COST_CENTER_MISSING", "cost_center", "CC12"),
            ],
        ),
        (("DIVISION_MISMATCH",), (), [("DIVISION_MISMATCH", None, None)]),
    ],
)
def test_an_item_without_account_is_what_an_underivable_line_waits_for(
    store: Store,
    reasons: tuple[str, ...],
    waiting_for: tuple[tuple[str, str], ...],
    expected: list[tuple[str, str | None, str | None]],
) -> None:
    held = hold(reasons=reasons, waiting_for=waiting_for)
    assert list(held.causes) == expected
    store.holds.put([held])
    found = [(each.reason, each.dimension, each.code) for each in store.holds.summary()]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert {each.holds for each in store.holds.summary()} == {1}


def test_without_a_key_holds_are_refused_and_the_summary_still_works(url: str, key: str) -> None:
    with Store.open(url, key) as store:
        store.holds.put([hold()])
    with Store.open(url) as store:
        with pytest.raises(StoreKeyMissing, match="s2p key"):
            store.holds.put([hold()])
        with pytest.raises(StoreKeyMissing):
            store.holds.put([])
        with pytest.raises(StoreKeyMissing):
            store.holds.open()
        assert store.holds.summary()[0].holds == 1


def test_nothing_personal_lies_in_clear_or_shows_in_repr(key: str, sqlite_path: Path) -> None:
    one = hold(record={"AccountName": "Pieter Jansen"}, amount=Decimal("31415.92"))
    with Store.open(f"sqlite:///{sqlite_path}", key) as store:
        store.holds.put([one])
        written = b"".join(each.read_bytes() for each in sqlite_path.parent.iterdir())
    assert b"Jansen" not in written
    assert "Jansen" not in repr(one)
    assert "31415" not in repr(one)


def test_a_record_that_is_not_json_is_refused_with_the_whole_call(store: Store) -> None:
    with pytest.raises(StoreDataInvalid):
        store.holds.put([hold("a"), hold("b", record={"x": NOW})])
    assert list(store.holds.open()) == []


def test_release_is_dated(store: Store, clock: Clock) -> None:
    store.holds.put([hold()])
    clock.advance(hours=2)
    store.holds.release([hold().key], "run-2")
    with store._database.reading() as connection:
        row = connection.exec_driver_sql("SELECT released_run_id, released_at FROM s2p_hold").one()
    assert tuple(row) == ("run-2", "2026-11-23T06:45:00.000000Z")


# --- versioning, without a database ---------------------------------------------------------

_reasons = st.sampled_from([("A",), ("B",), ("A", "B")])
_dated = st.builds(
    Known,
    st.integers(0, 5).map(lambda hours: NOW + hours * HOUR),
    _reasons,
    st.just(()),
)
_known = _dated | st.builds(Known, st.none(), _reasons, st.just(()))


def play(versions: list[Known]) -> Known | None:
    there: Known | None = None
    for new in versions:
        if decide(there, new) is not Put.IGNORE:
            there = new
    return there


@given(st.lists(_dated, min_size=1))
def test_the_newest_version_wins_whatever_the_order(versions: list[Known]) -> None:
    kept = play(versions)
    assert kept is not None
    assert kept.source_modified == max(each.source_modified for each in versions)  # type: ignore[type-var]


@given(st.lists(_dated))
def test_putting_everything_twice_is_putting_it_once(versions: list[Known]) -> None:
    last = play(versions)
    if last is not None:
        assert decide(last, last) is Put.IGNORE


@given(_known, _known)
def test_an_older_version_never_replaces_a_newer_one(there: Known, new: Known) -> None:
    if (
        there.source_modified is not None
        and new.source_modified is not None
        and new.source_modified < there.source_modified
    ):
        assert decide(there, new) is Put.IGNORE
        assert decide(dataclasses.replace(there, released=True), new) is Put.IGNORE


@given(_known)
def test_a_version_without_a_time_is_never_lost(there: Known) -> None:
    assert decide(there, Known(None, ("A",), ())) is Put.REPLACE


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)
@given(st.lists(st.lists(st.tuples(st.sampled_from("ab"), _known), max_size=4), max_size=5))
def test_the_store_follows_the_rules_however_versions_are_batched(
    store: Store, calls: list[list[tuple[str, Known]]]
) -> None:
    store.holds.settle([(*hold("a").key, None), (*hold("b").key, None)])
    expected: dict[str, Known] = {}
    for call in calls:
        store.holds.put(
            [
                hold(source_id, source_modified=each.source_modified, reasons=each.reasons)
                for source_id, each in call
            ]
        )
        for source_id, each in call:
            if decide(expected.get(source_id), each) is not Put.IGNORE:
                expected[source_id] = each
    found = {
        each.source_id: Known(each.source_modified, each.reasons, ()) for each in store.holds.open()
    }
    assert found == expected


def test_a_waiver_holds_for_the_version_that_waits(store: Store) -> None:
    store.holds.put([hold(), hold("guid-2")])
    waiver = Waiver("Ina", "credit note is on its way", NOW, ("AMOUNT_MISMATCH",))
    assert store.holds.waive([hold().key, ("no", 1, "such")], waiver) == 1
    found = {each.source_id: each.waiver for each in store.holds.open()}
    assert found == {"guid-1": waiver, "guid-2": None}
    store.holds.put([hold(reasons=("GL_ACCOUNT_MISSING",))])
    assert next(iter(store.holds.open())).waiver == waiver, "other reasons, the same version"
    store.holds.release([hold().key], "run-2")
    assert [each.waiver for each in store.holds.released()] == [waiver]
    store.holds.put([hold(source_modified=NOW + HOUR)])
    assert {each.waiver for each in store.holds.open()} == {None}


def test_records_are_found_by_their_keys_whether_open_or_released(store: Store) -> None:
    holds = [hold(f"g{number}") for number in range(1_100)]
    store.holds.put(holds)
    store.holds.release([holds[3].key], "run-2")
    wanted = [holds[1_050].key, holds[3].key, holds[3].key, ("accounts", 1, "nothing")]
    assert [found.source_id for found in store.holds.find(wanted)] == ["g1050", "g3"]
    assert len(store.holds.find(each.key for each in holds)) == len(holds)
    assert store.holds.find([]) == []
