# ruff: noqa: ANN001 - fixtures stand in conftest.py
"""What is gone where Exact tells of no deletion."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from s2p_sandbox.faults import Fault
from tap_exactonline.key_set import KeySet

if TYPE_CHECKING:
    import pytest

CENTERS = "hrm/Costcenters"
ENTRIES = "purchaseentry/PurchaseEntries"
WEEK = 7 * 86_400
GUIDS = st.sets(st.integers(0, 2**128 - 1).map(lambda number: str(uuid.UUID(int=number))))


@given(GUIDS, GUIDS)
def test_a_key_set_is_a_set(first: set[str], second: set[str]) -> None:
    own, other = KeySet([*first, *first, "no GUID", "abcd"]), KeySet(second)
    assert list(own) == sorted(first)
    assert len(own) == len(first)
    assert own.minus(other) == sorted(first - second)
    again = KeySet.unpacked(own.packed())
    assert again is not None
    assert list(again) == sorted(first)


def test_what_is_no_key_set_is_none() -> None:
    assert KeySet.unpacked(b"") is None
    assert KeySet.unpacked(b"junk") is None


def _centers(runner, rows, count: int) -> None:
    runner.exact.store.load_mixed(rows.many(CENTERS, 5, count, Division=101, Code="C"), 101)


def _gone(output) -> list[tuple[str, str]]:
    return [(one["EntityName"], one["EntityKey"]) for one in output.records("deletions")]


def test_reference_data_that_is_gone_is_told_by_the_next_run(runner, rows) -> None:
    _centers(runner, rows, 5)
    first = runner.run("cost_centers", "deletions")
    assert _gone(first) == []
    runner.exact.store.delete(CENTERS, 101, rows.guid(5, 3))
    second = runner.run("cost_centers", "deletions", state=first.state)
    assert _gone(second) == [("Costcenters", rows.guid(5, 3))]
    assert second.records("deletions")[0]["EntityType"] is None
    assert _gone(runner.run("cost_centers", "deletions", state=second.state)) == []


def test_it_is_told_again_until_a_state_covers_it(runner, rows) -> None:
    _centers(runner, rows, 5)
    first = runner.run("cost_centers", "deletions")
    runner.exact.store.delete(CENTERS, 101, rows.guid(5, 3))
    told = runner.run("cost_centers", "deletions", state=first.state)
    lost = runner.run("cost_centers", "deletions", state=first.state)
    assert _gone(told) == _gone(lost) == [("Costcenters", rows.guid(5, 3))]
    assert _gone(runner.run("cost_centers", "deletions", state=lost.state)) == []


def test_what_comes_back_is_not_told_any_more(runner, rows) -> None:
    _centers(runner, rows, 5)
    first = runner.run("cost_centers", "deletions")
    runner.exact.store.delete(CENTERS, 101, rows.guid(5, 3))
    runner.run("cost_centers", "deletions", state=first.state)
    _centers(runner, rows, 5)
    assert _gone(runner.run("cost_centers", "deletions", state=first.state)) == []


def test_entries_are_swept_after_some_days_and_not_before(runner, rows) -> None:
    """One deleted, and one that was made and deleted in between."""
    runner.exact.switches.set(refresh_token_days=1000)
    runner.exact.store.load_mixed(rows.entries(70))
    first = runner.run("purchase_entries", "deletions")
    runner.exact.store.load_mixed(rows.entries(1, first=90))
    runner.exact.store.delete(ENTRIES, 101, rows.guid(1, 3))
    second = runner.run("purchase_entries", "deletions", state=first.state)
    assert _gone(second) == []
    runner.exact.store.delete(ENTRIES, 101, rows.guid(1, 90))
    runner.exact.clock.advance(WEEK)
    third = runner.run("purchase_entries", "deletions", state=second.state)
    assert _gone(third) == [
        ("PurchaseEntries", rows.guid(1, 3)),
        ("PurchaseEntries", rows.guid(1, 90)),
    ]
    assert third.records("purchase_entries") == []
    assert _gone(runner.run("purchase_entries", "deletions", state=third.state)) == []


def test_no_sweep_where_none_is_wanted(runner, rows) -> None:
    runner.exact.store.load_mixed(rows.entries(3))
    first = runner.run("purchase_entries", "deletions", sweep_days=0)
    runner.exact.store.delete(ENTRIES, 101, rows.guid(1, 1))
    runner.exact.clock.advance(3 * WEEK)
    again = runner.run("purchase_entries", "deletions", state=first.state, sweep_days=0)
    assert _gone(again) == []


def test_half_of_everything_is_not_believed_at_once(
    runner, rows, caplog: pytest.LogCaptureFixture
) -> None:
    _centers(runner, rows, 30)
    first = runner.run("cost_centers", "deletions")
    for number in range(20):
        runner.exact.store.delete(CENTERS, 101, rows.guid(5, number))
    second = runner.run("cost_centers", "deletions", state=first.state)
    assert _gone(second) == []
    assert "20 of the cost_centers of division 101" in caplog.text
    third = runner.run("cost_centers", "deletions", state=second.state)
    assert len(_gone(third)) == 20


def test_a_read_that_was_cut_short_tells_of_nothing(runner, rows) -> None:
    _centers(runner, rows, 130)
    first = runner.run("cost_centers", "deletions")
    runner.exact.faults.add(Fault("html", match="Costcenters", after=1))
    second = runner.run("cost_centers", "deletions", state=first.state)
    assert second.error is not None
    assert _gone(second) == []
    third = runner.run("cost_centers", "deletions", state=second.state or first.state)
    assert _gone(third) == []


def test_a_stream_that_was_refused_is_not_swept_and_disturbs_no_other(runner, rows) -> None:
    streams = ("purchase_invoices", "purchase_entries", "deletions")
    runner.exact.switches.set(refresh_token_days=1000)
    runner.exact.store.load_mixed(rows.entries(3))
    first = runner.run(*streams)
    runner.exact.store.delete(ENTRIES, 101, rows.guid(1, 1))
    runner.exact.clock.advance(WEEK)
    runner.exact.switches.set(purchase_module=False)
    second = runner.run(*streams, state=first.state)
    assert _gone(second) == [("PurchaseEntries", rows.guid(1, 1))]
    assert "deletions" not in str(second.error)
