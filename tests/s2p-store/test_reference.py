from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from s2p_store import Store, StoreDataInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conftest import Clock, Work

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
HERE = ("servicenow", "EXACT-1", "cmn_cost_center")


def test_rows_come_back_in_order_and_exactly_from_another_opening(url: str) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "b", "rate": Decimal("1.10")},
        {"id": "a", "name": "Füße"},
        {"no": "id"},
    ]
    with Store.open(url) as store:
        assert store.reference.save(*HERE, rows, at=NOW) == 3
    with Store.open(url) as store:
        assert store.reference.load(*HERE) == rows
        assert store.reference.saved_at(*HERE) == NOW


def test_saving_puts_the_new_rows_in_place_of_all_old_ones(store: Store, clock: Clock) -> None:
    store.reference.save(*HERE, [{"id": "a"}, {"id": "b"}], at=NOW)
    store.reference.save(*HERE, [{"id": "c"}])
    assert store.reference.load(*HERE) == [{"id": "c"}]
    assert store.reference.saved_at(*HERE) == clock.now


def test_duplicates_are_kept_for_the_mapper_to_report(store: Store) -> None:
    rows = [{"id": "a", "n": 1}, {"id": "a", "n": 2}]
    store.reference.save(*HERE, rows, at=NOW)
    assert store.reference.load(*HERE) == rows


def test_an_empty_snapshot_differs_from_none(store: Store) -> None:
    assert store.reference.saved_at(*HERE) is None
    store.reference.save(*HERE, [], at=NOW)
    assert store.reference.load(*HERE) == []
    assert store.reference.saved_at(*HERE) == NOW


def test_snapshots_are_apart_by_system_scope_and_entity(store: Store) -> None:
    for place in (HERE, ("exact", *HERE[1:]), (HERE[0], "EXACT-2", HERE[2]), (*HERE[:2], "gl")):
        store.reference.save(*place, [{"id": ".".join(place)}], at=NOW)
    store.reference.save(*HERE, [], at=NOW)
    assert store.reference.load("exact", *HERE[1:]) == [{"id": "exact.EXACT-1.cmn_cost_center"}]
    assert store.reference.load(*HERE[:2], "gl") == [{"id": "servicenow.EXACT-1.gl"}]


def test_merging_replaces_by_id_and_adds_the_rest(store: Store) -> None:
    store.reference.save(*HERE, [{"id": 1, "n": 1}, {"id": 2, "n": 2}, {"id": 3, "n": 3}], at=NOW)
    later = NOW + timedelta(1)
    merged = [{"id": 2, "n": 0}, {"id": 4, "n": 4}, {"id": 2, "n": 22}]
    assert store.reference.merge(*HERE, merged, at=later) == 2
    assert store.reference.load(*HERE) == [
        {"id": 1, "n": 1},
        {"id": 3, "n": 3},
        {"id": 2, "n": 22},
        {"id": 4, "n": 4},
    ]
    assert store.reference.saved_at(*HERE) == later


def test_merging_into_nothing_saves(store: Store) -> None:
    store.reference.merge(*HERE, [{"id": "a"}], at=NOW)
    assert store.reference.load(*HERE) == [{"id": "a"}]


def test_merging_the_same_twice_is_merging_it_once(store: Store) -> None:
    store.reference.merge(*HERE, [{"id": "a"}, {"id": "b"}], at=NOW)
    store.reference.merge(*HERE, [{"id": "a"}, {"id": "b"}], at=NOW)
    assert store.reference.load(*HERE) == [{"id": "a"}, {"id": "b"}]


def test_a_row_to_be_merged_needs_an_id(store: Store) -> None:
    with pytest.raises(StoreDataInvalid, match="cmn_cost_center"):
        store.reference.merge(*HERE, [{"id": "a"}, {"code": "x"}], at=NOW)
    assert store.reference.load(*HERE) == []


@pytest.mark.parametrize("method", ["save", "merge"])
def test_rows_that_break_off_leave_the_old_snapshot(store: Store, method: str) -> None:
    store.reference.save(*HERE, [{"id": "old"}], at=NOW)

    def rows() -> Iterator[Mapping[str, Any]]:
        yield {"id": "new"}
        raise ConnectionError

    with pytest.raises(ConnectionError):
        getattr(store.reference, method)(*HERE, rows(), at=NOW + timedelta(1))
    assert store.reference.load(*HERE) == [{"id": "old"}]
    assert store.reference.saved_at(*HERE) == NOW


def test_any_mapping_is_a_row(store: Store) -> None:
    row = MappingProxyType({"id": "a", "inner": MappingProxyType({"b": 1})})
    store.reference.save(*HERE, [row], at=NOW)
    assert store.reference.load(*HERE) == [{"id": "a", "inner": {"b": 1}}]


def test_merging_costs_the_same_however_much_lies_there(sqlite_store: Store, work: Work) -> None:
    def cost(size: int) -> int:
        place = ("exact", str(size), "items")
        sqlite_store.reference.save(*place, [{"id": f"guid-{n}"} for n in range(size)], at=NOW)
        with work(sqlite_store) as steps:
            for n in range(20):
                sqlite_store.reference.merge(*place, [{"id": f"new-{n}"}, {"id": f"guid-{n}"}])
        return len(steps)

    few, many = cost(100), cost(10_000)
    assert many <= few * 1.5
