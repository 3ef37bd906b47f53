from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_exactonline.bookmarks import (
    ModifiedRead,
    align,
    follow,
    instant_text,
    parse_instant,
)

START = datetime(2026, 3, 1, tzinfo=timezone.utc)
OVERLAP = timedelta(seconds=120)


def _text(second: int) -> str:
    return instant_text(START + timedelta(seconds=second))


ROWS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 600), max_size=8)


@given(st.lists(ROWS, min_size=1, max_size=4), st.integers(0, 700))
def test_a_finished_read_never_moves_beyond_its_start_or_its_rows(pages, began: int) -> None:  # noqa: ANN001
    state: dict[str, Any] = {}
    read = ModifiedRead(state, overlap=OVERLAP, start=None)
    for page in pages:
        rows = [(key, _text(second)) for key, second in page.items()]
        read.page_done(rows, START + timedelta(seconds=began), "q", "next")
        assert "replication_key_value" not in state
    read.finish()
    seconds = [second for page in pages for second in page.values()]
    if not seconds:
        assert state == {}
        return
    assert state["replication_key_value"] == _text(min(max(seconds), began))
    assert "resume" not in state


@given(ROWS, ROWS)
def test_two_reads_emit_every_version_exactly_once(before, after) -> None:  # noqa: ANN001
    """The second run sees changes that came late, and nothing that did not change."""
    state: dict[str, Any] = {}
    first = ModifiedRead(state, overlap=timedelta(days=1), start=None)
    rows = [(key, _text(second)) for key, second in before.items()]
    first.page_done(rows, START + timedelta(hours=1), "q", None)
    first.finish()
    second = ModifiedRead(state, overlap=timedelta(days=1), start=None)
    now = {**before, **after}
    new = {key for key, seconds in now.items() if second.is_new(key, _text(seconds))}
    assert new == {key for key, seconds in now.items() if before.get(key) != seconds}


def test_an_interrupted_read_goes_on_only_with_the_same_question() -> None:
    state: dict[str, Any] = {}
    read = ModifiedRead(state, overlap=OVERLAP, start=None)
    read.page_done([("a", _text(5))], START + timedelta(seconds=7), "query", "link")
    again = ModifiedRead(dict(state), overlap=OVERLAP, start=None)
    assert again.resume_link("query") == "link"
    again.page_done([("b", _text(1))], START + timedelta(days=1), "query", None)
    again.finish()
    assert again._state["replication_key_value"] == _text(5)
    assert ModifiedRead(state, overlap=OVERLAP, start=None).resume_link("other") is None
    assert "resume" not in state


def test_the_state_does_not_grow_with_the_rows() -> None:
    state: dict[str, Any] = {}
    read = ModifiedRead(state, overlap=OVERLAP, start=None)
    read.page_done([(str(n), _text(1)) for n in range(5000)], START + OVERLAP, "q", "link")
    read.finish()
    assert len(state["recent"]) == 200


@pytest.mark.parametrize(
    ("headers", "lines", "start"),
    [
        ({}, {}, None),
        ({"replication_key_value": "b", "recent": {}}, {}, None),
        ({"replication_key_value": "b"}, {"replication_key_value": "a"}, "a"),
        ({"replication_key_value": "b"}, {"replication_key_value": "b"}, "b"),
        ({"replication_key_value": "b"}, {"replication_key_value": "c"}, "b"),
    ],
)
def test_headers_start_where_their_lines_are(headers, lines, start) -> None:  # noqa: ANN001
    align(headers, lines)
    assert headers.get("replication_key_value") == start
    follow(headers, lines)
    assert start is None or lines["replication_key_value"] == start


def test_dates_with_and_without_zone() -> None:
    assert parse_instant("2026-03-01") == START
    assert parse_instant("2026-03-01T01:00:00+01:00") == START
    assert parse_instant("2026-03-01T00:00:00Z") == START
