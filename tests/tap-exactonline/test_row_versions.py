from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_exactonline.row_versions import VersionRead, forget_if_stale, generation_of

TODAY = date(2026, 3, 2)
VERSIONS = st.lists(st.integers(2, 400), unique=True, max_size=120)


@given(st.lists(st.lists(st.integers(2, 50), max_size=5), max_size=5))
def test_row_versions_move_only_while_they_come_in_order(pages) -> None:  # noqa: ANN001
    state: dict[str, Any] = {}
    read = VersionRead(state)
    seen: list[int] = []
    for number, page in enumerate(pages):
        read.page_done(page)
        seen += page
        rest = [version for later in pages[number + 1 :] for version in later]
        if seen == sorted(set(seen)) and seen:
            assert state["replication_key_value"] == max(seen)
        elif all(version > max(seen, default=0) for version in rest):
            continue
    read.finish(TODAY)
    assert state.get("replication_key_value") == (max(seen) if seen else None)


@given(VERSIONS, st.sets(st.integers(0, 119), max_size=10), st.integers(1, 30))
def test_rows_seen_late_are_new_and_no_other_row_is(versions, late, size) -> None:  # noqa: ANN001
    """The first read misses some of the last hundred rows, the second sees all."""
    everything = sorted(versions)
    missing = {version for place, version in enumerate(everything[-100:]) if place in late}
    state: dict[str, Any] = {}
    first = VersionRead(state)
    visible = [version for version in everything if version not in missing]
    for start in range(0, len(visible), size):
        first.page_done(visible[start : start + size])
    first.finish(TODAY)
    second = VersionRead(state)
    new = {v for v in everything if v > second.after and second.is_new(v)}
    assert new == missing
    second.page_done([v for v in everything if v > second.after])
    second.finish(TODAY)
    third = VersionRead(state)
    assert not [v for v in everything if v > third.after and third.is_new(v)]


def test_rows_that_wait_keep_the_bookmark_back() -> None:
    state: dict[str, Any] = {}
    read = VersionRead(state)
    read.page_done([5, 6], complete=False)
    assert state == {}
    read.page_done([7])
    assert state["replication_key_value"] == 7


@given(st.lists(st.integers(2, 10**12), unique=True, max_size=400))
def test_the_state_does_not_grow_with_the_rows(versions) -> None:  # noqa: ANN001
    state: dict[str, Any] = {}
    read = VersionRead(state)
    read.page_done(versions)
    read.finish(TODAY)
    assert len(state.get("overlap", {}).get("seen", "").split()) <= 100


@pytest.mark.parametrize(
    "overlap", [None, {}, {"after": 3}, {"after": "3", "seen": ""}, {"after": 3, "seen": "x"}]
)
def test_an_overlap_that_cannot_be_read_is_none(overlap) -> None:  # noqa: ANN001
    read = VersionRead({"replication_key_value": 9, "overlap": overlap})
    assert read.after == 9
    assert not read.is_new(9)
    assert read.is_new(10)


def test_a_move_forgets_row_versions_once() -> None:
    state = {"replication_key_value": 17, "overlap": {"after": 3, "seen": ""}}
    assert forget_if_stale(state, generation_of({}), TODAY) is None
    assert forget_if_stale(state, None, TODAY) is None
    moved = generation_of({"DivisionMoveDate": "/Date(1)/"})
    assert "moved" in (forget_if_stale(state, moved, TODAY) or "")
    assert forget_if_stale(state, moved, TODAY) is None
    assert state == {"generation": moved}


def test_two_months_of_silence_forget_row_versions() -> None:
    state: dict[str, Any] = {}
    read = VersionRead(state)
    read.page_done([7])
    read.finish(TODAY)
    assert forget_if_stale(state, None, date(2026, 4, 29)) is None
    assert state["replication_key_value"] == 7
    assert "two months" in (forget_if_stale(state, None, date(2026, 4, 30)) or "")
    assert state == {"replication_key": "Timestamp"}
